local fault = require "jig.fault"
local loader = require "jig.loader"
local sandbox = require "jig.sandbox"
local scratch = require "spec.support.scratch"
local task = require "jig.task"

local GOOD <const> = [[
local jig = require "jig"
local made = jig.recipe { name = "lamp", port = "pair:x", framing = require "jig.framing.line" {},
  prepare = function(unit) return jig.sleep(unit) end, run = function() error(jig.fault "cli.refused") end }
return made
]]

local function load(folder, files)
  return loader.load(folder.path .. "/recipe.lua", folder.path .. "/", files or sandbox.files())
end

describe("jig.loader", function()
  it("gives each load chances of its own", function()
    local seen, folder <close> = {}, scratch.folder { ["recipe.lua"] = [[
      return require "jig".recipe { name = "lamp " .. math.random(0), port = "pair:a",
        framing = require "jig.framing.line" {} }]] }
    for _ = 1, 20 do -- within a second
      local made = assert(load(folder))
      assert.is_nil(seen[made.name], made.name)
      seen[made.name] = true
    end
  end)

  it("names the file of a recipe that takes all memory, which Lua tells of nobody", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = "error('not enough memory', 0)" }
    local file = folder.path .. "/recipe.lua"
    local made, message = loader.load(file, folder.path .. "/", sandbox.files())
    assert.same({ nil, file .. ": not enough memory: the recipe needs more than its slot may take" }, { made, message })
  end)

  it("finds the recipe by its file or its folder", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = "", ["other.lua"] = "", ["bare/x"] = "" }
    local p = folder.path
    local cases = {
      { p, p .. "/recipe.lua", p .. "/" },
      { p .. "/", p .. "/recipe.lua", p .. "/" },
      { p .. "//", p .. "/recipe.lua", p .. "/" },
      { p .. "/other.lua", p .. "/other.lua", p .. "/" },
      { p .. "/bare", p .. "/bare", p .. "/" },
      { p .. "/none", p .. "/none", p .. "/" },
      { "recipe.lua", "./recipe.lua", "./" },
      { "none", "./none", "./" },
    }
    for _, case in ipairs(cases) do
      assert.same({ case[2], case[3] }, { loader.locate(case[1]) })
    end
  end)

  it("gives the recipe that the file returns", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = GOOD }
    assert.equal("lamp", assert(load(folder)).name)
  end)

  it("has nothing wait while the file runs, where no limit is, and lets its hooks", function()
    local folder <close> = scratch.folder {
      ["recipe.lua"] = "require 'jig'.sleep(1e7)", ["kept.lua"] = "local sleep = require 'jig'.sleep\n" .. GOOD:gsub(
        "jig.sleep%(unit%)", "sleep(unit)") }
    local _, message = load(folder)
    assert.equal(folder.path .. "/recipe.lua:1: jig.sleep: nothing waits while a recipe is loaded", message)
    local made = assert(loader.load(folder.path .. "/kept.lua", folder.path .. "/", sandbox.files()))
    made.prepare(0.001)
  end)

  it("gives recipes jig.sleep and jig.fault, which throw faults", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = GOOD }
    local made = assert(load(folder))
    made.prepare(0.001)
    local _, thrown = pcall(made.run)
    assert.is_true(fault.is(thrown))
    local job = task.spawn(function()
      local limit <close> = task.limit("prepare", 0.005)
      made.prepare(60)
    end)
    local ok
    ok, thrown = job:join(60)
    assert.is_false(ok)
    assert.same({ "connectivity.timeout", true },
      { thrown.name, thrown.reason:find("'prepare'", 1, true) ~= nil })
  end)

  local refused = {
    { "a file that cannot be parsed", "return {", "recipe.lua:1: unexpected symbol near <eof>" },
    { "a file that fails", "\nerror 'boom'", "recipe.lua:2: boom" },
    { "a file that throws no text", "error()", "recipe.lua: nil" },
    { "a file that throws a text without a line", "error('no', 0)", "recipe.lua: no" },
    { "a file that returns nothing", "", "recipe.lua: must return jig.recipe { … }" },
    { "a plain table", "return { name = 'x', limits = 'x' }", "recipe.lua: must return jig.recipe { … }" },
    { "a fault that is thrown", "error(require 'jig'.fault 'cli.refused')", "cli.refused (402): " },
    { "an error that is no text", "error({})", "table: " },
  }
  for _, case in ipairs(refused) do
    it("refuses " .. case[1], function()
      local folder <close> = scratch.folder { ["recipe.lua"] = case[2] }
      local made, message = load(folder)
      assert.is_nil(made)
      assert.matches(case[3], message, 1, true)
    end)
  end

  it("refuses a file that is not there, by its path", function()
    local folder <close> = scratch.folder()
    local made, message = load(folder)
    assert.is_nil(made)
    assert.matches(folder.path .. "/recipe.lua: No such file", message, 1, true)
  end)

  it("runs the file again for each unit: nothing is left of the one before", function()
    local folder <close> = scratch.folder {
      ["recipe.lua"] = GOOD:gsub("return made", [[
        jig.count = (jig.count or 0) + 1
        local helper = require "helper"
        helper.count = (helper.count or 0) + 1
        made.version = jig.count .. "." .. helper.count
        return made]]),
      ["helper.lua"] = "return {}",
    }
    local files = sandbox.files()
    for _ = 1, 3 do
      assert.equal("1.1", assert(load(folder, files)).version)
    end
  end)
end)
