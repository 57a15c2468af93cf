--- Where a recipe's hook begins: for what is found when it is over, of which no line is left on the stack.

local getinfo = debug.getinfo

---@param hook any       nil, or no Lua function: there is no place
---@param folder string  of the recipe, with its last "/": what is written elsewhere is none of its lines
---@return string? place  "recipe.lua:12"
return function(hook, folder)
  if type(hook) ~= "function" then return nil end
  local info = getinfo(hook, "S")
  local file = info.source:match("^@(.*)")
  if not file or file:sub(1, #folder) ~= folder then return nil end
  return ("%s:%d"):format(file, info.linedefined)
end
