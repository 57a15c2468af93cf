--- Records a unit: what its port and its session did, as lines of a cassette (jig.cassette.format). Runs in the
-- slot's state, where the worker sees all of it; a replay records by the same means, and the lines are compared.
--
-- A line that tells what jig does is written before it is done. What jig reads is told when it is read: bytes that
-- nobody reads are found when they are dropped, or the port is closed.
--
-- Bytes of an exchange are told as the frames that the framing makes of them (jig.cassette.talk). Of other bytes
-- those are shown that can be no message, and all else is size and digest:
--
--   before an attempt's first message   text with a few other bytes in it; later attempts show digits that may be a
--                                       message's only where they were shown before
--   afterwards                          text without such digits; that of the device is held back until the next
--                                       call or exchange, for it may be the answer to come
--
-- and never what one of the messages so far stands in. A secret that the recipe has exposed is never shown, not even
-- where payloads are kept. Nothing that goes wrong here reaches the unit: from then on
-- nothing is recorded, and `trouble` says why.

local clock = require "jig.clock"
local cut = require "jig.cut"
local format = require "jig.cassette.format"
local legible = require "jig.legible"
local port_tap = require "jig.cassette.port_tap"
local secret = require "jig.secret"
local session_tap = require "jig.cassette.session_tap"
local talk = require "jig.cassette.talk"
local veil = require "jig.cassette.veil"

---@class jig.cassette.Recorder
---@field sink fun(line: string)
---@field framing jig.Framing
---@field keep boolean      payloads are recorded as they are
---@field live boolean      nothing is held back: whoever listens acts on it
---@field by_hand boolean   of a shell: to be stopped is no event of a unit
---@field blind boolean     the framing is not asked: the recipe has an exchange of its own, and payloads are kept
---@field talk? jig.cassette.Talk  the exchange that goes on
---@field trouble? string   why nothing is recorded any more
local recorder = {}
recorder.__index = recorder

-- Bytes of one line of text.
local PIECE <const> = 1024

-- Bytes of messages that texts are compared with between one call or exchange and the next: some tenths of a second
-- of the recipe's time. What is not compared is not shown.
local WORK <const> = 1 << 20

---@param sink fun(line: string)
---@param made jig.Recipe
---@param options? { keep?: boolean, live?: boolean, by_hand?: boolean }
---@return jig.cassette.Recorder
function recorder.new(sink, made, options)
  local o = options or {}
  return setmetatable({
    sink = sink, framing = made.framing, keep = o.keep or false, live = o.live or false,
    by_hand = o.by_hand or false,
    blind = o.keep and made.exchange ~= nil or false, began = clock.now(), told = 0, waiting = {},
    known = {}, size = 0, work = 0, -- messages, their bytes, those that were compared
    shown = {},                     -- lines of text
    secret = false, secrets = false, -- there was a message in this attempt; in any
  }, recorder)
end

-- Bytes of what is told of an error.
local TOLD <const> = 1000

-- It may be of the recipe's making: its framing is called here.
local function first_line(thrown)
  return cut(legible.thrown(tostring(thrown)):match("^[^\n]*"), TOLD)
end

--- Does something for the record alone: what it throws ends the recording, and nothing else.
---@param f function
---@param ... any
function recorder:quietly(f, ...)
  if self.trouble then return end
  local ok, thrown = pcall(f, ...)
  if ok then return end
  local readable, line = pcall(first_line, thrown)
  self.trouble = "the recorder failed: " .. (readable and line or "an error that has no text")
end

--- Ends the recording, and nothing else.
---@param why string
function recorder:give_up(why)
  self.trouble = self.trouble or why
end

-- ---- what is shown ----

--- Whether a secret that the recipe has exposed stands in bytes.
---@param bytes string
---@return boolean
function recorder.holds_secret(bytes)
  for _, exposed in ipairs(secret.exposed()) do
    if veil.holds(bytes, exposed) then return true end
  end
  return false
end

--- What stands for bytes.
---@param bytes string
---@return jig.cassette.Payload
function recorder:payload(bytes)
  return veil.payload(bytes, self.keep and not recorder.holds_secret(bytes))
end

-- Whether no message stands in a text, as far as that may be found out.
local function is_free(self, text)
  self.work = self.work + self.size
  return self.work <= WORK and veil.is_free(text, self.known)
end

-- Whether digits that may be a message's stand in no line but in those that were shown.
local function has_known_digits(self, text)
  for line in text:gmatch("[^\r\n]+") do
    if not self.shown[line] and veil.has_digits(line) then return false end
  end
  return true
end

local function note_shown(self, text)
  for line in text:gmatch("[^\r\n]+") do self.shown[line] = true end
end

