local doctor = require "jig.doctor"
local machine = require "spec.support.machine"

local function about()
  return { station = {}, slots = {}, recipes = {}, cli = { cli = "/opt/tool", token = false } }
end

local function run(host, at)
  local findings = {}
  local failed = doctor.run(host, at or about(), function(finding) findings[#findings + 1] = finding end)
  return failed, findings
end

local function sound()
  local host = machine.new { ["/opt/tool"] = "", ["/proc/self/limits"] = "Max core file size        0  0  bytes\n",
    ["/proc/swaps"] = "Filename\n", ["/proc/self/mounts"] = "" }
  host.sha256 = function() return "ab" end
  return host
end

describe("jig.doctor", function()
  it("makes all checks, in their order, each with its name", function()
    local failed, findings = run(sound())
    local names = {}
    for i, finding in ipairs(findings) do
      names[i] = finding.check .. " " .. finding.state
      assert.equal("string", type(finding.text))
    end
    assert.same({ "arguments ok", "dumps ok", "swap ok", "cli ok", "token ok", "clock ok", "journal warn" }, names)
    assert.is_false(failed)
  end)

  it("has failed when one says so, whatever comes behind it", function()
    local host = sound()
    host.sha256 = function() return nil, "denied" end
    assert.is_true((run(host)))
  end)

  it("makes the others when one throws, and has failed", function()
    local host = sound()
    host.clock = function() error "no clock" end
    local failed, findings = run(host)
    assert.is_true(failed)
    assert.equal("fail", findings[6].state)
    assert.truthy(findings[6].text:find("mistake in jig: .*no clock"))
    assert.equal("journal", findings[7].check)
  end)

  it("has a file for each check", function()
    for _, entry in ipairs(doctor.CHECKS) do assert.equal(entry[2], require("jig.doctor." .. entry[1])) end
  end)
end)
