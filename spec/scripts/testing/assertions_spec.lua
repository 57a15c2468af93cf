local testing = require "jig.testing"

local PASS <const>, FAIL <const> = "PASS %x+", "FAIL factory_provisioning.memory %(311%): device cannot allocate memory"
local REPORT <const> = 'report_error 311 "device cannot allocate memory", accepted'

-- Runs made once: nothing here changes them.
local passed = testing.run { recipe = "examples/thermostat" }
local failed = testing.run { recipe = "examples/thermostat", device = { { status = 0x11 } } }
local refused = testing.run { recipe = "examples/thermostat", cli = { new_device = { exit = 1 } } }

-- The message with which an assertion is red.
local function red(...)
  local ok, thrown = pcall(...)
  assert.is_false(ok)
  return tostring(type(thrown) == "table" and thrown.message or thrown)
end

local function says(message, ...)
  for _, pattern in ipairs { ... } do
    if not message:find(pattern) then error(("%q is not in: %s"):format(pattern, message), 2) end
  end
end

describe("jig.testing.assertions", function()
  it("passed: green and red, also with a fingerprint", function()
    assert.passed(passed)
    assert.passed(passed, passed.fingerprint)
    assert.is_not.passed(failed)
    assert.is_not.passed(passed, "00")
    says(red(assert.passed, failed), "expected PASS\n", "found    " .. FAIL, "set dtr = 1\n", "the port is closed")
    says(red(assert.passed, passed, "00"), "expected PASS 00\n", "found    " .. PASS)
    says(red(assert.is_not.passed, passed), "expected not: PASS\n", "found    " .. PASS)
  end)

  it("failed: by any fault, by name, by code", function()
    assert.failed(failed)
    assert.failed(failed, "factory_provisioning.memory")
    assert.failed(failed, "factory_provisioning.memory", 311)
    assert.failed(failed, nil, 311)
    assert.is_not.failed(passed)
    assert.is_not.failed(failed, "cli.refused")
    assert.is_not.failed(failed, nil, 312)
    says(red(assert.failed, passed), "expected FAIL\n", "found    " .. PASS)
    says(red(assert.failed, failed, "cli.refused", 402), "expected FAIL cli.refused %(402%)\n", "found    " .. FAIL)
    says(red(assert.is_not.failed, failed), "expected not: FAIL\n", "found    " .. FAIL)
  end)

  it("reported: failed so, and told the service once", function()
    assert.reported(failed)
    assert.reported(failed, "factory_provisioning.memory", 311)
    assert.is_not.reported(passed)
    assert.is_not.reported(refused)
    says(red(assert.reported, refused, "cli.refused"), "expected FAIL cli.refused, reported once\n", "no report")
    says(red(assert.reported, failed, "cli.refused"), FAIL, REPORT)
    says(red(assert.is_not.reported, failed), "expected no report", REPORT)
  end)

  it("reported: not when nobody accepted it", function()
    local function reporting(answer)
      return testing.run { recipe = "examples/gateway", device = { { status = 3 } }, cli = { report_error = answer } }
    end
    local lost = reporting { exit = 1 }
    says(red(assert.reported, lost), "not accepted: ")
    assert.equal(1, #lost.reports)
    assert.equal("owing", lost.sessions[1].state)
    says(red(assert.reported, reporting { signal = 9 }), "not accepted: ")
  end)

  it("reported: of the last attempt", function()
    local result = testing.run {
      recipe = "examples/thermostat", retries = 1, device = { { status = 0x11 } },
    }
    assert.equal(2, #result.reports)
    assert.reported(result, "factory_provisioning.memory", 311)
  end)

  it("not_reported", function()
    assert.not_reported(passed)
    assert.not_reported(refused)
    assert.is_not.not_reported(failed)
    says(red(assert.not_reported, failed), "expected no report\n", "found    " .. REPORT)
    says(red(assert.is_not.not_reported, passed), "expected not: no report\n", "found    no report")
  end)

  it("sent: bytes in a row", function()
    assert.sent(passed, "0100")
    assert.is_not.sent(passed, "ffffffff")
    says(red(assert.sent, passed, "ffffffff"), "expected ffffffff on the wire\n", "found    %d+ bytes: 0100")
    says(red(assert.is_not.sent, passed, "0100"), "expected not: 0100 on the wire\n")
  end)

  it("shows at most the last lines of what happened", function()
    says(red(assert.failed, passed), "… %d+ before\n", "the journal takes 'ended'%s*$")
    assert.is_nil(red(assert.failed, passed):find("set dtr = 0", 1, true))
  end)

  it("say what they take, at the line that calls them", function()
    local words = { "passed", "failed", "reported", "not_reported", "sent" }
    for _, name in ipairs(words) do
      says(red(function() assert[name](7) end),
        "assertions_spec.lua:%d+: assert." .. name .. " takes what testing.run gives, got a number")
    end
    for _, digits in ipairs { "", "0", "xx", 7 } do
      says(red(function() assert.sent(passed, digits) end), "assertions_spec.lua:%d+: assert.sent takes bytes as hex")
    end
    says(red(function() assert.sent(passed) end), "assert.sent takes bytes as hex")
  end)
end)
