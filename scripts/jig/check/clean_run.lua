--- The run without any fault, with the device that stands beside the recipe, on virtual time: it must pass, and break
--- none of the laws that `jig prove` looks for on every path.

local explorer = require "jig.prove.explorer"
local testing = require "jig.testing"

local function first_line(text) return tostring(text):match("^[^\n]*") end

-- Of a path of the explorer: what it ended with, where, and what was wrong.
local function explore(file)
  local subject <close> = explorer.subject(file)
  local path, history = explorer.go(subject, {}, true)
  return { passed = path.verdict == "PASS", fault = history.ended and history.ended.fault,
    violations = path.violations }
end

-- The same for a framing that has no device end: the device writes the bytes itself.
local function test(file)
  local result = testing.run { recipe = file }
  return { passed = result.passed, fault = result.fault, violations = {} }
end

local function report_end(ended, report, advice)
  local fault = ended.fault
  local name = fault and ("%s (%d): %s"):format(fault.name, fault.code, first_line(fault.reason)) or "no verdict"
  report(fault and fault.line, "the run without any fault fails with " .. name, advice)
end

--- Runs it and reports. Whatever the device's code raises is reported, too. Does not yield.
---@param file string
---@param recipe jig.Recipe
---@param report fun(place: string?, what: string, instead: string)  place: "file:line", where it is known
return function(file, recipe, report)
  local advice = ("see jig prove %s --path clean --trace"):format(file)
  local ok, ended = pcall(recipe.framing.device and explore or test, file)
  if not ok then
    local place, what = first_line(ended):match("^(.-%.lua:%d+): (.*)$")
    return report(place, "the run without any fault: " .. (what or first_line(ended)), "mend device.lua, or the recipe")
  end
  if not ended.passed then return report_end(ended, report, advice) end
  for _, violation in ipairs(ended.violations) do
    local place = violation.line or violation.text:match("(%S+%.lua:%d+)")
    report(place, ("the run without any fault breaks a law: %s"):format(first_line(violation.text)), advice)
  end
end
