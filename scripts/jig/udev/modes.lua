--- Which products a recipe's device becomes: what its source gives as `pid` to `unit:reopen { … }`, which waits until a
--- device has left and is back as another.
--
-- Read from the source, for nothing of it is run: numbers, names of local numbers, and parameters of a function that is
-- called with those. What is computed is not found.

local tokens = require "jig.check.tokens"

local modes = {}

---@class jig.UdevMode
---@field vid? integer  nil: the recipe's
---@field pid integer

-- The numbers of a file's local names, by `local A <const>, B <const> = 1, 2`.
local function constants(list)
  local known = {}
  for i, token in ipairs(list) do
    local names, at = {}, i + 1
    while token.value == "local" and list[at].kind == "name" do
      names[#names + 1] = list[at].value
      at = at + 1
      if list[at].value == "<" then at = at + 3 end
      if list[at].value == "," then at = at + 1 end
    end
    for n, name in ipairs(list[at] and list[at].value == "=" and names or {}) do
      local value = list[at + 2 * n - 1]
      if value and value.kind == "number" then known[name] = value.value end
    end
  end
  return known
end

local OPENING <const> = { ["("] = true, ["{"] = true, ["["] = true }
local CLOSING <const> = { [")"] = true, ["}"] = true, ["]"] = true }

-- The elements between the bracket at `at` and that which closes it, each as a list of tokens.
local function elements(list, at)
  local found, depth = { {} }, 0
  for i = at, #list do
    local token = list[i]
    local mark = token.kind == "mark" and token.value
    if CLOSING[mark] then depth = depth - 1 end
    if depth == 0 and i > at then return found end
    if mark == "," and depth == 1 then
      found[#found + 1] = {}
    elseif i > at then
      table.insert(found[#found], token)
    end
    if OPENING[mark] then depth = depth + 1 end
  end
  return found
end

-- The function around a place that has a parameter of that name: its name, and which parameter that is.
local function parameter(list, place, name)
  for i = place, 3, -1 do
    if list[i].value == "(" and list[i - 2].value == "function" and list[i - 1].kind == "name" then
      for n, element in ipairs(elements(list, i)) do
        if element[1] and element[1].value == name then return list[i - 1].value, n end
      end
    end
  end
end

-- What stands at a place in the calls of a function.
local function arguments(list, name, n)
  local found = {}
  for i = 2, #list - 1 do
    if list[i].value == name and list[i + 1].value == "(" and list[i - 1].value ~= "function" then
      found[#found + 1] = elements(list, i + 1)[n]
    end
  end
  return found
end

local function number(element, known)
  if #element ~= 1 then return nil end
  local value = element[1].kind == "number" and element[1].value or known[element[1].value]
  value = math.tointeger(value)
  return value and value >= 0 and value <= 0xffff and value or nil
end

-- The numbers that an element may be.
local function numbers(list, place, element, known)
  local one = number(element, known)
  if one then return { one } end
  local found = {}
  if #element ~= 1 or element[1].kind ~= "name" then return found end
  local name, n = parameter(list, place, element[1].value)
  for _, argument in ipairs(name and arguments(list, name, n) or {}) do
    found[#found + 1] = number(argument, known)
  end
  return found
end

-- `key = VALUE` of a table's elements: the tokens of the value.
local function field(fields, key)
  for _, element in ipairs(fields) do
    if element[1] and element[1].value == key and element[2] and element[2].value == "=" then
      return table.move(element, 3, #element, 1, {})
    end
  end
  return {}
end

--- The products that a recipe's source names, each once. Does not yield.
---@param text string
---@return jig.UdevMode[]
function modes.of(text)
  local found, seen = {}, {}
  if not load(text, "=recipe", "t", {}) then return found end
  local list = tokens.of(text)
  local known = constants(list)
  for i, token in ipairs(list) do
    local at = list[i + 1] and list[i + 1].value == "(" and i + 2 or i + 1
    if token.kind == "name" and token.value == "reopen" and list[at] and list[at].value == "{" then
      local fields = elements(list, at)
      local vid = numbers(list, i, field(fields, "vid"), known)[1]
      for _, pid in ipairs(numbers(list, i, field(fields, "pid"), known)) do
        local key = ("%s %d"):format(vid, pid)
        if not seen[key] then found[#found + 1] = { vid = vid, pid = pid } end
        seen[key] = true
      end
    end
  end
  return found
end

return modes
