--- What stands in a cassette for bytes that nobody may see, and bytes that stand for them when it is replayed.
--
-- A payload is written as its size and digest. A text is shown only where none of the messages that are known by
-- then stands in it: as it is, as hex or as base64, by any eight bytes in a row.

local digest = require "jig.digest"
local format = require "jig.cassette.format"
local hex = require "jig.hex"

local veil = {}

-- Bytes in a row by which a message is known; a run of so many digits of hex is taken for one in any case.
local WINDOW <const>, HEX_RUN <const>, BASE64_RUN <const> = 8, 16, 11

--- What stands for bytes.
---@param bytes string
---@param keep? boolean  the bytes themselves
---@return jig.cassette.Payload
function veil.payload(bytes, keep)
  if keep then return { size = #bytes, bytes = bytes } end
  return { size = #bytes, digest = hex.encode(digest.sha256(bytes)):sub(1, format.DIGITS) }
end

--- Bytes of that size which follow from the digest: the same each time, and others for another digest.
---@param payload jig.cassette.Payload
---@return string
function veil.filler(payload)
  if payload.bytes then return payload.bytes end
  local parts, size = {}, 0
  while size < payload.size do
    parts[#parts + 1] = digest.sha256(("jig cassette %s %d"):format(payload.digest, #parts))
    size = size + #parts[#parts]
  end
  return table.concat(parts):sub(1, payload.size)
end

-- ---- looking for messages in text ----

local function from_hex(digits)
  return hex.decode(digits:sub(1, #digits // 2 * 2))
end

local VALUES <const> = { ["-"] = 62, ["_"] = 63 }
for at = 0, 63 do
  VALUES[("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):sub(at + 1, at + 1)] = at
end

local function from_base64(text)
  return (text:gsub("(.)(.)(.)(.)", function(a, b, c, d)
    local bits = VALUES[a] << 18 | VALUES[b] << 12 | VALUES[c] << 6 | VALUES[d]
    return string.char(bits >> 16, bits >> 8 & 255, bits & 255)
  end))
end

local function add_windows(set, bytes)
  for at = 1, #bytes - WINDOW + 1 do set[bytes:sub(at, at + WINDOW - 1)] = true end
end

-- Each run of digits of a code, decoded from each place where a group may begin.
local function add_runs(set, text, class, group, decode)
  for run in text:gmatch(class .. "+") do
    for skip = 0, #run > WINDOW and group - 1 or -1 do
      add_windows(set, decode(run:sub(skip + 1) .. ("A"):rep(group - 1)))
    end
  end
end

-- Words of so many digits, each of them with its last byte first.
local function turned(text, digits)
  local words = {}
  for run in text:gmatch("%x+") do
    if #run == digits then words[#words + 1] = from_hex(run):reverse() end
  end
  return table.concat(words)
end

-- Numbers from 0 to 255 in a row; another ends it.
local function add_decimals(set, text)
  local bytes = {}
  local function ended()
    add_windows(set, table.concat(bytes))
    bytes = {}
  end
  for digits in text:gmatch("%d+") do
    local number = #digits <= 3 and tonumber(digits)
    if number and number < 256 then bytes[#bytes + 1] = string.char(number) else ended() end
  end
  ended()
end

-- All that may be read in a text.
local function readings(text)
  local set = {}
  local plain = text:gsub("0x", " "):gsub("\\x", " ")
  local joined = text:gsub("0x", ""):gsub("\\x", ""):gsub("[%s:,;%-|./<>_%[%]{}()]", "")
  for _, digits in ipairs { 4, 8, 16 } do add_windows(set, turned(plain, digits)) end
  add_decimals(set, text)
  add_windows(set, text)
  add_runs(set, text, "%x", 2, from_hex)
  add_runs(set, joined, "%x", 2, from_hex)
  add_runs(set, text:gsub("[\r\n]", ""), "[%w+/_%-]", 4, from_base64)
  return set
end

--- Whether none of the messages stands in a text.
---@param text string
---@param messages string[]
---@return boolean
function veil.is_free(text, messages)
  if #text < WINDOW then return true end
  local set
  for _, message in ipairs(messages) do
    set = set or readings(text)
    for at = 1, #message - WINDOW + 1 do
      if set[message:sub(at, at + WINDOW - 1)] then return false end
    end
  end
  return true
end

--- Whether one text stands in another: as it is, or as hex; and a long one by any part of it, as a message.
---@param bytes string
---@param part string
---@return boolean
function veil.holds(bytes, part)
  local digits = hex.encode(part)
  return bytes:find(part, 1, true) ~= nil or bytes:lower():find(digits, 1, true) ~= nil
    or not veil.is_free(bytes, { part })
end

local function has_run(text, class, least, looks)
  for run in text:gmatch(class .. "+") do
    if #run >= least and looks(run) then return true end
  end
  return false
end

--- Whether a text may hold bytes written as digits, of whatever message.
---@param text string
---@return boolean
function veil.has_digits(text)
  return has_run(text, "%x", HEX_RUN, function() return true end)
    or has_run(text, "[%w+/_]", BASE64_RUN, function(run)
      return run:find("%l") and run:find("%u") and run:find("[%d+/]")
    end)
end

--- Whether bytes read as text: printable ASCII, line ends, tabs, colour sequences.
---@param bytes string
---@return boolean
function veil.is_text(bytes)
  return not bytes:find("[^\t\n\r\27\32-\126]")
end

--- Whether bytes read as text but for a few: so few in any eight in a row that these can hardly be a message's.
---@param bytes string
---@return boolean
function veil.is_almost_text(bytes)
  local others, last = {}, 0
  for at in bytes:gmatch("()[^\t\n\r\27\32-\126]") do
    last = last + 1
    others[last] = at
    if last > 2 and #bytes >= WINDOW and at - others[last - 2] < WINDOW then return false end
  end
  return true
end

return veil
