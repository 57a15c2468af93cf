local loop = require "spec.loop"
local peer = require "spec.peer"

local MS <const> = 1000000
local SECOND <const> = 1000 * MS

-- A loop, freed at the end of the test, and a list to which its callbacks append.
local function fresh(simulated)
  local l = loop.new(simulated)
  local log = {}
  local function note(name)
    return function() log[#log + 1] = name end
  end
  return l, log, note
end

-- Steps until done() is true, 5 seconds at most.
local function step_until(l, done)
  local deadline = l:now() + 5 * SECOND
  while not done() do
    assert.is_true(l:now() < deadline, "it did not happen")
    l:step(deadline)
  end
end

describe("core/loop", function()
  it("says that there is nothing to wait for", function()
    for _, simulated in ipairs { false, true } do
      local l = fresh(simulated)
      assert.is_false(l:step())
      assert.is_true(l:step(l:now() + 1))
      local timer = l:timer(print)
      timer:start(l:now() + SECOND)
      timer:stop()
      assert.is_false(l:step())
      l:free()
    end
  end)

  it("looks without waiting when the deadline is 0", function()
    local l, log, note = fresh()
    local r, w = loop.pipe()
    local watch = l:watch(r, note "r")
    watch:want "r"
    assert.is_true(l:step(0))
    assert.same({}, log)
    watch:free()
    loop.close(r)
    loop.close(w)
    l:free()
  end)

  it("gives each key memory of its own, zeroed once, for twelve keys", function()
    local l = fresh()
    local seen = {}
    for key = 1, 11 do
      local at, first = l:value(key, 16)
      assert.equal(0, first)
      assert.is_nil(seen[at])
      seen[at] = true
      local again, second = l:value(key, 16)
      assert.equal(at, again)
      assert.equal(1, second)
    end
    assert.is_truthy(l:value(12, 16))
    assert.is_nil(l:value(13, 16))
    assert.is_truthy(l:value(1, 16))
    l:free()
  end)

  describe("deadlines", function()
    it("fire once, at their time or after it, never before", function()
      local l = fresh()
      local fired = 0
      local timer, due
      timer = l:timer(function()
        fired = fired + 1
        assert.is_false(timer:started())
        assert.is_true(l:now() >= due)
      end)
      for _, ahead in ipairs { 0, 1, MS - 1, MS, 3 * MS + 1 } do
        due = l:now() + ahead
        timer:start(due)
        local before = fired
        step_until(l, function() return fired > before end)
      end
      l:step(0)
      assert.equal(5, fired)
      l:free()
    end)

    it("do not spin before their time", function()
      local l = fresh()
      local timer = l:timer(function() end)
      timer:start(l:now() + 30 * MS)
      local steps = 0
      while timer:started() do
        l:step()
        steps = steps + 1
      end
      assert.is_true(steps <= 4, steps .. " steps")
      l:free()
    end)

    it("fire in the order of their times, however they were started, moved and stopped", function()
      local l = fresh(true)
      local log, timers, seed = {}, {}, 1
      local function random(n)
        seed = seed * 1103515245 + 12345 & 0x7fffffff
        return seed // 65536 % n
      end
      local model = {}
      for i = 1, 300 do
        timers[i] = l:timer(function() log[#log + 1] = { i, l:now() } end)
      end
      for _ = 1, 3000 do
        local i = random(300) + 1
        if random(4) == 0 then
          timers[i]:stop()
          model[i] = nil
        else
          model[i] = 10 + random(500)
          timers[i]:start(model[i])
        end
      end
      local expected = 0
      for i in pairs(model) do
        assert.is_true(timers[i]:started())
        expected = expected + 1
      end
      while l:step() do end
      assert.equal(expected, #log)
      local last = 0
      for _, entry in ipairs(log) do
        assert.equal(model[entry[1]], entry[2])
        assert.is_true(entry[2] >= last)
        last = entry[2]
      end
      l:free()
    end)

    it("are stopped by a deadline of for ever, and by stopping twice", function()
      local l, log, note = fresh(true)
      local timer = l:timer(note "fired")
      timer:start(100)
      timer:start(math.maxinteger)
      assert.is_false(timer:started())
      timer:stop()
      timer:start(100)
      timer:stop()
      timer:stop()
      assert.is_false(l:step())
      assert.same({}, log)
      l:free()
    end)

    it("may start and stop any of them while they fire, themselves included", function()
      local l, log = fresh(true)
      local timers = {}
      for i = 1, 5 do
        timers[i] = l:timer(function()
          log[#log + 1] = i
          if i == 1 then
            timers[2]:stop()
            timers[5]:start(100)
            timers[1]:start(l:now() + 100)
          end
        end)
        timers[i]:start(100)
      end
      timers[5]:stop()
      l:step()
      table.sort(log)
      assert.same({ 1, 3, 4, 5 }, log)
      assert.is_true(timers[1]:started())
      l:step()
      assert.equal(200, l:now())
      assert.same({ 1, 1, 3, 4, 5, 5 }, (function() table.sort(log) return log end)())
      l:free()
    end)
  end)

  describe("a simulated clock", function()
    it("stands still until nothing is left to do, then jumps to the next deadline", function()
      local l, log, note = fresh(true)
      local start = l:now()
      local timer = l:timer(note "hour")
      timer:start(start + 3600 * SECOND)
      local deferred = l:deferred(note "deferred")
      deferred:defer()
      assert.is_true(l:step())
      assert.same({ "deferred" }, log)
      assert.equal(start, l:now())
      assert.is_true(l:step())
      assert.same({ "deferred", "hour" }, log)
      assert.equal(start + 3600 * SECOND, l:now())
      l:free()
    end)

    it("jumps no further than the step's own deadline", function()
      local l = fresh(true)
      local start = l:now()
      local timer = l:timer(function() end)
      timer:start(start + 3600 * SECOND)
      l:step(start + SECOND)
      assert.equal(start + SECOND, l:now())
      assert.is_true(timer:started())
      l:free()
    end)

    it("does not move while something real is waited for", function()
      local l, log, note = fresh(true)
      local start = l:now()
      local r, w = loop.pipe()
      local watch = l:watch(r, note "r")
      local timer = l:timer(note "timer")
      watch:want "r"
      timer:start(start + SECOND)
      loop.write(w, "x")
      l:step()
      assert.same({ "r" }, log)
      assert.equal(start, l:now())
      watch:want ""
      l:step()
      assert.same({ "r", "timer" }, log)
      watch:free()
      loop.close(r)
      loop.close(w)
      l:free()
    end)
  end)

  describe("deferred calls", function()
    it("run in their order, each once, in the next pass", function()
      local l, log, note = fresh()
      local a, b = l:deferred(note "a"), l:deferred(note "b")
      a:defer()
      b:defer()
      a:defer()
      assert.same({}, log)
      assert.is_true(l:step())
      assert.same({ "a", "b" }, log)
      assert.is_false(l:step())
      l:free()
    end)

    it("wait for the following pass when they are deferred by one that runs", function()
      local l, log = fresh()
      local again
      again = l:deferred(function()
        log[#log + 1] = #log
        if #log < 3 then again:defer() end
      end)
      again:defer()
      l:step()
      assert.equal(1, #log)
      l:step()
      assert.equal(2, #log)
      l:step()
      l:step()
      assert.equal(3, #log)
      l:free()
    end)

    it("can be cancelled at any place in the queue, also by one that runs", function()
      for cancelled = 1, 4 do
        for _, early in ipairs { true, false } do
          local l, log, note = fresh()
          local calls = {}
          for i = 1, 4 do calls[i] = l:deferred(note(i)) end
          local first = l:deferred(function() calls[cancelled]:cancel() end)
          if early then first:defer() end
          for i = 1, 4 do calls[i]:defer() end
          if not early then
            calls[cancelled]:cancel()
            calls[cancelled]:cancel()
          end
          l:step()
          local expected = {}
          for i = 1, 4 do if i ~= cancelled then expected[#expected + 1] = i end end
          assert.same(expected, log)
          calls[cancelled]:defer()
          l:step()
          assert.equal(cancelled, log[#log])
          l:free()
        end
      end
    end)
  end)

  describe("descriptors", function()
    local r, w
    before_each(function() r, w = loop.pipe() end)
    after_each(function()
      loop.close(r)
      loop.close(w)
    end)

    it("tell nothing until something is wanted, then what is ready, as long as it is", function()
      local l, log, note = fresh()
      local watch = l:watch(r, note "r")
      loop.write(w, "xy")
      l:step(0)
      assert.same({}, log)
      watch:want "r"
      assert.same({}, log)
      l:step(0)
      l:step(0)
      assert.same({ "r", "r" }, log)
      watch:want ""
      l:step(0)
      assert.equal(2, #log)
      watch:free()
      l:free()
    end)

    it("tell reading and writing apart", function()
      local l, log = fresh()
      local reader = l:watch(r, function(readable, writable) log[#log + 1] = { readable, writable } end)
      local writer = l:watch(w, function(readable, writable) log[#log + 1] = { readable, writable } end)
      reader:want "r"
      writer:want "w"
      l:step(0)
      assert.same({ { false, true } }, log)
      writer:want ""
      loop.write(w, "x")
      l:step(0)
      assert.same({ true, false }, log[2])
      reader:free()
      writer:free()
      l:free()
    end)

    it("tell a hang-up as what was wanted", function()
      local l, log = fresh()
      local ends = { loop.pipe() }
      local reader = l:watch(ends[1], function(readable) log[#log + 1] = readable end)
      reader:want "r"
      loop.close(ends[2])
      l:step(0)
      assert.same({ true }, log)
      reader:free()
      loop.close(ends[1])

      ends = { loop.pipe() }
      log = {}
      local writer = l:watch(ends[2], function(_, writable) log[#log + 1] = writable end)
      writer:want "w"
      loop.close(ends[1])
      l:step(0)
      assert.same({ true }, log)
      writer:free()
      loop.close(ends[2])
      l:free()
    end)

    it("tell an error once, and again only when it is wanted again", function()
      local l, log = fresh()
      local ends = { loop.pipe() }
      local writer = l:watch(ends[2], function(_, writable) log[#log + 1] = writable end)
      loop.close(ends[1])
      writer:want "w"
      l:step(0)
      local told = #log
      writer:want ""
      l:step(0)
      assert.equal(told, #log)
      writer:want "w"
      l:step(0)
      assert.equal(told + 1, #log)
      writer:free()
      loop.close(ends[2])
      l:free()
    end)

    it("may be freed by their own callback and by each other's", function()
      local l, log = fresh()
      local first, second
      first = l:watch(r, function()
        log[#log + 1] = "told"
        first:free()
        second:free()
      end)
      local copy = { loop.pipe() }
      second = l:watch(copy[1], function()
        log[#log + 1] = "told"
        first:free()
        second:free()
      end)
      first:want "r"
      second:want "r"
      loop.write(w, "x")
      loop.write(copy[2], "x")
      l:step(0)
      l:step(0)
      assert.same({ "told" }, log)
      assert.is_false(l:step())
      loop.close(copy[1])
      loop.close(copy[2])
      l:free()
    end)

    it("are out of the loop when free returns: the number may be used anew", function()
      local l, log, note = fresh()
      for i = 1, 20 do
        local a, b = loop.pipe()
        local watch = l:watch(a, note(i))
        watch:want "r"
        loop.write(b, "x")
        l:step(0)
        assert.same({ i }, { log[#log] })
        watch:free()
        loop.close(a)
        loop.close(b)
      end
      assert.equal(20, #log)
      l:free()
    end)

    it("are refused when they cannot be polled", function()
      local l = fresh()
      local before = peer.descriptors()
      for _, path in ipairs { "/dev/null", os.getenv("JIG_BUILD") and "Makefile" or "Makefile" } do
        local fd = loop.open(path)
        local watch, message, code = l:watch(fd, print)
        assert.is_nil(watch)
        assert.equal("denied", code)
        assert.matches("^cannot watch the descriptor: ", message)
        loop.close(fd)
      end
      assert.equal(before, peer.descriptors())
      l:free()
    end)
  end)

  describe("signals", function()
    -- Real-time signals, which nothing else here uses.
    local FIRST <const> = 40

    it("are told from the loop, to each that watches", function()
      local l, log = fresh()
      assert.is_true(l:signal(FIRST, function(n) log[#log + 1] = n end))
      assert.is_true(l:signal(FIRST, function(n) log[#log + 1] = n end))
      assert.is_true(l:signal(FIRST + 1, function(n) log[#log + 1] = n end))
      loop.raise(FIRST)
      assert.same({}, log)
      step_until(l, function() return #log == 2 end)
      loop.raise(FIRST + 1)
      step_until(l, function() return #log == 3 end)
      assert.same({ FIRST, FIRST, FIRST + 1 }, log)
      l:free()
    end)

    it("do not count as something to wait for", function()
      local l = fresh()
      assert.is_true(l:signal(FIRST, print))
      assert.is_false(l:step())
      l:free()
    end)

    it("are eight at most", function()
      local l = fresh()
      for i = 1, 8 do assert.is_true(l:signal(FIRST + i, print)) end
      local ok, message, code = l:signal(FIRST + 9, print)
      assert.same({ nil, "limit" }, { ok, code })
      assert.matches("at most 8", message)
      l:free()
    end)

    it("that cannot be watched are refused", function()
      local l = fresh()
      local ok, message = l:signal(9, print)
      assert.is_nil(ok)
      assert.matches("^cannot watch a signal: ", message)
      l:free()
    end)
  end)

  describe("look-ups", function()
    it("find a host, off the loop", function()
      local l, log = fresh()
      assert(l:lookup("127.0.0.1", "80", function(address) log[#log + 1] = address end))
      assert.same({}, log)
      step_until(l, function() return #log > 0 end)
      assert.same({ "127.0.0.1" }, log)
      assert.is_false(l:step())
      l:free()
    end)

    it("say which host cannot be found", function()
      local l = fresh()
      local got
      -- an empty label: no name server needs to be asked
      assert(l:lookup("no..host", "80", function(...) got = table.pack(...) end))
      step_until(l, function() return got end)
      assert.is_nil(got[1])
      assert.equal("not_found", got[3])
      assert.matches("cannot find host 'no..host'", got[2], 1, true)
      l:free()
    end)

    it("refuse a name that is too long", function()
      local l = fresh()
      local lookup, _, code = l:lookup(("x"):rep(256), "80", print)
      assert.same({ nil, "invalid" }, { lookup, code })
      l:free()
    end)

    it("that are cancelled tell nothing, and leave nothing", function()
      local l, log, note = fresh()
      for _ = 1, 8 do assert(l:lookup("127.0.0.1", "80", note "told")):cancel() end
      while l:step() do end
      assert.same({}, log)
      l:free()
    end)
  end)

  describe("bells", function()
    it("call from the loop, once for many rings, whoever rings", function()
      local l, log, note = fresh()
      local bell = assert(l:bell(note "rang"))
      bell:ring(100)
      bell:join()
      assert.same({}, log)
      l:step(0)
      assert.same({ "rang" }, log)
      l:step(0)
      assert.same({ "rang" }, log)
      bell:ring(1)
      bell:join()
      l:step(0)
      assert.same({ "rang", "rang" }, log)
      bell:free()
      l:free()
    end)

    it("wake a loop that waits for them, and are nothing to wait for unless they are wanted", function()
      for _, simulated in ipairs { false, true } do
        local l, log, note = fresh(simulated)
        local bell = assert(l:bell(note "rang"))
        assert.is_false(l:step())
        bell:want(true)
        bell:want(true)
        bell:ring(1, 20)
        assert.is_true(l:step())
        assert.same({ "rang" }, log)
        bell:want(false)
        assert.is_false(l:step())
        bell:free()
        l:free()
      end
    end)

    it("keep simulated time where it is while they are wanted", function()
      local l, log, note = fresh(true)
      local bell = assert(l:bell(note "rang"))
      local timer = l:timer(note "timer")
      timer:start(l:now() + SECOND)
      bell:want(true)
      bell:ring(1, 20)
      while #log == 0 do l:step() end
      assert.same({ "rang" }, log)
      bell:want(false)
      l:step()
      l:step()
      assert.same({ "rang", "timer" }, log)
      bell:free()
      l:free()
    end)

    it("may be freed by their own call, rung and wanted", function()
      local l = fresh()
      local bell, calls = nil, 0
      bell = assert(l:bell(function()
        calls = calls + 1
        bell:free()
      end))
      bell:want(true)
      bell:ring(1)
      bell:join()
      l:step()
      assert.is_false(l:step())
      assert.equal(1, calls)
      local silent = assert(l:bell(function() calls = calls + 1 end))
      silent:ring(1)
      silent:join()
      silent:free()
      l:step(0)
      assert.equal(1, calls)
      l:free()
    end)
  end)

  it("leaves no descriptor when it is freed", function()
    local warm = loop.new()
    warm:free()
    local before = peer.descriptors()
    local l = fresh()
    l:signal(50, print)
    local r, w = loop.pipe()
    local watch = l:watch(r, print)
    watch:want "r"
    l:step(0)
    watch:free()
    loop.close(r)
    loop.close(w)
    l:free()
    assert.equal(before, peer.descriptors())
  end)
end)
