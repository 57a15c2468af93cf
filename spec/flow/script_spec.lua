-- examples/flow.lua: the vendor's flow in a script over three modules.

local station = require "spec.support.station"

local SCRIPT <const> = "examples/flow.lua"

local function provision(place, device, fault)
  local directory = place:fresh("service")
  local cli = station.tool(place, { SIM_DIR = directory, SIM_TOOL_FAULT = fault })
  local child <close> = station.start_jig(place, { SCRIPT, device.address, cli, "unit-1" })
  local result = child:finish()
  result.audit, result.left = station.audit(directory), station.left(directory)
  return result
end

describe(SCRIPT, function()
  local place

  before_each(function() place = station.place() end)
  after_each(function() place:close() end)

  it("has 25 lines at most and requires jig.hex, jig.port and jig.session alone", function()
    local text = station.read(SCRIPT)
    local _, lines = text:gsub("\n", "")
    assert.is_true(lines <= 25, lines .. " lines")
    local required = {}
    for name in text:gmatch('require%s*%(?%s*["\']([^"\']+)') do required[#required + 1] = name end
    assert.same({ "jig.hex", "jig.port", "jig.session" }, required)
  end)

  it("provisions a device", function()
    local device <close> = station.device(place, { wire = "line" })
    local result = provision(place, device)
    assert.equal(0, result.exit, result.stderr)
    local openssl = station.execute("openssl", "x509", "-in", place.path .. "/SIM0001.pem", "-noout",
      "-fingerprint", "-sha1")
    local expected = openssl:match("=(.*)\n"):gsub(":", ""):lower()
    assert.equal("FINGERPRINT " .. expected .. "\n", result.stdout)
    assert.equal(1, #result.audit:commits("handed"))
    assert.equal(0, #result.audit:starts("report_error"))
    assert.same({}, result.left)
  end)

  it("reports what fails once a session may be open, and nothing else", function()
    local cases = {
      { fault = "cannot-decrypt", reports = 1, said = "the device did not answer OK" },
      { fault = "gone@init", reports = 1, said = "." },
      { tool = "get_device_configuration:bad-hex", reports = 1, said = "get_device_configuration: line" },
      { tool = "handle_device_response:lost-answer", reports = 1, said = "signal 9" },
      { tool = "new_device:exit=1", reports = 0, said = "exit status 1" },
    }
    for _, case in ipairs(cases) do
      local device <close> = station.device(place, { wire = "line", faults = { case.fault } })
      local result = provision(place, device, case.tool)
      assert.equal(1, result.exit)
      assert.matches(case.said, result.stderr)
      assert.equal(case.reports, #result.audit:starts("report_error"))
      assert.equal(case.reports, #result.audit:commits("reported"))
      for _, report in ipairs(result.audit:starts("report_error")) do
        assert.equal("100", report.code)
        assert.matches(case.said, report.reason)
      end
    end
  end)
end)
