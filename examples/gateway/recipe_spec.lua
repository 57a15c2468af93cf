local station = require "spec.support.station"
local testing = require "jig.testing"

local RECIPE <const> = "examples/gateway"

local function run(device)
  return testing.run { recipe = RECIPE, device = device }
end

describe("gateway", function()
  it("passes with its trace between the frames", function()
    assert.passed(testing.run { recipe = RECIPE })
  end)

  it("passes with junk before a frame, which comes byte by byte", function()
    assert.passed(run(function(device)
      for number = 1, 2 do
        device:receive()
        device:write("\27[32mmbed trace\27[0m mbedpr\n")
        local bytes = device.framing.device.encode { status = 0, payload = "answer " .. number }
        for byte in bytes:gmatch(".") do
          device:write(byte)
          device:sleep(0.001)
        end
      end
    end))
  end)

  for status, expected in pairs {
    [3] = { "factory_provisioning.memory", 611 },
    [8] = { "firmware.cannot_parse", 608 },
    [9] = { "firmware.cannot_parse", 609 },
    [0x101] = { "factory_init.keygen", 601 },
    [0x102] = { "factory_init.unknown_factory", 602 },
    [0x112] = { "factory_provisioning.decrypt", 612 },
    [0x121] = { "firmware.unknown_command", 621 },
    [7] = { "firmware.unknown_status", 203 },
  } do
    it(("reports status 0x%x once, as %s"):format(status, expected[1]), function()
      assert.reported(run { { status = status } }, expected[1], expected[2])
      assert.reported(run { { payload = "key" }, { status = status } }, expected[1], expected[2])
    end)
  end

  it("reports a connection that is closed in mid-answer", function()
    assert.reported(run(function(device)
      device:receive()
      device:write("mbedprov\0\0")
      device:hang_up()
    end), "connectivity.lost", 103)
  end)

  it("passes with real programs", function()
    local place <close> = station.place()
    assert.passed(testing.run {
      recipe = RECIPE, real = true, cli = station.factory_tool,
      device = ("exec:%s --wire ftcd --listen stdio --store %s"):format(station.simulator, place.path),
      service = { env = { SIM_DIR = place.path .. "/service" } },
    })
  end)
end)
