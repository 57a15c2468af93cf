--- One attempt at a unit, from the open port to the verdict: the hooks in their order, each with its
-- limit, and what follows a failure.
--
--     connect · reset · prepare · run (new_device … handle_device_response) · finish
--     failure: the report, if a session may be open · reset
--
-- PASS needs a FINGERPRINT. After it nothing is reported; what fails then makes the unit
-- "manufactured with fault".

local budget = require "jig.budget"
local clock = require "jig.clock"
local fault = require "jig.fault"
local standard_flow = require "jig.flow"
local task = require "jig.task"
local units = require "jig.unit"

local attempt = {}

local function hook(unit, name)
  local f = unit.recipe[name]
  if not f then return end
  unit:enter(name)
  local limit <close> = task.limit(name, unit.recipe.limits[name])
  f(unit)
end

local function check_serial(unit, expected)
  if expected and unit.serial ~= expected then
    unit:fail("tool.serial", {
      reason = ("the device says it is %s, the station expects %s"):format(unit.serial, expected),
    })
  end
end

-- People at the station look for a unit by its number, before it has a verdict.
local function tell_serial(unit)
  if type(unit.serial) == "string" then unit.context.emit { event = "serial", serial = unit.serial } end
end

local function run(unit, options)
  local limit <close> = task.limit("unit", unit.recipe.limits.unit)
  unit:open(options.address, options.pacing)
  hook(unit, "reset")
  hook(unit, "prepare")
  tell_serial(unit)
  check_serial(unit, options.serial)
  local flow = unit.recipe.run or standard_flow
  flow(unit)
  local truth = units.truth(unit)
  if truth.failed then error(truth.failed, 0) end
  if not truth.fingerprint then
    unit:fail("tool.recipe", { reason = "run ended without handle_device_response" })
  end
  if unit.recipe.finish then unit.context.emit { event = "manufactured", fingerprint = truth.fingerprint } end
  hook(unit, "finish")
end

-- The duty: one report, whatever the reason. It is not subject to the unit's limits.
local function report(unit, made, result)
  local session = units.truth(unit).session
  if not (session and session:owes()) then return end
  unit:enter("report")
  local ok, message = units.report(unit, made.code, made.reason, made.name, made.phase)
  result.reported = ok == true
  result.report_trouble = message
  unit.context.emit {
    event = "report",
    code = made.code,
    reason = made.reason,
    accepted = result.reported,
    trouble = message,
  }
end

local function reset(unit)
  unit:enter("reset")
  local shield <close> = task.shield("reset", unit.recipe.limits.reset)
  unit.recipe.reset(unit)
end

local function first_line(thrown)
  return tostring(thrown):match("^[^\n]*")
end

-- The device is brought to a known state again, with a budget of its own. What fails here changes nothing
-- any more.
local function clean_up(unit, folder)
  if not (unit.port and unit.recipe.reset) then return end
  local ok, thrown, spent = budget.run(folder, first_line, reset, unit)
  if spent then return (spent.line and spent.line .. ": " or "") .. spent.reason end
  if not ok then return thrown end
end

-- What was thrown may come from anywhere when the budget is spent: then only that counts.
local function fault_of(thrown, spent)
  if spent then
    return fault.new("tool.limit", { reason = spent.reason, line = spent.line, traceback = spent.traceback })
  end
  return fault.from(thrown)
end

local function fail(unit, folder, made, result)
  if not budget.run(folder, nil, unit.complete, unit, made) then made.slot = unit.slot end
  result.fault = made
  report(unit, made, result)
  result.reset_trouble = clean_up(unit, folder)
end

--- Runs one attempt. Yields; does not throw.
---@param unit jig.Unit
---@param options { address: string, pacing?: table, serial?: string }
---@return table result  passed, fault?, fingerprint?, reported?, unreported, seconds, gate_seconds, phases, …
function attempt.run(unit, options)
  local result = { passed = false }
  local folder = unit.context.folder
  local ok, thrown, spent = budget.run(folder, unit.catch, run, unit, options)
  if ok then
    result.passed = true
  else
    fail(unit, folder, fault_of(thrown, spent), result)
  end
  local truth = units.truth(unit)
  result.fingerprint = truth.fingerprint
  result.manufactured_with_fault = (truth.fingerprint and not ok) or nil
  result.unreported = (truth.session and truth.session:owes()) or false
  result.gate_seconds = 0.0
  if truth.session then
    result.gate_seconds = select(2, truth.session:waited())
    truth.session:close()
  end
  if unit.port then
    result.received, result.sent = unit.port:counts()
    unit.port:close()
  end
  result.phases = unit:durations()
  result.seconds = clock.now() - unit.started
  return result
end

return attempt
