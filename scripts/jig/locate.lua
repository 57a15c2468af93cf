--- Finds a recipe's file. Opens nothing: what stands there may be a FIFO.

local system = require "jig.system"

--- The recipe's file and its folder (with the last "/"), from the path of either. The file's path begins
-- with the folder's.
---@param path string
---@return string file, string folder
return function(path)
  local is_folder = not path:match("%.lua$") and system.kind(path .. "/recipe.lua") ~= nil
  if is_folder then path = path:gsub("/+$", "") .. "/recipe.lua" end
  if not path:find("/", 1, true) then path = "./" .. path end
  return path, path:match("^(.*/)")
end
