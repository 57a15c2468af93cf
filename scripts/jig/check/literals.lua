--- What is wrong with a Lua pattern or a format of string.pack that is written down: either is looked at only when it
--- is used, and then as far as it is used.

local literals = {}

-- Where a set ends whose "[" stands at `at`; nil when it does not.
local function set_end(text, at)
  at = at + (text:sub(at + 1, at + 1) == "^" and 2 or 1)
  local first = true
  while at <= #text do
    local char = text:sub(at, at)
    if char == "]" and not first then return at end
    first, at = false, at + (char == "%" and 2 or 1)
  end
end

-- Where an escape ends that begins at `at`; nil, what is wrong.
local function escape_end(text, at)
  local char = text:sub(at + 1, at + 1)
  if char == "" then return nil, "ends with %" end
  if char == "b" then
    if at + 3 > #text then return nil, "misses arguments of %b" end
    return at + 3
  end
  if char ~= "f" then return at + 1 end
  if text:sub(at + 2, at + 2) ~= "[" then return nil, "misses [ behind %f" end
  return set_end(text, at + 2), "misses ]"
end

--- Why a text is no pattern; nil when it is one.
---@param text string
---@return string?
function literals.pattern(text)
  local at, depth = 1, 0
  while at <= #text do
    local char, last, why = text:sub(at, at), at, nil
    if char == "%" then last, why = escape_end(text, at) end
    if char == "[" then last, why = set_end(text, at), "misses ]" end
    if not last then return why end
    if char == "(" then depth = depth + 1 end
    if char == ")" then depth = depth - 1 end
    if depth < 0 then return "has a ) without (" end
    at = last + 1
  end
  return depth > 0 and "misses )" or nil
end

--- Why a text is no format of string.pack; nil when it is one.
---@param text string
---@return string?
function literals.format(text)
  local ok, message = pcall(string.packsize, text)
  message = not ok and tostring(message):match("%((.-)%)$") or tostring(message)
  if ok or message:find("variable", 1, true) or message:find("too large", 1, true) then return nil end
  return message
end

return literals
