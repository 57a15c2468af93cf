--- What runs in a slot's state: units one after the other, each with its attempts. All that it says goes
-- as messages to the main state (slot.emit).

local attempt = require "jig.attempt"
local budget = require "jig.budget"
local hex = require "jig.hex"
local fault = require "jig.fault"
local loader = require "jig.loader"
local recipe = require "jig.recipe"
local sandbox = require "jig.sandbox"
local session = require "jig.session"
local slot = require "jig.slot"
local system = require "jig.system"
local task = require "jig.task"
local unit = require "jig.unit"

-- Bytes of a session id of our own: the vendor's example has ten.
local ID_BYTES <const> = 10

local function id_maker(config)
  if config.session_id then
    return function() return config.session_id end
  end
  return function() return hex.encode(system.random(ID_BYTES)) end
end

-- Emits with what every message of a unit carries. Where nobody looks at phases (a quiet worker), they are
-- not worth a message each.
local function emitter(config, number)
  local base = { slot = config.slot, unit = number }
  return base, function(event)
    if config.quiet and event.event == "phase" then return end
    for key, value in pairs(base) do
      event[key] = value
    end
    slot.emit(event)
  end
end

local function plain_result(result, made, folder)
  if result.fault then
    result.fault = result.fault:plain()
  end
  local ok, serial = budget.run(folder, nil, tostring, made.serial)
  result.serial = ok and made.serial ~= nil and serial or nil
  local truth = unit.truth(made)
  result.session, result.attempt = truth.session_id, truth.attempt
  return result
end

-- The record is kept before the verdict is told: a PASS that cannot be recorded is none, and where the
-- emergency file has it, that has the fault, too.
local function keep(context, result, number)
  if not context.record then
    result.unrecorded = true
    return
  end
  local kept, message = context.record:ended(result, number)
  if kept == "journal" or not result.passed then return end
  result.passed, result.manufactured_with_fault = false, true
  result.fault = fault.new("tool.journal", { reason = message, slot = context.slot, session = result.session }):plain()
  if kept then context.record:faulty(result) end
end

local function may_retry(config, result, number)
  return not result.passed and number <= config.retries and result.fault.retry
    and not result.fingerprint and not result.unreported and result.fault.name ~= "cli.token"
    and task.interrupted() == 0
end

local function one_attempt(config, made_recipe, fields, context)
  local made = unit.new(fields, made_recipe, context)
  local result = attempt.run(made, {
    address = recipe.address(made_recipe.port, config.address),
    pacing = recipe.pacing(made_recipe.port),
    serial = config.serial,
  })
  return plain_result(result, made, context.folder)
end

local function run_unit(config, files, service, number, record)
  local base, emit = emitter(config, number)
  local made_recipe, message = loader.load(config.file, config.folder, files)
  if not made_recipe then
    emit { event = "refused", message = message }
    return false
  end
  local make_id = id_maker(config)
  local context = { service = service, emit = emit, folder = config.folder, record = record, slot = config.slot }
  if record then record:started(made_recipe) end
  function context.new_id()
    base.session = make_id()
    return base.session
  end
  local tries = 0
  repeat
    tries = tries + 1
    base.attempt, base.session = tries, nil
    emit { event = "started", recipe = made_recipe.name, version = made_recipe.version }
    local result = one_attempt(config, made_recipe, {
      slot = config.slot,
      number = number,
      attempt = tries,
      serial = config.serial,
      lot = config.lot,
      operator = config.operator,
    }, context)
    result.event = "ended"
    result.again = may_retry(config, result, tries) or nil
    keep(context, result, number)
    if config.quiet then result.phases = nil end
    emit(result)
  until not result.again
  return true
end

---@param config table  slot, file, folder, address?, service, count, retries, serial?, session_id?, lot?, operator?,
--  quiet?, journal? (jig.record)
return function(config)
  local files = sandbox.files(config.journal ~= nil)
  local service = session.service(config.service)
  local record = config.journal and require("jig.record").new(config, files)
  for number = 1, config.count do
    if not run_unit(config, files, service, number, record) or task.interrupted() > 0 then break end
  end
end
