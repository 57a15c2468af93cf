--- `jig test --junit FILE`: one test case per test, in the form that CI servers read. What failed outside of a
-- test is a case, too, and so is a run of nothing: no reader takes such a file for green.
--
-- The file is written before the run, as one error, and again at its end: what a run that was ended leaves
-- behind is red, and not the file of the run before.

local collect = require "jig.output.specs_collect"
local junit = require "jig.output.junit"
local write = require "jig.output.whole"

local COUNTED <const> = { failure = "failures", error = "errors", skipped = "skipped" }

-- Of several lines, which stay lines.
local function escape_lines(text)
  return (text:gsub("[^\n]+", junit.escape))
end

local function case_xml(case)
  local head = ('    <testcase classname="%s" name="%s" time="%.3f"'):format(junit.escape(case.file),
    junit.escape(case.name), case.seconds)
  if not case.tag then return head .. "/>\n" end
  local first = case.message:match("^[^\n]*")
  return ('%s>\n      <%s message="%s">%s</%s>\n    </testcase>\n'):format(head, case.tag, junit.escape(first),
    escape_lines(case.message), case.tag)
end

local function suite_xml(cases)
  local count, seconds, parts = { failures = 0, errors = 0, skipped = 0 }, 0, {}
  for i, case in ipairs(cases) do
    local counted = COUNTED[case.tag]
    if counted then count[counted] = count[counted] + 1 end
    seconds = seconds + case.seconds
    parts[i] = case_xml(case)
  end
  local counts = ('tests="%d" failures="%d" errors="%d" skipped="%d" time="%.3f"'):format(#cases, count.failures,
    count.errors, count.skipped, seconds)
  return ('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites %s>\n  <testsuite name="jig test" %s>\n%s%s'):format(
    counts, counts, table.concat(parts), junit.TAIL)
end

local function error_case(message)
  return { file = "jig test", name = "the run", seconds = 0, tag = "error", message = message }
end

local specs_junit = {}

--- Before the run: the file of a run that never ends. nil, or why it cannot be written.
---@param path string
---@return string? message
function specs_junit.begin(path)
  return write(path, suite_xml { error_case("the run did not come to its end") })
end

--- At its end: what was run. nil, or why it cannot be written.
---@param path string
---@param cases jig.SpecCase[]
---@return string? message
function specs_junit.finish(path, cases)
  local list, counted = table.move(cases, 1, #cases, 1, {}), false
  for _, case in ipairs(cases) do counted = counted or case.tag ~= "skipped" end
  if not counted then list[#list + 1] = error_case("no spec was run") end
  local message = write(path, suite_xml(list))
  return message and "--junit: " .. message
end

local function subscribe(path)
  local busted = require "busted"
  local cases = {}
  local handler = collect(function(case) cases[#cases + 1] = case end)
  busted.subscribe({ "suite", "end" }, function()
    local message = specs_junit.finish(path, cases)
    if message then
      io.stderr:write("jig test: ", message, "\n")
      error(message, 0)
    end
    return nil, true
  end)
  return handler
end

--- Busted's output handler.
return setmetatable(specs_junit, { __call = function(_, options) return subscribe(options.path) end })
