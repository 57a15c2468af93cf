local station = require "spec.support.station"

-- Device fault, ERROR_CODE, the fault's name.
local FAULTS <const> = {
  { "no-key-pair", 501, "factory_init.keygen" },
  { "unknown-factory", 502, "factory_init.unknown_factory" },
  { "no-memory", 511, "factory_provisioning.memory" },
  { "cannot-decrypt", 512, "factory_provisioning.decrypt" },
  { "unknown-command@init", 521, "firmware.unknown_command" },
  { "cannot-parse@provision", 522, "firmware.cannot_parse" },
}

describe("meter", function()
  local place

  setup(function() place = station.place() end)
  teardown(function() place:close() end)

  local function run(faults, arguments, changes)
    local device <close> = station.device(place, { wire = "slip", faults = faults, arguments = arguments })
    local result = station.run(place, {
      recipe = changes and place:recipe("meter", changes) or "examples/meter",
      port = device.address,
      json = true,
    })
    return result, result.events[#result.events - 1], station.read(device.log)
  end

  local function messages(log)
    local list = {}
    for name in log:gmatch('"message":"(%w+)"') do
      list[#list + 1] = name
    end
    return table.concat(list, " ")
  end

  it("switches the mode, provisions, and locks, each once", function()
    local result, ended, log = run()
    assert.equal(0, result.exit)
    assert.equal(40, #ended.fingerprint)
    assert.equal("mode init provision lock", messages(log))
  end)

  it("paces its writes for a buffer of 256 bytes", function()
    local buffer = { "--rx-chunk", "256", "--rx-gap", "20" }
    local changed = "base.port.gap = 0.05"
    assert.equal(0, (run(nil, buffer, changed)).exit)
    local result = run(nil, buffer, "base.port.chunk = nil; base.limits.exchange = 0.5")
    assert.equal(1, result.exit)
  end)

  it("opens no session when the mode switch fails", function()
    local result, ended = run({ "unknown-command@mode" })
    assert.equal(1, result.exit)
    assert.equal("mode_switch", ended.fault.phase)
    assert.equal(0, #result.audit:starts())
  end)

  it("is manufactured with fault when the lock fails, and nothing is reported", function()
    local result, ended = run({ "status=114@lock" })
    assert.equal(1, result.exit)
    assert.equal("meter.locked", ended.fault.name)
    assert.is_true(ended.manufactured_with_fault)
    assert.equal(40, #ended.fingerprint)
    assert.equal(0, #result.audit:starts("report_error"))
  end)

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
