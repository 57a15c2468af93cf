--- Lua values as lines for a person: text quoted, bytes as a dump, the fields of tables named. What is too deep,
-- too wide or goes round in circles is cut, and says so.

local api = require "jig.check.api"
local escape = require "jig.shell.escape"
local hexdump = require "jig.shell.hexdump"

local values = {}

-- A string that is shown in one line has so many bytes at most; tables are shown so deep, and so many fields.
local SHORT <const>, DEPTH <const>, FIELDS <const> = 120, 4, 100

local function is_text(bytes)
  return #bytes <= SHORT and not bytes:find("[^\t\r\n\32-\126\128-\255]") and utf8.len(bytes) ~= nil
end

local function quoted(text)
  return '"' .. escape((text:gsub('[\\"]', "\\%0"))) .. '"'
end

local function key_text(key)
  if type(key) ~= "string" then return ("[%s]"):format(escape(tostring(key))) end
  return key:find("^[%a_][%w_]*$") and key or ("[%s]"):format(quoted(key))
end

-- Of a unit and its port, those that are a recipe's.
local function sorted_keys(t)
  local keys, meta = {}, debug.getmetatable(t)
  local hidden = api.hidden(type(meta) == "table" and rawget(meta, "__name"))
  for key in next, t do
    if not hidden[key] then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b)
    if type(a) == "number" and type(b) == "number" then return a < b end
    if type(a) ~= type(b) then return type(a) == "number" end
    return tostring(a) < tostring(b)
  end)
  return keys
end

local function indent(lines, by, into)
  for _, line in ipairs(lines) do into[#into + 1] = by .. line end
end

local of

local function fields(t, depth, seen, lines)
  local keys = sorted_keys(t)
  for i = 1, math.min(#keys, FIELDS) do
    local value = of(rawget(t, keys[i]), depth + 1, seen)
    lines[#lines + 1] = ("  %s = %s"):format(key_text(keys[i]), value[1])
    indent(table.move(value, 2, #value, 1, {}), "  ", lines)
  end
  if #keys > FIELDS then lines[#lines + 1] = ("  … %d more fields"):format(#keys - FIELDS) end
end

local function of_table(t, depth, seen)
  if seen[t] then return { "{ … which is shown above }" } end
  if next(t) == nil then return { "{}" } end
  if depth > DEPTH then return { "{ … }" } end
  seen[t] = true
  local lines = { "{" }
  fields(t, depth, seen, lines)
  lines[#lines + 1] = "}"
  return lines
end

local function of_string(text)
  if is_text(text) then return { quoted(text) } end
  local lines = { ("%d bytes"):format(#text) }
  indent(hexdump(text), "  ", lines)
  return lines
end

-- What has a text of its own is shown by it.
local function has_text(value)
  local meta = debug.getmetatable(value)
  return type(meta) == "table" and rawget(meta, "__tostring") ~= nil
end

function of(value, depth, seen)
  if type(value) == "string" then return of_string(value) end
  if type(value) == "table" and not has_text(value) then return of_table(value, depth, seen) end
  return { escape(tostring(value)) }
end

--- The lines of a value, one at least. Raises what its __tostring raises.
---@param value any
---@return string[]
function values.lines(value)
  return of(value, 1, {})
end

return values
