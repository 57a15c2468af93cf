--- jig doctor: what is wrong with a station before its first unit, and what can leak there.
--
-- Each check is a function (host, about, say) in a file of its own: it asks the machine by `host` alone, and says what
-- it found, once or more often, or nothing where there is nothing to look at.

local doctor = {}

---@class jig.doctor.About : jig.Survey
---@field cli table       how the CLI is called: of jig.commands.journaling
---@field journal? table  where the journal is; nil: there is none

---@class jig.doctor.Finding
---@field check string
---@field state "ok"|"warn"|"fail"
---@field text string     what was found, and for "warn" and "fail" what to do

---@alias jig.doctor.Say fun(state: "ok"|"warn"|"fail", text: string)

--- The checks in their order: what can leak, what is run, where it is recorded, what it works on.
doctor.CHECKS = {
  { "arguments", require "jig.doctor.arguments" },
  { "dumps", require "jig.doctor.dumps" },
  { "swap", require "jig.doctor.swap" },
  { "station", require "jig.doctor.station" },
  { "recipes", require "jig.doctor.recipes" },
  { "cli", require "jig.doctor.cli" },
  { "token", require "jig.doctor.token" },
  { "pin", require "jig.doctor.pin" },
  { "clock", require "jig.doctor.clock" },
  { "disk", require "jig.doctor.disk" },
  { "journal", require "jig.doctor.journal" },
  { "sessions", require "jig.doctor.sessions" },
  { "udev", require "jig.doctor.udev" },
  { "ports", require "jig.doctor.ports" },
  { "latency", require "jig.doctor.latency" },
}

--- Makes all checks. A check that throws is a finding, too. Does not yield; waits for the disk.
---@param host jig.doctor.Host
---@param about jig.doctor.About
---@param tell fun(finding: jig.doctor.Finding)
---@return boolean failed
function doctor.run(host, about, tell)
  local failed = false
  for _, entry in ipairs(doctor.CHECKS) do
    local name, check = entry[1], entry[2]
    local function say(state, text)
      failed = failed or state == "fail"
      tell { check = name, state = state, text = text }
    end
    local ok, thrown = pcall(check, host, about, say)
    if not ok then say("fail", "this check broke off, which is a mistake in jig: " .. tostring(thrown)) end
  end
  return failed
end

return doctor
