local guard = require "jig.guard"
local lfs = require "lfs"
local manifest = require "jig.manifest"
local scratch = require "spec.support.scratch"
local station = require "jig.station"
local system = require "jig.system"
local trust = require "jig.trust"

local HASH <const> = ("0"):rep(64)

local folder

local function at(name) return folder.path .. "/" .. name end

-- Variables that this process has are not the matter here.
local function usage(o, payload, variables)
  local real = guard.variables
  guard.variables = function() return variables or {} end
  local told = trust.usage(o, payload)
  guard.variables = real
  return told
end

describe("jig.trust", function()
  setup(function()
    folder = scratch.folder()
    scratch.run { "chmod", "755", folder.path }
    trust.owner = lfs.attributes(folder.path, "uid")
  end)
  teardown(function()
    trust.owner = 0
    folder:__close()
  end)

  it("is root's by default", function()
    package.loaded["jig.trust"] = nil
    assert.equal(0, require("jig.trust").owner)
    package.loaded["jig.trust"] = trust
  end)

  it("names the flag that would change what is pinned", function()
    local form = "the station file says trust: %s cannot change it"
    for key, flag in pairs { cli = "--cli", journal = "--journal", no_journal = "--no-journal",
      record_payload = "--record-payload" } do
      assert.equal(form:format(flag), usage { [key] = "x" })
    end
    assert.equal(form:format "--trace=payload", usage({}, true))
    form = "the station file says trust: %s cannot name a program (exec:) to run"
    assert.equal(form:format "--port", usage { port = "exec:/bin/sh" })
    assert.equal(form:format "--scanner", usage { scanner = "exec:/bin/sh" })
    assert.equal(form:format "--slot", usage { slot = { "A=pair:x", "B=fault:seed=1:exec:/bin/sh" } })
    assert.is_nil(usage { port = "tcp:h:1", scanner = "stdin:-", slot = { "A=pair:x" } })
  end)

  it("names the variable that would", function()
    local form = "the station file says trust: %s cannot change it"
    for _, name in ipairs { "JIG_PATH", "JIG_COVERAGE", "LD_PRELOAD", "LD_LIBRARY_PATH", "LUA_PATH", "LUA_CPATH_5_4",
      "OPENSSL_CONF", "OPENSSL_MODULES", "GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH" } do
      assert.equal(form:format("the variable " .. name), usage({}, false, { "HOME", name }))
    end
    assert.is_nil(usage({ lot = "L", operator = "O", port = "pair:x", record = "x", json = true }, false,
      { "HOME", "PATH", "LANG", "MY_LD_X", "TERM", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "LOCPATHS" }))
  end)

  describe("of a station file", function()
    local function text(fields, cli)
      return ("local base = require 'base'\nreturn { name = base, trust = { %s }, cli = { path = %q } }\n"):format(
        fields or ("keys = { '/k' }, cli = '" .. HASH .. "'"), cli or "/cli")
    end

    before_each(function()
      folder:write("base.lua", "return 'line 3'")
      folder:write("station.lua", text())
      scratch.run { "chmod", "644", at "base.lua", at "station.lua" }
    end)

    it("reads it where nobody else may change it, with what it requires", function()
      assert.equal("line 3", assert(station.open(at "station.lua")).name)
      for _, name in ipairs { "station.lua", "base.lua" } do
        scratch.run { "chmod", "666", at(name) }
        local made, message = station.open(at "station.lua")
        assert.is_nil(made)
        assert.matches("a station file that says trust is root's: ", message, 1, true)
        assert.matches(at(name) .. " may be written by others than its owner", message, 1, true)
        scratch.run { "chmod", "644", at(name) }
      end
      scratch.run { "chmod", "777", folder.path }
      assert.is_nil((station.open(at "station.lua")))
      assert(station.load(at "station.lua")) -- to check it, not to work by it
      scratch.run { "chmod", "755", folder.path }
    end)

    it("refuses it over a link, to the file or to a folder above it, wherever that leads", function()
      scratch.run { "mkdir", at "line" }
      scratch.run { "cp", at "station.lua", at "base.lua", at "line" }
      scratch.run { "ln", "-s", at "station.lua", at "link.lua" }
      scratch.run { "ln", "-s", at "line", at "way" }
      local up = ("../"):rep(select(2, system.realpath("."):gsub("/", ""))) .. at("way/station.lua"):sub(2)
      for path, reason in pairs {
        [at "link.lua"] = at "link.lua" .. " is a link: name what it leads to",
        [at "way/station.lua"] = at "way" .. " is a link: name what it leads to",
        [up] = at "way" .. " is a link: name what it leads to",
        [at "line/../station.lua"] = "has a part that is empty, '.' or '..'",
      } do
        local made, message = station.open(path)
        assert.is_nil(made, path)
        assert.matches("a station file that says trust is root's: ", message, 1, true)
        assert.matches(reason, message, 1, true)
      end
      for _, path in ipairs { at "line/station.lua", (up:gsub("way", "line")), at ".//line/./station.lua" } do
        assert.equal("line 3", assert(station.open(path)).name)
      end
      folder:write("line/station.lua", "return { name = 'no trust' }")
      assert.equal("no trust", assert(station.open(at "way/station.lua")).name)
    end)

    it("makes a path whole by its text", function()
      for path, whole in pairs {
        ["s.lua"] = "/a/b/s.lua", ["./x//s.lua"] = "/a/b/x/s.lua", ["../s.lua"] = "/a/s.lua", ["../../../s"] = "/s",
        ["x/../s.lua"] = "/a/b/x/../s.lua", ["/x/../s.lua"] = "/x/../s.lua", ["/x/./s.lua"] = "/x/s.lua",
      } do
        assert.equal(whole, trust.whole(path, "/a/b"))
      end
      assert.equal("/s.lua", trust.whole("s.lua", "/"))
    end)

    it("refuses it to another owner", function()
      local mine = trust.owner
      finally(function() trust.owner = mine end)
      trust.owner = 0
      if mine == 0 then scratch.run { "chown", "65534", at "station.lua" } end
      local made, message = station.open(at "station.lua")
      assert.is_nil(made)
      assert.matches("who may change it: chown root it", message, 1, true)
      scratch.run { "chown", tostring(mine), at "station.lua" }
    end)

    it("leaves a station without trust as it is", function()
      folder:write("station.lua", "return { name = 'x' }")
      scratch.run { "chmod", "666", at "station.lua" }
      assert.equal("x", assert(station.open(at "station.lua")).name)
    end)

    local good <const> = "keys = { '/k' }, cli = '" .. HASH .. "', "
    for _, case in ipairs {
      { "", "trust.cli: expected to be there" },
      { "keys = {}, cli = '" .. HASH .. "'", "trust.keys: expected at least one key, got none" },
      { "keys = { 'k' }, cli = '" .. HASH .. "'", 'trust.keys[1]: expected an absolute path, got string "k"' },
      { "keys = { '/k' }, cli = 'abc'", "trust.cli: expected a SHA-256: 64 hex digits" },
      { "keys = { '/k' }, cli = '" .. ("F"):rep(64) .. "'", "trust.cli: expected a SHA-256" },
      { good .. "versions = { lamp = '1.x' }", "trust.versions[lamp]: expected 1 to 4 numbers with dots" },
      { good .. "version = '1'", "trust.version: expected one of the keys cli, keys, versions" },
    } do
      it("refuses { " .. case[1] .. " }", function()
        folder:write("station.lua", text(case[1]))
        local made, message = station.load(at "station.lua")
        assert.is_nil(made)
        assert.matches(case[2], message, 1, true)
      end)
    end

    it("needs the CLI's whole path, and a table", function()
      folder:write("station.lua", text(nil, "cli"))
      local _, message = station.load(at "station.lua")
      assert.matches("station.lua:2: trust needs cli.path, an absolute path", message, 1, true)
      local env = "env = { A = false, B = 'x',\n C = true }"
      folder:write("station.lua", ("return { trust = { %s },\n cli = { path = '/tool', %s } }"):format(good, env))
      _, message = station.load(at "station.lua")
      assert.matches("station.lua:3: cli.env[C] is true: with trust nothing of jig's environment reaches the CLI; "
        .. "write its value", message, 1, true)
      folder:write("station.lua", "return { trust = true }")
      _, message = station.load(at "station.lua")
      assert.matches("trust: expected a table, got true", message, 1, true)
    end)
  end)

  describe("of recipes", function()
    local function place(name)
      return { name = name, file = at(name .. "/recipe.lua"), folder = at(name .. "/") }
    end

    local pinned

    setup(function()
      for _, name in ipairs { "key", "other" } do assert(require("jig.sign").make(at(name), at(name .. ".pub"))) end
      for _, name in ipairs { "a", "b" } do
        folder:write(name .. "/recipe.lua", (scratch.recipe():gsub('"2"', '"1.2"')))
        assert.equal(0, scratch.jig({ "sign", at(name), "--key", at "key" }).exit)
      end
      pinned = { keys = { at "other.pub", at "key.pub" } }
    end)

    it("gives each slot what was checked, one text for a folder", function()
      local list = { place "a", place "b", place "a" }
      assert(trust.seal(list, pinned))
      assert.same({ "lamp", "1.2" }, { list[1].sealed.name, list[2].sealed.version })
      assert.equal(list[1].sealed, list[3].sealed)
      assert.is_not.equal(list[1].sealed, list[2].sealed)
    end)

    local function refused(from, reason, place_of)
      local list = { place "a", place_of or place "b" }
      local done, message = trust.seal(list, from)
      assert.is_nil(done)
      assert.matches(reason, message, 1, true)
    end

    it("refuses a key that it does not trust, or that others may change", function()
      refused({ keys = { at "other.pub" } }, ("the recipe in %s is refused: wrong key"):format(at "a/"))
      scratch.run { "chmod", "666", at "other.pub" }
      refused(pinned, at "other.pub" .. " may be written by others than its owner")
      scratch.run { "chmod", "644", at "other.pub" }
      refused({ keys = { at "nowhere" } }, at "nowhere" .. ": No such file")
    end)

    it("refuses what is older than the station demands", function()
      local from = { keys = pinned.keys, versions = { lamp = "1.2.0", other = "9" } }
      assert(trust.seal({ place "a" }, from))
      from.versions.lamp = "1.10"
      refused(from, ("the recipe in %s is refused: version 1.2 is older than 1.10, the least that the station file")
        :format(at "a/"))
    end)

    it("refuses a file that is not of the folder, and tells all reasons of one", function()
      refused(pinned, at "b/none.lua is no file of it", { name = "x", file = at "b/none.lua", folder = at "b/" })
      folder:write("b/extra", "")
      folder:write("b/recipe.lua", "return 1")
      refused(pinned, ("the recipe in %s is refused: extra is extra: it is not in the manifest; recipe.lua was changed")
        :format(at "b/"))
      os.remove(at "b/extra")
      for i = 1, 6 do folder:write("b/" .. i, "") end
      refused(pinned, "3 is extra: it is not in the manifest; 4 is extra: it is not in the manifest; 5 is extra: it is "
        .. "not in the manifest; and 2 more")
      for i = 1, 6 do os.remove(at("b/" .. i)) end
    end)
  end)

  it("refuses what is older than the lot was made with, by the journal", function()
    local path = at "journal.db"
    local rows = { { "L1", "lamp", "1.2" }, { "L1", "lamp", "1.10" }, { "L1", "lamp", "unknown" },
      { "L1", "oven", "9" }, { "L2", "lamp", "3" } }
    local lines = {}
    for i, row in ipairs(rows) do
      lines[i] = ([[assert(journal.append("started", "", 0, '{"run":"r%d","owner":"o","slot":"A","service":"s",]]
        .. [["lot":"%s","recipe":"%s","version":"%s"}'))]]):format(i, row[1], row[2], row[3])
    end
    local script = folder:write("fill.lua", ([[
local journal = require "jig.journal"
assert(journal.open { path = %q })
assert(journal.ready())
%s]]):format(path, table.concat(lines, "\n")))
    local result = scratch.run { scratch.program, script }
    assert.same({ 0, "" }, { result.exit, result.stderr })
    local function trouble(lot, version)
      return trust.lot_trouble(path, lot, { { folder = "/x/", sealed = { name = "lamp", version = version } } })
    end
    assert.is_nil(trouble("L1", "1.10"))
    assert.is_nil(trouble("L1", "2"))
    assert.is_nil(trouble(nil, "0"))
    assert.is_nil(trouble("L3", "0"))
    assert.equal("the recipe in /x/ is refused: version 1.9 is older than 1.10, with which lot L1 was made",
      trouble("L1", "1.9"))
    assert.matches("older than 3, with which lot L2", trouble("L2", "2.9"), 1, true)
    assert.is_true(manifest.is_older("1.9", "1.10"))
  end)
end)
