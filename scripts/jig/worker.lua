--- What runs in a slot's state: units one after the other, each with its attempts. All that it says goes
-- as messages to the main state (slot.emit).

local attempt = require "jig.attempt"
local clock = require "jig.clock"
local gate = require "jig.gate"
local hex = require "jig.hex"
local fault = require "jig.fault"
local loader = require "jig.loader"
local recipe = require "jig.recipe"
local sandbox = require "jig.sandbox"
local secret = require "jig.secret"
local serial_number = require "jig.serial_number"
local session = require "jig.session"
local slot = require "jig.slot"
local system = require "jig.system"
local task = require "jig.task"
local unit = require "jig.unit"

-- Bytes of a session id of our own: the vendor's example has ten.
local ID_BYTES <const> = 10

-- How often a new device is tried whose CLI said that its token is busy, and the pauses between, in seconds:
-- each up to twice as long as the one before, by chance, so that stations do not meet again.
local BUSY_TRIES <const>, FIRST_PAUSE <const>, LONGEST_PAUSE <const> = 5, 0.2, 1.0

local function id_maker(config)
  local given, used = config.session_id, 0
  if type(given) == "string" then
    return function() return given end
  elseif given then
    return function()
      used = used + 1
      return given[used]
    end
  end
  return function() return hex.encode(system.random(ID_BYTES)) end
end

-- Where nobody looks at what a unit is doing just now (a quiet worker), it is not worth a message each.
local PASSING <const> = { phase = true, gate = true, serial = true }

-- Emits with what every message of a unit carries.
local function emitter(config, number)
  local base = { slot = config.slot, unit = number }
  return base, function(event)
    if config.quiet and PASSING[event.event] then return end
    for key, value in pairs(base) do
      event[key] = value
    end
    slot.emit(event)
  end
end

local function plain_result(result, made)
  if result.fault then
    result.fault = result.fault:plain()
  end
  local truth = unit.truth(made)
  result.serial = serial_number.told(made, truth)
  result.session, result.attempt = truth.session_id, truth.attempt
  return result
end

-- The record is kept before the verdict is told: a PASS that cannot be recorded is none, and where the
-- emergency file has it, that has the fault, too. False when the journal itself does not have it.
local function keep(context, result, number, retry)
  if not context.record then
    result.unrecorded = true
    return true
  end
  local kept, message = context.record:ended(result, number, retry)
  if kept == "journal" then return true end
  if not result.passed then return false end
  result.passed, result.manufactured_with_fault = false, true
  result.fault = fault.engine("tool.journal", {
    reason = message, slot = context.slot, session = result.session,
  }):plain()
  if kept then context.record:faulty(result) end
  return false
end

local TOKEN_TROUBLE <const> = {
  ["cli.token"] = true, ["cli.token_missing"] = true, ["cli.token_busy"] = true, ["cli.pin"] = true,
}

-- Nothing of this attempt is left open, and another may begin.
local function is_over(result)
  return not result.passed and not result.fingerprint and not result.unreported and task.interrupted() == 0
    and not gate.shut()
end

-- Whether the token is in trouble; that only a recipe says so does not count.
local function has_token_trouble(made)
  return TOKEN_TROUBLE[made.name] and not made.by_recipe
end

local function may_retry(config, result, used)
  return is_over(result) and used < config.retries and result.fault.retry and not has_token_trouble(result.fault)
end

-- A pause of up to twice the one before; false when it was cut short.
local function pause(last)
  local unit_interval = string.unpack("<I4", system.random(4)) / 0x100000000
  local seconds = math.min(FIRST_PAUSE + unit_interval * (2 * last - FIRST_PAUSE), LONGEST_PAUSE)
  return clock.sleep(seconds) ~= nil and task.interrupted() == 0, seconds
end

-- Whether new_device was refused since the token is busy: no session was open, or it would have been reported.
local function was_busy(result)
  local made = result.fault
  return is_over(result) and made.name == "cli.token_busy" and not made.by_recipe and result.reported == nil
end

-- Gives a function that says of each attempt at a unit whether another follows, and waits before it where it
-- has to: those that the station allows are counted apart from those that a busy token takes.
local function counter(config)
  local retries, tries, last = 0, 1, FIRST_PAUSE
  local most = (config.service.token or {}).tries or BUSY_TRIES
  return function(result)
    local whole = true
    if was_busy(result) and tries < most then
      tries = tries + 1
      whole, last = pause(last)
    elseif may_retry(config, result, retries) then
      retries = retries + 1
    else
      return false
    end
    return whole
  end
end

local function one_attempt(plan, fields, context)
  local made = unit.new(fields, plan.recipe, context)
  local result = attempt.run(made, { address = plan.address, pacing = plan.pacing, serial = fields.serial })
  return plain_result(result, made)
end

