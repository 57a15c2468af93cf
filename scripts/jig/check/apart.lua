--- What of a check runs the recipe's own code: in a slot's state (jig.trial), where it has a run's budget, memory and
--- bounds. It tells of each finding, then how the load ended, then what a run says.

local load_all = require "jig.check.load"
local loader = require "jig.loader"
local recipe = require "jig.recipe"
local sandbox = require "jig.sandbox"
local slot = require "jig.slot"
local stand_in = require "jig.check.stand_in"

-- A function for checks of the recipe's table, which know a path.
local function reporter(name, ignored)
  return function(path, what, instead)
    if stand_in.covers(ignored, path) then return end
    slot.emit { event = "field", check = name, path = tostring(path), what = what, instead = instead }
  end
end

local function check_fields(fields)
  local ignored = stand_in.paths(fields)
  local function report(name) return reporter(name, ignored) end
  require "jig.check.tables"(fields, report "tables")
  if type(fields) ~= "table" then return end
  require "jig.check.limits"(fields, recipe.limits, report "limits")
  require "jig.check.statuses"(fields, report "statuses")
  require "jig.check.header"(fields, report "header")
  require("jig.check.ports").check(fields.port, report "ports")
end

-- The limits that hold, as far as they are known.
local function limits_of(fields)
  local given = type(fields) == "table" and type(fields.limits) == "table" and fields.limits or {}
  local limits = {}
  for name, usual in pairs(recipe.limits) do
    limits[name] = type(given[name]) == "number" and given[name] or usual
  end
  return limits
end

---@param config { file: string, folder: string }
return function(config)
  local loaded = load_all(config.file, config.folder, {
    report = function(file, line, what, instead, key)
      slot.emit { event = "framing", file = file, line = line, what = what, instead = instead, key = key }
    end,
  })
  slot.emit {
    event = "loaded", trouble = loaded.trouble, guessed = loaded.guessed, spent = loaded.spent or false,
    limits = limits_of(loaded.fields),
  }
  if loaded.fields ~= nil then check_fields(loaded.fields) end
  if loaded.spent then return end
  local made, message = loader.load(config.file, config.folder, sandbox.files())
  slot.emit { event = "run", refused = not made, message = not made and tostring(message) or nil }
end
