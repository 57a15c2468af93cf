--- HDLC-like framing of asynchronous lines, RFC 1662: flag, stuffed bytes, FCS, flag.
--
-- Options:
--   header, reply    fields before the payload in each direction, in the notation of
--                    jig.framing.body; default: none, and `reply` like `header`
--   fcs              16 (default) or 32: the bits of the frame check sequence, which goes least
--                    significant byte first (RFC 1662, section 3.1 and appendix C)
--   address_control  true: FF 03, all stations and unnumbered information, before the header
--                    (section 3.1); default false
--   escape_control   true: escapes 00 to 1F too, as PPP does before anything else is agreed
--                    (section 4.2, sending); default false. Received, any byte may be escaped.
--   max              the most payload bytes; default 65535
--
-- A segment between two flags that fails its check but reads as lines of text is the device's log.
-- 7D 7E ends a frame that its sender gave up (section 4.3): that is bad, as is a wrong FCS.

local body = require "jig.framing.body"
local common = require "jig.framing.common"
local stuffed = require "jig.framing.stuffed"

local NAME <const> = "hdlc"

-- RFC 1662, section 4.
local FLAG <const> = "\x7E"
local BIT <const> = 0x20

-- Appendix C.2 and C.3, by the names of the CRC catalogue.
local FCS <const> = { [16] = "CRC-16/IBM-SDLC", [32] = "CRC-32/ISO-HDLC" }

local STUFF, UNSTUFF = {}, {}
for byte = 0, 255 do
  local char, changed = string.char(byte), string.char(byte ~ BIT)
  STUFF[char], UNSTUFF[changed] = "\x7D" .. changed, char
end

local rules = body.rules_and {
  fcs = { among = { 16, 32 }, default = 16 },
  address_control = { type = "boolean", default = false },
  escape_control = { type = "boolean", default = false },
}

local function unstuff(bytes)
  local plain, escapes = bytes:gsub("\x7D(.?)", UNSTUFF)
  -- An escape with nothing behind it stays as it is, so one byte too many is left.
  if #plain + escapes > #bytes then return nil, "given up by its sender" end
  return plain
end

--- Makes the framing.
---@param options table  see above
---@return table  host, device, max and traits of a jig.Framing
local function build(options)
  local escaped = options.escape_control and "[\0-\31\x7D\x7E]" or "[\x7D\x7E]"
  return stuffed(NAME, options, {
    delimiter = FLAG,
    lead = FLAG,
    stuff = function(bytes) return (bytes:gsub(escaped, STUFF)) end,
    unstuff = unstuff,
    grown = function(size) return 2 * size end,
    check = function() return body.check(NAME, FCS[options.fcs], "<") end,
    prefix = options.address_control and "\xFF\x03" or "",
  })
end

return common.module(NAME, rules, build)
