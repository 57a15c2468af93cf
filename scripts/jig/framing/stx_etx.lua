--- Frames between DLE STX and DLE ETX, with each DLE in between doubled: the transparent mode of
-- binary synchronous communication and its many descendants.
--
-- Options:
--   header, reply  fields before the payload in each direction, in the notation of
--                  jig.framing.body; default: none, and `reply` like `header`
--   crc            a name from the CRC catalogue: a check over header and payload, behind them and
--                  stuffed like them
--   bcc            true: one byte behind DLE ETX, the exclusive or of all bytes after DLE STX up to
--                  and including ETX as they are on the wire, doubled DLEs twice, as in Siemens
--                  3964R; default false. Not beside crc.
--   max            the most payload bytes; default 65535
--
-- All between two frames is the device's log, whatever it looks like. DLE STX inside a frame begins
-- a new one, the old is bad; DLE and any other byte than DLE, STX or ETX is bad, too.

local body = require "jig.framing.body"
local common = require "jig.framing.common"
local kept = require "jig.framing.kept"

local NAME <const> = "stx_etx"

-- ASCII control characters (ISO/IEC 646).
local STX <const>, ETX <const>, DLE <const> = "\x02", "\x03", "\x10"

local rules = body.rules_and {
  crc = { type = "string" },
  bcc = { among = { true, false }, default = false },
}

-- Exclusive or of all bytes.
local function xor(bytes)
  local sum = 0
  for first = 1, #bytes, 128 do
    for _, byte in ipairs { bytes:byte(first, first + 127) } do sum = sum ~ byte end
  end
  return sum
end

---@class jig.StxEtx: jig.Decoder
local Decoder = {}
local decoder_meta = { __index = Decoder, __metatable = false }

local function new_decoder(back, options)
  return setmetatable({
    back = back,
    bcc = options.bcc,
    limit = 2 * (back.size + options.max) + 2,
    limit_text = ("no frame of at most %d bytes of payload"):format(options.max),
    data = "",   -- fed, not used from `first` on
    first = 1,
    held = kept.pieces(), -- the frame so far as it is on the wire, without DLE STX
    state = "outside", -- or "inside" a frame, or before its "bcc"
    lost = false,      -- behind a bad frame: bytes are neither frame nor text
    log = kept.log(),
  }, decoder_meta)
end

-- Moves bytes up to `last` into the frame.
local function hold(self, last)
  if last >= self.first then self.held:add(self.data:sub(self.first, last)) end
  self.first = last + 1
end

-- Gives up the frame; `state` is what comes next.
local function fail(self, state, why)
  local skipped = self.held.size + 2
  self.held:take()
  self.state, self.lost = state, state == "outside"
  return nil, "bad", skipped, why
end

-- Reads the frame that has ended; `bcc` is the byte behind it, if it has one.
local function finish(self, bcc)
  local wire = self.held:take()
  self.state, self.lost = "outside", true
  local skipped = #wire + (bcc and 3 or 2)
  if bcc and bcc ~= xor(wire) then
    return nil, "bad", skipped, ("BCC differs: got %02x, expected %02x"):format(bcc, xor(wire))
  end
  local frame, why = self.back:decode((wire:sub(1, -3):gsub("\x10\x10", DLE)))
  if not frame then return nil, "bad", skipped, why end
  self.lost = false
  frame.log = self.log:take()
  return frame
end

-- How many bytes are stepped over that begin with a DLE and are no start. Behind a bad frame it is both of a doubled
-- DLE, so that stuffed data is not taken for a start, and a frame's end with its BCC, which may be a DLE, too.
local function step(self, after)
  if not self.lost then return 1 end
  if after == ETX and self.bcc then return 3 end
  return after == DLE and 2 or 1
end

-- Where DLE STX begins; else from where on more is needed, or one past the end.
local function find_start(self)
  local data, at = self.data, self.first
  while true do
    at = data:find(DLE, at, true)
    if not at then return #data + 1 end
    local after = data:sub(at + 1, at + 1)
    if after == STX or after == "" then return at, after == STX end
    local size = step(self, after)
    if at + size > #data + 1 then return at end
    at = at + size
  end
end

local function outside(self)
  local from = self.first
  local at, found = find_start(self)
  self.first = found and at + 2 or at
  if found then self.state = "inside" end
  if self.lost and at > from then
    return nil, "bad", at - from, "no start of a frame after a bad one"
  end
  if not self.lost then self.log:add(self.data:sub(from, at - 1)) end
  if not found then return nil, "more" end
end

local function inside(self)
  local at = self.data:find(DLE, self.first, true)
  local last = at or #self.data + 1
  if self.held.size + last - self.first > self.limit then
    hold(self, last - 1)
    return fail(self, "outside", self.limit_text)
  end
  hold(self, last - 1)
  local after = self.data:sub(last + 1, last + 1)
  if after == "" then return nil, "more" end
  if after == STX then
    self.first = last + 2
    return fail(self, "inside", "cut short by the next frame")
  end
  hold(self, last + 1)
  if after == DLE then return end
  if after ~= ETX then return fail(self, "outside", "DLE before a byte that it cannot precede") end
  if not self.bcc then return finish(self) end
  self.state = "bcc"
end

local function behind(self)
  local bcc = self.data:byte(self.first)
  if not bcc then return nil, "more" end
  self.first = self.first + 1
  return finish(self, bcc)
end

local steps <const> = { outside = outside, inside = inside, bcc = behind }

function Decoder:feed(bytes)
  if #bytes > 0 then self.data, self.first = self.data:sub(self.first) .. bytes, 1 end
  while true do
    local frame, answer, skipped, why = steps[self.state](self)
    if frame or answer then return frame, answer, skipped, why end
  end
end

function Decoder:idle()
  if self.state == "outside" then
    self.lost = false
    return nil, "more"
  end
  hold(self, #self.data)
  local _, answer, skipped, why =
    fail(self, "outside", ("cut short by silence after %d bytes"):format(self.held.size + 2))
  self.lost = false
  return nil, answer, skipped, why
end

function Decoder:rest()
  hold(self, #self.data)
  self.data, self.first, self.state, self.lost = "", 1, "outside", false
  return kept.rest(self.log, self.held:take())
end

-- Gives the encoder of one direction.
local function encoder(options, out)
  return function(frame)
    local wire = out:encode(frame):gsub(DLE, "\x10\x10") .. DLE .. ETX
    return DLE .. STX .. wire .. (options.bcc and string.char(xor(wire)) or "")
  end
end

--- Makes the framing.
---@param options table  see above
---@return table  host, device, max and traits of a jig.Framing
local function build(options)
  if options.crc and options.bcc then common.misuse(NAME, "expected at most one of crc and bcc") end
  local request, reply = body.pair(NAME, options, body.crc(NAME, options))
  local host, device = common.ends(request, reply, function(out)
    return encoder(options, out)
  end, function(back)
    return new_decoder(back, options)
  end)
  local checked = options.crc ~= nil or options.bcc
  return { host = host, device = device, max = options.max,
    traits = { resync = true, check = checked, empty = true } }
end

return common.module(NAME, rules, build)
