--- What a table was like when it was looked through, so that the same need not be looked through again: a recipe's is
--- made anew for each unit, and hardly ever other than the one before.
--
-- Two tables are alike when they have the same keys with the same values, of the same types, and tables that are alike
-- where the other has some. Of functions it is only known that they are some, and nothing is kept alive.

local likeness = {}

-- In the place of a function, and of the value under the key that is looked at apart.
local FUNCTION <const>, ANY <const> = {}, {}

-- nil: of what has a metatable, or is nested more deeply, nothing is known.
local function learn_table(value, deep, apart)
  if debug.getmetatable(value) ~= nil or deep == 0 then return nil end
  local known, count = {}, 0
  for key, element in next, value do
    local of = key == apart and ANY or likeness.of(element, deep - 1)
    if of == nil or type(key) == "table" or type(key) == "function" then return nil end
    known[key], count = of, count + 1
  end
  return { known = known, count = count }
end

--- What a value is like; nil when that cannot be told: there is a metatable in it, a thread or userdata, a table or
--- function as key, or it is nested more deeply.
---@param value any
---@param deep integer   tables inside of each other, at most
---@param apart? string  the key whose value may be anything: it is for the caller to look at
---@return any
function likeness.of(value, deep, apart)
  local kind = type(value)
  if kind == "table" then return learn_table(value, deep, apart) end
  if kind == "function" then return FUNCTION end
  if kind == "string" or kind == "number" or kind == "boolean" then return value end
end

local function is_like(value, of)
  if of == ANY then return true end
  if of == FUNCTION then return type(value) == "function" end
  if type(of) ~= "table" then return rawequal(value, of) and math.type(value) == math.type(of) end
  if type(value) ~= "table" or debug.getmetatable(value) ~= nil then return false end
  local known, count = of.known, 0
  for key, element in next, value do
    local other = known[key]
    if other == nil or not is_like(element, other) then return false end
    count = count + 1
  end
  return count == of.count
end

--- Whether a value is like that. Calls nothing of the value's.
---@param value any
---@param of any  as likeness.of gave it; nil: nothing is like it
---@return boolean
function likeness.holds(value, of)
  return of ~= nil and is_like(value, of)
end

return likeness
