local clock = require "jig.clock"
local port = require "jig.port"
local proc = require "jig.proc"
local task = require "jig.task"

local SHORT <const> = 0.005
local LONG <const> = 60

-- A wait of each kind that gives its argument.
local function wait(value)
  assert(clock.sleep(0.001))
  return value
end

local names = 0

-- Two open ends of a wire in memory.
local function wire()
  names = names + 1
  local address = "pair:task_spec" .. names
  return assert(port.open(address)), assert(port.open(address))
end

-- Closes both when it is closed.
local function both(a, b)
  return setmetatable({}, { __close = function()
    a:close()
    b:close()
  end })
end

local function spawned(f, ...)
  return table.pack(task.spawn(f, ...):join(LONG))
end

describe("jig.task", function()
  describe("spawn and join", function()
    it("give what the function returns, nothing and nil included", function()
      assert.same({ true, n = 1 }, spawned(function() end))
      assert.same({ true, nil, n = 2 }, spawned(function() return nil end))
      assert.same({ true, 1, nil, "x", nil, n = 5 }, spawned(function() return 1, nil, "x", nil end))
      assert.same({ true, "a", "b", n = 3 }, spawned(function(...) return wait(...), (select(2, ...)) end, "a", "b"))
    end)

    it("pass any number of arguments and results", function()
      for _, n in ipairs { 0, 1, 39, 40, 41, 250, 5000 } do
        local values = {}
        for i = 1, n do values[i] = i end
        local results = spawned(function(...)
          wait()
          return ...
        end, table.unpack(values))
        assert.equal(n + 1, results.n)
        table.remove(results, 1)
        results.n = nil
        assert.same(values, results)
      end
    end)

    it("give an error with its traceback, and other error values as they are", function()
      local results = spawned(function()
        wait()
        error("went wrong")
      end)
      assert.is_false(results[1])
      assert.matches("task_spec.lua:%d+: went wrong\nstack traceback:", results[2])
      local object = setmetatable({}, { __tostring = function() return "object" end })
      for _, thrown in ipairs { object, 42, true } do
        assert.same({ false, thrown, n = 2 }, spawned(function() error(thrown) end))
      end
      assert.same({ false, nil, n = 2 }, spawned(function() error() end))
    end)

    it("start a task at the next wait of who spawned it, never before", function()
      local started = false
      local t = task.spawn(function() started = true end)
      assert.is_false(started)
      assert.is_true(t:join(LONG))
      assert.is_true(started)
    end)

    it("run tasks in the order in which they became ready", function()
      local log, tasks = {}, {}
      for i = 1, 5 do
        tasks[i] = task.spawn(function()
          log[#log + 1] = i
          wait()
        end)
      end
      for _, t in ipairs(tasks) do assert(t:join(LONG)) end
      assert.same({ 1, 2, 3, 4, 5 }, log)
    end)

    it("may join twice, and when the task has ended", function()
      local t = task.spawn(function() return 7 end)
      assert.same({ true, 7 }, { t:join() })
      assert.same({ true, 7 }, { t:join(0) })
    end)

    it("end at the limit of join; the task goes on", function()
      local t = task.spawn(function() return wait(clock.sleep(0.02)) end)
      local ok, message, code, limit = t:join(SHORT)
      assert.same({ nil, "timeout", "join" }, { ok, code, limit })
      assert.equal("task:join: the limit 'join' of 0.005 s passed", message)
      assert.same({ true, true }, { t:join(LONG) })
    end)

    it("refuse a second task that joins the same one", function()
      local t = task.spawn(function() clock.sleep(0.02) end)
      local other = task.spawn(function() return t:join() end)
      wait()
      local ok, message = pcall(t.join, t)
      assert.is_false(ok)
      assert.matches("another task is already waiting for this", message)
      assert.same({ true, true }, { other:join(LONG) })
    end)

    it("keep a task that nobody holds until it has ended", function()
      local done = false
      task.spawn(function()
        for _ = 1, 3 do wait() end
        done = true
      end)
      for _ = 1, 20 do
        collectgarbage()
        wait()
      end
      assert.is_true(done)
    end)

    it("close the variables of a task that failed, which may wait", function()
      local closed
      local ok = task.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() closed = wait "closed" end })
        error "bad"
      end):join(LONG)
      assert.is_false(ok)
      assert.equal("closed", closed)
    end)

    it("raise for what is no function", function()
      assert.has_error(function() task.spawn(1) end)
      assert.has_error(function() task.spawn() end)
    end)
  end)

  describe("a wait", function()
    local a, b
    before_each(function() a, b = wire() end)
    after_each(function()
      a:close()
      b:close()
    end)

    -- Everything that waits, each giving "x".
    local waits = {
      sleep = function() return clock.sleep(0.001) and "x" end,
      join = function() return select(2, task.spawn(wait, "x"):join()) end,
      proc = function() return assert(proc.start { "printf", "x" }):wait().stdout end,
      read = function()
        task.spawn(function()
          wait()
          b:write "x"
        end)
        return a:read(1, LONG)
      end,
    }

    -- Everything that may be on the call stack.
    local stacks = {
      ["pcall"] = function(f) return select(2, assert(pcall(f))) end,
      ["a pcall that failed before"] = function(f)
        pcall(error)
        return select(2, assert(pcall(f)))
      end,
      ["xpcall"] = function(f) return select(2, assert(xpcall(f, debug.traceback))) end,
      ["pcall in pcall"] = function(f) return select(3, assert(pcall(pcall, f))) end,
      ["error after the wait"] = function(f)
        local _, thrown = pcall(function() error(f(), 0) end)
        return thrown
      end,
      ["__index"] = function(f) return setmetatable({}, { __index = f }).anything end,
      ["__newindex"] = function(f)
        local value
        setmetatable({}, { __newindex = function() value = f() end }).anything = 1
        return value
      end,
      ["__add"] = function(f) return setmetatable({}, { __add = f }) + 1 end,
      ["__unm"] = function(f) return -setmetatable({}, { __unm = f }) end,
      ["__concat"] = function(f) return "a" .. setmetatable({}, { __concat = f }) end,
      ["__len"] = function(f) return #setmetatable({}, { __len = f }) end,
      ["__call"] = function(f) return setmetatable({}, { __call = f })() end,
      ["__lt"] = function(f) return setmetatable({}, { __lt = f }) < 1 and "x" end,
      ["__le"] = function(f) return setmetatable({}, { __le = f }) <= 1 and "x" end,
      ["__eq"] = function(f) return setmetatable({}, { __eq = f }) == setmetatable({}, {}) and "x" end,
      ["__close"] = function(f)
        local value
        do
          local _ <close> = setmetatable({}, { __close = function() value = f() end })
        end
        return value
      end,
      ["a to-be-closed loop"] = function(f)
        local value
        local ender = setmetatable({}, { __close = function() value = f() end })
        for _ in function() end, nil, nil, ender do end
        return value
      end,
      ["an iterator"] = function(f)
        local last
        local n = 0
        for value in function()
          n = n + 1
          return n <= 3 and f() or nil
        end do last = value end
        return last
      end,
      ["a coroutine"] = function(f)
        local co = coroutine.create(function(...)
          local got = coroutine.yield(...)
          return got .. f()
        end)
        assert.same({ true, 1, 2 }, { coroutine.resume(co, 1, 2) })
        assert.same({ true, "ax" }, { coroutine.resume(co, "a") })
        assert.equal("dead", coroutine.status(co))
        return "x"
      end,
      ["a wrapped generator"] = function(f)
        local collected = ""
        for value in coroutine.wrap(function()
          for _ = 1, 3 do coroutine.yield(f()) end
        end) do collected = collected .. value end
        return collected == "xxx" and "x" or collected
      end,
      ["a coroutine in a coroutine under pcall"] = function(f)
        return coroutine.wrap(function()
          return select(2, pcall(coroutine.wrap(function() return f() end)))
        end)()
      end,
    }

    for kind, f in pairs(waits) do
      for where, through in pairs(stacks) do
        it(("(%s) works under %s"):format(kind, where), function()
          assert.equal("x", through(f))
        end)
      end
    end

    -- What cannot be suspended, each running f.
    local refusals = {
      ["table.sort"] = function(f) table.sort({ 1, 2, 3 }, function() f() return false end) end,
      ["string.gsub"] = function(f) ("abc"):gsub(".", f) end,
      ["a coroutine in table.sort"] = function(f)
        table.sort({ 1, 2, 3 }, function()
          coroutine.wrap(f)()
          return false
        end)
      end,
      ["a coroutine in a coroutine in string.gsub"] = function(f)
        ("abc"):gsub(".", function() coroutine.wrap(function() coroutine.wrap(f)() end)() end)
      end,
      ["load"] = function(f)
        local _, _, message = pcall(load, function() return f() and nil end) -- load gives what its reader throws
        error(message, 0)
      end,
      ["a finalizer"] = function(f)
        local thrown
        setmetatable({}, { __gc = function()
          local ok, message = pcall(f)
          thrown = not ok and message
        end })
        collectgarbage()
        collectgarbage()
        error(thrown or "nothing was thrown", 0)
      end,
      ["coroutine.close"] = function(f)
        local thrown
        local co = coroutine.create(function()
          local _ <close> = setmetatable({}, { __close = function()
            local ok, message = pcall(f)
            thrown = not ok and message
          end })
          coroutine.yield()
        end)
        coroutine.resume(co)
        coroutine.close(co)
        error(thrown or "nothing was thrown", 0)
      end,
    }

    for kind, f in pairs(waits) do
      for where, through in pairs(refusals) do
        it(("(%s) is refused with a clear message in %s, and works after it"):format(kind, where), function()
          local ok, message = pcall(through, f)
          assert.is_false(ok)
          assert.matches("cannot wait here: a C function that cannot be suspended", message)
          -- what it began may still be under way
          if kind == "read" then
            wait()
            wait()
            a:discard()
          end
          assert.equal("x", f())
        end)
      end
    end

    it("that need not wait works everywhere", function()
      local got
      b:write "yz"
      wait()
      table.sort({ 1, 2 }, function()
        got = got or a:read(2, LONG)
        return false
      end)
      assert.equal("yz", got)
    end)
  end)

  describe("two tasks", function()
    it("on one direction of a port are an error, not a race", function()
      local a, b = wire()
      local _ <close> = both(a, b)
      local first = task.spawn(function() return a:read(1, LONG) end)
      wait()
      for _, operation in ipairs {
        function() return a:read(1) end,
        function() return a:read_some() end,
        function() return a:read_until "x" end,
      } do
        local ok, message = pcall(operation)
        assert.is_false(ok)
        assert.matches("another task is already waiting for this", message)
      end
      b:write "1"
      assert.same({ true, "1" }, { first:join(LONG) })
    end)

    it("on one direction are an error also when the first is ready and was not resumed yet", function()
      local a, b = wire()
      local c, d = wire()
      local _ <close> = both(a, b)
      local _ <close> = both(c, d)
      local first = task.spawn(function() return a:read(2, LONG) end)
      local second = task.spawn(function()
        c:read(1, LONG)
        return pcall(a.read, a, 1, 0)
      end)
      wait()
      d:write "x" -- both become ready in one pass of the loop, the second before the first
      b:write "1"
      local _, fine, message = second:join(LONG)
      assert.is_false(fine)
      assert.matches("another task is already waiting for this", message)
      b:write "2"
      assert.same({ true, "12" }, { first:join(LONG) })
    end)

    it("on the two directions of a port do not meet", function()
      local a, b = wire()
      local _ <close> = both(a, b)
      local reader = task.spawn(function() return a:read(1, LONG) end)
      wait()
      assert.is_true(a:write("x", LONG))
      assert.equal("x", b:read(1, LONG))
      b:write "y"
      assert.same({ true, "y" }, { reader:join(LONG) })
    end)
  end)

  describe("interrupt", function()
    it("ends the current wait and each that follows", function()
      local t = task.spawn(function()
        local codes = { (select(3, clock.sleep(LONG))) }
        codes[2] = select(3, clock.sleep(LONG))
        codes[3] = task.interrupted()
        return table.unpack(codes)
      end)
      wait()
      t:interrupt()
      assert.same({ true, "interrupted", "interrupted", 1 }, { t:join(LONG) })
    end)

    it("reaches a task that has not started, and one that is ready", function()
      local t = task.spawn(function() return select(3, clock.sleep(LONG)) end)
      t:interrupt()
      assert.same({ true, "interrupted" }, { t:join(LONG) })
      local a, b = wire()
      local _ <close> = both(a, b)
      t = task.spawn(function()
        local first = a:read(1, LONG)
        return first, select(3, a:read(1, LONG))
      end)
      wait()
      local writer = task.spawn(function()
        b:write "x"
        t:interrupt()
        t:interrupt()
      end)
      assert.is_true(writer:join(LONG))
      local ok, first, code = t:join(LONG)
      assert.is_true(ok)
      assert.equal("interrupted", first == nil and "interrupted" or code)
    end)

    it("leaves what is there to be read", function()
      local a, b = wire()
      local _ <close> = both(a, b)
      local t = task.spawn(function() return select(3, a:read(2, LONG)) end)
      wait()
      b:write "x"
      t:interrupt()
      assert.same({ true, "interrupted" }, { t:join(LONG) })
      assert.equal("x", a:read(1, LONG))
    end)

    it("is harmless when the task has ended", function()
      local t = task.spawn(function() end)
      t:join()
      t:interrupt()
      t:interrupt()
      assert.same({ true }, { t:join() })
    end)

    it("counts", function()
      assert.equal(0, task.interrupted())
      local t = task.spawn(function()
        clock.sleep(LONG)
        return task.interrupted()
      end)
      t:interrupt()
      t:interrupt()
      assert.same({ true, 2, true }, { t:join(LONG) })
    end)

    it("knows whether a wait failed for it: not where it came after the last, or inside a shield", function()
      local function stopped_after(f)
        local t = task.spawn(function()
          f()
          return select(2, task.interrupted())
        end)
        clock.sleep(0)
        t:interrupt()
        return select(2, t:join(LONG))
      end
      assert.is_false(select(2, task.interrupted()))
      assert.is_true(stopped_after(function() clock.sleep(LONG) end))
      assert.is_false(stopped_after(function()
        local shield <close> = task.shield("s", LONG)
        clock.sleep(0.01)
      end))
    end)
  end)

  describe("turn", function()
    -- What a task sees of another that has so many turns.
    local function others_turns(n)
      local seen, over = 0, false
      local other = task.spawn(function()
        while not over do
          seen = seen + 1
          task.turn()
        end
      end)
      for _ = 1, n do task.turn() end
      over = true
      assert(other:join(LONG))
      return seen
    end

    it("is each one's in its order, however long it takes", function()
      assert.same({ true, 5 }, { task.spawn(others_turns, 5):join(LONG) })
    end)

    it("is a round of the loop outside any task", function()
      local a, b = wire()
      local _ <close> = both(a, b)
      local got
      local reader = task.spawn(function() got = a:read(1, LONG) end)
      task.turn() -- it waits
      b:write("x")
      for _ = 1, 2 do task.turn() end -- it is woken, and goes on
      assert.equal("x", got)
      assert(reader:join(LONG))
    end)

    it("is had by timers and signals, too: one that never waits keeps nobody waiting", function()
      local late = task.spawn(clock.sleep, SHORT)
      local turns = task.spawn(function()
        while true do
          task.turn()
          if select(1, task.interrupted()) > 0 then return "over" end
        end
      end)
      assert.is_true(late:join(LONG))
      turns:interrupt()
      assert.same({ true, "over" }, { turns:join(LONG) })
    end)

    it("is no wait: no limit ends it", function()
      local limit <close> = task.limit("unit", 0)
      assert.equal(0, select("#", task.turn()))
    end)

    it("cannot be had where nothing can be suspended", function()
      local ok, message = task.spawn(function()
        table.sort({ 2, 1 }, function() task.turn() return false end)
      end):join(LONG)
      assert.is_false(ok)
      assert.matches("task.turn cannot wait here: a C function that cannot be suspended", message, 1, true)
    end)
  end)

  describe("limit", function()
    it("ends every wait inside when its time has passed, and says its name", function()
      local unit_limit <close> = task.limit("unit", SHORT)
      local from = clock.now()
      local ok, message, code, limit = clock.sleep(LONG)
      assert.same({ nil, "timeout", "unit" }, { ok, code, limit })
      assert.equal("clock.sleep: the limit 'unit' of 0.005 s passed", message)
      assert.is_true(clock.now() - from >= SHORT)
      assert.equal("unit", select(4, clock.sleep(LONG)))
      local a <close> = wire()
      assert.equal("unit", select(4, a:read(1, LONG)))
      assert.equal("unit", select(4, task.spawn(clock.sleep, 0.01):join(LONG)))
    end)

    it("is the first that passes, of those outside and the call's own", function()
      local function name_of(outer, inner, own)
        local first_limit <close> = task.limit("outer", outer)
        local second_limit <close> = task.limit("inner", inner)
        local a <close> = wire()
        return select(4, a:read(1, own))
      end
      assert.equal("outer", name_of(SHORT, LONG, LONG))
      assert.equal("inner", name_of(LONG, SHORT, LONG))
      assert.equal("read", name_of(LONG, LONG, SHORT))
      assert.equal("read", name_of(math.huge, math.huge, SHORT))
    end)

    it("ends with its scope", function()
      do
        local unit_limit <close> = task.limit("unit", 0)
        assert.equal("unit", select(4, clock.sleep(LONG)))
      end
      assert.is_true(clock.sleep(0.001))
      pcall(function()
        local unit_limit <close> = task.limit("unit", 0)
        error "out"
      end)
      assert.is_true(clock.sleep(0.001))
    end)

    it("that closes out of order takes those inside along", function()
      local outer, inner = task.limit("outer", 0), task.limit("inner", 0)
      getmetatable(outer).__close(outer)
      assert.is_true(clock.sleep(0.001))
      getmetatable(inner).__close(inner)
      getmetatable(inner).__close(inner)
      assert.is_true(clock.sleep(0.001))
    end)

    it("does not reach into tasks that are spawned inside", function()
      local unit_limit <close> = task.limit("unit", LONG)
      local t = task.spawn(function()
        local own_limit <close> = task.limit("own", SHORT)
        return select(4, clock.sleep(LONG))
      end)
      assert.same({ true, "own" }, { t:join(LONG) })
    end)

    -- A coroutine that yields inside a limit of its own.
    local function given_up(seconds)
      local co = coroutine.create(function()
        local _ <close> = task.limit("given up", seconds)
        coroutine.yield()
      end)
      assert.is_true(coroutine.resume(co))
      return co
    end

    it("of a coroutine that is closed late ends no other", function()
      local t = task.spawn(function()
        local _ <close> = task.limit("outer", LONG)
        local co = given_up(LONG)
        local _ <close> = task.limit("inner", 0.02)
        coroutine.close(co)
        return (select(4, clock.sleep(LONG)))
      end)
      assert.same({ true, "inner" }, { t:join(LONG) })
    end)

    it("of a coroutine that is never closed ends with the one around it", function()
      local t = task.spawn(function()
        do
          local _ <close> = task.limit("outer", LONG)
          given_up(0.01)
        end
        return clock.sleep(0.03)
      end)
      assert.same({ true, true }, { t:join(LONG) })
    end)

    it("nests eight deep", function()
      local t = task.spawn(function()
        for i = 1, 8 do task.limit("l" .. i, LONG) end
        local ok, message = pcall(task.limit, "l9", LONG)
        return ok, message
      end)
      local _, ok, message = t:join()
      assert.is_false(ok)
      assert.matches("nested too deeply %(at most 8%)", message)
    end)

    it("cuts a name that is too long", function()
      local long_limit <close> = task.limit(("n"):rep(40), 0)
      assert.equal(("n"):rep(15), select(4, clock.sleep(1)))
    end)

    it("raises for negative seconds and what is no number", function()
      for _, seconds in ipairs { -1, 0 / 0, "x", {} } do
        assert.has_error(function() task.limit("x", seconds) end)
      end
    end)
  end)

  describe("shield", function()
    it("keeps interrupts and the limits outside away, and has a limit of its own", function()
      local t = task.spawn(function()
        local unit_limit <close> = task.limit("unit", 0)
        local results = { (select(3, clock.sleep(LONG))) }
        do
          local shield <close> = task.shield("reset", LONG)
          results[2] = clock.sleep(0.001)
          local inner_limit <close> = task.limit("inner", 0)
          results[3] = select(4, clock.sleep(LONG))
        end
        results[4] = select(3, clock.sleep(LONG))
        do
          local shield <close> = task.shield("reset", SHORT)
          results[5] = select(4, clock.sleep(LONG))
        end
        return table.unpack(results)
      end)
      t:interrupt()
      assert.same({ true, "interrupted", true, "inner", "interrupted", "reset" }, { t:join(LONG) })
    end)

    it("lets a wait go on that is interrupted in it", function()
      local t = task.spawn(function()
        local shield <close> = task.shield("reset", LONG)
        return clock.sleep(0.02)
      end)
      wait()
      t:interrupt()
      assert.same({ true, true }, { t:join(LONG) })
    end)
  end)

  it("yields one private value to those who resume coroutines themselves", function()
    assert.equal("userdata", type(task.yielded))
  end)
end)
