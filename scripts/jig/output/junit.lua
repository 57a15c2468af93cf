--- `jig run --junit FILE`: one test case per attempt, in the form that CI servers read. A unit's fault is a
-- failure, a station's (jig.tally) an error.

local whole = require "jig.output.whole"

local junit = {}

local ESCAPES <const> = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

--- A value as text of XML or of an attribute, on one line.
function junit.escape(value)
  local text = tostring(value)
  if not utf8.len(text) then text = text:gsub("[\128-\255]", "?") end
  text = text:gsub("\xef\xbf[\xbe\xbf]", "?") -- U+FFFE and U+FFFF are no characters of XML
  return (text:gsub("[%c\127]", "?"):gsub('[&<>"]', ESCAPES))
end

local escape <const> = junit.escape

--- One test case.
---@param event table    of an ended attempt: slot, unit, attempt, seconds, fault, station, serial, ...
---@param recipe string
---@return string
function junit.case(event, recipe)
  local lines = {}
  local name = ("slot %s unit %d attempt %d"):format(event.slot, event.unit, event.attempt)
  lines[1] = ('    <testcase classname="%s" name="%s" time="%.3f">'):format(escape(recipe), escape(name),
    event.seconds)
  if event.fault then
    local tag = event.station and "error" or "failure"
    lines[#lines + 1] = ('      <%s type="%s" message="%s">phase %s, code %d%s</%s>'):format(tag,
      escape(event.fault.name), escape(event.fault.reason), escape(event.fault.phase or "?"),
      event.fault.code, event.unreported and ", not reported" or "", tag)
  end
  local out = ("serial %s, session %s, fingerprint %s"):format(event.serial or "-", event.session or "-",
    event.fingerprint or "-")
  lines[#lines + 1] = ("      <system-out>%s</system-out>"):format(escape(out))
  lines[#lines + 1] = "    </testcase>\n"
  return table.concat(lines, "\n")
end

--- What a suite says of all its cases.
---@class jig.JunitCounts
local counts = {}
counts.__index = counts

---@return jig.JunitCounts
function junit.counts()
  return setmetatable({ tests = 0, failures = 0, errors = 0, seconds = 0 }, counts)
end

function counts:add(event)
  self.tests, self.seconds = self.tests + 1, self.seconds + event.seconds
  if event.fault and event.station then
    self.errors = self.errors + 1
  elseif event.fault then
    self.failures = self.failures + 1
  end
end

--- What stands before the cases, and behind them.
---@param name string  of the suite
---@return string
function counts:head(name)
  return ('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
    .. '  <testsuite name="%s" tests="%d" failures="%d" errors="%d" time="%.3f">\n'):format(escape(name),
    self.tests, self.failures, self.errors, self.seconds)
end

junit.TAIL = "  </testsuite>\n</testsuites>\n"

--- Writes the file. nil, message when it cannot be written.
---@param path string
---@param recipe string     its name
---@param ended table[]     the events of ended attempts; `recipe` in one: that of its slot
function junit.write(path, recipe, ended)
  local total, cases = junit.counts(), {}
  for i, event in ipairs(ended) do
    total:add(event)
    cases[i] = junit.case(event, event.recipe or recipe)
  end
  local message = whole(path, total:head(recipe) .. table.concat(cases) .. junit.TAIL)
  return not message or nil, message
end

return junit
