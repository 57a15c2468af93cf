--- Loads a recipe: its chunk runs in a fresh environment each time, so that nothing leaks from unit to
-- unit.

local clock = require "jig.clock"
local fault = require "jig.fault"
local recipe = require "jig.recipe"
local sandbox = require "jig.sandbox"

local loader = {}

--- What require "jig" gives to a recipe.
loader.api = {
  recipe = recipe.new,
  fault = fault.new,
  sleep = function(seconds)
    local ok, message, code, limit = clock.sleep(seconds)
    if not ok then fault.throw_io(message, code, limit) end
  end,
}

--- The recipe's file and its folder (with the last "/"), from the path of either.
---@param path string
---@return string file, string folder
function loader.locate(path)
  local handle = not path:match("%.lua$") and io.open(path .. "/recipe.lua", "r")
  if handle then
    handle:close()
    path = path:gsub("/+$", "") .. "/recipe.lua"
  end
  return path, path:match("^(.*/)[^/]*$") or "./"
end

--- Runs a recipe's chunk and gives what it returns. Does not throw.
---@param file string
---@param folder string
---@param files table  sandbox.files(), kept between units
---@return jig.Recipe|nil made, string? message
function loader.load(file, folder, files)
  local env = sandbox.environment(folder, loader.api, files)
  local chunk, message = files:load(file, env)
  if not chunk then return nil, message end
  local ok, made = pcall(chunk)
  if not ok then return nil, tostring(made) end
  if type(made) ~= "table" or getmetatable(made.limits) == nil then
    return nil, ("%s: must return jig.recipe { … }"):format(file)
  end
  return made
end

return loader
