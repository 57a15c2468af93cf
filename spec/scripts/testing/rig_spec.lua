local cli = require "jig.testing.cli"
local device = require "jig.testing.device"
local rig = require "jig.testing.rig"
local scratch = require "spec.support.scratch"
local testing = require "jig.testing"

-- The thermostat with its own device, and what is changed.
local function plan_of(change)
  local plan = testing.load "examples/thermostat"
  plan.device = testing.device(plan.folder)
  for key, value in pairs(change or {}) do plan[key] = value end
  return plan
end

-- A run whose effects of one kind (and number) go wrong as `action` says.
local function run_with(kind, action, change)
  local count = 0
  local plan = plan_of(change)
  function plan.watch(effect, run)
    if effect.kind ~= kind then return end
    count = count + 1
    if type(action) == "function" then return action(effect, run, count) end
    return count == 1 and action or nil
  end
  local run = rig.new(plan)
  run:run()
  run:close()
  return run
end

local function fault_of(run)
  return run.events[#run.events].fault
end

local function kinds(trail)
  local list = {}
  for i, effect in ipairs(trail) do list[i] = effect.kind .. " " .. effect.what end
  return list
end

describe("jig.testing.rig", function()
  it("notes every effect of a run in order, with its time", function()
    local run <close> = rig.new(plan_of())
    assert.equal("ended", run:run())
    assert.same({
      "open port", "hook prepare", "set dtr", "wait clock.sleep", "set dtr", "wait port:read_some", "read text",
      "read text", "call new_device", "write bytes", "wait port:read_some", "read frame",
      "call get_device_configuration", "write bytes", "wait port:read_some", "read frame",
      "call handle_device_response", "close port",
    }, kinds(run.trail))
    local last = 0
    for _, effect in ipairs(run.trail) do
      assert.is_true(effect.at >= last)
      last = effect.at
    end
    assert.equal(last, run.seconds)
    assert.equal(2, #run.taken)
    assert.same({ 1, 2 }, { run.answers[1].taken, run.answers[2].taken })
    assert.same({ session = true }, run.unlimited) -- the CLI's limits are the session's own
    assert.equal(#run.events, #run.marks)
  end)

  it("keeps time from the run's beginning, on the real clock, too", function()
    local run <close> = rig.new(plan_of { real = true })
    assert.equal("ended", run:run())
    assert.is_true(run.trail[1].at < 60) -- what the machine counts from its start is much more than
    assert.is_true(run.seconds >= 0.1 and run.seconds < 60)
  end)

  it("has what is watched go wrong", function()
    local cases = {
      { "open", { "not_found", "nobody there" }, "connectivity.not_found" },
      { "set", { "unsupported", "no such line" }, "connectivity.open" },
      { "write", { lose = "pulled" }, "connectivity.lost" },
      { "write", { block = true }, "connectivity.timeout" },
      { "read", { pieces = {} }, "connectivity.timeout" },
      { "read", { pieces = { { 0, "SN=T1\r\n" } }, lose = "pulled" }, "connectivity.lost" },
      { "call", function() return function() return { exit = 3 } end end, "cli.refused" },
      { "wait", "limit", nil },
      { "record", function(effect) return effect.what == "opening" and "refuse" or nil end, "tool.journal" },
    }
    local kept <close> = require "jig.testing.journal".new()
    for _, case in ipairs(cases) do
      local change = case[1] == "record" and { record = kept.record, journal = kept:config() } or nil
      local fault = fault_of(run_with(case[1], case[2], change))
      assert.equal(case[3], fault and fault.name, case[1])
    end
  end)

  it("gives bytes of the device changed, and in pieces", function()
    local run = run_with("read", { pieces = { { 0, "SN=" }, { 1, "T9\r\n" } } })
    assert.is_true(run.events[#run.events].passed)
    assert.equal("T9", run.events[#run.events].serial)
    assert.is_true(run.seconds > 1)
  end)

  it("opens later, when it is told", function()
    local run = run_with("open", function(_, run)
      run:after(3, function() run.world:opened("device", "nobody there", "not_found") end)
      return "later"
    end)
    assert.equal("connectivity.not_found", fault_of(run).name)
    assert.equal(3, run.seconds)
  end)

  it("kills the process where it is: nothing more reaches the world", function()
    local run = run_with("call", function(effect, run)
      if effect.what == "get_device_configuration" then run:kill() end
    end)
    assert.equal("call get_device_configuration", kinds(run.trail)[#run.trail])
    for _, event in ipairs(run.events) do assert.not_equal("ended", event.event) end
  end)

  it("interrupts, and the session is reported", function()
    local run <close> = rig.new(plan_of())
    run:after(0.115, function() run:interrupt() end)
    run:run()
    assert.equal("tool.interrupted", fault_of(run).name)
    assert.equal("report_error", run.cli.calls[#run.cli.calls].command)
  end)

  it("knows what must be told to nobody", function()
    local run <close> = rig.new(plan_of())
    run:run()
    for _, bytes in ipairs {
      cli.usual.new_device.payload, cli.usual.get_device_configuration.payload,
      "answer of the thermostat to 256", "answer of the thermostat to 257",
    } do assert.is_true(run.secrets[bytes]) end
    -- also what a CLI is given that no device of ours sent
    local odd <close> = rig.new(plan_of { device = device.replying(plan_of().device, {
      require "jig.framing.length" { header = ">I2 scp I2 length", reply = ">I2 scp I2 length B status",
        crc = "CRC-16/IBM-3740" }.device.encode { scp = 256, status = 0, payload = "by hand, as bytes" },
    }) })
    odd:run()
    assert.is_true(odd.secrets["by hand, as bytes"])
  end)

  it("lets nothing of one visit arrive in the next", function()
    local slow = device.replying(plan_of().device, {})
    slow.latency = 0.05
    slow.firmware = function(self)
      self:receive()
      self:send { status = 0x11 } -- which ends the attempt before the rest has arrived
      self:sleep(0.045)
      self:write("late")
    end
    local run <close> = rig.new(plan_of { device = slow, retries = 1 })
    run:run()
    assert.equal(2, run.device.boots)
    for _, effect in ipairs(run.trail) do assert.not_equal("late", effect.bytes) end
  end)

  it("notes the recipe's line where that is asked for", function()
    local run <close> = rig.new(plan_of { lines = true })
    run:run()
    local lines = {}
    for _, effect in ipairs(run.trail) do
      if effect.kind == "set" then lines[#lines + 1] = effect.line end
    end
    assert.equal(2, #lines)
    for _, line in ipairs(lines) do assert.matches("examples/thermostat/recipe.lua:%d+$", line) end
  end)

  it("counts what is left, and nothing of its own", function()
    local run = rig.new(plan_of())
    run:run()
    run:after(1e6, error) -- its own: the run is over before
    run.world:after(1e6, error) -- whoever forgets this one leaves it behind
    run:close()
    run:close()
    assert.equal(1, run.held.timers)
    for name, count in pairs(run.held) do
      if name ~= "timers" then assert.equal(0, count, name) end
    end
  end)

  it("says why a run did not end", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe [[
      limits = { prepare = 1e7, unit = 1e7 }, prepare = function() jig.sleep(1e6) end ]] }
    local plan = plan_of(testing.load(folder.path))
    plan.device, plan.limit = {}, 100
    local run <close> = rig.new(plan)
    assert.equal("limit", run:run())
    assert.equal(100, run.seconds)
  end)

  it("says that a run is busy where no time passes", function()
    local plan = plan_of()
    function plan.watch(effect, run)
      if effect.kind ~= "write" then return end
      run.world:writable("device") -- and yet it takes nothing
      return { block = true }
    end
    local run <close> = rig.new(plan)
    assert.equal("busy", run:run())
    assert.is_true(run.seconds < 1)
  end)

  it("raises what the device or the CLI raises, with its line, and can be closed", function()
    for _, change in ipairs {
      { device = function() error "in the device" end },
      { cli = { new_device = function() error "in the CLI" end } },
    } do
      local run <close> = rig.new(plan_of(change))
      local ok, message = pcall(run.run, run)
      assert.is_false(ok)
      assert.matches("rig_spec.lua:%d+: in the ", message)
    end
  end)

  it("finds the answers of firmware that writes bytes, whole and in pieces", function()
    local framing = testing.load("examples/thermostat").recipe.framing
    local function answer_with(write)
      local plan = plan_of()
      local described = testing.device(plan.folder)
      described.firmware = function(self)
        while true do
          local request = self:receive()
          write(self, framing.device.encode { scp = request.scp, status = 0, payload = "an answer " .. request.scp })
        end
      end
      plan.device = described
      local run <close> = rig.new(plan)
      run:run()
      return run, run.events[#run.events].passed
    end
    local run, passed = answer_with(function(self, bytes) self:write(bytes) end)
    assert.is_true(passed)
    assert.same({ "an answer 256", 1, "an answer 257", 2 },
      { run.answers[1].payload, run.answers[1].taken, run.answers[2].payload, run.answers[2].taken })
    local frames = 0
    for _, effect in ipairs(run.trail) do
      if effect.kind == "read" and effect.frame then frames = frames + 1 end
    end
    assert.equal(2, frames)
    assert.is_true(run.secrets["an answer 256"])
    run, passed = answer_with(function(self, bytes)
      for i = 1, #bytes do self:write(bytes:sub(i, i)) end
    end)
    assert.is_true(passed)
    assert.equal(2, #run.answers)
  end)

  it("gives up a device that writes without end", function()
    local plan = plan_of { device = function(self)
      while true do self:write(("x"):rep(4096)) end
    end }
    local run <close> = rig.new(plan)
    local ok, message = pcall(run.run, run)
    assert.is_false(ok)
    assert.matches("the device's firmware writes without end: %d+ times, %d+ bytes", message)
  end)

  it("notes the attempt, and whether a session is open", function()
    local plan = plan_of { retries = 1 }
    plan.device = device.replying(plan.device, { { status = 0x11 } })
    local run <close> = rig.new(plan)
    run:run()
    local seen = {}
    for _, effect in ipairs(run.trail) do
      if effect.kind == "open" or effect.kind == "write" then
        seen[#seen + 1] = ("%s %d %s"):format(effect.kind, effect.attempt, effect.in_session)
      end
    end
    assert.same({ "open 1 false", "write 1 true", "open 2 false", "write 2 true" }, seen)
    assert.same({ 1, 2 }, run.taken_in)
  end)

  it("knows what an exchange waits for: the first answer to the latest message", function()
    local described = testing.device "examples/thermostat/"
    described.firmware = function(self)
      while true do
        local request = self:receive()
        self:send { payload = "an answer " .. request.scp }
        self:send { payload = "one more" }
      end
    end
    local plan = plan_of { device = described }
    local run <close> = rig.new(plan)
    run:run()
    local awaited = {}
    for _, effect in ipairs(run.trail) do
      if effect.kind == "read" and effect.in_session then
        awaited[#awaited + 1] = ("%s %s"):format(effect.frame and effect.frame.payload or "text", effect.awaited)
      end
    end
    assert.same({ "an answer 256 true", "one more false" }, { awaited[1], awaited[2] })
  end)

  it("takes no answer to an earlier message for one that is awaited", function()
    local described, first = testing.device "examples/thermostat/", true
    described.firmware = function(self)
      local request = self:receive()
      self:send { scp = request.scp, payload = "in time" }
      self:sleep(0.0105) -- the CLI is called meanwhile, and the second message is on its way
      self:send { scp = request.scp, payload = "stale" }
    end
    local run <close> = rig.new(plan_of { device = described })
    run:run()
    for _, effect in ipairs(run.trail) do
      if effect.frame and effect.frame.payload == "stale" then first = effect.awaited end
    end
    assert.is_false(first)
  end)

  it("tells of a worker that failed", function()
    local run <close> = rig.new(plan_of { service = { path = "x" } })
    run:run()
    assert.equal("crashed", run.events[#run.events].event)
    assert.matches("unknown option 'path'", run.events[#run.events].message)
  end)

  it("lets the device start afresh with each attempt, and loses what it wrote while nobody listened", function()
    local writes = {}
    local slow = device.replying(plan_of().device, {})
    slow.firmware = function(self)
      local message = self:receive()
      self:send { status = 0x11, payload = message.payload:sub(1, 1) }
      self:sleep(1000)
      writes[#writes + 1] = "never"
    end
    local run <close> = rig.new(plan_of { device = slow, retries = 2 })
    assert.equal("ended", run:run())
    assert.equal(3, run.device.boots)
    assert.same({}, writes)
  end)
end)
