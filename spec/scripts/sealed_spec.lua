local loader = require "jig.loader"
local record = require "jig.record"
local sandbox = require "jig.sandbox"
local scratch = require "spec.support.scratch"
local sealed = require "jig.sealed"

local RECIPE <const> = [[
local jig = require "jig"
return jig.recipe { name = require "part.name", port = "pair:x", framing = require "jig.framing.line" {} }
]]
local TEXTS <const> = { ["recipe.lua"] = RECIPE, ["part/name.lua"] = "return 'signed'" }

describe("jig.sealed", function()
  it("loads what was read, whatever stands on the disk: nothing, or something else", function()
    local folder <close> = scratch.folder()
    local file, at = folder.path .. "/recipe.lua", folder.path .. "/"
    local files = sealed.files({ texts = TEXTS }, at)
    assert.equal("signed", assert(loader.load(file, at, files)).name)
    folder:write("recipe.lua", "error 'swapped'")
    folder:write("part/name.lua", "return 'swapped'")
    assert.equal("signed", assert(loader.load(file, at, files)).name)
    assert.equal("signed", assert(loader.load(file, at, sealed.files({ texts = TEXTS }, at))).name)
  end)

  it("does not know what was not read, though it is on the disk", function()
    local folder <close> = scratch.folder { ["part/name.lua"] = "return 'extra'" }
    local at = folder.path .. "/"
    local made, message = loader.load(at .. "recipe.lua", at,
      sealed.files({ texts = { ["recipe.lua"] = RECIPE } }, at))
    assert.is_nil(made)
    assert.matches(at .. "part/name.lua: is no file of the signed recipe", message, 1, true)
    made, message = loader.load("/elsewhere/recipe.lua", "/elsewhere/", sealed.files({ texts = TEXTS }, at))
    assert.same({ nil, "/elsewhere/recipe.lua: is no file of the signed recipe" }, { made, message })
  end)

  it("refuses bytecode and what is no Lua, each time", function()
    local files = sealed.files({ texts = { ["a.lua"] = string.dump(function() end), ["b.lua"] = "return {" } }, "/x/")
    for _ = 1, 2 do
      assert.matches("attempt to load a binary chunk", (select(2, files:load("/x/a.lua", {}))), 1, true)
      assert.matches("/x/b.lua:1:", (select(2, files:load("/x/b.lua", {}))), 1, true)
    end
  end)

  it("gives the digest that the same files on disk have", function()
    local folder <close> = scratch.folder(TEXTS)
    local at = folder.path .. "/"
    local ours, theirs = sealed.files({ texts = TEXTS }, at), sandbox.files(true)
    assert(loader.load(at .. "recipe.lua", at, ours))
    assert(loader.load(at .. "recipe.lua", at, theirs))
    assert.equal(record.digest(theirs, at), record.digest(ours, at))
  end)
end)
