--- Messages stay unseen: no part of one stands in what was said or recorded, as bytes, hex, JSON or base64.
--
-- A part is found from 23 bytes on, or, where the message is no text, from 15: it then holds a whole window of the
-- message. Shorter parts, and windows of readable text that are shorter, would be found by chance.

local cjson = require "cjson.safe"
local hex = require "jig.hex"

-- Bytes of a window, where it is readable text and where it is not.
local READABLE <const>, OTHER <const> = 16, 8

-- What may stand between the digits of a dump, besides 0x.
local BETWEEN <const> = " :,-\\x"

-- Digits of a window: in no shorter run does one stand.
local RUN <const> = 2 * OTHER

-- Characters of a window in base64.
local BASE64 <const> = 24

local DIGITS <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- Whole groups of three bytes, as base64 has them.
local function base64(bytes)
  local out = {}
  for i = 1, #bytes - 2, 3 do
    local number = string.unpack(">I3", bytes, i)
    for shift = 18, 0, -6 do
      local digit = (number >> shift & 63) + 1
      out[#out + 1] = DIGITS:sub(digit, digit)
    end
  end
  return table.concat(out)
end

local function is_readable(bytes)
  return not bytes:find("[^\t\r\n\32-\126]")
end

local function windows(bytes, size)
  local list = {}
  for at = 1, math.max(1, #bytes - size + 1), size do list[#list + 1] = bytes:sub(at, at + size - 1) end
  return list
end

-- Whose window some digits are, for every message that was ever looked for, and runs of digits in which none stands.
-- Kept: it is the same few messages, digests and fingerprints on every path.
local owners, harmless, count = {}, {}, 0

-- Runs that are kept: the ids of sessions are new on every path.
local KEPT <const> = 4096

local function add_owners(bytes)
  for _, window in ipairs(windows(bytes, OTHER)) do owners[hex.encode(window)] = bytes end
  harmless, count = {}, 0
end

-- What is looked for of one message besides.
local forms = setmetatable({}, { __index = function(self, bytes)
  local made = { readable = is_readable(bytes), plain = {}, base64 = {} }
  for _, window in ipairs(windows(bytes, made.readable and READABLE or OTHER)) do
    made.plain[#made.plain + 1] = window
    local escaped = (cjson.encode(window) or '""'):sub(2, -2)
    if escaped ~= window then made.plain[#made.plain + 1] = escaped end
  end
  for _, window in ipairs(windows(base64(bytes), BASE64)) do
    if #window == BASE64 then made.base64[#made.base64 + 1] = window end
  end
  add_owners(bytes)
  self[bytes] = made
  return made
end })

local function holds(text, list)
  for _, one in ipairs(list) do
    if text:find(one, 1, true) then return true end
  end
  return false
end

-- Adds the owners of the windows that stand in a run of digits.
local function add_seen(run, seen)
  local digits, any = run:lower(), false
  for at = 1, #digits - RUN + 1 do
    local owner = owners[digits:sub(at, at + RUN - 1)]
    if owner then seen[owner], any = true, true end
  end
  if any then return end
  if count == KEPT then harmless, count = {}, 0 end
  harmless[run], count = true, count + 1
end

-- Whose windows stand in a text as hex.
local function seen_in(text)
  local seen = {}
  local run, last = hex.find(text, RUN, 1, BETWEEN)
  while run do
    if not harmless[run] then add_seen(run, seen) end
    run, last = hex.find(text, RUN, last + 1, BETWEEN)
  end
  return seen
end

-- A function that says whether a message stands in a text. All the messages are known by then.
local function reader(text)
  local seen = seen_in(text)
  local odd = text:find("\\u00", 1, true) or utf8.len(text) ~= #text
  return function(secret)
    local made = forms[secret]
    return seen[secret] or (made.readable or odd) and holds(text, made.plain) or holds(text, made.base64)
  end
end

-- The recipe's line at which it was said, where that is known.
local function line_of(history, secret)
  for i, text in ipairs(history.said) do
    if reader(text)(secret) then return history.said_lines[i] end
  end
end

---@param history table
---@param complain jig.prove.Complain
return function(history, complain)
  for secret in pairs(history.secrets) do assert(forms[secret]) end
  local stands_in = reader(table.concat(history.said, "\n") .. "\n" .. table.concat(history.facts, "\n"))
  for secret in pairs(history.secrets) do
    if stands_in(secret) then
      complain("7 opaque and unseen", ("a message of %d bytes, or a part of it, stands in what was said or recorded")
        :format(#secret), nil, line_of(history, secret))
    end
  end
end
