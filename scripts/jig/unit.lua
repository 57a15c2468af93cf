--- A unit: one device on its way through one attempt, as hooks and `run` see it.
--
-- Its verbs wait, throw faults and never answer nil. The session behind them (core/session.h) keeps
-- the order and the duty to report; once a verb has failed in a session, each later one throws the same
-- fault, so that a recipe which swallows a fault cannot go on.

local clock = require "jig.clock"
local fault = require "jig.fault"
local hook_place = require "jig.hook_place"
local legible = require "jig.legible"
local serial_number = require "jig.serial_number"
local session = require "jig.session"
local task = require "jig.task"
local unfilled = require "jig.unfilled"
local wire = require "jig.wire"
local wires = require "jig.wires"

---@class jig.Unit
---@field slot string
---@field number integer      of the unit at this slot, from 1
---@field attempt integer     from 1
---@field serial? string      the device's serial number; a recipe sets it before new_device
---@field lot? string
---@field operator? string
---@field port jig.Wire
---@field session_id? string  from new_device on
---@field fingerprint? string from handle_device_response on
---@field data table          the recipe's own
local unit = {}

--- What a recipe may call of its unit. All else here is for whoever runs the attempt, which calls it by this module: no
-- recipe comes to it.
unit.methods = {}

-- Apart from the methods, so that a recipe finds no way to it.
local meta = { __index = unit.methods, __name = "jig.unit", __metatable = false }

-- What is so whatever a recipe makes of the fields of its unit, and all that the engine goes by: number,
-- attempt, slot; recipe, context, catch, started, phase, phases; serial and all else of jig.serial_number, told (the
-- serial number that people know); port, handle and all else of jig.wires; handed (messages that were given to the
-- device), served ({ payload =, given = }: payloads of the service); device_log (texts); session, session_id,
-- fingerprint, failed (the fault after which no verb goes on).
local truths = setmetatable({}, { __mode = "k" })

-- Phases of the exchanges that follow these commands, in the vendor's words.
local EXCHANGES <const> = {
  new_device = "factory_init",
  get_device_configuration = "factory_provisioning",
}

-- Bytes of the name of a phase.
local PHASE_MOST <const> = 64

-- Phases of a unit that are told and kept apart. What comes after is filed under the last of them.
local PHASES_MOST <const> = 1000

-- Lines that a unit may log: each is a message to the main state, which takes it when it has the time.
local LINES_MOST <const> = 1000

-- Times the length of a message that an exchange hook with link = "arq" may write, and then some.
local ARQ_FACTOR <const>, ARQ_SLACK <const> = 12, 65536

---@param fields table  slot, number, attempt, serial, lot, operator
---@param recipe jig.Recipe
---@param context table  service; new_id(unit) -> string; emit(event); folder of the recipe; record?: jig.Record;
---  recorder?: jig.cassette.Recorder
---@return jig.Unit
function unit.new(fields, recipe, context)
  local self = setmetatable({ data = {}, phases = {} }, meta)
  for key, value in pairs(fields) do
    self[key] = value
  end
  truths[self] = {
    number = fields.number, attempt = fields.attempt, slot = fields.slot,
    recipe = recipe, context = context, catch = fault.catcher(context.folder), started = clock.now(),
    phases = {}, shown = self.phases, handed = {}, served = {}, device_log = {},
  }
  return self
end

--- What a verdict and its record stand on.
---@return table  the fields that stand at `truths`
function unit.truth(self)
  return truths[self]
end

-- People at the station look for a unit by its number, before it has a verdict.
local function tell_serial(truth, serial)
  if not serial or serial == truth.told then return end
  truth.told = serial
  truth.context.emit { event = "serial", serial = serial }
end

--- Looks at the serial number that the recipe has set so far, and tells it. For whoever runs the attempt. Raises when
-- it is none; throws tool.serial.
function unit:check_serial()
  local truth = truths[self]
  tell_serial(truth, serial_number.of(self))
  serial_number.checked(self, truth)
end

--- Raises when a hook, which is over, changed the serial number after new_device. For whoever runs the attempt.
function unit:keep_serial()
  serial_number.keep(self, truths[self])
end

--- Makes a fault of this unit: the recipe's `faults` may give its name another code and reason.
---@param name string
---@param fields? table
---@return jig.Fault
function unit:fault(name, fields)
  local made = fault.new(name, fields)
  return unit.complete(self, made, fields)
