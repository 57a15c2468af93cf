local covered = require "jig.covered"
local scratch = require "spec.support.scratch"
local system = require "jig.system"

-- Writes a file of counters: of a source, how often its lines ran, and whether it was run as a recipe.
local function count(counters, name, path, runs, recipe)
  local words = { string.pack("=I4", recipe or 0), string.pack("=I4", 0) }
  for i, n in ipairs(runs) do words[i + 2] = string.pack("=I4", n) end
  counters:write(name, path .. ("\0"):rep(4096 - #path) .. table.concat(words))
end

-- What is found among files (name -> text), of which `counted` (name -> runs) have run; `recipes`: as such.
local function find(files, counted, recipes)
  local folder <close> = scratch.folder(files)
  local counters <close> = scratch.folder()
  for name, runs in pairs(counted) do
    local path = name:match("^/") and name or folder.path .. "/" .. name
    count(counters, (name:gsub("/", "-")), path, runs, recipes and recipes[name])
  end
  local found = {}
  for i, file in ipairs(covered.files(counters.path, { folder.path })) do
    file.path = file.path:gsub("^.*" .. folder.path:gsub("%p", "%%%0") .. "/", "")
    found[i] = file
  end
  return found
end

local function names(found)
  local list = {}
  for i, file in ipairs(found) do list[i] = file.path end
  return table.concat(list, " ")
end

local TWO <const> = "x = 1\n\nx = 2\n"

describe("jig.covered", function()
  it("has of a recipe's file the lines that can run, and how often they did", function()
    assert.same({ { path = "recipe.lua", can = { 1, 3 }, runs = { [1] = 5, [3] = 0 }, ran = 1 } },
      find({ ["recipe.lua"] = TWO }, { ["recipe.lua"] = { 5, 7, 0 } }))
  end)

  it("has files of the recipe's folder, at any depth, by path", function()
    local files = { ["lamp/recipe.lua"] = TWO, ["lamp/status.lua"] = TWO, ["lamp/parts/bulb.lua"] = TWO,
      ["other/status.lua"] = TWO, ["top.lua"] = TWO }
    local counted = {}
    for name in pairs(files) do counted[name] = { 1, 1, 1 } end
    assert.equal("lamp/parts/bulb.lua lamp/recipe.lua lamp/status.lua", names(find(files, counted)))
  end)

  it("has the folder of whatever was run as a recipe", function()
    local files = { ["lamp/bulb.lua"] = TWO, ["lamp/status.lua"] = TWO, ["top.lua"] = TWO }
    assert.equal("lamp/bulb.lua lamp/status.lua",
      names(find(files, { ["lamp/bulb.lua"] = { 1 }, ["lamp/status.lua"] = { 1 }, ["top.lua"] = { 1 } },
        { ["lamp/bulb.lua"] = 1 })))
  end)

  it("has the recipe of a tested folder that nobody ran", function()
    assert.same({ { path = "recipe.lua", can = { 1, 3 }, runs = { [1] = 0, [3] = 0 }, ran = 0 } },
      find({ ["recipe.lua"] = TWO, ["status.lua"] = TWO }, {}))
  end)

  it("has no specs, and nothing that is gone or no Lua", function()
    local files = { ["recipe.lua"] = TWO, ["recipe_spec.lua"] = TWO, ["broken.lua"] = "x = = 1" }
    assert.equal("recipe.lua", names(find(files, {
      ["recipe.lua"] = { 1 }, ["recipe_spec.lua"] = { 1 }, ["broken.lua"] = { 1 }, ["gone.lua"] = { 1 },
    })))
  end)

  it("has nothing outside of what is tested, and no script of jig", function()
    local elsewhere <close> = scratch.folder { ["recipe.lua"] = TWO }
    local here = assert(system.realpath ".")
    assert.equal("", names(find({}, {
      [elsewhere.path .. "/recipe.lua"] = { 1 }, [here .. "/scripts/jig/recipe.lua"] = { 1 },
      ["/usr/share/lua/5.4/busted/init.lua"] = { 1 },
    })))
  end)

  it("names files as seen from the working directory", function()
    local counters <close> = scratch.folder()
    count(counters, "a", assert(system.realpath "examples/thermostat/recipe.lua"), { 1 })
    assert.equal("examples/thermostat/recipe.lua", covered.files(counters.path, {})[1].path)
    assert.equal(1, #covered.files(counters.path, { "nowhere" }))
  end)

  it("takes counters that are cut short for none", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = TWO }
    local counters <close> = scratch.folder { a = "", b = "x", c = ("\0"):rep(4100) }
    count(counters, "d", folder.path .. "/recipe.lua", { 3 })
    local found = covered.files(counters.path, { folder.path .. "/recipe.lua" })
    assert.same({ 1, { [1] = 3, [3] = 0 } }, { #found, found[1].runs })
  end)
end)
