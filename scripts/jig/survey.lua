--- What there is at a station, for commands that look at it and start nothing: its file, its slots, its recipes.

local loader = require "jig.loader"
local recipe = require "jig.recipe"
local sandbox = require "jig.sandbox"
local slots = require "jig.slots"
local trial = require "jig.trial"

local survey = {}

---@class jig.Survey
---@field file? string            of the station
---@field station jig.Station     {} without a file
---@field slots jig.SurveySlot[]
---@field recipes jig.SurveyRecipe[]  each once

---@class jig.SurveySlot
---@field name string
---@field address? string  what it opens; nil when its recipe cannot be loaded and the station names none

---@class jig.SurveyRecipe
---@field file string
---@field folder string         with its last "/"
---@field recipe? jig.Recipe
---@field trouble? string       why it cannot be loaded

local function load_recipe(file, folder)
  local refused = trial.refusal { file = file, folder = folder }
  if refused then return nil, refused end
  local released <close> = trial.interruptible()
  local made, message = loader.load(file, folder, sandbox.files())
  return made, message and tostring(message)
end

local function keeper()
  local list, known = {}, {}
  return list, function(file, folder)
    if not known[file] then
      local made, trouble = load_recipe(file, folder)
      known[file] = { file = file, folder = folder, recipe = made, trouble = trouble }
      list[#list + 1] = known[file]
    end
    return known[file]
  end
end

-- The slots of a station file, or the one that a recipe alone has.
local function places(o, from)
  if not o.station and not o.recipe[1] then return {} end
  return slots.of({ station = o.station, recipe = o.recipe[1] }, from)
end

--- Looks at a station. nil, message when its file cannot be used. Does not yield.
---@param o { station?: string, recipe: string[] }
---@return jig.Survey|nil about, string? message
function survey.of(o)
  local from, message = {}, nil
  if o.station then from, message = require("jig.station").load(o.station) end
  if not from then return nil, message end
  local list
  list, message = places(o, from)
  if not list then return nil, message end
  local recipes, keep = keeper()
  local about = { file = o.station, station = from, slots = {}, recipes = recipes }
  for i, place in ipairs(list) do
    local made = keep(place.file, place.folder).recipe
    about.slots[i] = { name = place.name,
      address = made and recipe.address(made.port, place.address) or place.address }
  end
  for _, path in ipairs(o.recipe) do keep(loader.locate(path)) end
  return about
end

return survey
