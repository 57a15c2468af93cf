--- What a framing makes of a frame, as a digest: so that a framing that was changed is noticed although it reads what
--- it wrote itself. In place of the payload there are as many bytes of no meaning; a message's own are not in it.

local digest = require "jig.digest"
local format = require "jig.cassette.format"
local hex = require "jig.hex"

local ALL <const> = (function()
  local bytes = {}
  for byte = 0, 255 do bytes[#bytes + 1] = string.char(byte) end
  return table.concat(bytes)
end)()

-- Fields of a line that are none of the frame.
local OTHERS <const> = { wired = true, payload = true }

--- Of a frame's line. nil where the framing cannot make it of what the line has.
---@param framing jig.Framing
---@param side ">"|"<"
---@param fields table
---@return string?
return function(framing, side, fields)
  local size, frame = fields.payload.size, {}
  for key, value in pairs(fields) do
    if not OTHERS[key] then frame[key] = value end
  end
  frame.payload = ALL:rep(size // #ALL + 1):sub(1, size)
  local maker = side == ">" and framing.host or framing.device
  local ok, bytes = pcall(maker.encode, frame)
  return ok and type(bytes) == "string" and hex.encode(digest.sha256(bytes)):sub(1, format.DIGITS) or nil
end
