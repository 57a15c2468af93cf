--- SLIP, RFC 1055: END, stuffed bytes, END.
--
-- Options:
--   header, reply  fields before the payload in each direction, in the notation of
--                  jig.framing.body; default: none, and `reply` like `header`
--   crc            a name from the CRC catalogue: a check over header and payload, behind them
--   lead           true (default): an END before each frame, so that noise on the line makes a
--                  frame of its own (RFC 1055, page 3); false: only behind it
--   log            what to do with text between two ENDs: true takes a segment that reads as lines
--                  of text for the device's log; false takes nothing for log. Default: true with a
--                  crc, where a good check comes first, else false, for SLIP alone believes every
--                  segment. With true and no crc, encode refuses frames that read as text.
--   max            the most payload bytes; default 65535
--
-- RFC 1055 lets a receiver keep the byte behind a wrong escape; here that segment is bad. Without
-- a header or crc, an empty payload cannot be sent, since nothing between two ENDs is no frame.

local body = require "jig.framing.body"
local common = require "jig.framing.common"
local stuffed = require "jig.framing.stuffed"

local NAME <const> = "slip"

-- RFC 1055, page 2.
local END <const> = "\xC0"
local STUFF <const> = { ["\xC0"] = "\xDB\xDC", ["\xDB"] = "\xDB\xDD" }
local UNSTUFF <const> = { ["\xDC"] = "\xC0", ["\xDD"] = "\xDB" }

local rules = body.rules_and {
  crc = { type = "string" },
  lead = { type = "boolean", default = true },
  log = { type = "boolean" },
}

local function stuff(bytes)
  return (bytes:gsub("[\xC0\xDB]", STUFF))
end

local function unstuff(bytes)
  if bytes:find("\xDB[^\xDC\xDD]") or bytes:find("\xDB$") then
    return nil, "an escape is followed by neither DC nor DD"
  end
  return (bytes:gsub("\xDB(.)", UNSTUFF))
end

--- Makes the framing.
---@param options table  see above
---@return table  host, device, max and traits of a jig.Framing
local function build(options)
  return stuffed(NAME, options, {
    check = body.crc(NAME, options),
    delimiter = END,
    lead = options.lead and END or "",
    stuff = stuff,
    unstuff = unstuff,
    grown = function(size) return 2 * size end,
  })
end

return common.module(NAME, rules, build)
