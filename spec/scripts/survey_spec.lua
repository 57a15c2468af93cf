local scratch = require "spec.support.scratch"
local survey = require "jig.survey"

local RECIPE <const> = [[
local jig = require "jig"
return jig.recipe { name = "%s", port = { "serial", baud = 9600, match = { vid = 0x0403 } },
  framing = require "jig.framing.line" {} }]]

local function recipe(name)
  return RECIPE:format(name)
end

describe("jig.survey", function()
  local folder

  before_each(function()
    folder = scratch.folder { ["lamp/recipe.lua"] = recipe "lamp", ["oven/recipe.lua"] = recipe "oven",
      ["bad/recipe.lua"] = "return 1", ["endless/recipe.lua"] = "while true do end" }
  end)
  after_each(function() folder:__close() end)

  it("names slots with the addresses that they open, and each recipe once", function()
    local station = folder:write("station.lua", [[return { name = "line", slots = {
      { name = "A", port = "serial:/dev/a", recipe = "lamp" }, { name = "B", port = "tcp:a:1", recipe = "lamp" },
      { name = "C" } } }]])
    local about = assert(survey.of { station = station, recipe = { folder.path .. "/oven" } })
    assert.equal("line", about.station.name)
    assert.equal(station, about.file)
    assert.same({ { name = "A", address = "serial:/dev/a?baud=9600" }, { name = "B", address = "tcp:a:1" },
      { name = "C", address = "serial:?baud=9600&vid=0403" } }, about.slots)
    assert.same({ 2, "lamp", "oven" }, { #about.recipes, about.recipes[1].recipe.name, about.recipes[2].recipe.name })
  end)

  it("takes recipes without a station: the first has a slot", function()
    local about = assert(survey.of { recipe = { folder.path .. "/lamp", folder.path .. "/oven" } })
    assert.same({ { name = "A", address = "serial:?baud=9600&vid=0403" } }, about.slots)
    assert.equal(2, #about.recipes)
    assert.same({ station = {}, slots = {}, recipes = {} }, survey.of { recipe = {} })
  end)

  it("keeps why a recipe cannot be loaded, also of one that does not end", function()
    local about = assert(survey.of { recipe = { folder.path .. "/bad", folder.path .. "/endless",
      folder.path .. "/none" } })
    assert.truthy(about.recipes[1].trouble:find("must return jig.recipe", 1, true))
    assert.truthy(about.recipes[2].trouble:find("endless/recipe.lua:1", 1, true))
    assert.truthy(about.recipes[3].trouble:find("none", 1, true))
    assert.same({ { name = "A" } }, about.slots)
  end)

  it("refuses a station file that a run would refuse", function()
    local _, message = survey.of { station = folder:write("station.lua", "return { slotz = 1 }"), recipe = {} }
    assert.truthy(message:find("slotz", 1, true))
    local station = folder:write("station.lua", "return { slots = { { name = 'A' } } }")
    _, message = survey.of { station = station, recipe = {} }
    assert.truthy(message:find("slot A has no recipe", 1, true))
  end)
end)
