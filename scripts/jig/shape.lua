--- Checks tables that people write (recipes, station files) against a shape.
--
-- A shape is a function check(value, path, report): it calls report(path, expected, got) for each
-- thing that is wrong, with the keys that are known behind it where one is unknown.
-- Shapes are made by the functions here and nest.

local shape = {}

local function describe(value)
  local kind = math.type(value) or type(value)
  if kind == "string" then
    return (("string %q"):format(#value > 40 and value:sub(1, 40) .. "…" or value):gsub("\\\n", "\\n"))
  end
  if kind == "integer" or kind == "float" then return ("number %s"):format(value) end
  if kind == "boolean" then return tostring(value) end
  return kind
end
shape.describe = describe

--- A value for which `test` holds; `expected` names it in messages.
function shape.value(expected, test)
  return function(value, path, report)
    if not test(value) then report(path, expected, describe(value)) end
  end
end

shape.string = shape.value("a string", function(v) return type(v) == "string" and v ~= "" end)
shape.boolean = shape.value("true or false", function(v) return type(v) == "boolean" end)
shape.func = shape.value("a function", function(v) return type(v) == "function" end)
shape.integer = shape.value("a whole number", function(v) return math.type(v) == "integer" end)
shape.seconds = shape.value("seconds, more than 0",
  function(v) return type(v) == "number" and v > 0 and v == v end)
shape.any = function() end

--- A whole number in a range.
function shape.range(least, most)
  return shape.value(("a whole number from %d to %d"):format(least, most), function(v)
    return math.type(v) == "integer" and v >= least and v <= most
  end)
end

--- One of some words.
function shape.one_of(words)
  local expected = "one of " .. table.concat(words, ", ")
  return shape.value(expected, function(v)
    for _, word in ipairs(words) do
      if v == word then return true end
    end
    return false
  end)
end

--- An array whose every element has a shape.
function shape.array(of)
  return function(value, path, report)
    if type(value) ~= "table" then return report(path, "an array", describe(value)) end
    for key, element in pairs(value) do
      local at = ("%s[%s]"):format(path, tostring(key))
      if math.type(key) ~= "integer" or key < 1 or key > #value then
        report(at, "an index of an array", describe(key))
      else
        of(element, at, report)
      end
    end
  end
end

--- A table with any keys and values of a shape.
function shape.map(key_shape, of)
  return function(value, path, report)
    if type(value) ~= "table" then return report(path, "a table", describe(value)) end
    for key, element in pairs(value) do
      local at = ("%s[%s]"):format(path, math.type(key) == "integer" and ("0x%02x"):format(key) or tostring(key))
      key_shape(key, at, report)
      of(element, at, report)
    end
  end
end

local function known_keys(fields)
  local keys = {}
  for key in pairs(fields) do
    keys[#keys + 1] = tostring(key)
  end
  table.sort(keys)
  return keys
end

--- A table with these fields and no others; `required` names those that must be there.
function shape.record(fields, required)
  return function(value, path, report)
    if type(value) ~= "table" then return report(path, "a table", describe(value)) end
    local prefix = path == "" and "" or path .. "."
    for key, element in pairs(value) do
      local check = fields[key]
      if check then
        check(element, prefix .. tostring(key), report)
      else
        local keys = known_keys(fields)
        report(prefix .. tostring(key), "one of the keys " .. table.concat(keys, ", "), "an unknown key", keys)
      end
    end
    for _, key in ipairs(required or {}) do
      if value[key] == nil then report(prefix .. key, "to be there", "nothing") end
    end
  end
end

--- All that is wrong with `value`, in the order of paths, so that the same mistakes always give the same
-- messages.
---@param check function  a shape
---@param value any
---@return { path: string, expected: string, got: string, keys?: string[] }[]  keys: those that an unknown one could be
function shape.mistakes(check, value)
  local found = {}
  check(value, "", function(path, expected, got, keys)
    found[#found + 1] = { path = path, expected = expected, got = got, keys = keys }
  end)
  table.sort(found, function(a, b) return a.path < b.path end)
  return found
end

--- The first thing that is wrong with `value`: path, expected, got; nil when nothing is.
function shape.check(check, value)
  local first = shape.mistakes(check, value)[1]
  if first then return first.path, first.expected, first.got end
end

-- A copy, at a depth. `keys` is the way to it, which a message names: it is put together for a mistake alone.
local function plain(value, keys, depth, deep, kept)
  if type(value) ~= "table" then return value end
  if debug.getmetatable(value) ~= nil then
    error(("%s: expected a plain table, got one with a metatable"):format(table.concat(keys, ".", 1, depth)), 0)
  end
  if depth > deep then error(("%s: tables are nested too deeply"):format(table.concat(keys, ".", 1, depth)), 0) end
  local made = {}
  for key, element in next, value do
    if depth == 1 and key == kept or type(element) ~= "table" then
      made[key] = element
    else
      keys[depth + 1] = tostring(key)
      made[key] = plain(element, keys, depth + 1, deep, kept)
    end
  end
  return made
end

--- A copy of a table of plain ones. Raises for what has a metatable, which could say another thing at each look, and
-- for what is nested too deeply, which could be without end.
---@param value any
---@param name string    what messages call it
---@param deep integer   tables inside tables, at most
---@param kept? string   the key whose value may be any object
---@return any
function shape.plain(value, name, deep, kept)
  return plain(value, { name }, 1, deep, kept)
end

-- Where `key` is given a value in a line, from `init` on: `key =`, `["key"] =` or `[0x11] =`.
local function find_key(line, key, init)
  if key:find("^[%a_][%w_]*$") then
    local at = line:find("%f[%w_]" .. key .. "%s*=%f[^=]", init)
    if at then return at end
  end
  local at, after, index = line:find("%[%s*([^%]]-)%s*%]%s*=", init)
  if not at then return nil end
  if index == ("%q"):format(key) or tonumber(index) and tonumber(index) == tonumber(key) then return at end
  return find_key(line, key, after)
end

-- How many braces are open at a place of a line.
local function depth_at(line, place, before)
  local _, opened = line:sub(1, place - 1):gsub("{", "")
  local _, closed = line:sub(1, place - 1):gsub("}", "")
  return before + opened - closed
end

-- "limits.exchange", "status[0x11].code" -> the keys in their order.
local function keys_of(path)
  local keys = {}
  for open, part in path:gmatch("(%[?)([^%[%]]+)") do
    if open == "[" then
      keys[#keys + 1] = part
    else
      for name in part:gmatch("[^%.]+") do
        keys[#keys + 1] = name
      end
    end
  end
  return keys
end

--- Where the key at `path` stands in a source file: "file:12". What cannot be found there, such as a
-- missing key, has the line of the table around it. Reads the file; does not yield.
---@param file string
---@param path string   as shape.check gives it
---@param start string  a pattern for the line on which the table begins
---@return string
function shape.where(file, path, start)
  local keys, level, depth, number, found = keys_of(path), 0, 0, 0, 1
  for line in io.lines(file) do
    number = number + 1
    line = line:gsub("%-%-.*", "")
    if level == 0 and line:find(start) then
      level, depth, found = 1, 0, number
    end
    local at = level > 0 and keys[level] and find_key(line, keys[level], 1)
    while at do
      if depth_at(line, at, depth) == level then
        level, found = level + 1, number
      end
      at = keys[level] and find_key(line, keys[level], at + 1)
    end
    depth = depth_at(line, #line + 1, depth)
  end
  return ("%s:%d"):format(file, found)
end

return shape
