--- Records a unit: what its port and its session did, as lines of a cassette (jig.cassette.format). Runs in the
-- slot's state, where the worker sees all of it; a replay records by the same means, and the lines are compared.
--
-- A line that tells what jig does is written before it is done. What jig reads is told when it is read: bytes that
-- nobody reads are found when the port is closed, or dropped.
--
-- Bytes of an exchange are told as the frames that the framing makes of them. Of other bytes those are shown that
-- can be no message: all until the first message is there; afterwards text, in which no message is found. Text that
-- the device sends while a session is open is held back until the next call or exchange, for it may be the answer to
-- come. All else is size and digest.

local clock = require "jig.clock"
local format = require "jig.cassette.format"
local noise = require "jig.cassette.noise"
local port = require "jig.port"
local session = require "jig.session"
local veil = require "jig.cassette.veil"

---@class jig.cassette.Recorder
---@field sink fun(line: string)
---@field framing jig.Framing
---@field keep boolean      payloads are recorded as they are
---@field live boolean      nothing is held back: whoever listens acts on it
---@field blind boolean     the framing is not asked: the recipe has an exchange of its own, and payloads are kept
---@field known string[]    messages so far
---@field secret boolean    there was one
local recorder = {}
recorder.__index = recorder

-- Bytes of one line of text; bytes of an exchange that are looked at together.
local PIECE <const>, MOST <const> = 16384, 1 << 20

---@param sink fun(line: string)
---@param made jig.Recipe
---@param options? { keep?: boolean, live?: boolean }
---@return jig.cassette.Recorder
function recorder.new(sink, made, options)
  local o = options or {}
  return setmetatable({
    sink = sink, framing = made.framing, keep = o.keep or false, live = o.live or false,
    blind = o.keep and made.exchange ~= nil or false,
    began = clock.now(), told = 0, known = {}, secret = false, waiting = {},
  }, recorder)
end

-- ---- lines ----

local function is_shown(self, text, in_session)
  return self.keep or not self.secret
    or veil.is_text(text) and not (in_session and veil.has_digits(text)) and veil.is_free(text, self.known)
end

-- What jig says of something: hidden, should a message stand in it.
local function said(self, text)
  if text == nil or self.keep or veil.is_free(text, self.known) then return text end
  return veil.payload(text)
end

-- A text whose time has come to be judged.
local function judged(self, event)
  local text = event.text
  if not text then return event end
  if is_shown(self, text, true) then
    event.fields.bytes = text
  else
    event.kind, event.fields.payload = "bytes", veil.payload(text)
  end
  event.text = nil
  return event
end

-- Tells what was held back.
local function release(self)
  local waiting = self.waiting
  self.waiting = {}
  for _, event in ipairs(waiting) do self.sink(format.line(judged(self, event))) end
end

