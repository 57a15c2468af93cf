--- Cuts Lua 5.4 into tokens. The text is one that load() has taken, so nothing is refused here.

---@class jig.check.Token
---@field kind "name"|"string"|"number"|"mark"|"end"  marks are operators, brackets and keywords
---@field value any     of a string or number; else the text
---@field line integer  on which it begins

local tokens = {}

local KEYWORDS <const> = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true
  until while]]):gmatch("%S+") do KEYWORDS[word] = true end

-- Marks of more than one character, the longest first.
local LONG <const> = { "^%.%.%.", "^%.%.", "^==", "^~=", "^<=", "^>=", "^//", "^::", "^<<", "^>>" }

-- Where the long bracket that opens at `at` ends; nil when none opens there.
local function long_end(text, at)
  local level = text:match("^%[(=*)%[", at)
  if not level then return nil end
  local _, last = text:find("]" .. level .. "]", at + 2 + #level, true)
  return last or #text
end

-- Where the quoted string that begins at `at` ends.
local function quoted_end(text, at)
  local quote, i = text:sub(at, at), at + 1
  while i <= #text and text:sub(i, i) ~= quote do
    i = i + (text:sub(i, i) == "\\" and 2 or 1)
  end
  return i
end

-- The value of a literal: Lua reads it.
local function value_of(literal)
  local chunk = load("return " .. literal, "=literal", "t", {})
  return chunk and chunk()
end

local function comment_end(text, at)
  return long_end(text, at + 2) or (text:find("\n", at, true) or #text + 1) - 1
end

local function number_end(text, at)
  local exponent = text:find("^0[xX]", at) and "pP" or "eE"
  local i = at
  while true do
    if text:find("^[" .. exponent .. "][+-]", i) then
      i = i + 2
    elseif text:find("^[%w.]", i) then
      i = i + 1
    else
      return i - 1
    end
  end
end

local function mark_end(text, at)
  for _, pattern in ipairs(LONG) do
    local _, last = text:find(pattern, at)
    if last then return last end
  end
  return at
end

-- What stands at `at`, which is no space: its kind and its last byte. A comment has no kind.
local function read(text, at)
  if text:find("^%-%-", at) then return nil, comment_end(text, at) end
  local _, last = text:find("^[%a_][%w_]*", at)
  if last then return KEYWORDS[text:sub(at, last)] and "mark" or "name", last end
  if text:find("^%.?%d", at) then return "number", number_end(text, at) end
  if text:find("^[\"']", at) then return "string", quoted_end(text, at) end
  last = long_end(text, at)
  if last then return "string", last end
  return "mark", mark_end(text, at)
end

local function count_lines(text, first, last)
  local _, count = text:sub(first, last):gsub("\n", "")
  return count
end

--- The tokens of a text; the last is of the kind "end".
---@param text string
---@return jig.check.Token[]
function tokens.of(text)
  local list, at, line = {}, text:match("^#[^\n]*()") or 1, 1
  while true do
    local first = text:find("%S", at) or #text + 1
    line = line + count_lines(text, at, first - 1)
    if first > #text then break end
    local kind, last = read(text, first)
    local raw = text:sub(first, last)
    if kind then
      local value = raw
      if kind == "string" or kind == "number" then value = value_of(raw) end
      list[#list + 1] = { kind = kind, value = value, line = line }
    end
    line = line + count_lines(text, first, last)
    at = last + 1
  end
  list[#list + 1] = { kind = "end", value = "", line = line }
  return list
end

return tokens
