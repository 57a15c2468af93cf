local replay = require "jig.testing.replay"
local scratch = require "spec.support.scratch"
local tapes = require "spec.support.tapes"
local testing = require "jig.testing"

local LINES <const> = tapes.record { recipe = "examples/thermostat" }

-- The thermostat's recipe, changed.
local function changed(before, after)
  local file <close> = assert(io.open("examples/thermostat/recipe.lua"))
  local text, count = file:read("a"):gsub(before or "^", after or "")
  assert.equal(1, count)
  return text
end

local OTHER_CODE <const> = changed("code = 311", "code = 399")
local NO_PULSE <const> = changed("unit%.port:pulse%(\"dtr\", 0%.1%)", "")

describe("jig.testing.replay", function()
  it("takes the recipe that it is given", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = NO_PULSE }
    local path = tapes.write(folder, "a.cassette", LINES)
    local same = replay.run(path, { recipe = "examples/thermostat" })
    assert.same({ true, "examples/thermostat/recipe.lua", {} }, { same.same, same.recipe, same.notes })
    assert.is_true(same.steps > 8)
    local other = replay.run(path, { recipe = folder.path })
    assert.is_false(other.same)
    assert.truthy(other.text:find(path .. ": line 8: missing, or in another order", 1, true), other.text)
    assert.truthy(other.text:find("\n%s+8%- %d+%.%d+ > set line=dtr value=false\n%s+%+ %d+%.%d+ > "), other.text)
  end)

  for what, names in pairs {
    ["beside it"] = { "recipe.lua", "a.cassette" },
    ["above it"] = { "recipe.lua", "cassettes/a.cassette" },
    ["in a folder of its name beside it"] = { "thermostat/recipe.lua", "a.cassette" },
    ["in a folder of its name above it"] = { "thermostat/recipe.lua", "cassettes/a.cassette" },
  } do
    it("finds the recipe that stands " .. what, function()
      local folder <close> = scratch.folder { [names[1]] = changed() }
      assert.is_true(replay.run(tapes.write(folder, names[2], LINES)).same)
    end)
  end

  it("says where none stands", function()
    local folder <close> = scratch.folder()
    local path = tapes.write(folder, "a.cassette", LINES)
    local ok, message = pcall(replay.run, path)
    assert.is_false(ok)
    assert.truthy(message:find("thermostat/recipe.lua, does not stand beside it: name it", 1, true), message)
  end)

  it("mentions that the recipe is another, and that bytes are others", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = OTHER_CODE }
    local path = tapes.write(folder, "a.cassette", LINES)
    local result = replay.run(path)
    assert.is_true(result.same)
    assert.equal("the recipe's files are others than they were, of the same version, 1.2.0", result.notes[1])
    local gateway = replay.run(path, { recipe = "examples/gateway" })
    assert.truthy(gateway.notes[1]:find("with the recipe thermostat", 1, true))
    local lines = tapes.record { recipe = "examples/thermostat", device = { reset = "dtr", firmware = function(self)
      self:write("SN=T1\r\nready\r\n")
      self:receive()
      self:write("\1\0\0\50")
    end } }
    for i, line in ipairs(lines) do lines[i] = line:gsub("like=cut", "like=unknown") end
    local notes = replay.run(tapes.write(folder, "b.cassette", lines)).notes
    assert.truthy(notes[#notes]:find("--record-payload would have kept them", 1, true))
  end)

  it("says why a unit fails that ends before its session", function()
    for text, reason in pairs {
      [changed("(unit%.port:pulse%(\"dtr\", 0%.1%))", "%1; unit.data.none.x = 1")] = "tool.recipe: .-attempt to index",
      [changed("SN=%(%%w%+%)", "SN:(%%%%w+)")] = "connectivity.timeout: expected text matching",
    } do
      local folder <close> = scratch.folder { ["recipe.lua"] = text }
      local said = replay.run(tapes.write(folder, "a.cassette", LINES)).text
      assert.matches("%+ %d+%.%d+ > close\n  the unit fails now with " .. reason, said)
      assert.matches("recipe.lua:%d+[^\n]*$", said)
    end
  end)

  it("shows nothing of the head that moves a terminal's cursor", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = OTHER_CODE }
    local lines = table.move(LINES, 1, #LINES, 1, {})
    for key, value in pairs { name = "thermostat", version = "1%.2%.0" } do
      lines[1] = LINES[1]:gsub(key .. "=" .. value, key .. '="\\x1b[31m\\n"')
      assert.not_equal(LINES[1], lines[1])
      local note = replay.run(tapes.write(folder, "a.cassette", lines)).notes[1]
      assert.is_nil(note:find("%c"), note)
    end
  end)

  it("raises for what cannot be used", function()
    local folder <close> = scratch.folder { a = "x\n", ["bad.lua"] = "return 1" }
    local path = tapes.write(folder, "a.cassette", LINES)
    for _, case in ipairs { { folder.path .. "/a" }, { folder.path .. "/none" }, { path, { recipe = "nowhere" } },
      { path, { recipe = folder.path .. "/bad.lua" } } } do
      local ok, message = pcall(testing.replay, table.unpack(case))
      assert.is_false(ok)
      assert.is_string(message)
    end
  end)

  describe("assert.replays", function()
    it("passes where the recipe does what was recorded", function()
      local folder <close> = scratch.folder()
      local path = tapes.write(folder, "a.cassette", LINES)
      assert.replays(path, { recipe = "examples/thermostat" })
      assert.replays(path, { recipe = "examples/thermostat", strict = true })
    end)

    it("fails with the difference", function()
      local folder <close> = scratch.folder { ["recipe.lua"] = NO_PULSE }
      local path = tapes.write(folder, "a.cassette", LINES)
      local ok, thrown = pcall(assert.replays, path)
      assert.is_false(ok)
      assert.truthy(tostring(thrown):find("8- ", 1, true), tostring(thrown))
      assert.is_not.replays(path)
    end)

    it("raises for misuse, and for a cassette that cannot be used", function()
      assert.has_error(function() assert.replays({}) end)
      local ok, thrown = pcall(assert.replays, "nowhere")
      assert.is_false(ok)
      assert.truthy(tostring(thrown):find("no such file", 1, true), tostring(thrown))
    end)
  end)
end)
