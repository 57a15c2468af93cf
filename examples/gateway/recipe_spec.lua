local station = require "spec.support.station"

-- Device fault, ERROR_CODE, the fault's name.
local FAULTS <const> = {
  { "no-key-pair", 601, "factory_init.keygen" },
  { "unknown-factory", 602, "factory_init.unknown_factory" },
  { "no-memory", 611, "factory_provisioning.memory" },
  { "cannot-decrypt", 612, "factory_provisioning.decrypt" },
  { "unknown-command@init", 621, "firmware.unknown_command" },
  { "cannot-parse@provision", 609, "firmware.cannot_parse" },
  { "gone-mid-reply@init", 103, "connectivity.lost" },
}

describe("gateway", function()
  local place

  setup(function() place = station.place() end)
  teardown(function() place:close() end)

  local function run(faults)
    local device <close> = station.device(place, { wire = "ftcd", listen = "tcp", faults = faults })
    local result = station.run(place, { recipe = "examples/gateway", port = device.address, json = true })
    return result, result.events[#result.events - 1]
  end

  for _, fault in ipairs { "none", "split", "junk-before" } do
    it("passes over tcp with its trace between the frames, device fault " .. fault, function()
      local result, ended = run(fault ~= "none" and { fault } or nil)
      assert.equal(0, result.exit)
      assert.matches("^%x+$", ended.fingerprint)
      assert.equal(40, #ended.fingerprint)
      assert.equal(0, #result.audit:starts("report_error"))
    end)
  end

  for _, case in ipairs(FAULTS) do
    it("reports " .. case[1] .. " once, as " .. case[3], function()
      local result, ended = run({ case[1] })
      assert.equal(1, result.exit)
      assert.equal(case[3], ended.fault.name)
      local reports = result.audit:starts("report_error")
      assert.equal(1, #reports)
      assert.equal(tostring(case[2]), reports[1].code)
    end)
  end
end)
