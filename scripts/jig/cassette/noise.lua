--- Bytes that no frame is: how a cassette tells them without showing them.
--
-- A frame that was cut short, or damaged, cannot be recorded by its fields, and its bytes may be a payload. So what
-- is recorded is a likeness: bytes of the same size, made of nothing but the framing, of which a decoder says
-- the same. They are of one of these kinds:
--
--   filler    bytes by chance
--   cut       the beginning of a frame
--   damaged   a whole frame with another last byte
--   letters   text without an end
--   ones      bytes of ones: a length that is too large
--   unknown   none of them is taken in the same way; filler stands for it, and a replay says so
--
-- The same means: the same number of bytes is dropped with the same sentence, whatever numbers stand in that; where
-- there is no such kind, another number.

local veil = require "jig.cassette.veil"

local noise = {}

local KINDS <const> = { "cut", "damaged", "letters", "ones", "filler" }

-- A frame as the device sends them, with a payload of so many letters.
local function frame(framing, size)
  local made = {}
  for field, value in pairs(framing.device.sample or {}) do made[field] = value end
  if made.status then made.status = 0 end
  made.payload = ("k"):rep(math.max(0, math.min(size, framing.max)))
  local ok, bytes = pcall(framing.device.encode, made)
  return ok and bytes or ""
end

local make = {}

function make.filler(_, payload) return veil.filler(payload) end
make.unknown = make.filler

function make.letters(_, payload) return ("k"):rep(payload.size) end

function make.ones(_, payload) return ("\xff"):rep(payload.size) end

function make.cut(framing, payload)
  return frame(framing, payload.size):sub(1, payload.size)
end

-- The payload is so long that the frame has the size.
function make.damaged(framing, payload)
  local whole = frame(framing, payload.size - (#frame(framing, payload.size) - payload.size))
  if whole == "" then return "" end
  return whole:sub(1, -2) .. string.char(whole:byte(-1) ~ 0x55)
end

--- Whether there are bytes of a kind.
---@param kind any
---@return boolean
function noise.is_kind(kind)
  return make[kind] ~= nil
end

--- Bytes of a kind, as many as the payload has.
---@param framing jig.Framing
---@param kind string
---@param payload jig.cassette.Payload
---@return string
function noise.bytes(framing, kind, payload)
  if payload.bytes then return payload.bytes end
  local bytes = make[kind](framing, payload)
  return #bytes == payload.size and bytes or veil.filler(payload)
end

--- A sentence without what in it depends on the bytes: numbers, hex and single characters.
---@param sentence string
---@return string
function noise.skeleton(sentence)
  return (sentence:gsub("'.'", "#"):gsub("%f[%w]%x%x%x%x+%f[%W]", "#"):gsub("%d+", "#"))
end

--- What a decoder says of bytes that are followed by others, and by silence or not.
---@param framing jig.Framing
---@param bytes string
---@param behind string   a whole frame, or nothing
---@param silent boolean
---@return string
function noise.reaction(framing, bytes, behind, silent)
  local decoder, said = framing.host.decoder(), {}
  local function hear(found, answer, skipped, why)
    while found or answer == "bad" do
      said[#said + 1] = found and "frame" or ("%d %s"):format(skipped, noise.skeleton(why))
      found, answer, skipped, why = decoder:feed("")
    end
  end
  hear(decoder:feed(bytes .. behind))
  if silent then hear(decoder:idle()) end
  said[#said + 1] = #decoder:rest()
  return table.concat(said, ";")
end

--- The kind whose bytes are taken in the same way as these.
---@param framing jig.Framing
---@param bytes string
---@param behind string
---@param silent boolean
---@return string kind
function noise.kind(framing, bytes, behind, silent)
  local payload = veil.payload(bytes)
  local wanted = noise.reaction(framing, bytes, behind, silent)
  local nearly
  for _, kind in ipairs(KINDS) do
    local found = noise.reaction(framing, noise.bytes(framing, kind, payload), behind, silent)
    if found == wanted then return kind end
    if noise.skeleton(found) == noise.skeleton(wanted) then nearly = nearly or kind end
  end
  return nearly or "unknown"
end

return noise
