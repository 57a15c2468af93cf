local format = require "jig.cassette.format"
local replay = require "jig.commands.replay"
local scratch = require "spec.support.scratch"
local tapes = require "spec.support.tapes"

local RECIPE <const> = "examples/thermostat"
local LINES <const> = tapes.record { recipe = RECIPE }
local BROKEN <const> = tapes.record { recipe = RECIPE, device = { reset = "dtr", banner = { "SN=T1\r\n", "ready\r\n" },
  firmware = function(self)
    local request = self:receive()
    self:send { scp = request.scp, status = 0x11 }
  end } }

-- stdout, stderr, status.
local function run(...)
  return scratch.capture(replay, { ... })
end

-- The thermostat with another code for a device without memory.
local function other_code()
  local file <close> = assert(io.open(RECIPE .. "/recipe.lua"))
  return (file:read("a"):gsub("code = 311", "code = 399"))
end

describe("jig replay", function()
  it("ends with 0 where the recipe does the same, with 1 and the difference where not", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = other_code() }
    local path = tapes.write(folder, "a.cassette", BROKEN)
    local out, err, status = run(path, "--recipe", RECIPE)
    assert.same({ 0, "" }, { status, err })
    assert.truthy(out:find("^same  [^\n]+  %d+ steps\n$"), out)
    out, err, status = run(path)
    assert.equal(1, status)
    assert.truthy(out:find("^DIFFERS  [^\n]+: line %d+: other content: code\n"), out)
    assert.truthy(out:find("\n%s+%d+%- [^\n]+code=311[^\n]+\n%s+%+ [^\n]+code=399"), out)
    assert.truthy(err:find("the recipe's files are others", 1, true), err)
  end)

  it("ends with 2 for misuse and for files that cannot be used", function()
    local folder <close> = scratch.folder { bad = "x\n", recipes = "" }
    local path = tapes.write(folder, "a.cassette", LINES)
    for _, words in ipairs {
      {}, { path, "--tolerance", "1" }, { path, "--strict", "--tolerance", "-1" },
      { path, "--strict", "--tolerance", "x" },
      { path, "--seal", "--strict" }, { path, "--recipe", "nowhere" }, { path }, { folder.path .. "/bad" },
      { folder.path .. "/none" }, { "--seal", folder.path .. "/bad" },
    } do
      local out, err, status = run(table.unpack(words))
      assert.same({ 2, "" }, { status, out }, table.concat(words, " "))
      assert.is_true(#err > 10)
    end
  end)

  it("takes what is unfinished only when it is told to", function()
    local folder <close> = scratch.folder {
      a = format.VERSION .. "\n" .. table.concat(LINES, "\n", 1, 9) .. "\n" .. LINES[10]:sub(1, 12) }
    local path = folder.path .. "/a"
    local _, err, status = run(path, "--recipe", RECIPE)
    assert.equal(2, status)
    assert.truthy(err:find("is unfinished", 1, true), err)
    _, err, status = run(path, "--recipe", RECIPE, "--unfinished")
    assert.equal(0, status)
    assert.truthy(err:find("it is unfinished: compared as far as it goes", 1, true), err)
  end)

  it("seals a cassette that was changed on purpose", function()
    local folder <close> = scratch.folder()
    local path = tapes.write(folder, "a.cassette", LINES)
    folder:write("a.cassette", (tapes.text(LINES):gsub("T100317", "T100318")))
    local _, err, status = run(path, "--recipe", RECIPE)
    assert.equal(2, status)
    assert.truthy(err:find("jig replay --seal FILE", 1, true), err)
    local out
    out, err, status = run("--seal", path)
    assert.same({ "sealed  " .. path .. "\n", "", 0 }, { out, err, status })
    assert.equal(0, select(3, run(path, "--recipe", RECIPE)))
  end)

  it("replays all of a folder, and lists those that differ", function()
    local folder <close> = scratch.folder { ["new/recipe.lua"] = other_code(), ["notes.txt"] = "none" }
    tapes.write(folder, "a.cassette", LINES)
    tapes.write(folder, "b.cassette", BROKEN)
    scratch.run { "mkfifo", folder.path .. "/c.cassette" } -- no file: not looked at
    local out, err, status = run(folder.path .. "/", "--recipe", RECIPE)
    assert.same({ "2 cassettes: 2 the same, 0 differ, 0 unusable\n", "", 0 }, { out, err, status })
    out, err, status = run(folder.path, "--recipe", folder.path .. "/new")
    assert.equal(1, status)
    assert.truthy(err:find("the recipe's files are others", 1, true), err)
    assert.truthy(out:find("^DIFFERS  [^\n]+/b%.cassette: line"), out)
    assert.truthy(out:find("\n2 cassettes: 1 the same, 1 differ, 0 unusable\n$"), out)
    folder:write("d.cassette", "x\n")
    out, err, status = run(folder.path, "--recipe", RECIPE)
    assert.equal(2, status)
    assert.truthy(err:find("d.cassette: is no cassette", 1, true), err)
    assert.truthy(out:find("3 cassettes: 2 the same, 0 differ, 1 unusable\n", 1, true), out)
    out, err, status = run(folder.path .. "/new", "--recipe", RECIPE)
    assert.same({ "", 2 }, { out, status })
    assert.truthy(err:find("no *.cassette", 1, true), err)
  end)
end)
