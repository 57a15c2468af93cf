local command = require "jig.commands.udev"
local grammar = require "jig.udev.grammar"
local scratch = require "spec.support.scratch"

local RECIPE <const> = [[
local jig = require "jig"
return jig.recipe { name = "lamp", port = %s, framing = require "jig.framing.line" {} }]]

local function with(port)
  return scratch.folder { ["recipe.lua"] = RECIPE:format(port) }
end

describe("jig udev", function()
  it("prints rules that are some, for what recipes match", function()
    local folder <close> = with '{ "serial", match = { vid = 0x0403, pid = 0x6001 } }'
    local stdout, stderr, status = scratch.capture(command, { folder.path })
    assert.same({ "", 0 }, { stderr, status })
    local list, mistakes = grammar.read(stdout)
    assert.same({ 6, {} }, { #list, mistakes })
    assert.truthy(stdout:find('GROUP="dialout"', 1, true) and stdout:find('GROUP="plugdev"', 1, true))
    stdout = scratch.capture(command, { folder.path, "--group", "line3" })
    assert.truthy(stdout:find('GROUP="line3"', 1, true) and not stdout:find('GROUP="dialout"', 1, true))
  end)

  it("lets no recipe control the terminal", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = "error 'a\\27[31mred'" }
    local _, stderr, status = scratch.capture(command, { folder.path })
    assert.equal(1, status)
    assert.truthy(stderr:find("recipe.lua:1: a?[31mred", 1, true), stderr)
  end)

  it("prints those of a station's slots, too", function()
    local folder <close> = with '{ "serial", match = { vid = 0x0403, pid = 0x6001 } }'
    local station = folder:write("station.lua", [[return { slots = {
      { name = "A", recipe = "." }, { name = "B", port = "usb:1209:5740", recipe = "." } } }]])
    local stdout, stderr, status = scratch.capture(command, { "--station", station })
    assert.same({ "", 0 }, { stderr, status })
    assert.truthy(stdout:find("\n# lamp: 0403:6001\n", 1, true) and stdout:find("\n# slot B: 1209:5740\n", 1, true))
  end)

  it("ends with 1 where there is nothing to match, and says of which recipe", function()
    local folder <close> = with '"serial:/dev/ttyUSB0"'
    local stdout, stderr, status = scratch.capture(command, { folder.path })
    assert.same({ "", 1 }, { stdout, status })
    assert.truthy(stderr:find("recipe.lua: its port names no vid of a USB device", 1, true))
    assert.truthy(stderr:find("there is no device to make rules for", 1, true))
  end)

  it("says nothing of a recipe that is not on USB beside one that is", function()
    local one <close> = with '{ "usb", "1209:5740" }'
    local other <close> = with '"tcp:10.0.0.7:7777"'
    local _, stderr, status = scratch.capture(command, { one.path, other.path })
    assert.same({ "", 0 }, { stderr, status })
  end)

  it("prints the rest when a recipe cannot be loaded, and ends with 1", function()
    local one <close> = with '{ "usb", "1209:5740" }'
    local other <close> = with '7'
    local stdout, stderr, status = scratch.capture(command, { other.path, one.path })
    assert.equal(1, status)
    assert.truthy(stderr:find("port: expected an address", 1, true))
    assert.truthy(stdout:find("1209", 1, true))
  end)

  it("is used rightly, or ends with 2", function()
    for words, why in pairs {
      [{ "--group", 'a", RUN+="b', "x" }] = "--group takes a name", [{}] = "name recipes, or a station file",
      [{ "--station", "/none/station.lua" }] = "/none/station.lua",
    } do
      local stdout, stderr, status = scratch.capture(command, words)
      assert.same({ "", 2 }, { stdout, status })
      assert.truthy(stderr:find("^jig udev: ") and stderr:find(why, 1, true), stderr)
    end
  end)
end)
