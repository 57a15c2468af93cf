--- What is wrong with a Lua pattern, or a format of string.pack or string.format, that is written down: each is looked
--- at only when it is used, and then as far as it is used.

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

-- A directive of string.format behind its percent sign: flags, width, precision, conversion.
local DIRECTIVE <const> = "^%%[%-+#0 ]*%d*%.?%d*.?"

-- Calls each(directive) for those that take a value, until it gives something, which is given.
local function directives_of(text, each)
  local at = text:find("%", 1, true)
  while at do
    local directive = text:match(DIRECTIVE, at)
    local found = directive ~= "%%" and each(directive)
    if found then return found end
    at = text:find("%", at + #directive, true)
  end
end

--- Why a text is no format of string.format; nil when it is one.
---@param text string
---@return string?
function literals.directives(text)
  return directives_of(text, function(directive)
    local ok, message = pcall(string.format, directive, 1)
    if ok or not tostring(message):find("invalid", 1, true) then return nil end
    return #directive == 1 and "ends with %" or ("has an invalid directive '%s'"):format(directive)
  end)
end

--- How many values a format of string.format takes.
---@param text string  one that literals.directives finds nothing wrong with
---@return integer
function literals.values(text)
  local count = 0
  directives_of(text, function() count = count + 1 end)
  return count
end

return literals
