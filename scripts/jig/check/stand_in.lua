--- What stands for a value that a recipe cannot have, such as an unknown global: whatever is done with it gives it
--- again, so that the rest of the file can be looked at.

local stand_in = {}

local meta = { __name = "jig.check.stand_in", __metatable = false }
local value = setmetatable({}, meta)

local function itself() return value end

for name in ([[add sub mul div mod pow unm idiv band bor bxor shl shr bnot concat index call]]):gmatch("%a+") do
  meta["__" .. name] = itself
end
for name in ("lt le"):gmatch("%a+") do
  meta["__" .. name] = function() return false end
end
meta.__len = function() return 0 end
meta.__pairs = function() return next, {}, nil end
meta.__newindex = function() end
meta.__close = function() end
meta.__tostring = function() return "?" end

--- The value.
stand_in.value = value

-- The ways in which jig.shape writes a key.
local function spellings(path, key)
  local list = { path == "" and tostring(key) or ("%s.%s"):format(path, tostring(key)) }
  list[2] = ("%s[%s]"):format(path, math.type(key) == "integer" and ("0x%02x"):format(key) or tostring(key))
  return list
end

-- Tables in tables that are looked into.
local DEPTH <const> = 8

--- The paths of a table at which the value stands, as a set.
---@param self any
---@return table<string, true>
function stand_in.paths(self)
  local found = {}
  local function look(at, path, depth)
    if rawequal(at, value) then
      found[path] = true
    elseif type(at) == "table" and depth < DEPTH then
      for key, element in next, at do
        for _, spelling in ipairs(spellings(path, key)) do look(element, spelling, depth + 1) end
      end
    end
  end
  look(self, "", 0)
  return found
end

--- Whether a path leads to one of these, or through it.
---@param paths table<string, true>
---@param path string
---@return boolean
function stand_in.covers(paths, path)
  for known in pairs(paths) do
    if path:sub(1, #known) == known and (known == "" or path:find("^[%.%[]", #known + 1) or path == known) then
      return true
    end
  end
  return false
end

return stand_in
