--- Messages stay unseen: no part of one stands in what was said or recorded, as bytes, hex, JSON or base64.
--
-- A part is found from 23 bytes on, or, where the message is no text, from 15: it then holds a whole window of the
-- message. Shorter parts, and windows of readable text that are shorter, would be found by chance.

local cjson = require "cjson.safe"
local hex = require "jig.hex"

-- Bytes of a window, where it is readable text and where it is not.
local READABLE <const>, OTHER <const> = 16, 8

-- Characters that a word must have to hold a window of bytes in hex, or one of a message in base64.
local HEX <const>, BASE64 <const> = 2 * OTHER, 24

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

-- What is looked for of one message. Kept: it is the same few messages on every path.
local forms = setmetatable({}, { __index = function(self, bytes)
  local made = { plain = {}, hex = {}, base64 = {}, readable = is_readable(bytes) }
  for _, window in ipairs(windows(bytes, made.readable and READABLE or OTHER)) do
    made.hex[#made.hex + 1] = hex.encode(window)
    made.plain[#made.plain + 1] = window
    local escaped = (cjson.encode(window) or '""'):sub(2, -2)
    if escaped ~= window then made.plain[#made.plain + 1] = escaped end
  end
  for _, window in ipairs(windows(base64(bytes), BASE64)) do
    if #window == BASE64 or #made.base64 == 0 then made.base64[#made.base64 + 1] = window end
  end
  self[bytes] = made
  return made
end })

local function holds(text, list)
  for _, one in ipairs(list) do
    if text:find(one, 1, true) then return true end
  end
  return false
end

-- The long words of a text, in which alone bytes can stand as hex or base64. A digest is one, too.
local function long_words(text)
  local words, hexes = {}, {}
  for word in text:gmatch("[%w+/=]+") do
    if #word >= HEX then
      for digits in word:gmatch("%x+") do
        if #digits >= HEX then hexes[#hexes + 1] = digits:lower() end
      end
    end
    if #word >= BASE64 then words[#words + 1] = word end
  end
  return table.concat(hexes, " "), table.concat(words, " ")
end

local function stands_in(text, secret)
  local made = forms[secret]
  return (made.readable or text.odd) and holds(text.all, made.plain) or holds(text.hexes, made.hex)
    or holds(text.words, made.base64)
end

local function looked_at(text)
  local hexes, words = long_words(text)
  return { all = text, hexes = hexes, words = words, odd = not is_readable(text) or text:find("\\", 1, true) ~= nil }
end

-- The recipe's line at which it was said, where that is known.
local function line_of(history, secret)
  for i, text in ipairs(history.said) do
    if stands_in(looked_at(text), secret) then return history.said_lines[i] end
  end
end

---@param history table
---@param complain jig.prove.Complain
return function(history, complain)
  local text = looked_at(table.concat(history.said, "\n") .. "\n" .. table.concat(history.facts, "\n"))
  for secret in pairs(history.secrets) do
    if stands_in(text, secret) then
      complain("7 opaque and unseen", ("a message of %d bytes, or a part of it, stands in what was said or recorded")
        :format(#secret), nil, line_of(history, secret))
    end
  end
end
