local station = require "spec.support.station"
local testing = require "jig.testing"

local RECIPE <const> = "examples/meter"
local MODE <const>, INIT <const>, PROVISION <const>, LOCK <const> = 0x10, 0x20, 0x21, 0x30
local DONE <const> = { status = 0, payload = "done" }

local function run(replies)
  return testing.run { recipe = RECIPE, device = replies }
end

-- The commands that reached the meter.
local function commands(result)
  local list = {}
  for i, frame in ipairs(result.received) do list[i] = frame.command end
  return list
end

describe("meter", function()
  it("switches the mode, provisions, and locks, each once", function()
    local result = testing.run { recipe = RECIPE }
    assert.passed(result)
    assert.same({ MODE, INIT, PROVISION, LOCK }, commands(result))
    assert.equal("FACTORY", result.received[1].payload)
  end)

  for status, expected in pairs {
    [0x41] = { "factory_init.keygen", 501 },
    [0x42] = { "factory_init.unknown_factory", 502 },
    [0x51] = { "factory_provisioning.memory", 511 },
    [0x52] = { "factory_provisioning.decrypt", 512 },
    [0x61] = { "firmware.unknown_command", 521 },
    [0x62] = { "firmware.cannot_parse", 522 },
    [0x71] = { "meter.wrong_order", 531 },
    [0x72] = { "meter.locked", 532 },
    [0x99] = { "firmware.unknown_status", 203 },
  } do
    it(("reports status 0x%02x once, as %s"):format(status, expected[1]), function()
      assert.reported(run { DONE, { status = status } }, expected[1], expected[2])
      assert.reported(run { DONE, DONE, { status = status } }, expected[1], expected[2])
    end)

    it(("opens no session when the mode switch fails with status 0x%02x"):format(status), function()
      local result = run { { status = status } }
      assert.failed(result, expected[1], expected[2])
      assert.equal("mode_switch", result.fault.phase)
      assert.equal(0, #result.calls)
    end)

    it(("is manufactured with fault when the lock fails with status 0x%02x"):format(status), function()
      local result = run { DONE, DONE, DONE, { status = status } }
      assert.failed(result, expected[1], expected[2])
      assert.not_reported(result)
      assert.is_true(result.ended.manufactured_with_fault)
      assert.truthy(result.fingerprint)
    end)
  end

  it("paces its writes: 128 bytes, then 4 ms of silence", function()
    local result = testing.run { recipe = RECIPE, cli = {
      get_device_configuration = { scp = 257, payload = ("c"):rep(1984) },
    } }
    assert.passed(result)
    local last, paced = nil, 0
    for _, effect in ipairs(result.trail) do
      if effect.kind == "write" then
        assert.is_true(effect.size <= 128)
        if last and last.size == 128 then
          paced = paced + 1
          assert.is_true(effect.at - last.at >= 0.0039)
        end
        last = effect
      end
    end
    assert.is_true(paced >= 1984 // 128)
  end)

  it("passes with real programs", function()
    local place <close> = station.place()
    assert.passed(testing.run {
      recipe = RECIPE, real = true, cli = station.factory_tool,
      device = ("exec:%s --wire slip --listen stdio --store %s"):format(station.simulator, place.path),
      service = { env = { SIM_DIR = place.path .. "/service" } },
    })
  end)
end)
