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
local cut = require "jig.cut"
local fault = require "jig.fault"
local hook_place = require "jig.hook_place"
local legible = require "jig.legible"
local standard_flow = require "jig.flow"
local task = require "jig.task"
local units = require "jig.unit"

local attempt = {}

local function hook(unit, name)
  local own = units.truth(unit).recipe
  local f = own[name]
  if not f then return end
  units.enter(unit, name)
  units.truth(unit).hook = name
  local limit <close> = task.limit(name, own.limits[name])
  f(unit)
  units.keep_serial(unit)
end

local function run(unit, options)
  local truth = units.truth(unit)
  local limit <close> = task.limit("unit", truth.recipe.limits.unit)
  units.connect(unit, options.address, options.pacing)
  hook(unit, "reset")
  hook(unit, "prepare")
  units.check_serial(unit)
  local flow = truth.recipe.run or standard_flow
  truth.hook = "run"
  flow(unit)
  if truth.failed then error(truth.failed, 0) end
  if not truth.fingerprint then
    local line = hook_place(truth.recipe.run, truth.context.folder)
    units.fail(unit, "tool.recipe", { reason = "run ended without handle_device_response", line = line })
  end
  units.keep_serial(unit)
  if truth.recipe.finish then truth.context.emit { event = "manufactured", fingerprint = truth.fingerprint } end
  hook(unit, "finish")
end

-- The duty: one report, whatever the reason. It is not subject to the unit's limits.
local function report(unit, made, result)
  local truth = units.truth(unit)
  if not (truth.session and truth.session:owes()) then return end
  pcall(units.enter, unit, "report")
  local ok, message = units.report(unit, made.code, made.reason, made.name, made.phase)
  result.reported = ok == true
  result.report_trouble = message
  truth.context.emit {
    event = "report",
    code = made.code,
    reason = made.reason,
    accepted = result.reported,
    trouble = message,
  }
end

local function reset(unit)
  local own = units.truth(unit).recipe
  units.enter(unit, "reset")
  local shield <close> = task.shield("reset", own.limits.reset)
  own.reset(unit)
end

-- Bytes of what is told of an error.
local TOLD <const> = 1000

local function first_line(thrown)
  return cut(legible.thrown(tostring(thrown)):match("^[^\n]*"), TOLD)
end

-- The device is brought to a known state again, with a budget of its own. What fails here changes nothing
-- any more.
local function clean_up(unit, folder)
  local truth = units.truth(unit)
  if not (truth.port and truth.recipe.reset) then return end
  local ok, thrown, spent = budget.run_after(folder, first_line, reset, unit)
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

-- Of what was thrown where no fault could be made of it any more.
local function last_resort(thrown)
  local readable, line = pcall(first_line, thrown)
  return fault.from(readable and line or "an error that has no text")
end

-- Calls a step of the end. What it throws costs the pass, but neither the result nor the steps behind it.
local function guard(result, f, ...)
  local ok, thrown = pcall(f, ...)
  if ok then return end
  result.passed = false
  result.fault = result.fault or last_resort(thrown)
end

-- What is reported. The recipe may have written into what it threw, and have filled its memory.
local function settled(unit, folder, thrown, spent)
  local made = fault_of(thrown, spent)
  budget.run_after(folder, nil, units.complete, unit, made)
  local was_there = made == units.truth(unit).failed
  made = fault.checked(made)
  if not was_there then made = units.unless_stopped(made) end
  made.slot = made.slot or units.truth(unit).slot
  return made
end

-- The report hangs on nothing that may go wrong before it.
local function fail(unit, folder, thrown, spent, result)
  local ok, made = pcall(settled, unit, folder, thrown, spent)
  result.fault = ok and made or last_resort(made)
  guard(result, report, unit, result.fault, result)
  result.reset_trouble = clean_up(unit, folder)
end

local function close_session(unit, session, result)
  local truth = units.truth(unit)
  truth.fingerprint = truth.fingerprint or session:fingerprint() -- its verb may have ended before it had that
  result.unreported = session:owes()
  result.gate_seconds = select(2, session:waited())
  session:close()
end

local function close_ports(unit, result)
  result.received, result.sent = units.disconnect(unit)
end

--- Runs one attempt. Yields; does not throw.
---@param unit jig.Unit
---@param options { address: string, pacing?: table, serial?: string }
---@return table result  passed, fault?, fingerprint?, reported?, unreported, seconds, gate_seconds, phases, …
function attempt.run(unit, options)
  local truth = units.truth(unit)
  local folder = truth.context.folder
  truth.expected = options.serial
  local result = { passed = false, unreported = false, gate_seconds = 0.0 }
  local ok, thrown, spent = budget.run(folder, truth.catch, run, unit, options)
  if ok then
    result.passed = true
  else
    truth.ending = true
    guard(result, fail, unit, folder, thrown, spent, result)
  end
  if truth.session then guard(result, close_session, unit, truth.session, result) end
  if truth.handle then guard(result, close_ports, unit, result) end
  truth.over = true
  result.fingerprint = truth.fingerprint
  result.manufactured_with_fault = (truth.fingerprint and not result.passed) or nil
  result.phases = units.durations(unit)
  result.seconds = clock.now() - truth.started
  return result
end

return attempt
