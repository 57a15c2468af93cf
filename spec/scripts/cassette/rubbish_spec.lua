local noise = require "jig.cassette.noise"
local rubbish = require "jig.cassette.rubbish"
local testing = require "jig.testing"

-- What jig says of an output.
local function said(command, out)
  local result = testing.run { recipe = "examples/gateway", cli = { [command] = { out = out } } }
  assert.failed(result, "cli.output")
  return result.fault.reason
end

describe("jig.cassette.rubbish", function()
  for what, case in pairs {
    ["no output"] = { "new_device", "" },
    ["no SCP"] = { "new_device", "PAYLOAD 00\n" },
    ["no PAYLOAD"] = { "get_device_configuration", "SCP 1\n" },
    ["no FINGERPRINT"] = { "handle_device_response", "well done\n" },
    ["an SCP that is a word"] = { "new_device", "SCP x1\nPAYLOAD 00\n" },
    ["an SCP that is too large"] = { "new_device", "SCP 99999999999\nPAYLOAD 00\n" },
    ["an odd number of digits"] = { "get_device_configuration", "SCP 1\nPAYLOAD 00000\n" },
    ["no hex"] = { "get_device_configuration", "SCP 1\nPAYLOAD 00zz\n" },
    ["a fingerprint that is no hex"] = { "handle_device_response", "FINGERPRINT 00zz\n" },
    ["a long fingerprint"] = { "handle_device_response", "FINGERPRINT " .. ("00"):rep(1000) .. "\n" },
    ["a key twice"] = { "new_device", "SCP 1\nPAYLOAD 00\nPAYLOAD 00\n" },
    ["a key without a value"] = { "new_device", "SCP 1\nPAYLOAD\n" },
    ["a key for a value"] = { "new_device", "SCP\nPAYLOAD 00\n" },
    ["text behind a value"] = { "new_device", "SCP 1 and\nPAYLOAD 00\n" },
    ["a NUL"] = { "handle_device_response", "FINGERPRINT\0 00\n" },
  } do
    it("is an output of which the engine says the same as of " .. what, function()
      local was = said(table.unpack(case))
      assert.equal(noise.skeleton(was), noise.skeleton(said(case[1], rubbish.output(was))))
    end)
  end

  it("is never an answer", function()
    assert.equal("rubbish\n", rubbish.output("something else"))
    assert.equal("rubbish\n", rubbish.output(""))
  end)
end)
