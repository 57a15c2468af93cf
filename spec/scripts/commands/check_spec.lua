local cjson = require "cjson.safe"
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
    assert.equal(folder.path .. "/bad.lua:14: the recipe has no key 'statsu'; did you mean 'status'?", first)
    assert.matches("good.lua: lamp 2: no mistakes found", second, 1, true)
  end)

  it("names the recipe's line when it is run from its folder", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe("  run = 5,") }
    local result = scratch.jig { "check", "recipe.lua", cwd = folder.path }
    assert.equal("./recipe.lua:14: run is 5; expected a function\n", result.stdout)
  end)

  it("ends with 2 for a path that is not there, and for wrong usage", function()
    local result
    for _, path in ipairs { "/nowhere/recipe.lua", "nowhere" } do
      result = scratch.jig { "check", path }
      assert.same({ 2, "", ("jig check: %s: No such file or directory\n"):format(path) },
        { result.exit, result.stdout, result.stderr })
    end
    for _, words in ipairs { { "check" }, { "check", "--fix", "x" } } do
      result = scratch.jig(words)
      assert.same({ 2, "" }, { result.exit, result.stdout })
      assert.matches("^Usage: jig check ", result.stderr)
    end
  end)

  it("writes one JSON object for each finding, and nothing else", function()
    local folder <close> = scratch.folder {
      ["good.lua"] = scratch.recipe(), ["bad.lua"] = scratch.recipe("  statsu = {},\n  run = 5,"),
    }
    local result = scratch.jig { "check", "--json", folder.path .. "/good.lua", folder.path .. "/bad.lua" }
    assert.equal(1, result.exit)
    local found = {}
    for line in result.stdout:gmatch("[^\n]+") do found[#found + 1] = cjson.decode(line) end
    assert.same({
      { file = folder.path .. "/bad.lua", line = 14, check = "tables", what = "the recipe has no key 'statsu'",
        instead = "did you mean 'status'?" },
      { file = folder.path .. "/bad.lua", line = 15, check = "tables", what = "run is 5",
        instead = "expected a function" },
    }, found)
  end)

  it("runs device.lua unless it is told not to", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe(), ["device.lua"] = "error 'ran'" }
    assert.equal(1, scratch.jig({ "check", folder.path }).exit)
    assert.equal(0, scratch.jig({ "check", "--no-run", folder.path }).exit)
  end)

  it("opens no port and starts no program", function()
    local folder <close> = scratch.folder()
    local touch = folder:tool("touch", ("io.open(%q, 'w'):close()"):format(folder.path .. "/touched"))
    folder:write("recipe.lua", (scratch.recipe():gsub("pair:nowhere", "exec:" .. touch)))
    local told = scratch.jig { "check", folder.path }
    assert.equal(1, told.exit)
    assert.matches(('recipe.lua:6: port is string "exec:%s"; expected no program: the station names the one to run')
      :format(touch), told.stdout .. told.stderr, 1, true)
    assert.equal("", folder:read "touched")
    assert.is_nil(io.open(folder.path .. "/touched"))
  end)
end)
