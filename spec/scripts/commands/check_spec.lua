local scratch = require "spec.support.scratch"

describe("jig check", function()
  it("ends with 0 when it finds no mistake", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    for _, path in ipairs { folder.path, folder.path .. "/recipe.lua" } do
      local result = scratch.jig { "check", path }
      assert.same({ 0, "" }, { result.exit, result.stderr })
      assert.equal(folder.path .. "/recipe.lua: lamp 2: no mistakes found\n", result.stdout)
    end
  end)

  it("ends with 1 for a mistake, with its line, and still looks at the others", function()
    local folder <close> = scratch.folder {
      ["good.lua"] = scratch.recipe(),
      ["bad.lua"] = scratch.recipe("  statsu = {},"),
    }
    local result = scratch.jig { "check", folder.path .. "/bad.lua", folder.path .. "/good.lua" }
    assert.equal(1, result.exit)
    local first, second = result.stdout:match("^(.-)\n(.-)\n$")
    assert.matches(folder.path .. "/bad.lua:14: statsu: expected one of the keys", first, 1, true)
    assert.matches("good.lua: lamp 2: no mistakes found", second, 1, true)
  end)

  it("names the recipe's line when it is run from its folder", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe("  run = 5,") }
    local result = scratch.jig { "check", "recipe.lua", cwd = folder.path }
    assert.equal("./recipe.lua:14: run: expected a function, got number 5\n", result.stdout)
  end)

  it("ends with 1 for a recipe that is not there, with 2 for wrong usage", function()
    local result = scratch.jig { "check", "/nowhere/recipe.lua" }
    assert.same({ 1, "/nowhere/recipe.lua: No such file or directory\n" }, { result.exit, result.stdout })
    for _, words in ipairs { { "check" }, { "check", "--fix", "x" } } do
      result = scratch.jig(words)
      assert.same({ 2, "" }, { result.exit, result.stdout })
      assert.matches("^Usage: jig check ", result.stderr)
    end
  end)
end)