-- Bytes that were looked at later are told with the time at which they came, unless something was told since.
local function tell(self, side, kind, fields, text)
  local now = clock.now() - self.began
  local at = self.talk and side == "<" and self.talk.at or now
  self.told = math.max(self.told, at)
  local event = { at = self.told, side = side, kind = kind, fields = fields or {}, text = text }
  self.waiting[#self.waiting + 1] = event
  local held = text or #self.waiting > 1
  if not held or self.live or not self.secret then release(self) end
end

local function know(self, message)
  self.secret = true
  if #message > 0 then table.insert(self.known, message) end
end

--- A line of the head.
---@param kind string
---@param fields table
function recorder:head(kind, fields)
  self.sink(format.line { kind = kind, fields = fields })
end

-- ---- bytes that are no frame ----

local function opaque(self, side, bytes, dropped)
  tell(self, side, "bytes", { payload = veil.payload(bytes, self.keep), dropped = dropped })
end

local function plain_piece(self, side, bytes, dropped)
  if side == "<" and self.secret and not self.keep and veil.is_text(bytes) then
    tell(self, side, "text", { dropped = dropped }, bytes)
  elseif is_shown(self, bytes, false) and (not self.keep or veil.is_text(bytes)) then
    tell(self, side, "text", { bytes = bytes, dropped = dropped })
  else
    opaque(self, side, bytes, dropped)
  end
end

local function plain(self, side, bytes, dropped)
  for at = 1, #bytes, PIECE do
    plain_piece(self, side, bytes:sub(at, at + PIECE - 1), dropped)
  end
end

-- ---- exchanges ----

-- A frame's fields. Texts in them are short, or are told as a payload is.
local function fields_of(self, frame)
  local fields = {}
  for key, value in pairs(frame) do
    local plain_value = math.type(value) == "integer" or type(value) == "boolean"
      or type(value) == "string" and #value < 8
    if key ~= "log" and key ~= "payload" and plain_value then fields[key] = value end
  end
  fields.payload = veil.payload(frame.payload, self.keep)
  return fields
end

local function tell_noise(self, bytes, behind, silent)
  if bytes == "" then return end
  local fields = { payload = veil.payload(bytes, self.keep) }
  if not self.keep then fields.like = noise.kind(self.framing, bytes, behind, silent) end
  tell(self, "<", "bytes", fields)
end

-- What was heard so far is told.
local function forget(talk)
  talk.fed, talk.bad, talk.silent, talk.skipped = "", false, false, 0
end

-- A frame of the device, with what stood before it in `fed`.
local function hear_frame(self, talk, frame)
  know(self, frame.payload)
  local ok, bytes = pcall(self.framing.device.encode, frame)
  local at = ok and talk.bad and talk.fed:find(bytes, 1, true)
  if talk.bad then tell_noise(self, talk.fed:sub(1, (at or #talk.fed + 1) - 1), ok and bytes or "", false) end
  if frame.log and frame.log ~= "" then plain(self, "<", frame.log) end
  tell(self, "<", "frame", fields_of(self, frame))
  forget(talk)
end

-- What a decoder of the device's bytes answered, and all that follows it.
local function hear_answers(self, talk, frame, answer, skipped)
  local heard = frame ~= nil
  while frame or answer == "bad" do
    if frame then hear_frame(self, talk, frame) end
    heard = heard or frame ~= nil
    if answer == "bad" then talk.bad, talk.skipped = true, talk.skipped + skipped end
    frame, answer, skipped = talk.hears:feed("")
  end
  if not heard then return end
  talk.heard, talk.fed = true, (talk.hears:rest()) -- what stands behind the frame goes into the decoder again
  talk.hears:feed(talk.fed)
end

local function hear(self, talk, bytes)
  talk.fed, talk.at = (talk.fed .. bytes):sub(-MOST), clock.now() - self.began
  hear_answers(self, talk, talk.hears:feed(bytes))
end

local function hear_silence(self, talk)
  if talk.fed == "" then return end
  talk.silent = true
  hear_answers(self, talk, talk.hears:idle())
end

-- How many bytes of the device's own text stand before those that the framing dropped.
local function text_before(self, talk, behind)
  local size = #talk.fed - talk.skipped - behind
  local decoder = self.framing.host.decoder()
  local frame, answer = decoder:feed(talk.fed:sub(1, math.max(size, 0)))
  if size <= 0 or frame or answer == "bad" then return 0 end
  local left, text = decoder:rest()
  return text == #left and size or 0
end

-- What the device sent and no frame is.
local function hear_rest(self, talk)
  if talk.fed == "" then return end
  local rest, text = talk.hears:rest()
  if not talk.bad and (text == #rest or talk.heard and veil.is_text(rest)) then
    plain(self, "<", rest)
  elseif talk.bad then
    local log = text_before(self, talk, #rest - text)
    plain(self, "<", talk.fed:sub(1, log))
    tell_noise(self, talk.fed:sub(log + 1), "", talk.silent)
  else
    plain(self, "<", rest:sub(1, text))
    tell_noise(self, rest:sub(text + 1), "", talk.silent)
  end
  forget(talk)
  talk.at, talk.hears = nil, self.framing.host.decoder()
end

-- What jig wrote and no frame is. Where only silence ends a frame it is one now.
local function say_rest(self, talk)
  if talk.said == "" then return end
  local frame = talk.says:idle()
  if frame then
    tell(self, ">", "frame", fields_of(self, frame))
  else
    plain(self, ">", talk.said)
  end
  talk.said, talk.says = "", self.framing.device.decoder()
end

-- Bytes that jig writes are frames when nothing else stands between them.
local function say(self, talk, bytes)
  talk.said = talk.said .. bytes
  local frame, answer = talk.says:feed(bytes)
  while frame do
    tell(self, ">", "frame", fields_of(self, frame))
    talk.said = ""
    frame, answer = talk.says:feed("")
  end
  if answer == "bad" or #talk.said > MOST then
    plain(self, ">", talk.said)
    talk.said, talk.says = "", self.framing.device.decoder()
  end
end

--- An exchange begins; it is over when the value that this gives is closed.
---@param payload string?  of the request
---@return any  to be closed
function recorder:exchange(payload)
  know(self, type(payload) == "string" and payload or "")
  release(self)
  if self.blind then return nil end
  self.talk = {
    hears = self.framing.host.decoder(), says = self.framing.device.decoder(), said = "",
  }
  forget(self.talk)
  return setmetatable({}, { __close = function()
    say_rest(self, self.talk)
    hear_rest(self, self.talk)
    self.talk = nil
    release(self)
  end })
end

-- ---- the port ----

---@class jig.cassette.Port  a port that is listened to: the methods of jig.port
local tap = {}
local tap_meta = { __index = tap, __name = "jig.port" }

-- jig turns to something else than writing.
local function turn(self)
  local talk = self.recorder.talk
  if talk then say_rest(self.recorder, talk) end
end

-- Bytes that were read; those that were put back before were told already.
local function took(self, bytes, dropped)
  local again = math.min(self.returned, #bytes)
  self.returned = self.returned - again
  bytes = bytes:sub(again + 1)
  self.seen = self.seen + #bytes
  if bytes == "" then return end
  local recorded = self.recorder
  if recorded.talk and not dropped then
    hear(recorded, recorded.talk, bytes)
  else
    plain(recorded, "<", bytes, dropped or nil)
  end
end

-- Bytes that have arrived and that nobody got stay where they are, but are told.
local function look(self)
  if self.inner:counts() <= self.seen then return end
  local bytes = self.inner:read_some(nil, MOST)
  if not bytes then return end
  took(self, bytes, true)
  if self.inner:unread(bytes) then self.returned = self.returned + #bytes end
end

-- What became of an operation, as a line.
local function failed(self, during, message, code, limit)
  local recorded = self.recorder
  if code == "interrupted" then
    recorded:interrupted()
  elseif code == "lost" then
    if recorded.talk then hear_rest(recorded, recorded.talk) end
    tell(recorded, "<", "lost", { during = during, message = said(recorded, message) })
  elseif code == "timeout" and limit == "between" and recorded.talk then
    hear_silence(recorded, recorded.talk)
  elseif during == "set" or during == "write" then
    tell(recorded, "<", "failed", { during = during, code = code, message = said(recorded, message) })
  end
end

local function read(self, bytes, message, code, limit)
  if bytes then
    took(self, bytes)
  else
    look(self)
    failed(self, "read", message, code, limit)
  end
  return bytes, message, code, limit
end

function tap:read(...)
  turn(self)
  return read(self, self.inner:read(...))
end

function tap:read_some(...)
  turn(self)
  return read(self, self.inner:read_some(...))
end

function tap:read_until(...)
  turn(self)
  return read(self, self.inner:read_until(...))
end

function tap:unread(bytes)
  local ok, message, code = self.inner:unread(bytes)
  if ok then self.returned = self.returned + #bytes end
  return ok, message, code
end

function tap:discard()
  local bytes, message, code = self.inner:discard()
  if bytes then
    took(self, bytes, true)
    self.returned = 0
  else
    failed(self, "read", message, code)
  end
  return bytes, message, code
end

local function done(self, during, ok, message, code, limit)
  if not ok then failed(self, during, message, code, limit) end
  return ok, message, code, limit
end

function tap:write(bytes, ...)
  local recorded = self.recorder
  if recorded.talk then
    hear_rest(recorded, recorded.talk)
    say(recorded, recorded.talk, bytes)
  elseif bytes ~= "" then
    plain(recorded, ">", bytes)
  end
  return done(self, "write", self.inner:write(bytes, ...))
end

function tap:drain(...)
  return done(self, "write", self.inner:drain(...))
end

function tap:set(name, value)
  turn(self)
  tell(self.recorder, ">", "set", { line = name, value = value })
  return done(self, "set", self.inner:set(name, value))
end

function tap:counts()
  return self.inner:counts()
end

function tap:close()
  if self.closed then return end
  self.closed = true
  took(self, self.inner:discard() or "", true)
  tell(self.recorder, ">", "close")
  self.inner:close()
end

tap_meta.__close = tap.close

--- Opens a port as jig.port.open does, and listens to it.
---@return fun(address: string, options: table): any, string?, string?, string?
function recorder:opener()
  return function(address, options)
    tell(self, ">", "open")
    local inner, message, code, limit = port.open(address, options)
    if inner then
      tell(self, "<", "opened")
      return setmetatable({ inner = inner, recorder = self, seen = 0, returned = 0 }, tap_meta)
    end
    if code == "interrupted" then
      self:interrupted()
    else
      tell(self, "<", "failed", { during = "open", code = code, message = said(self, message) })
    end
    return inner, message, code, limit
  end
end

--- Somebody stopped the unit.
function recorder:interrupted()
  if self.stopped then return end
  self.stopped = true
  tell(self, "<", "interrupt")
end

-- ---- the CLI ----

---@class jig.cassette.Session  a session that is listened to: the methods of jig.session
local calls = {}
local calls_meta = { __name = "jig.session" }

function calls_meta.__index(self, name)
  if calls[name] then return calls[name] end
  local inner = rawget(self, "inner")
  local method = inner[name]
  return method and function(_, ...) return method(inner, ...) end
end

-- What the program said is in the message where it was refused: its exit status, and a line without digits.
local function refusal(self, message, code, owes, waited)
  local exit, line = message:match("^[a-z_]+: exit status (%d+):? ?(.*)$")
  return {
    code = code, waited = waited, message = said(self, line or message), exit = math.tointeger(tonumber(exit)),
    opened = owes and exit and self.called == "new_device" or nil,
    signal = math.tointeger(tonumber(message:match("^[a-z_]+ was ended by signal (%d+)"))),
  }
end

local function answered(self, inner, answer, message, code, ...)
  local waited = inner:waited()
  waited = waited > 0 and waited or nil
  if answer == nil and code == "interrupted" then
    self:interrupted()
  elseif answer == nil then
    tell(self, "<", "refusal", refusal(self, message, code, inner:owes(), waited))
  elseif type(answer) == "table" then
    know(self, answer.payload)
    tell(self, "<", "answer", { scp = answer.scp, payload = veil.payload(answer.payload, self.keep),
      waited = waited })
  else
    tell(self, "<", "answer", { fingerprint = type(answer) == "string" and answer or nil, waited = waited })
  end
  release(self)
  return answer, message, code, ...
end

local function begin(self, fields)
  release(self)
  fields.session, self.called = self.session, fields.command
  tell(self, ">", "call", fields)
  release(self)
end

function calls:new_device()
  local made = self.recorder
  made.secret = true
  begin(made, { command = "new_device" })
  return answered(made, self.inner, self.inner:new_device())
end

for _, command in ipairs { "get_device_configuration", "handle_device_response" } do
  calls[command] = function(self, response)
    know(self.recorder, response)
    begin(self.recorder, { command = command, response = veil.payload(response, self.recorder.keep) })
    return answered(self.recorder, self.inner, self.inner[command](self.inner, response))
  end
end

function calls:report_error(code, reason, ...)
  begin(self.recorder, { command = "report_error", code = code, reason = said(self.recorder, reason) })
  return answered(self.recorder, self.inner, self.inner:report_error(code, reason, ...))
end

--- Makes a session as jig.session.new does, and listens to it.
---@return fun(service: any, id: string, ...: any): any, string?, string?
function recorder:caller()
  return function(service, id, ...)
    local inner, message, code = session.new(service, id, ...)
    if not inner then return inner, message, code end
    self.session = id
    return setmetatable({ inner = inner, recorder = self }, calls_meta)
  end
end

-- ---- attempts ----

--- An attempt begins.
---@param number integer
function recorder:attempt(number)
  release(self)
  tell(self, "=", "attempt", { number = number })
end

local function outcome(result)
  if result.passed then return "passed" end
  return result.fingerprint and "made_with_fault" or "failed"
end

--- An attempt is over.
---@param result table  of the worker
function recorder:verdict(result)
  release(self)
  local fault = result.fault or {}
  tell(self, "=", "verdict", {
    result = outcome(result), fault = fault.name, code = fault.code, phase = fault.phase,
    reason = said(self, fault.reason), fingerprint = result.fingerprint, serial = said(self, result.serial),
    reported = result.reported, unreported = result.unreported or nil,
  })
  release(self)
end

return recorder
