local station = require "spec.support.station"
local testing = require "jig.testing"

local RECIPE <const> = "examples/thermostat"

-- The firmware's replies to the messages, in order; its banner and its reset line are those of device.lua.
local function run(replies, more)
  local options = { recipe = RECIPE, device = replies }
  for key, value in pairs(more or {}) do options[key] = value end
  return testing.run(options)
end

describe("thermostat", function()
  it("passes with its serial number and the fingerprint", function()
    local result = testing.run { recipe = RECIPE, cli = { handle_device_response = { fingerprint = "e603eb9d" } } }
    assert.passed(result, "e603eb9d")
    assert.equal("T100317", result.serial)
  end)

  for status, expected in pairs {
    [0x01] = { "factory_init.keygen", 301 },
    [0x02] = { "factory_init.unknown_factory", 302 },
    [0x11] = { "factory_provisioning.memory", 311 },
    [0x12] = { "factory_provisioning.decrypt", 312 },
    [0x21] = { "firmware.unknown_command", 321 },
    [0x22] = { "firmware.cannot_parse", 322 },
    [0x99] = { "firmware.unknown_status", 203 },
  } do
    it(("reports status 0x%02x once, as %s"):format(status, expected[1]), function()
      assert.reported(run { { status = status } }, expected[1], expected[2])
      assert.reported(run { { payload = "key" }, { status = status } }, expected[1], expected[2])
    end)
  end

  it("is tried again after a memory failure alone, when the station allows it", function()
    local attempt = 0
    local function full_once()
      attempt = attempt + 1
      return { status = attempt == 1 and 0x11 or 0, payload = "key" }
    end
    local result = run({ full_once, { payload = "done" } }, { retries = 1 })
    assert.passed(result)
    assert.equal(2, #result.attempts)
    assert.equal(1, #result.reports)
    assert.equal(1, #run({ { status = 0x12 } }, { retries = 1 }).attempts)
  end)

  it("opens no session for another serial number, or for none", function()
    local other = testing.run { recipe = RECIPE, serial = "T999999" }
    assert.failed(other, "tool.serial")
    local silent = testing.run { recipe = RECIPE, device = function() end }
    assert.failed(silent, "connectivity.timeout")
    assert.equal(0, #other.calls + #silent.calls)
  end)

  it("waits 5 s for an answer", function()
    local result = run {}
    assert.reported(result, "connectivity.timeout")
    assert.equal("exchange", result.fault.limit)
  end)

  it("passes with real programs", function()
    local place <close> = station.place()
    local device <close> = station.device(place, { wire = "length" })
    assert.passed(testing.run {
      recipe = RECIPE, real = true, device = device.address, cli = station.factory_tool,
      service = { env = { SIM_DIR = place.path .. "/service" } },
    })
  end)
end)