local function is_shown(self, side, text)
  if recorder.holds_secret(text) then return false end
  if self.keep then return veil.is_text(text) end
  if side == ">" then return (not self.secret or veil.is_text(text)) and is_free(self, text) end
  local plain = self.secret and veil.is_text(text) or not self.secret and veil.is_almost_text(text)
  return plain and (not self.secrets or has_known_digits(self, text)) and is_free(self, text)
end

--- What jig says of something: as a payload, should a message stand in it.
---@param text string?
function recorder:said(text)
  if text == nil or not recorder.holds_secret(text) and (self.keep or is_free(self, text)) then return text end
  return veil.payload(text)
end

--- There is a message.
---@param message string
function recorder:know(message)
  self.secret, self.secrets = true, true
  if #message == 0 then return end
  table.insert(self.known, message)
  self.size = self.size + #message
end

-- ---- lines ----

-- A text whose time has come to be judged.
local function judged(self, event)
  local text = event.text
  if not text then return event end
  if is_shown(self, event.side, text) then
    event.fields.bytes = text
    if not self.secret then note_shown(self, text) end
  else
    event.kind, event.fields.payload = "bytes", self:payload(text)
  end
  event.text = nil
  return event
end

--- Tells what was held back.
function recorder:release()
  local waiting = self.waiting
  self.waiting = {}
  for _, event in ipairs(waiting) do self.sink(format.line(judged(self, event))) end
end

-- Bytes that were looked at later are told with the time at which they came, unless something was told since.
local function time_of(self, side)
  local at = self.talk and side == "<" and self.talk.at or clock.now()
  self.told = math.max(self.told, at - self.began)
  return self.told
end

--- Adds a line.
---@param side ">"|"<"|"="
---@param kind string
---@param fields? table
---@param text? string  bytes that are shown or not
function recorder:tell(side, kind, fields, text)
  local is_held = #self.waiting > 0 or text and side == "<" and self.secret
  table.insert(self.waiting, { at = time_of(self, side), side = side, kind = kind, fields = fields or {}, text = text })
  if not is_held or self.live then self:release() end
end

--- Adds bytes that are no frame.
---@param side ">"|"<"
---@param bytes string
---@param dropped? boolean  nobody read them
function recorder:plain(side, bytes, dropped)
  for at = 1, #bytes, PIECE do
    self:tell(side, "text", { dropped = dropped or nil }, bytes:sub(at, at + PIECE - 1))
  end
end

--- A line of the head.
---@param kind string
---@param fields table
function recorder:head(kind, fields)
  self:quietly(self.sink, format.line { kind = kind, fields = fields })
end

-- ---- a unit ----

local function begin_exchange(self, payload)
  self:know(type(payload) == "string" and payload or "")
  self:release()
  self.work = 0
  if not self.blind then self.talk = talk.new(self) end
end

local function end_exchange(self)
  if self.talk then self.talk:finish() end
  self.talk = nil
  self:release()
end

--- An exchange begins; it is over when the value that this gives is closed.
---@param payload string?  of the request
---@return any  to be closed
function recorder:exchange(payload)
  self:quietly(begin_exchange, self, payload)
  return setmetatable({}, { __close = function() self:quietly(end_exchange, self) end })
end

--- A call of the CLI begins.
---@param fields table
function recorder:call(fields)
  self.secret, self.secrets = true, true
  self:release()
  self.work = 0
  fields.session = self.session
  self:tell(">", "call", fields)
end

--- Opens a port as jig.port.open does, and listens to it.
---@return fun(address: string, options: table): any, string?, string?, string?
function recorder:opener()
  return port_tap(self)
end

--- Makes a session as jig.session.new does, and listens to it.
---@return fun(service: any, id: string, ...: any): any, string?, string?
function recorder:caller()
  return session_tap(self)
end

--- Somebody stopped the unit.
function recorder:interrupted()
  if self.stopped or self.by_hand then return end
  self.stopped = true
  self:tell("<", "interrupt")
end

--- An attempt begins.
---@param number integer
function recorder:attempt(number)
  self.secret = false
  self:quietly(self.tell, self, "=", "attempt", { number = number })
end

local function outcome(result)
  if result.passed then return "passed" end
  return result.fingerprint and "made_with_fault" or "failed"
end

local function tell_verdict(self, result)
  local fault = result.fault or {}
  self:release()
  self.work = 0
  self:tell("=", "verdict", {
    result = outcome(result), fault = fault.name, code = fault.code, phase = fault.phase,
    reason = self:said(fault.reason), fingerprint = result.fingerprint, serial = self:said(result.serial),
    reported = result.reported, unreported = result.unreported or nil,
  })
end

--- An attempt is over.
---@param result table  of the worker
function recorder:verdict(result)
  self:quietly(tell_verdict, self, result)
end

return recorder
