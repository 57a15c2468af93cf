--- One exchange as it is recorded: the bytes of both sides, told as the frames that the framing makes of them.
--
-- What no frame is: text that the framing can tell apart is text; other bytes of the device are told by their
-- likeness (jig.cassette.noise); what jig writes that is no frame is told when it turns to reading.

local clock = require "jig.clock"
local noise = require "jig.cassette.noise"
local veil = require "jig.cassette.veil"
local wired = require "jig.cassette.wired"

---@class jig.cassette.Talk
---@field recorder jig.cassette.Recorder
---@field hears jig.Decoder   of the device's bytes
---@field says jig.Decoder    of jig's
---@field heard string[]      the device's bytes that are not told yet
---@field said string         jig's
---@field at? number          when the device's latest came
local talk = {}
talk.__index = talk

-- Bytes that are looked at together: a frame, and as much text before it.
local MOST <const> = 1 << 18

-- What was heard so far is told; `rest` is in the decoder still.
local function forget(self, rest)
  self.heard, self.size, self.bad, self.silent, self.skipped = { rest }, #rest, false, false, 0
end

--- An exchange begins.
---@param recorder jig.cassette.Recorder
---@return jig.cassette.Talk
function talk.new(recorder)
  local framing = recorder.framing
  local self = setmetatable({
    recorder = recorder, framing = framing, hears = framing.host.decoder(), says = framing.device.decoder(), said = "",
  }, talk)
  forget(self, "")
  return self
end

local function is_plain(self, value)
  if type(value) == "string" then return #value < 8 and not self.recorder.holds_secret(value) end
  return math.type(value) == "integer" or type(value) == "boolean"
end

-- A frame's fields. Text in them that is long enough to hold a message is left out.
local function tell_frame(self, side, frame)
  local fields = {}
  for key, value in pairs(frame) do
    if key ~= "log" and is_plain(self, value) then fields[key] = value end
  end
  fields.payload = self.recorder:payload(frame.payload)
  fields.wired = wired(self.framing, side, fields)
  self.recorder:tell(side, "frame", fields)
end

local function tell_noise(self, bytes, behind, silent)
  if bytes == "" then return end
  local keep = self.recorder.keep
  self.recorder:tell("<", "bytes", {
    payload = self.recorder:payload(bytes), like = not keep and noise.kind(self.framing, bytes, behind, silent) or nil,
  })
end

-- ---- the device ----

-- A frame, with what stood before it.
local function hear_frame(self, frame)
  self.recorder:know(frame.payload)
  if self.bad then
    local heard = table.concat(self.heard)
    local ok, bytes = pcall(self.framing.device.encode, frame)
    local at = ok and heard:find(bytes, 1, true) or #heard + 1
    tell_noise(self, heard:sub(1, at - 1), ok and bytes or "", false)
  end
  self.recorder:plain("<", frame.log or "")
  tell_frame(self, "<", frame)
  forget(self, "")
end

-- What the decoder answered, and all that follows it.
local function hear_answers(self, frame, answer, skipped)
  local any = false
  while frame or answer == "bad" do
    if frame then hear_frame(self, frame) end
    if answer == "bad" then self.bad, self.skipped = true, self.skipped + skipped end
    any = any or frame ~= nil
    frame, answer, skipped = self.hears:feed("")
  end
  if not any then return end
  self.answered = true
  local rest = self.hears:rest() -- what stands behind the frame goes into the decoder again
  self.hears:feed(rest)
  forget(self, rest)
end

-- How many bytes of the device's own text stand before those that the framing dropped.
local function text_before(self, heard, behind)
  local size = #heard - self.skipped - behind
  local decoder = self.framing.host.decoder()
  local frame, answer = decoder:feed(heard:sub(1, math.max(size, 0)))
  if size <= 0 or frame or answer == "bad" then return 0 end
  local left, text = decoder:rest()
  return text == #left and size or 0
end

--- What the device sent and no frame is, is told.
function talk:hear_rest()
  if self.size == 0 then return end
  local rest, text = self.hears:rest()
  local heard = table.concat(self.heard)
  if self.bad then
    local log = text_before(self, heard, #rest - text)
    self.recorder:plain("<", heard:sub(1, log))
    tell_noise(self, heard:sub(log + 1), "", self.silent)
  else
    if self.answered and veil.is_text(rest) then text = #rest end
    self.recorder:plain("<", rest:sub(1, text))
    tell_noise(self, rest:sub(text + 1), "", self.silent)
  end
  forget(self, "")
  self.at, self.hears = nil, self.framing.host.decoder()
end

--- Bytes of the device.
---@param bytes string
function talk:hear(bytes)
  if self.size > MOST then self:hear_rest() end
  self.at, self.size = clock.now(), self.size + #bytes
  table.insert(self.heard, bytes)
  hear_answers(self, self.hears:feed(bytes))
end

--- The device has been silent for as long as ends a frame.
function talk:hear_silence()
  if self.size == 0 then return end
  self.silent = true
  hear_answers(self, self.hears:idle())
end

-- ---- jig ----

--- What jig wrote and no frame is, is told. Where only silence ends a frame it is one now.
function talk:say_rest()
  if self.said == "" then return end
  local frame = self.says:idle()
  if frame then
    tell_frame(self, ">", frame)
  else
    self.recorder:plain(">", self.said)
  end
  self.said, self.says = "", self.framing.device.decoder()
end

--- Bytes that jig writes are frames when nothing else stands between them.
---@param bytes string
function talk:say(bytes)
  self:hear_rest()
  self.said = self.said .. bytes
  local frame, answer = self.says:feed(bytes)
  while frame do
    tell_frame(self, ">", frame)
    self.said = ""
    frame, answer = self.says:feed("")
  end
  if answer ~= "bad" and #self.said <= MOST then return end
  self.recorder:plain(">", self.said)
  self.said, self.says = "", self.framing.device.decoder()
end

--- The exchange is over.
function talk:finish()
  self:say_rest()
  self:hear_rest()
end

return talk
