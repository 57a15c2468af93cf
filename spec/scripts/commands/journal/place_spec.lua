local reading = require "spec.support.reading"
local scratch = require "spec.support.scratch"

-- Sub-verbs with what they need.
local VERBS <const> = {
  { "list" }, { "show", "abcd" }, { "tail" }, { "export" }, { "stats" }, { "verify" }, { "prune", "--before", "1d" },
}

local function each(path, f)
  for _, words in ipairs(VERBS) do
    f(scratch.jig { "journal", words[1], "--journal", path, table.unpack(words, 2) }, words[1])
  end
end

describe("jig.commands.journal.place", function()
  it("ends with 4 and says what to do where there is no journal, and makes none", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/journal.db"
    each(path, function(result, verb)
      assert.same({ 4, "" }, { result.exit, result.stdout }, verb)
      local said = ("jig journal %s: the journal %s cannot be used: cannot open %s: No such file or directory\n"
        .. "  name it with --journal PATH or --station FILE; the first `jig run` makes it\n"):format(verb, path, path)
      assert.equal(said, result.stderr)
    end)
    assert.is_nil(io.open(path))
  end)

  it("ends with 4 for a file that is no journal, and leaves it alone", function()
    local folder <close> = scratch.folder { text = ("no journal\n"):rep(1000), empty = "" }
    for _, name in ipairs { "text", "empty" } do
      local before = folder:read(name)
      each(folder.path .. "/" .. name, function(result, verb)
        assert.same({ 4, "" }, { result.exit, result.stdout }, verb)
        assert.matches("cannot be used: .*\n  name the right file with %-%-journal PATH", result.stderr)
      end)
      assert.equal(before, folder:read(name))
    end
  end)

  it("ends with 4 when rows cannot be read in the middle", function()
    local at <close> = reading.journal()
    at:fill(function(ledger)
      assert(ledger:exec "PRAGMA wal_checkpoint(TRUNCATE)")
      assert(ledger:exec "DROP TABLE fault")
    end)
    local result = at:run("list")
    assert.same({ 4, "" }, { result.exit, result.stdout })
    assert.matches("cannot be used: no such table: fault\n  %S", result.stderr)
    assert.not_matches("traceback", result.stderr)
  end)

  it("reads the journal that the station file names", function()
    local at <close> = reading.journal()
    local station = at.folder:write("station.lua", ("return { journal = { path = %q } }"):format(at.path))
    local result = scratch.jig { "journal", "list", "--station", station, "--json" }
    assert.equal(0, result.exit)
    assert.equal(6, select(2, result.stdout:gsub("\n", "")))
  end)

  it("reads the default one of a person", function()
    local at <close> = reading.journal()
    scratch.run { "mkdir", at.folder.path .. "/jig" }
    scratch.run { "sh", "-c", ('mv "$0"* %s/jig'):format(at.folder.path), at.path }
    local result = scratch.jig { "journal", "list", "--json", env = { XDG_STATE_HOME = at.folder.path } }
    assert.equal(6, select(2, result.stdout:gsub("\n", "")))
  end)

  it("ends with 2 when the station keeps no journal, or its file is wrong", function()
    local folder <close> = scratch.folder { ["none.lua"] = "return { journal = false }", ["bad.lua"] = "return 5" }
    local result = scratch.jig { "journal", "list", "--station", folder.path .. "/none.lua" }
    assert.equal(2, result.exit)
    assert.matches("the station file says journal = false: name a journal with --journal PATH", result.stderr, 1, true)
    result = scratch.jig { "journal", "list", "--station", folder.path .. "/bad.lua" }
    assert.equal(2, result.exit)
    assert.matches("expected", result.stderr)
  end)

  it("cleans the name of a file", function()
    local result = scratch.jig { "journal", "list", "--journal", "/nowhere/\27[2J" }
    assert.equal(4, result.exit)
    assert.not_matches("\27", result.stderr)
  end)
end)
