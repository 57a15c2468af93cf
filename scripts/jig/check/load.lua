--- Runs a recipe's chunk as a run does, in the sandbox, but goes on behind mistakes: what is not there is stood for,
--- and jig.recipe keeps what it is given.
--
-- A run's budget holds in a slot alone: see jig.check.apart, which calls this there.

local budget = require "jig.budget"
local common = require "jig.framing.common"
local framings = require "jig.check.framings"
local sandbox = require "jig.sandbox"
local stand_in = require "jig.check.stand_in"

---@class jig.check.Loaded
---@field fields? table    what jig.recipe was given
---@field trouble? string  what ended the chunk before its time
---@field guessed boolean  something was stood for, and the trouble may come of that
---@field spent? boolean   it computed for too long: to load it again would take as long

local function stood_for(loaded)
  return function()
    loaded.guessed = true
    return stand_in.value
  end
end

-- Gives nothing that a recipe could not get in a run.
local function requirer(env, folder, loaded, context)
  local require_here, made = env.require, {}
  return function(name)
    if made[name] then return made[name] end
    local ok, value = pcall(require_here, name)
    if not ok then
      loaded.missing = value
      return stood_for(loaded)()
    end
    local framing = type(name) == "string" and name:match("^jig%.framing%.([%w_]+)$")
    if framing and common.rules(require(name)) then
      value = framings.watched(require(name), framing, folder, context.report)
    elseif type(value) == "table" and tostring(name):match("^jig") and not debug.getmetatable(value) then
      setmetatable(value, { __index = stood_for(loaded) })
    end
    made[name] = value
    return value
  end
end

local function environment(folder, files, loaded, context)
  local api = {
    recipe = function(fields)
      loaded.fields = fields
      return loaded
    end,
    fault = require("jig.fault").new,
    sleep = function() error("jig.sleep: nothing waits while a recipe is loaded", 2) end,
  }
  local env = sandbox.globals(folder, api, files)
  env.require = requirer(env, folder, loaded, context)
  setmetatable(env, { __index = stood_for(loaded) })
  return env
end

--- Runs the chunk. Does not throw.
---@param file string
---@param folder string
---@param context { report: fun(path: string, line: integer, what: string, instead: string, key: string) }
---@return jig.check.Loaded
return function(file, folder, context)
  local files, loaded = sandbox.files(), { guessed = false }
  local env = environment(folder, files, loaded, context)
  local chunk, message = files:load(file, env)
  if not chunk then return { trouble = message, guessed = false } end
  local ok, made, spent = budget.run(folder, tostring, chunk)
  if spent then
    loaded.trouble, loaded.guessed, loaded.spent = ("%s: %s"):format(spent.line or file, spent.reason), false, true
  elseif not ok then
    loaded.trouble = tostring(made)
  elseif loaded.missing then
    loaded.trouble = tostring(loaded.missing)
  elseif made ~= loaded and made ~= stand_in.value then
    loaded.trouble, loaded.fields = file .. ": must return jig.recipe { … }", nil
  end
  return loaded
end
