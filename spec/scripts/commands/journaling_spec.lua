local cjson = require "cjson.safe"
local journaling = require "jig.commands.journaling"
local scratch = require "spec.support.scratch"
local system = require "jig.system"
local version = require "jig.version"

-- Calls a function of jig.commands.journaling in a jig of its own, with that environment; `arguments` as Lua
-- text. Gives what it returned, as read from JSON, and its stderr.
local function call(name, arguments, env)
  local folder <close> = scratch.folder()
  local result = scratch.run { scratch.program, folder:write("try.lua", ([[
    local results = table.pack(require("jig.commands.journaling").%s(%s))
    for i = 1, results.n do if results[i] == nil then results[i] = require("cjson.safe").null end end
    results.n = nil
    print(require("cjson.safe").encode(results))]]):format(name, arguments)), env = env }
  assert.equal("", result.stderr)
  return cjson.decode(result.stdout)
end

describe("jig.commands.journaling", function()
  describe("settings", function()
    it("take the flag's path, else the station's, with the station's other settings", function()
      local station = { journal = { path = "/s/j", emergency = "/e", key = "/k", refusals = 7 } }
      assert.same({ path = "/s/j", emergency = "/e", key = "/k", refusals = 7, made = false },
        journaling.settings({ station = "s.lua" }, station))
      assert.same({ path = "/f/j", emergency = "/e", key = "/k", refusals = 7, made = false },
        journaling.settings({ station = "s.lua", journal = "/f/j" }, station))
      assert.same({ path = "/f/j", refusals = 5, made = false }, journaling.settings({ journal = "/f/j" }, {}))
    end)

    it("have one name for a journal behind a link, also before it is made: its locks are beside it", function()
      local folder <close> = scratch.folder()
      scratch.run { "mkdir", folder.path .. "/data" }
      scratch.run { "ln", "-s", "data/journal", folder.path .. "/link" }
      scratch.run { "ln", "-s", folder.path .. "/link", folder.path .. "/data/way" }
      for _ = 1, 2 do
        for _, name in ipairs { "/link", "/data/way", "/data/journal", "/data/../data/journal" } do
          assert.equal(system.realpath(folder.path) .. "/data/journal",
            journaling.settings({ journal = folder.path .. name }, {}).path)
        end
        folder:write("data/journal", "")
      end
    end)

    it("are nil where there is to be none; a path on the command line goes before the station's false", function()
      assert.is_nil(journaling.settings({ no_journal = true }, {}))
      assert.is_nil(journaling.settings({ no_journal = true }, { journal = { path = "/s/j" } }))
      assert.is_nil(journaling.settings({}, { journal = false }))
      assert.same({ path = "/f/j", refusals = 5, made = false },
        journaling.settings({ journal = "/f/j" }, { journal = false }))
    end)

    it("have a default path: one for stations, one for people", function()
      local cases = {
        { '{ station = "s.lua" }', { XDG_STATE_HOME = "/state", HOME = "/home/eva" }, "/var/lib/jig/journal.db" },
        { "{}", { XDG_STATE_HOME = "/state", HOME = "/home/eva" }, "/state/jig/journal.db" },
        { "{}", { XDG_STATE_HOME = "", HOME = "/home/eva" }, "/home/eva/.local/state/jig/journal.db" },
        { "{}", { XDG_STATE_HOME = "relative", HOME = "/home/eva" }, "/home/eva/.local/state/jig/journal.db" },
        { "{}", { XDG_STATE_HOME = false, HOME = "/home/eva" }, "/home/eva/.local/state/jig/journal.db" },
        { '{ station = "s.lua" }', { XDG_STATE_HOME = false, HOME = false }, "/var/lib/jig/journal.db" },
      }
      for _, case in ipairs(cases) do
        local settings = call("settings", case[1] .. ", {}", case[2])[1]
        assert.same({ path = case[3], refusals = 5, made = true }, settings)
      end
    end)

    it("have none for who has no home: prepare says what to do", function()
      for _, home in ipairs { false, "" } do
        local env = { XDG_STATE_HOME = false, HOME = home }
        local settings = call("settings", "{}, {}", env)[1]
        assert.same({ refusals = 5, made = true }, settings)
        assert.same({ cjson.null, "there is no HOME to keep a journal in: name one with --journal PATH" },
          call("prepare", "{ refusals = 5, made = true }", env))
      end
    end)

    it("follow a link to the journal, beside which its locks are", function()
      local folder <close> = scratch.folder { ["real/journal"] = "" }
      scratch.run { "ln", "-s", "real/journal", folder.path .. "/link" }
      local path = system.realpath(folder.path .. "/real/journal")
      assert.equal(path, journaling.settings({ journal = folder.path .. "/link" }, {}).path)
      assert.equal(path, journaling.settings({}, { journal = { path = folder.path .. "/link" } }).path)
      assert.equal(folder.path .. "/new", journaling.settings({ journal = folder.path .. "/new" }, {}).path)
    end)
  end)

  describe("prepare", function()
    it("makes the folder of a journal that nobody named, and no other", function()
      local folder <close> = scratch.folder { file = "" }
      local function exists(name) return system.realpath(folder.path .. name) ~= nil end
      assert.is_true(journaling.prepare { path = folder.path .. "/a/b/journal", made = false })
      assert.is_false(exists "/a")
      for _ = 1, 2 do assert.is_true(journaling.prepare { path = folder.path .. "/a/b/journal", made = true }) end
      assert.is_true(exists "/a/b")
      assert.is_false(exists "/a/b/journal")
      local ok, message = journaling.prepare { path = folder.path .. "/file/b/journal", made = true }
      assert.is_nil(ok)
      assert.matches(folder.path .. "/file", message, 1, true)
    end)
  end)

  describe("cli", function()
    it("is how the station calls it; a path on the command line goes first", function()
      local station = { cli = { path = "/opt/tool", arguments = { "--slot", "1" }, grace = 3, token = false } }
      assert.same({ cli = "/opt/tool", arguments = { "--slot", "1" }, grace = 3, token = false },
        journaling.cli({}, station))
      assert.same({ cli = "/o/tool", arguments = { "--slot", "1" }, grace = 3, token = false },
        journaling.cli({ cli = "/o/tool" }, station))
      assert.equal("factory_tool", journaling.cli({}, {}).cli)
      assert.same({ path = "/opt/tool", arguments = { "--slot", "1" }, grace = 3, token = false }, station.cli)
    end)

    it("has a token, whose locks are the host's with a station file and one's own without", function()
      local folder <close> = scratch.folder()
      local script = folder:write("script.lua", [[
        local options, station = load("return " .. arg[1])(), load("return " .. arg[2])()
        local token = require("jig.commands.journaling").cli(options, station).token
        print(token and token.name .. " " .. token.folder .. " " .. tostring(token.width) or "none")]])
      for _, case in ipairs {
        { "{}", "{}", "/run/user/7", "default /run/user/7/jig nil" },
        { "{}", "{}", false, "default /run/lock/jig nil" },
        { "{}", "{}", "relative", "default /run/lock/jig nil" },
        { '{ station = "s.lua" }', "{}", "/run/user/7", "default /run/lock/jig nil" },
        { '{ station = "s.lua" }', '{ cli = { token = { name = "x", folder = "/f", width = 2 } } }', "/r", "x /f 2" },
        { '{ station = "s.lua" }', "{ cli = { token = false } }", "/r", "none" },
      } do
        local result = scratch.run { scratch.program, script, case[1], case[2], env = { XDG_RUNTIME_DIR = case[3] } }
        assert.equal(case[4] .. "\n", result.stdout, result.stderr)
      end
    end)
  end)

  describe("service", function()
    local folder
    before_each(function() folder = scratch.folder { tool = "one", other = "two" } end)
    after_each(function() folder:__close() end)

    local function service(cli)
      cli.cli = cli.cli or folder.path .. "/tool"
      return assert(journaling.service(cli))
    end

    it("is the same for the same program, arguments and names of the environment", function()
      local one, sum = service { arguments = { "a", "b" }, env = { A = "1", B = false } }
      assert.matches("^" .. ("%x"):rep(64) .. "$", one)
      assert.equal("7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed", sum)
      assert.equal(one, (service { arguments = { "a", "b" }, env = { B = "x", A = "2" }, grace = 5 }))
      scratch.run { "ln", "-s", "tool", folder.path .. "/link" }
      assert.equal(one, (service { cli = folder.path .. "/link", arguments = { "a", "b" }, env = { A = "", B = "" } }))
    end)

    it("is another for any difference", function()
      local seen = {}
      for _, cli in ipairs {
        {}, { cli = folder.path .. "/other" }, { arguments = { "a" } }, { arguments = { "a", "" } },
        { arguments = { "a", "b" } }, { arguments = { "b", "a" } }, { arguments = { "ab" } }, { env = { a = "x" } },
        { env = { b = "x" } }, { env = { a = "x", b = "x" } }, { arguments = { "a" }, env = { b = "x" } },
        { arguments = { "a", "", "b" } },
      } do
        local one = service(cli)
        assert.is_nil(seen[one], cjson.encode(cli))
        seen[one] = true
      end
      folder:write("tool", "three")
      assert.is_nil(seen[(service {})])
    end)

    it("says what it cannot read", function()
      local one, message = journaling.service { cli = "/nowhere/tool" }
      assert.is_nil(one)
      assert.matches("/nowhere/tool: No such file or directory", message, 1, true)
    end)
  end)

  describe("next_attempt", function()
    it("is one more than the latest of that id", function()
      local folder <close> = scratch.folder()
      local path = folder.path .. "/journal"
      local result = scratch.run { scratch.program, folder:write("try.lua", [[
        local journal = require "jig.journal"
        local journaling = require "jig.commands.journaling"
        assert(journal.open { path = arg[1] })
        local function open(id, attempt)
          local facts = ('{"owner":"ab","unit":"%s.%d","number":1}'):format(id, attempt)
          assert(journal.append("opening", id, attempt, facts))
          assert(journal.append("refused", id, attempt, '{"command":"new_device","why":"no"}'))
        end
        assert(journal.ready())
        print(journaling.next_attempt(arg[1], "s"))
        open("s", 1) open("s", 7) open("t", 3)
        for _, id in ipairs { "s", "t", "u", "' OR 1" } do print(journaling.next_attempt(arg[1], id)) end]]), path }
      assert.equal("1\n8\n4\n1\n1\n", result.stdout, result.stderr)
    end)
  end)

  it("bars a session id whose session is without an end", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/journal"
    local result = scratch.run { scratch.program, folder:write("try.lua", [[
      local journal = require "jig.journal"
      local journaling = require "jig.commands.journaling"
      assert(journal.open { path = arg[1] })
      assert(journal.append("opening", "s", 1, '{"owner":"ab","unit":"u","number":1}'))
      assert(journal.append("opening", "t", 1, '{"owner":"ab","unit":"v","number":2}'))
      assert(journal.append("failed", "t", 1, '{"command":"get_device_configuration"}'))
      for _, id in ipairs { "s", "t", "u" } do print(journaling.next_attempt(arg[1], id)) end]]), path }
    assert.equal("nil\tsession s cannot be opened again: it is still opening\n"
      .. "nil\tsession t cannot be opened again: it is still owing\n1\n", result.stdout, result.stderr)
  end)

  describe("started", function()
    it("says what the event says of the station", function()
      local folder <close> = scratch.folder { tool = "one" }
      local tool = folder.path .. "/tool"
      local cli = { cli = tool, arguments = { "--slot", "1" }, env = { PIN_FILE = "/secret", A = false } }
      local facts = assert(journaling.started({ name = "line 1" }, cli, "00ff"))
      local service, sum = journaling.service(cli)
      local libraries = facts.libraries
      facts.libraries = nil
      assert.same({ owner = "00ff", station = "line 1", jig = version[1].version, cli = system.realpath(tool),
        cli_sha256 = sum, arguments = { "--slot", "1" }, environment = { "A", "PIN_FILE" }, service = service }, facts)
      assert.matches("lua 5.4", libraries, 1, true)
      assert.is_nil(cjson.encode(facts):find("/secret", 1, true))
    end)

    it("has the machine's name for a station without one, and no empty lists", function()
      local folder <close> = scratch.folder { tool = "one" }
      local facts = assert(journaling.started({}, { cli = folder.path .. "/tool", arguments = {}, env = {} }, "00ff"))
      assert.same({ system.hostname() }, { facts.station, facts.arguments, facts.environment })
    end)

    it("says what it cannot read", function()
      local facts, message = journaling.started({}, { cli = "/nowhere/tool" }, "00ff")
      assert.is_nil(facts)
      assert.matches("/nowhere/tool", message, 1, true)
    end)
  end)
end)
