--- Finds a recipe's file.

--- The recipe's file and its folder (with the last "/"), from the path of either. The file's path begins
-- with the folder's.
---@param path string
---@return string file, string folder
return function(path)
  local handle = not path:match("%.lua$") and io.open(path .. "/recipe.lua", "r")
  if handle then
    handle:close()
    path = path:gsub("/+$", "") .. "/recipe.lua"
  end
  if not path:find("/", 1, true) then path = "./" .. path end
  return path, path:match("^(.*/)")
end
