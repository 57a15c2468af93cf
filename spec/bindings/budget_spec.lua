-- A task has a budget in a slot's state alone: JIG_PATH points to workers of this spec's own.

local scratch = require "spec.support.scratch"
local task = require "jig.task"

-- `body` is what budget.run runs; `after` what the worker does then, with ok, thrown, spent.
local function worker(body, after)
  return ([[
    local budget, clock, slot = require "jig.budget", require "jig.clock", require "jig.slot"
    local coroutines, sandbox = require "jig.coroutines", require "jig.sandbox"
    local coroutine, xpcall = coroutines, sandbox.environment("", {}, sandbox.files()).xpcall
    local here = debug.getinfo(1, "S").source:match("^@(.*/)")
    local function looping() while true do end end
    return function(argument)
      local ok, thrown, spent = budget.run(here, nil, function() %s end)
      %s
    end
  ]]):format(body, after or [[
      slot.emit { ok = ok, thrown = tostring(thrown), spent = spent }
  ]])
end

-- The budget of most loops here: a second of the processor for each would be long.
local SHORT <const> = "require('jig.budget').limit(0.2)\n"

-- Runs workers (name -> text) and a script that has `all(names…)`: every message of these workers, which
-- run at once, in their order. Gives what the script prints. `setting` is "" for the budget that nobody set.
local function run(modules, script, setting)
  local files = { ["try.lua"] = (setting or SHORT) .. [[
    local slot, task = require "jig.slot", require "jig.task"
    local function all(...)
      local list, tasks = {}, {}
      for i, name in ipairs { ... } do
        tasks[i] = task.spawn(function()
          local worker <close> = slot.new()
          worker:start(name, { slot = name })
          local message = worker:next(100)
          while message do
            message.from = name
            list[#list + 1] = message
            message = worker:next(100)
          end
        end)
      end
      for _, one in ipairs(tasks) do assert(one:join()) end
      return list
    end
  ]] .. script }
  for name, text in pairs(modules) do files[name .. ".lua"] = text end
  local folder <close> = scratch.folder(files)
  local result = scratch.run { env = { JIG_PATH = folder.path }, scratch.program, folder.path .. "/try.lua" }
  assert.equal("", result.stderr)
  assert.equal(0, result.exit)
  return (result.stdout:gsub(folder.path, "FOLDER"))
end

-- What one worker's loop came to: reason, line.
local function end_of(body, setting)
  return run({ worker = worker(body) }, [[
    local message = all("worker")[1]
    print(message.ok, message.spent and message.spent.reason, message.spent and message.spent.line)
    assert(message.spent.traceback:find "stack traceback")
  ]], setting)
end

local LONG <const> = "it computed for more than 0.2 s without waiting"
local HELD <const> = "it computed for more than 0.1 s where it cannot be suspended"

describe("jig.budget", function()
  -- Each: what loops, its code, why it ended.
  local loops = {
    { "a plain loop", "looping()", LONG },
    { "pcall", "while true do pcall(looping) end", LONG },
    { "pcall in pcall in pcall", "while true do pcall(pcall, pcall, looping) end", LONG },
    { "a message handler", "while true do xpcall(error, looping) end", HELD },
    { "a message handler of what loops", "while true do xpcall(looping, looping) end", LONG },
    { "a handler that fails in its handler", "while true do xpcall(error, function() error() end) end",
      "it computed for more than" },
    { "__close", "while true do local x <close> = setmetatable({}, { __close = looping }) end", LONG },
    { "__close of what was ended", [[
      local closing = setmetatable({}, { __close = looping })
      local x <close> = closing
      local y <close> = closing
      looping() ]], LONG },
    { "a comparison", "while true do pcall(table.sort, { 3, 2, 1 }, looping) end", HELD },
    { "many comparisons", "table.sort({ 3, 2, 1 }, looping)", HELD },
    { "a replacement", "(('x'):gsub('x', looping))", HELD, statement = "local _ = " },
    { "a metamethod that C calls", "tostring(setmetatable({}, { __tostring = looping }))", HELD },
    { "__index", "local x = setmetatable({}, { __index = looping }).x return x", LONG },
    { "__eq, __lt, __concat", [[
      local meta = { __eq = looping, __lt = looping, __concat = looping }
      local a, b = setmetatable({}, meta), setmetatable({}, meta)
      pcall(function() return a == b end)
      pcall(function() return a < b end)
      return a .. b ]], LONG },
    { "a coroutine", "coroutine.wrap(looping)()", LONG },
    { "coroutines without end", "while true do coroutine.wrap(looping)() end", LONG },
    { "coroutines in coroutines that catch", [[
      while true do
        pcall(coroutine.wrap(function()
          while true do pcall(coroutine.wrap(function() while true do pcall(looping) end end)) end
        end))
      end ]], LONG },
    { "__close in a coroutine that was ended", [[
      coroutine.wrap(function()
        local x <close> = setmetatable({}, { __close = looping })
        looping()
      end)() ]], LONG },
    { "a message handler in a coroutine that was ended", [[
      coroutine.wrap(function() while true do xpcall(looping, looping) end end)() ]], LONG },
    { "coroutine.close", [[
      local co = coroutine.create(function()
        local x <close> = setmetatable({}, { __close = looping })
        coroutine.yield()
      end)
      coroutine.resume(co)
      while true do coroutine.close(co) end ]], HELD },
    { "an iterator", "for _ in function() return 1 end do end", LONG },
    { "waits that need not wait", "while true do clock.sleep(0) end", LONG },
    { "yields back and forth", [[
      local f = coroutine.wrap(function() while true do coroutine.yield() end end)
      while true do f() end ]], LONG },
    { "recursion in tail calls", "local function f() return f() end f()", LONG },
  }

  describe("ends", function()
    -- All at once, each in a process of its own, for what they take is time of the processors.
    setup(function()
      for _, case in ipairs(loops) do case.task = task.spawn(end_of, (case.statement or "") .. case[2]) end
      for _, case in ipairs(loops) do case.ok, case.said = case.task:join() end
    end)

    for _, case in ipairs(loops) do
      it(case[1] .. ", with its line", function()
        assert(case.ok, case.said)
        assert.equal("false\t" .. case[3], case.said:sub(1, 6 + #case[3]))
        assert.matches("\tFOLDER/worker.lua:%d+\n$", case.said)
      end)
    end
  end)

  it("lasts a second where nobody set it", function()
    local said = end_of("looping()", "")
    assert.matches("^false\tit computed for more than 1 s without waiting\tFOLDER/worker.lua:%d+\n$", said)
  end)

  it("is set in the main state alone, within bounds", function()
    local budget = require "jig.budget"
    assert.has_error(function() budget.limit(0.09) end, "bad argument #1 to 'limit' (seconds from 0.1 to 60)")
    assert.has_error(function() budget.limit(61) end)
    assert.matches(": a slot cannot set its own budget\n$",
      run({ worker = worker "budget.limit(2)" }, [[ print(all("worker")[1].thrown) ]]))
  end)

  it("lets the others run meanwhile, and the timers of the loop", function()
    local said = run({
      greedy = worker "looping()",
      other = [[
        local clock, slot = require "jig.clock", require "jig.slot"
        return function()
          for i = 1, 5 do clock.sleep(0.001) end
          slot.emit { done = true }
        end
      ]],
    }, [[ for _, message in ipairs(all("greedy", "greedy", "other", "other")) do print(message.from) end ]])
    assert.equal("other\nother\ngreedy\ngreedy\n", said)
  end)

  it("gives a new budget after each end, and after each wait", function()
    local said = run({ worker = worker("looping()", [[
      local function busy(seconds)
        local from = os.clock()
        while os.clock() - from < seconds do end
      end
      for _ = 1, 2 do
        local fine = budget.run(here, nil, function()
          for _ = 1, 3 do busy(0.1) clock.sleep(0.001) end
          return "fine"
        end)
        slot.emit { ok = fine }
      end
      ok, thrown, spent = budget.run(here, nil, looping)
      slot.emit { ok = ok, spent = spent }
    ]]) }, [[ for _, message in ipairs(all "worker") do print(message.ok, message.spent ~= nil) end ]])
    assert.equal("true\tfalse\ntrue\tfalse\nfalse\ttrue\n", said)
  end)

  it("lets what is suspended in between go on, however much is done where it cannot be", function()
    local said = run({ worker = worker [[
      local n = 0
      for _ = 1, 30 do
        local from = os.clock()
        local _ = ("x"):gsub("x", function() while os.clock() - from < 0.01 do n = n + 1 end end)
      end
      return "fine"
    ]] }, [[ print(all("worker")[1].thrown) ]], "")
    assert.equal("fine\n", said)
  end)

  it("shows no yield of its own to a script's coroutines", function()
    local said = run({ worker = worker([[
      local seen = {}
      local co = coroutine.create(function()
        for i = 1, 5 do
          local from = os.clock()
          while os.clock() - from < 0.02 do end
          coroutine.yield(i)
        end
      end)
      local inner = coroutine.wrap(function()
        while coroutine.status(co) ~= "dead" do
          local _, value = coroutine.resume(co)
          coroutine.yield(value or "end")
        end
      end)
      for value in inner do seen[#seen + 1] = value end
      return table.concat(seen, " ")
    ]]) }, [[ print(all("worker")[1].thrown) ]])
    assert.equal("1 2 3 4 5 end\n", said)
  end)

  it("is used up for good where nothing catches it: the worker has crashed", function()
    local said = run({ worker = [[ return function() while true do pcall(error) end end ]] }, [[
      local message = all("worker")[1]
      print(message.event, message.message:match "^[^\n]*")
    ]])
    assert.equal("crashed\tthe recipe computed for too long\n", said)
  end)

  it("lets a state grow again in the turn after one that ended within C", function()
    local said = run({ worker = worker([[
      -- Tables of weak keys that lead to each other: a collection is the square of their number.
      local function collecting(n)
        local tables, first = {}, {}
        for i = 1, n do tables[i] = setmetatable({}, { __mode = "k" }) end
        local key, at = first, 1
        for _ = 1, n do
          local next = {}
          at = (at * 7919 + 17) % n + 1
          tables[at][key] = next
          key = next
        end
        local from = os.clock()
        require("jig.task").spawn(collectgarbage):join() -- no line of it is left for a hook
        return os.clock() - from, tables, first
      end
      collectgarbage "stop"
      local n, took, tables, first = 3000, 0, nil, nil
      while took < 0.3 do -- of 0.25 s
        n = n * 3 // 2
        took, tables, first = collecting(n)
        clock.sleep(0.001)
        assert(#("x"):rep(1 << 20) == 1 << 20)
      end
      return "grown", tables, first
    ]]) }, [[ print(all("worker")[1].thrown) ]], "require('jig.budget').limit(60)\n")
    assert.equal("grown\n", said)
  end)

  it("is a plain xpcall outside of slots, and inside of another run", function()
    local budget = require "jig.budget"
    assert.same(table.pack(true, 1, nil, 3), table.pack(budget.run("x/", nil, function(...) return ... end, 1, nil, 3)))
    assert.same({ false, "<boom>" }, { budget.run("x/", function(e) return "<" .. e .. ">" end, error, "boom") })
    assert.is_false(budget.spent())
    assert.has_error(function() budget.run() end)
    local said = run({ worker = worker "budget.run(here, nil, looping) slot.emit { wrong = true }" }, [[
      local list = all "worker"
      print(#list, list[1].spent ~= nil)
    ]])
    assert.equal("1\ttrue\n", said)
  end)
end)
