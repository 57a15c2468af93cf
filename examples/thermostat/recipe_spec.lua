local proc = require "jig.proc"
local station = require "spec.support.station"

local RECIPE <const> = "examples/thermostat"

-- Device fault, ERROR_CODE, the fault's name.
local FAULTS <const> = {
  { "no-key-pair", 301, "factory_init.keygen" },
  { "unknown-factory", 302, "factory_init.unknown_factory" },
  { "no-memory", 311, "factory_provisioning.memory" },
  { "cannot-decrypt", 312, "factory_provisioning.decrypt" },
  { "unknown-command@init", 321, "firmware.unknown_command" },
  { "cannot-parse@provision", 322, "firmware.cannot_parse" },
}

local function openssl_fingerprint(pem)
  local told = assert(proc.start { "openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha1" }):wait(60)
  return told.stdout:match("=([%x:]+)"):gsub(":", ""):lower()
end

describe("thermostat", function()
  local place

  setup(function() place = station.place() end)
  teardown(function() place:close() end)

  local function run(faults, arguments)
    local device <close> = station.device(place, {
      wire = "length",
      faults = faults,
      arguments = { "--serial", "T100317" },
    })
    local result = station.run(place, {
      recipe = RECIPE,
      port = device.address,
      json = true,
      arguments = arguments,
    })
    return result, result.events[#result.events - 1]
  end

  it("passes with the fingerprint of the certificate that the device stored", function()
    local result, ended = run()
    assert.equal(0, result.exit)
    assert.equal(openssl_fingerprint(place.path .. "/T100317.pem"), ended.fingerprint)
    assert.equal("T100317", ended.serial)
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
      assert.equal(1, #result.audit:commits("reported"))
    end)
  end

  it("is tried again after a memory failure, when the station allows it", function()
    local result, ended = run({ "no-memory#1" }, { "--retries", "1" })
    assert.equal(0, result.exit)
    assert.equal(2, ended.attempt)
    assert.equal(1, #result.audit:starts("report_error"))
    assert.equal(2, #result.audit:commits("opened"))
  end)

  it("is not begun when another serial number is expected", function()
    local result, ended = run(nil, { "--serial-number", "T999999" })
    assert.equal(1, result.exit)
    assert.equal("tool.serial", ended.fault.name)
    assert.equal(0, #result.audit:starts())
  end)
end)
