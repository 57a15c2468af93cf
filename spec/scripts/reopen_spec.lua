-- Devices that leave and come back, as unit:reopen waits for them; the wires themselves are wires_spec's.

local fault = require "jig.fault"
local reopen = require "jig.reopen"
local visitor = require "spec.support.visitor"

local GO <const>, LEAVES <const> = visitor.GO, visitor.LEAVES

local function run(prepare, plan, more)
  local options = { prepare = prepare, device = { control = LEAVES(plan) } }
  for key, value in pairs(more or {}) do options[key] = value end
  return visitor.run(options)
end

-- Seconds until the unit failed.
local function failed(result, name, reason)
  assert.failed(result, name)
  assert.matches(reason, result.fault.reason, 1, true)
  return result.seconds
end

describe("jig.reopen", function()
  it("goes on with the device when it is back as something else", function()
    assert.passed(run(GO .. "unit:reopen { pid = 2 }", { pid = 2, away = 1 }))
  end)

  it("does so when it is back as what it was, and when it was gone before anybody looked", function()
    assert.passed(run(GO .. "unit:reopen()", {}))
    assert.passed(run(GO .. "jig.sleep(0.1) unit:reopen()", { away = 0.5 }))
    assert.passed(run(GO .. "jig.sleep(0.5) unit:reopen()", { away = 0.1 }))
  end)

  it("says that it did not leave", function()
    local seconds = failed(run("unit:reopen { pid = 2 }", {}), "connectivity.timeout",
      "T: the device did not leave: limits.reopen (3 s) has passed")
    assert.near(3, seconds, 0.01)
  end)

  it("says that nothing came back", function()
    local seconds = failed(run(GO .. "unit:reopen { pid = 3 }", { pid = 2 }), "connectivity.not_found",
      "T: nothing that fits stage:device?pid=0003 came back, and limits.reopen (3 s) has passed")
    assert.near(3, seconds, 0.01)
    failed(run(GO .. "unit:reopen()", { away = 4 }), "connectivity.not_found", "nothing that fits stage:device")
    assert.passed(run(GO .. "unit:reopen()", { away = 4 }, { limits = "reopen = 5" }))
  end)

  it("says what kept one that is back from being opened", function()
    local result = run(GO .. "unit:reopen { interface = 4 }", {})
    local seconds = failed(result, "connectivity.timeout",
      "T: the device is back, but cannot be opened, and limits.reopen (3 s) has passed: T: the device has no such")
    assert.near(3, seconds, 0.01)
  end)

  it("names both when another device came back", function()
    failed(run(GO .. "unit:reopen()", { serial = "S2\27" }), "tool.serial",
      "T: another device came back: it is S2?, and the one that left was S1")
  end)

  it("takes it for the same where one of them has no serial number", function()
    reopen.check_same({}, { serial = "a" }, "T")
    reopen.check_same({ serial = "a" }, {}, "T")
    reopen.check_same({ serial = "a" }, { serial = "a" }, "T")
    local ok, thrown = pcall(reopen.check_same, { serial = "a" }, { serial = "A" }, "T")
    assert.is_false(ok)
    assert.is_true(fault.is(thrown))
  end)

  it("ends with the limits outside, and when the station is stopped", function()
    failed(run("unit:reopen()", {}, { limits = "reopen = 30" }), "connectivity.timeout", "'prepare'")
    failed(run(GO .. "unit:reopen()", { away = 60 }, { limits = "reopen = 30" }), "connectivity.timeout", "'prepare'")
    for _, when in ipairs { 0.01, 0.25 } do
      local stopped = run(GO .. "unit:reopen()", { away = 2, after = 0.1 }, { interrupt = when })
      assert.failed(stopped, "tool.interrupted")
      assert.near(when, stopped.seconds, 1e-6)
    end
  end)

  it("drops what the device says before it leaves, and nothing of what it says when it is back", function()
    assert.passed(run(GO .. "unit:reopen() assert(unit.port:expect('boot (%d)\\r\\n') == '2')", {}, { device = {
      control = LEAVES { after = 0.25 },
      firmware = function(device)
        device:write(("boot %d\r\n"):format(device.boots))
        visitor.firmware(device)
      end,
    } }))
  end)

  it("throws connectivity.lost at all that is done while there is no device", function()
    local gone = reopen.absent "T"
    local methods = { "read", "read_some", "read_until", "write", "drain", "discard", "unread", "set", "control" }
    for _, method in ipairs(methods) do
      assert.same({ nil, "T: the device has left, and is not back", "lost" }, { gone[method](gone, "x") })
    end
    assert.same({ 0, 0 }, { gone:counts() })
    assert.same({}, gone:about())
    gone:close()
  end)
end)
