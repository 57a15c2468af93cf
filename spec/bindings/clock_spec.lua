local clock = require "jig.clock"
local scratch = require "spec.support.scratch"
local task = require "jig.task"

-- Runs a script whose errors are the spec's.
local function run(text)
  local folder <close> = scratch.folder { ["try.lua"] = "local clock = require 'jig.clock'\n" .. text }
  local result = scratch.jig { folder.path .. "/try.lua" }
  assert.same({ 0, "" }, { result.exit, result.stderr })
end

describe("jig.clock", function()
  it("runs forwards, in seconds", function()
    local last = clock.now()
    assert.equal("float", math.type(last))
    for _ = 1, 100 do
      local now = clock.now()
      assert.is_true(now >= last)
      last = now
    end
  end)

  it("sleeps at least as long as it says", function()
    for _, seconds in ipairs { 0, 0.0005, 0.003, 0.01 } do
      local from = clock.now()
      assert.is_true(clock.sleep(seconds))
      assert.is_true(clock.now() - from >= seconds)
    end
    assert.is_true(clock.sleep())
  end)

  it("raises for what is no time", function()
    for _, seconds in ipairs { -1, -math.huge, 0 / 0, "soon", {} } do
      assert.is_false(pcall(clock.sleep, seconds))
    end
  end)

  it("says why it woke early", function()
    local t = task.spawn(function() return clock.sleep(60) end)
    t:interrupt()
    assert.same({ true, nil, "clock.sleep: interrupted", "interrupted" }, { t:join() })
    local unit_limit <close> = task.limit("unit", 0.001)
    assert.same({ nil, "clock.sleep: the limit 'unit' of 0.001 s passed", "timeout", "unit" }, { clock.sleep(60) })
  end)

  it("jumps to the next deadline once it is simulated", function()
    run [[
      local real = os.time()
      clock.simulate()
      local from = clock.now()
      assert(clock.now() == from)
      assert(clock.sleep(86400 * 365))
      assert(math.abs(clock.now() - from - 86400 * 365) < 1e-3)
      assert(os.time() - real < 60)
      clock.simulate()
      local task = require "jig.task"
      local order = {}
      local function at(seconds) return task.spawn(function()
        clock.sleep(seconds)
        order[#order + 1] = seconds
      end) end
      local tasks = { at(3600), at(60), at(7200), at(1) }
      for _, t in ipairs(tasks) do t:join() end
      assert(table.concat(order, " ") == "1 60 3600 7200")
    ]]
  end)

  it("waits in real time for what is real, also when it is simulated", function()
    run [[
      clock.simulate()
      local proc = require "jig.proc"
      local from = clock.now()
      local result = assert(proc.start { "sh", "-c", "sleep 0.02; echo x", limit = 60 }):wait(60)
      assert(result.stdout == "x\n" and result.seconds == 0 and clock.now() == from)
    ]]
  end)
end)
