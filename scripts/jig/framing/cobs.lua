--- Consistent Overhead Byte Stuffing: stuffed bytes without a zero, then a zero.
-- S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on
-- Networking 7 (2), April 1999; frames end in one zero byte.
--
-- Options:
--   header, reply  fields before the payload in each direction, in the notation of
--                  jig.framing.body; default: none, and `reply` like `header`
--   crc            a name from the CRC catalogue: a check over header and payload, behind them
--   lead           true: a zero before each frame too, so that noise on the line does not spoil
--                  it; default false
--   log            what to do with text between two zeros: true takes a segment that reads as
--                  lines of text for the device's log; false takes nothing for log. Default: true
--                  with a crc, where a good check comes first, else false, for COBS alone believes
--                  nearly every segment. With true and no crc, encode refuses frames that read as
--                  text on the wire.
--   max            the most payload bytes; default 65535
--
-- Nothing between two zeros is no frame; the empty payload is the one byte 01 on the wire.

local body = require "jig.framing.body"
local common = require "jig.framing.common"
local stuffed = require "jig.framing.stuffed"

local NAME <const> = "cobs"

-- The most bytes of a block; its code is then 255 and stands for no zero (paper, table I).
local FULL <const> = 254

local rules = body.rules_and {
  crc = { type = "string" },
  lead = { type = "boolean", default = false },
  log = { type = "boolean" },
}

-- Each run of bytes up to a zero, or to the end, becomes its length plus one and the run; a longer
-- run is cut after every 254 bytes.
local function stuff(bytes)
  local out, first = {}, 1
  repeat
    local zero = bytes:find("\0", first, true)
    local last = (zero or #bytes + 1) - 1
    while last - first + 1 > FULL do
      out[#out + 1] = "\xFF" .. bytes:sub(first, first + FULL - 1)
      first = first + FULL
    end
    out[#out + 1] = string.char(last - first + 2) .. bytes:sub(first, last)
    -- A full block stands for no zero, so a zero that follows needs a block of its own.
    if zero and last - first + 1 == FULL then out[#out + 1] = "\1" end
    first = last + 2
  until not zero
  return table.concat(out)
end

local function unstuff(bytes)
  local out, at, size = {}, 1, #bytes
  while at <= size do
    local code = bytes:byte(at)
    local last = at + code - 1
    if last > size then return nil, "a block runs past the end" end
    out[#out + 1] = bytes:sub(at + 1, last)
    if code <= FULL and last < size then out[#out + 1] = "\0" end
    at = last + 1
  end
  return table.concat(out)
end

--- Makes the framing.
---@param options table  see above
---@return table  host, device, max and traits of a jig.Framing
local function build(options)
  return stuffed(NAME, options, {
    check = body.crc(NAME, options),
    delimiter = "\0",
    lead = options.lead and "\0" or "",
    stuff = stuff,
    unstuff = unstuff,
    grown = function(size) return size + size // FULL + 1 end,
    shows_empty = true,
  })
end

return common.module(NAME, rules, build)
