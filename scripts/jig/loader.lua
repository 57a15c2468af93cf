--- Loads a recipe: its chunk runs in a fresh environment each time, so that nothing leaks from unit to
-- unit.

local budget = require "jig.budget"
local clock = require "jig.clock"
local coverage = require "jig.coverage"
local fault = require "jig.fault"
local locate = require "jig.locate"
local recipe = require "jig.recipe"
local sandbox = require "jig.sandbox"

local loader = {}

-- What Lua throws, with no line, when a state may take no more memory; jig.fault tells of it where a unit is at work.
local NO_MEMORY <const> = "not enough memory"

local function sleep(seconds)
  local ok, message, code, limit = clock.sleep(seconds)
  if not ok then fault.throw_io(message, code, limit) end
end

--- What require "jig" gives to the recipe in `file`.
---@param file string
---@return table
function loader.api(file)
  return {
    recipe = function(fields) return recipe.new(fields, file) end,
    fault = fault.new,
    sleep = sleep,
  }
end

loader.locate = locate

-- What a chunk threw, with its file where it does not say it itself.
local function placed(thrown, file, folder)
  local text = type(thrown) == "string" and thrown or "an error that has no text"
  return text:sub(1, #folder) == folder and text or ("%s: %s"):format(file, text)
end

--- Runs a recipe's chunk and gives what it returns. Does not throw.
---@param file string
---@param folder string
---@param files table  sandbox.files(), kept between units
---@return jig.Recipe|nil made, string? message
function loader.load(file, folder, files)
  coverage.recipe(file)
  -- What a recipe seeds is gone with it; where time is simulated each run is the same. Lua's own seed is the second and
  -- an address: the same for units that begin within a second.
  if clock.simulated() then math.randomseed(1) else math.randomseed(math.floor(clock.now() * 1e9), os.time()) end
  local api, loaded = loader.api(file), false
  -- No limit is around it: those of a unit begin with its attempt.
  function api.sleep(seconds)
    if not loaded then error("jig.sleep: nothing waits while a recipe is loaded", 2) end
    return sleep(seconds)
  end
  local env = sandbox.environment(folder, api, files)
  local unreadable
  local ok, made, spent = budget.run(folder, tostring, function() -- compiling is work, too
    local chunk, message = files:load(file, env)
    if not chunk then
      unreadable = message
      return nil
    end
    local returned = chunk()
    return recipe.is(returned) and recipe.sealed(returned, file)
  end)
  if spent then return nil, ("%s: %s"):format(spent.line or file, spent.reason) end
  if unreadable then return nil, unreadable end
  if not ok and made == NO_MEMORY then
    return nil, ("%s: not enough memory: the recipe needs more than its slot may take"):format(file)
  end
  if not ok then return nil, placed(made, file, folder) end
  if not made then return nil, ("%s: must return jig.recipe { … }"):format(file) end
  loaded = true
  return made
end

return loader