end

--- Fills in what a fault does not know itself.
---@return jig.Fault
function unit:complete(made, given)
  local override = truths[self].recipe.faults[made.name]
  if override and not made.settled then
    if override.code and not (given and given.code) then made.code = override.code end
    made.advice = made.advice or override.advice
    if override.reason and not (given and given.reason) then made.reason = override.reason end
  end
  made.settled = true
  made.phase = made.phase or truths[self].phase
  if made.name == "tool.recipe" then
    made.line = made.line or hook_place(truths[self].recipe[truths[self].phase], truths[self].context.folder)
  end
  made.slot = made.slot or truths[self].slot
  made.session = made.session or truths[self].session_id
  return made
end

--- Throws a fault: the unit fails and, if its session is open, is reported.
---
---     unit:fail("firmware.unknown_command", { reason = "the lock command is not known" })
---@param name string     of the catalogue, or with code and reason
---@param fields? table   code, reason, retry, advice
function unit:fail(name, fields)
  if not truths[self] then error("it is unit:fail(…), with a colon", 2) end
  error(unit.fault(self, name, fields), 0)
end

--- Begins a phase: what messages and durations are filed under.
---@param name string
function unit:enter(name)
  if type(name) ~= "string" or #name > PHASE_MOST then
    error(("a phase has a name: a string of %d bytes at most"):format(PHASE_MOST), 2)
  end
  if not legible.is_text(name) then error("a phase has a name that is text; this one has other bytes", 2) end
  name = legible.text(name) -- a secret in it is hidden
  local now, truth = clock.now(), truths[self]
  local phases = truth.phases
  truth.phase = name
  if #phases >= PHASES_MOST then return end
  local last = phases[#phases]
  if last then last.seconds = now - last.at end
  phases[#phases + 1] = { name = name, at = now }
  pcall(rawset, truth.shown, #phases, { name = name, at = now }) -- a recipe may have filled it to the brim
  truth.context.emit { event = "phase", phase = name }
end

--- Seconds per phase, in order.
---@return table[] { name, seconds }
function unit:durations()
  local phases, list = truths[self].phases, {}
  local last = phases[#phases]
  if last then last.seconds = clock.now() - last.at end
  for i, phase in ipairs(phases) do
    list[i] = { name = phase.name, seconds = phase.seconds }
  end
  return list
end

--- The cause of a fault: where a wait was cut short since somebody wants the station to stop, that is it, whatever the
-- recipe made of it.
---@param made jig.Fault
---@return jig.Fault
function unit.unless_stopped(made)
  local _, stopped = task.interrupted()
  if not stopped or made.name:find("^tool%.") and not fault.by_recipe(made) then return made end
  return fault.engine("tool.interrupted", {
    reason = ("interrupted at the station; the recipe made of it: %s"):format(made.name),
    line = made.line, phase = made.phase, slot = made.slot, session = made.session,
  })
end

-- What may fail still is held against the serial number that its session was opened for.
local function call(f, self, truth, ...)
  if truth.session and truth.session:owes() then serial_number.keep(self, truth) end
  return f(self, ...)
end

-- Makes a verb: refuses to go on after a failure, completes the fault that it throws.
local function verb(f)
  return function(self, ...)
    local truth = truths[self]
    if not truth then error("it is unit:…(…), with a colon", 2) end
    if truth.over then error("the attempt at this unit is over: each has a unit of its own", 2) end
    if truth.failed then error(truth.failed, 0) end
    local results = table.pack(xpcall(call, truth.catch, f, self, truth, ...))
    if results[1] then return table.unpack(results, 2, results.n) end
    local made = unit.complete(self, fault.from(results[2]))
    if truth.session and truth.session:owes() then
      made = unit.unless_stopped(made)
      truth.failed = made
    end
    error(made, 0)
  end
end

-- Where the unit is recorded, its port, its session and its exchanges are listened to.
local function recorder_of(self)
  return truths[self].context.recorder
end

-- ---- the three commands ----

local function check_call(result, message, code, stage)
  if result == nil then fault.throw_cli(message, code, stage) end
  return result
end

-- People at the station hear that a call waits at the gate of the token, ...
local function watch_gate(self, at)
  at:on_wait(function(place) truths[self].context.emit { event = "gate", place = place } end)
end

-- ... and that it got through.
local function through_gate(self, at, ...)
  local waited = at:waited()
  if waited > 0 then truths[self].context.emit { event = "gate", waited = waited } end
  return ...
end

--- Reports to the service. For whoever runs the attempt. Yields.
---@return true|nil, string? message
function unit:report(code, reason, name, phase)
  local at = truths[self].session
  return through_gate(self, at, at:report_error(code, reason, name, phase))
end

-- What is made when it is looked at is made by the recipe's code, in which another verb may have failed.
local function go_on(self)
  if truths[self].failed then error(truths[self].failed, 0) end
end

local function bytes_of(self, response)
  if type(response) == "table" then response = response.payload end
  go_on(self)
  if type(response) ~= "string" then
    error("expected the device's response: the frame that exchange gave, or its bytes", 0)
  end
  return response
end

--- Opens the session, for the serial number that was set: factory_tool new_device. Yields; throws cli.*, tool.serial,
-- tool.duplicate.
---@return jig.Frame request  { scp, payload } for the device
unit.new_device = verb(function(self)
  local truth = truths[self]
  if truth.session then error("new_device was already called in this attempt", 0) end
  if truth.ending then error("new_device comes too late: this attempt has failed", 0) end
  serial_number.pin(self, truth)
  tell_serial(truth, truth.serial)
  truth.session_id = truth.context.new_id(self)
  self.session_id = truth.session_id
  unit.enter(self, "new_device")
  local record, attempt
  if truth.context.record then record, attempt = truth.context.record:opening(truth) end
  local open = recorder_of(self) and recorder_of(self):caller() or session.new
  local made, message, code = open(truths[self].context.service, truth.session_id, truth.slot, record, attempt)
  if not made then fault.throw_cli(message, code, "start") end
  truth.session = made
  watch_gate(self, made)
  local request = check_call(through_gate(self, made, made:new_device()))
  table.insert(truths[self].served, { payload = request.payload })
  truths[self].exchange_phase = EXCHANGES.new_device
  return request
end)

local function opened(self)
  return truths[self].session or error("new_device comes first", 0)
end

--- Hands the device's first answer to the service: factory_tool get_device_configuration. Yields; throws
-- cli.*, firmware.response.
---@param response jig.Frame|string
---@return jig.Frame request
unit.get_device_configuration = verb(function(self, response)
  local bytes = bytes_of(self, response)
  local at = opened(self)
  unit.enter(self, "get_device_configuration")
  local request = check_call(through_gate(self, at, at:get_device_configuration(bytes)))
  table.insert(truths[self].served, { payload = request.payload })
  truths[self].exchange_phase = EXCHANGES.get_device_configuration
  return request
end)

--- Hands the device's second answer over: factory_tool handle_device_response. The device is then
-- manufactured, and nothing is reported any more. Yields; throws cli.*, firmware.response.
---@param response jig.Frame|string
---@return string fingerprint  of the device's certificate, as the CLI printed it
unit.handle_device_response = verb(function(self, response)
  local bytes = bytes_of(self, response)
  local at = opened(self)
  unit.enter(self, "handle_device_response")
  local fingerprint, message, code, stage, unrecorded =
    through_gate(self, at, at:handle_device_response(bytes))
  truths[self].fingerprint = fingerprint or unrecorded
  self.fingerprint = truths[self].fingerprint
  return check_call(fingerprint, message, code, stage)
end)

-- ---- exchanges ----

-- Keeps what the device printed: the latest 64 kB. It is shown nowhere unless payloads are.
local function keep_log(self, text)
  if not text or text == "" then return end
  local log = truths[self].device_log
  log[#log + 1] = text:sub(-65536)
  if #log > 64 then table.remove(log, 1) end
end

-- What is left in the input before an exchange belongs to no answer. Here and below the port is called by its module: a
-- recipe may have methods of its own in the port.
local function drop_input(self)
  keep_log(self, wire.discard(truths[self].port))
end

-- The status that a frame carries, turned into a fault unless it means success.
local function check_status(self, frame)
  local status = frame.status
  if status == nil or status == truths[self].recipe.success then return frame end
  local entry = truths[self].recipe.status[status]
  if not entry then
    unit.fail(self, "firmware.unknown_status", {
      reason = ("the device answered status %d (0x%02x), which is not in the map"):format(status, status),
    })
  end
  unit.fail(self, entry[1], {
    code = entry.code,
    reason = entry.reason,
    retry = entry.retry,
    advice = entry.advice,
  })
end

local function damaged(self, skipped, why)
  unit.fail(self, "connectivity.corrupt", { reason = ("%s (%d bytes dropped)"):format(why, skipped) })
end

-- The bytes that are there, one at least, within a limit of that name.
local function read_within(self, name, seconds)
  local limit <close> = task.limit(name, seconds)
  return truths[self].handle:read_some()
end

--- Reads one frame with a decoder. Damaged bytes are passed over while more follow; silence for the limit
-- `between` ends them. Yields; throws connectivity.*.
---@param decoder jig.Decoder
---@return jig.Frame
function unit:read_frame(decoder)
  if not truths[self] then error("it is unit:read_frame(…), with a colon", 2) end
  if type(decoder) ~= "table" and type(decoder) ~= "userdata" then
    error(("unit:read_frame: expected a decoder, got %s"):format(type(decoder)), 2)
  end
  local limits = truths[self].recipe.limits
  local name, seconds, skipped, why = "first", limits.first or math.huge, 0, nil
  local frame, answer, count, reason = decoder:feed("")
  while not frame do
    if answer == "bad" then
      skipped, why = skipped + count, reason
      frame, answer, count, reason = decoder:feed("")
    else
      local bytes, message, code, limit = read_within(self, name, seconds)
      if bytes then
        name, seconds = "between", limits.between
        frame, answer, count, reason = decoder:feed(bytes)
      elseif limit == "between" then
        frame, answer, count, reason = decoder:idle()
        while answer == "bad" do -- behind a false start there may be a whole frame
          skipped, why = skipped + count, reason
          frame, answer, count, reason = decoder:feed("")
        end
        if not frame and why then damaged(self, skipped, why) end
        name, seconds = "first", math.huge -- a frame may still come, within the limits outside
      elseif why and code == "timeout" then
        damaged(self, skipped, why)
      else
        fault.throw_io(message, code, limit)
      end
    end
  end
  keep_log(self, frame.log)
  return frame
end

-- What the service gave last as these bytes. Found in a list: as a key a long payload would be hashed.
local function served(self, payload)
  for i = #truths[self].served, 1, -1 do
    if truths[self].served[i].payload == payload then return truths[self].served[i] end
  end
end

-- The bytes of a message. Where the standard flow gives one that the framing does not take, the recipe has to change.
local function encoded(self, request)
  local host = truths[self].recipe.framing.host
  local field = not truths[self].recipe.run and served(self, request.payload) and unfilled(host, request)
  if not field then return host.encode(request) end
  local ok, bytes = pcall(host.encode, request)
  if ok then return bytes end -- it can do without
  error(("the header has a field `%s`, which the standard flow does not fill: write a `run`"):format(field), 0)
end

-- One request and its response over the recipe's framing.
local function exchange_frame(self, request)
  local host = truths[self].recipe.framing.host
  local decoder = host.decoder()
  drop_input(self)
  wire.write(truths[self].port, encoded(self, request))
  local frame = unit.read_frame(self, decoder)
  wire.unread(truths[self].port, (decoder:rest()))
  return frame
end

-- The recipe's own exchange. With link = "arq" it may send blocks again, so what it writes is bounded.
local function exchange_hook(self, request)
  drop_input(self)
  local budget = (type(request.payload) == "string" and #request.payload or 0) * ARQ_FACTOR + ARQ_SLACK
  local limit <close> = truths[self].recipe.link == "arq" and wire.bound(truths[self].port, budget) or nil
  local truth = truths[self]
  local hook = truth.hook
  truth.hook = "exchange"
  local frame = truth.recipe.exchange(self, request)
  serial_number.keep(self, truth)
  truth.hook = hook
  if type(frame) == "string" then frame = { payload = frame } end
  if type(frame) ~= "table" or type(frame.payload) ~= "string" then
    error("the exchange hook must return the response: a frame or its bytes", 0)
  end
  return frame
end

-- What a message says now, of which some may be made anew at each look.
local function as_it_is(request)
  local made = {}
  for key, value in next, request do made[key] = value end
  made.payload = request.payload
  if made.payload ~= nil and debug.getmetatable(request) then setmetatable(made, { __index = request }) end
  return made
end

-- A payload of the service is given once however the recipe dresses it; a message of the recipe's own is
-- known by its table, for the same bytes may be meant twice.
local function hand_over_once(self, request, message)
  local of_service = served(self, message.payload)
  if truths[self].handed[request] or (of_service and of_service.given) then
    error("this message was already given to the device: a message is handed over once", 0)
  end
  truths[self].handed[request] = true
  if of_service then of_service.given = true end
end

--- Gives a message to the device and waits for its answer, within the limit `exchange`. The same message
-- cannot be given twice. A status that does not mean success throws what the recipe's map says.
-- Yields; throws connectivity.*, firmware.*, and what the map names.
---
---     unit:exchange({ command = 0x10, payload = "FACTORY" }, "mode_switch")
---@param request jig.Frame  with the fields that the framing's header names
---@param phase? string      default "factory_init", then "factory_provisioning"
---@return jig.Frame response
unit.exchange = verb(function(self, request, phase)
  if type(request) ~= "table" then error("expected a message: { payload = … }", 0) end
  local message = as_it_is(request)
  go_on(self)
  hand_over_once(self, request, message)
  unit.enter(self, phase or truths[self].exchange_phase or "exchange")
  local limit <close> = task.limit("exchange", truths[self].recipe.limits.exchange)
  local recording <close> = recorder_of(self) and recorder_of(self):exchange(message.payload)
  local frame = (truths[self].recipe.exchange and exchange_hook or exchange_frame)(self, message)
  return check_status(self, frame)
end)

-- ---- the port ----

--- Opens the port. For whoever runs the attempt.
function unit:connect(address, pacing)
  unit.enter(self, "connect")
  self.port = wires.connect(truths[self], address, pacing, recorder_of(self) and recorder_of(self):opener())
end

--- Closes all that is open. For whoever runs the attempt.
---@return integer received, integer sent  bytes, of all wires
function unit:disconnect()
  return wires.disconnect(truths[self])
end

-- What a cassette cannot play again ends it, and the reason is told.
local function not_recorded(self, what)
  local recorder = recorder_of(self)
  if recorder then recorder:give_up(what .. ": a cassette has one wire, from its opening to its end") end
end

--- Opens a further wire of the same device: the port's address with other options. It is closed with the unit's port.
-- Yields; throws connectivity.not_found, connectivity.open and others.
--
--     local events = unit:open { interface = 1 }
--     local event = events:read(4, 2)
---@param options table<string, string|integer|boolean>  of the transport; what is not given is as for unit.port
---@return jig.Wire
unit.open = verb(function(self, options)
  wires.check_options(options, "open")
  not_recorded(self, "the recipe opens a further wire")
  return wires.open(truths[self], options)
end)

--- Waits until the device that is open has left and is back, within limits.reopen, and goes on with it: unit.port is
-- the same object over the new wire, with an empty input; further wires are over. It is looked for at the same place,
-- with the address's options but for those that are given, and must have the same serial number where its wire knows
-- one. Yields; throws connectivity.not_found, connectivity.timeout, and tool.serial when another device came.
--
--     unit.port:control { request_type = 0x40, request = 0x01, value = 1 }   -- it leaves now
--     unit:reopen { pid = 0x5742 }
---@param options? table<string, string|integer|boolean>
unit.reopen = verb(function(self, options)
  options = options or {}
  wires.check_options(options, "reopen")
  not_recorded(self, "the device leaves and comes back")
  wires.reopen(truths[self], options)
end)

--- Says something to the people at the station: one printable line, 200 characters at most. Device bytes
-- do not belong there.
---@param text string
function unit:log(text)
  local truth = truths[self] or error("it is unit:log(…), with a colon", 2)
  text = tostring(text)
  if #text > 200 or text:find("[^\32-\126\128-\255]") or not utf8.len(text) then
    error("unit:log takes one line of printable text, 200 characters at most", 2)
  end
  truth.logged = (truth.logged or 0) + 1
  if truth.logged > LINES_MOST then
    error(("unit:log takes %d lines of a unit at most"):format(LINES_MOST), 2)
  end
  truth.context.emit { event = "note", text = legible.text(text) }
end

for _, name in ipairs {
  "exchange", "fail", "get_device_configuration", "handle_device_response", "log", "new_device", "open",
  "read_frame", "reopen",
} do
  unit.methods[name] = unit[name]
end

return unit
