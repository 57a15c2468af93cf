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

  it("fails for one that a run would not let in, where the station says trust", function()
    local host, asked = machine.new {}, {}
    function host.seal(one, from)
      asked[#asked + 1] = one.file .. " " .. from.keys[1]
      if one.file ~= "a/recipe.lua" then return true end
      return nil, "the recipe in a/ is refused: not signed: there is no jig.manifest"
    end
    local said = machine.check("recipes", host, { station = { trust = { keys = { "/k" } } }, recipes = {
      { file = "a/recipe.lua", recipe = { name = "lamp", version = "2" } },
      { file = "b/recipe.lua", trouble = "b/recipe.lua:1: none" },
      { file = "c/recipe.lua", recipe = { name = "oven", version = "0" } },
    } })
    machine.says(said, "fail", "not signed: there is no jig.manifest: sign it anew", "fail", "jig check b/recipe.lua",
      "ok", "oven 0 can be loaded")
    assert.same({ "a/recipe.lua /k", "c/recipe.lua /k" }, asked)
  end)

  it("has nothing to say without", function() assert.same({}, machine.check("recipes", machine.new {}, {})) end)
end)