-- Waits for what begins a unit at a watched slot: its start trigger, where there is one, and a device.
-- False when that will not come any more; else the serial number that the trigger gave.
local function await_device(config, address, emit)
  local insertion = require "jig.insertion" -- before the first wait: a device that has come waits for nothing
  local start
  if config.start then
    emit { event = "waiting", ["for"] = "start" }
    start = slot.receive()
    if not start or start.last then return false end
  end
  emit { event = "waiting", ["for"] = "device" }
  if not insertion.arrival(address) then return false end
  return true, start and start.serial
end

local function await_removal(config, address, number)
  local _, emit = emitter(config, number)
  emit { event = "waiting", ["for"] = "removal" }
  return require("jig.insertion").removal(address)
end

-- At a watched slot each device has just come.
local function pacing_of(config, wire)
  local pacing = recipe.pacing(wire)
  if config.watch then pacing.fresh = true end
  return pacing
end

-- What is read of a recipe before any of its hooks runs, for they may write into it.
local function plan_of(config, made_recipe)
  return {
    recipe = made_recipe,
    name = made_recipe.name,
    version = made_recipe.version,
    address = recipe.address(made_recipe.port, config.address),
    pacing = pacing_of(config, made_recipe.port),
  }
end

local function run_unit(config, service, number, record, plan)
  local base, emit = emitter(config, number)
  local make_id = id_maker(config)
  local context = { service = service, emit = emit, folder = config.folder, record = record, slot = config.slot }
  local recording = config.recording and require("jig.cassette.recording").new(config, plan, number)
  context.recorder = recording and recording.recorder
  if record then record:started(plan.recipe) end
  function context.new_id()
    base.session = make_id()
    return base.session
  end
  local tries, again, manifest = 0, counter(config), config.sealed and config.sealed.manifest
  repeat
    tries = tries + 1
    base.attempt, base.session = tries, nil
    emit { event = "started", recipe = plan.name, version = plan.version, manifest = manifest }
    if recording then recording.recorder:attempt(tries) end
    local result = one_attempt(plan, {
      slot = config.slot,
      number = number,
      attempt = tries,
      serial = plan.serial,
      lot = config.lot,
      operator = config.operator,
    }, context)
    result.event, result.manifest = "ended", manifest
    if recording then recording.recorder:verdict(result) end
    local kept = keep(context, result, number, config.retries > 0 and result.fault and result.fault.retry == true)
    -- For a journal that does not know how this attempt ended its serial number is being made still.
    result.again = kept and again(result) or nil
    if config.quiet then result.phases = nil end
    emit(result)
  until not result.again
  if recording then recording:finish(emit) end
  secret.forget()
end

-- What a recipe calls itself must be what was signed of it: by that it was let in.
local function other_than_signed(config, made)
  local sealed = config.sealed
  if not sealed or made.name == sealed.name and made.version == sealed.version then return end
  return ("%s: it was signed as %s %s, and calls itself %s %s"):format(config.file, sealed.name, sealed.version,
    made.name, made.version)
end

-- One turn of a slot: a unit, and at a watched slot the wait before it. Gives the address of its device; nil when it
-- was the last. Nothing refers to the unit any more when it returns.
local function turn(config, files, service, number, record)
  local _, emit = emitter(config, number)
  local made_recipe, message = loader.load(config.file, config.folder, files)
  if made_recipe then message = other_than_signed(config, made_recipe) end
  if message then
    emit { event = "refused", message = message }
    return nil
  end
  local plan, serial = plan_of(config, made_recipe), config.serial
  plan.files = files
  if config.watch then
    local there, scanned = await_device(config, plan.address, emit)
    if not there then return nil end
    serial = scanned or serial
  end
  plan.serial = serial
  run_unit(config, service, number, record, plan)
  if task.interrupted() > 0 or gate.shut() then return nil end -- shut: nothing can be called any more
  return plan.address
end

---@param config table  slot, file, folder, sealed? (jig.Sealed: its files were read before), address?, service,
--  count, retries, serial?, session_id? (or a list: one for each attempt), lot?, operator?, quiet?, journal?
--  (jig.record), recording? (jig.cassette.recording), watch? (waits for each device to come and go), start? (and for
--  slot:send { serial? } before; { last = true }: no more)
return function(config)
  local files = config.sealed and require("jig.sealed").files(config.sealed, config.folder)
    or sandbox.files(config.journal ~= nil or config.recording ~= nil)
  local service = assert(session.service(config.service))
  local record = config.journal and require("jig.record").new(config, files)
  local last = config.watch and math.maxinteger or config.count
  for number = 1, last do
    local address = turn(config, files, service, number, record)
    if not address or number == last then break end -- whose state is closed at once, and cleared
    slot.forget()
    if config.watch and not await_removal(config, address, number) then break end
  end
end
