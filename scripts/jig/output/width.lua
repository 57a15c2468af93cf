--- How many cells a text takes on a terminal. Terminals disagree about combining marks, emoji and what
-- changes the direction of writing; such characters become "?", so that what is counted is what is seen.

local clean = require "jig.output.clean"

local width = {}

-- Code points whose width is the same everywhere: first, last, cells. In ascending order.
local RANGES <const> = {
  { 0x20, 0x7E, 1 }, { 0xA0, 0xAC, 1 }, { 0xAE, 0x2FF, 1 }, { 0x370, 0x482, 1 }, { 0x48A, 0x58F, 1 },
  { 0x1E00, 0x1FFF, 1 }, { 0x2010, 0x2027, 1 }, { 0x2030, 0x205E, 1 }, { 0x2070, 0x209C, 1 },
  { 0x20A0, 0x20C0, 1 }, { 0x2100, 0x22FF, 1 }, { 0x2500, 0x257F, 1 },
  { 0x3000, 0x3029, 2 }, { 0x3041, 0x3096, 2 }, { 0x309B, 0x30FF, 2 }, { 0x3105, 0x312F, 2 }, { 0x3400, 0x4DBF, 2 },
  { 0x4E00, 0x9FFF, 2 }, { 0xAC00, 0xD7A3, 2 }, { 0xF900, 0xFAFF, 2 }, { 0xFF01, 0xFF60, 2 }, { 0xFFE0, 0xFFE6, 2 },
  { 0x20000, 0x3FFFD, 2 },
}

local function cells(code)
  for _, range in ipairs(RANGES) do
    if code <= range[2] then return code >= range[1] and range[3] or nil end
  end
end

--- Text from outside as it can be shown and counted.
---@param value any
---@return string
function width.plain(value)
  local text = clean(value)
  if not text:find("[\128-\255]") then return text end
  return (text:gsub(utf8.charpattern, function(c) return not cells(utf8.codepoint(c)) and "?" or nil end))
end

--- The cells of a text that is plain.
---@param text string
---@return integer
function width.of(text)
  if not text:find("[\128-\255]") then return #text end
  local sum = 0
  for _, code in utf8.codes(text) do sum = sum + cells(code) end
  return sum
end

--- A plain text in at most n cells; one that is longer ends in "…".
---@param text string
---@param n integer
---@return string
function width.cut(text, n)
  if width.of(text) <= n then return text end
  if n < 1 then return "" end
  local left = n - 1
  for at, code in utf8.codes(text) do
    left = left - cells(code)
    if left < 0 then return text:sub(1, at - 1) .. "…" end
  end
end

return width
