local machine = require "spec.support.machine"

describe("jig doctor: recipes", function()
  it("names those that can be loaded, and fails for each other", function()
    local said = machine.check("recipes", machine.new {}, { recipes = {
      { file = "a/recipe.lua", recipe = { name = "lamp", version = "2" } },
      { file = "b/recipe.lua", trouble = "b/recipe.lua:1: name: expected a string, got nothing" },
      { file = "c/recipe.lua", recipe = { name = "oven", version = "0" } },
    } })
    machine.says(said, "fail", "got nothing: jig check b/recipe.lua tells more", "ok", "lamp 2, oven 0 can be loaded")
  end)

  it("has nothing to say without", function() assert.same({}, machine.check("recipes", machine.new {}, {})) end)
end)
