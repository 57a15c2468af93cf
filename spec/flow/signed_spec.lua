-- A station that says trust, with the real programs: it runs signed recipes alone, from the bytes that were checked,
-- and the CLI that was hashed, whatever takes their names meanwhile.

local cjson = require "cjson.safe"
local hex = require "jig.hex"
local keys = require "jig.sign"
local lfs = require "lfs"
local station = require "spec.support.station"
local system = require "jig.system"

-- No variable of whoever runs this is the matter.
local NONE <const> = { JIG_BUILD = false, JIG_PATH = false, JIG_MEMORY = false, LD_PRELOAD = false }

local place, uid

local function at(name) return place.path .. "/" .. name end

local function execute(...) return station.execute(...) end

local function sign(folder, ...)
  execute(station.jig, "sign", folder, "--key", at "key", ...)
end

local function sum(path) return hex.encode(assert(system.sha256(path))) end

-- Puts a program in the place of the CLI's file, under its name: a file of its own.
local function put_cli(from)
  execute("cp", from, at "cli.new")
  execute("chmod", "755", at "cli.new")
  execute("mv", at "cli.new", at "cli")
end

-- Writes the station file; `trust` are fields of its trust, as text; `port` is its slot's address.
local function station_file(trust, port)
  place:write("station.lua", ([[
return {
  trust = { keys = { %q }, %s },
  cli = { path = %q, env = { SIM_DIR = %q, SIM_DELAY_MS = "0" }, token = { folder = %q } },
  journal = { path = %q }, port = %s,
}
]]):format(at "key.pub", trust or ("cli = %q"):format(sum(at "cli")), at "cli", at "service", at "locks",
    at "journal.db", port and ("%q"):format(port)))
end

-- Starts a verb with the station; `env` is laid over the environment.
local function start(words, env)
  local all = { "spec/support/owned.lua", tostring(uid) }
  table.move(words, 1, #words, 3, all)
  table.move({ "--station", at "station.lua" }, 1, 2, #all + 1, all)
  local variables = {}
  for _, from in ipairs { NONE, env or {} } do
    for name, value in pairs(from) do variables[name] = value end
  end
  return station.start_jig(place, all, variables)
end

local function run(words, env)
  local running <close> = start(words, env)
  return running:finish()
end

-- Where nothing is opened.
local function run_recipe(...) return run { "run", at "recipe", "--port", "tty:/nowhere", ... } end

local function refused(status, reason, result)
  assert.same({ status, "" }, { result.exit, result.stdout }, result.stderr)
  assert.matches(reason, result.stderr, 1, true)
end

local function calls() return #station.audit(at "service"):starts() end

local WAITING_ENDS <const> = 'unit:fail("waiting.over", { code = 7, reason = "over" })'

-- A recipe that waits in prepare until the spec lets it go on, then requires a file that it had no need of before,
-- and opens a session with the CLI, which it gives up, or does what `last` says. Gives its folder; signed.
local function waiting_recipe(name, last)
  local folder = at(name)
  execute("mkdir", folder)
  local script = place:write(name .. ".device", ([[
local lfs, clock = require "jig.system", require "jig.clock"
while not lfs.kind(%q) do clock.sleep(0.005) end
io.write("go\n")
io.flush()
io.read("a")
]]):format(at(name .. ".go")))
  place:write(name .. "/recipe.lua", ([[
local jig = require "jig"
return jig.recipe {
  name = "waiting", version = "1", port = { "exec" }, framing = require "jig.framing.line" {},
  prepare = function(unit)
    unit.port:expect("go\n", 30)
    unit:log(require "late")
  end,
  run = function(unit)
    unit:new_device()
    %s
  end,
}
]]):format(last or WAITING_ENDS))
  place:write(name .. "/late.lua", "return 'as it was signed'")
  sign(folder)
  station_file(nil, ("exec:%s %s"):format(station.jig, script))
  return folder
end

-- Runs it, and `swap` once it waits.
local function swapped(name, swap)
  local before = station.read(at "station.lua")
  local running <close> = start { "run", waiting_recipe(name), "--json" }
  station.eventually("it waits", function() return station.read(running.base .. ".out"):find('"prepare"') end)
  swap(at(name))
  place:write(name .. ".go", "")
  local result, events = running:finish(), {}
  place:write("station.lua", before)
  for line in result.stdout:gmatch("[^\n]+") do
    local event = assert(cjson.decode(line), line)
    events[event.event] = event
  end
  return result, events
end

describe("a station that says trust", function()
  setup(function()
    place = station.place()
    uid = lfs.attributes(place.path, "uid")
    execute(station.jig, "keygen", at "key")
    execute(station.jig, "keygen", at "other")
    execute("cp", "-r", "examples/thermostat", at "signed")
    sign(at "signed")
    put_cli(station.factory_tool)
    station_file()
    execute("chmod", "644", at "station.lua", at "key.pub")
  end)
  teardown(function() place:close() end)
  before_each(function()
    execute("rm", "-rf", at "recipe")
    execute("cp", "-r", at "signed", at "recipe")
  end)

  it("runs a signed recipe, and puts the manifest's hash into every record", function()
    local hash = sum(at "recipe/jig.manifest")
    local device <close> = station.device(place, { wire = "length" })
    local result = run { "run", at "recipe", "--port", device.address, "--json" }
    assert.equal(0, result.exit, result.stderr)
    local told = {}
    for line in result.stdout:gmatch("[^\n]+") do
      local event = assert(cjson.decode(line), line)
      if event.manifest then told[#told + 1] = event.event .. " " .. event.manifest end
    end
    assert.same({ "started " .. hash, "ended " .. hash }, told)
    local rows = station.query(place, at "journal.db", "SELECT kind, json_extract(facts, '$.manifest') AS manifest "
      .. "FROM event WHERE kind IN ('started', 'opening', 'ended') ORDER BY id")
    assert.same({ { kind = "started", manifest = hash }, { kind = "opening", manifest = hash },
      { kind = "ended", manifest = hash } }, rows)
    assert.equal(0, run({ "journal", "verify" }).exit)
    assert.equal(hash, assert(cjson.decode(run({ "journal", "export", "--format", "jsonl" }).stdout)).manifest)
  end)

  describe("refuses, before any unit,", function()
    local cases = {
      { "a recipe that is not signed", "not signed: there is no jig.manifest", function()
        os.remove(at "recipe/jig.manifest")
      end },
      { "one without its signature", "not signed: there is no jig.manifest.sig", function()
        os.remove(at "recipe/jig.manifest.sig")
      end },
      { "one that another key signed", "wrong key", function()
        execute(station.jig, "sign", at "recipe", "--key", at "other")
      end },
      { "a file that was changed", "recipe.lua was changed", function()
        place:write("recipe/recipe.lua", station.read(at "recipe/recipe.lua") .. "\n")
      end },
      { "one that is extra", "status.lua is extra", function() place:write("recipe/status.lua", "") end },
      { "one that is missing", "device.lua is missing", function() os.remove(at "recipe/device.lua") end },
      { "a link", "README.md: it is a link", function()
        execute("mv", at "recipe/README.md", at "README.md")
        execute("ln", "-s", at "README.md", at "recipe/README.md")
      end },
      { "one that needs a later jig", "it needs jig 999", function() sign(at "recipe", "--jig", "999") end },
      { "an older version than the station demands", "version 1.2.0 is older than 1.3", function()
        station_file(("cli = %q, versions = { thermostat = '1.3' }"):format(sum(at "cli")))
      end, function() station_file() end },
      { "a key that others may change", "key.pub may be written by others", function()
        execute("chmod", "666", at "key.pub")
      end, function() execute("chmod", "644", at "key.pub") end },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local before = calls()
        case[3]()
        finally(case[4] or function() end)
        refused(3, case[2], run_recipe())
        assert.equal(before, calls())
      end)
    end

    it("a recipe that calls itself other than was signed", function()
      local text = station.read(at "recipe/jig.manifest"):gsub("name thermostat", "name oven")
      place:write("recipe/jig.manifest", text)
      place:write("recipe/jig.manifest.sig", (assert(keys.sign(at "key", text))))
      local result = run_recipe()
      assert.equal(3, result.exit)
      local told = result.stdout .. result.stderr
      assert.matches("it was signed as oven 1.2.0, and calls itself thermostat 1.2.0", told, 1, true)
    end)

    it("an older version than the lot was made with", function()
      assert.equal(1, run_recipe("--lot", "L7").exit)
      place:write("recipe/recipe.lua", (station.read(at "recipe/recipe.lua"):gsub('"1%.2%.0"', '"1.1.9"')))
      sign(at "recipe")
      local before = calls()
      refused(3, "version 1.1.9 is older than 1.2.0, with which lot L7 was made", run_recipe("--lot", "L7"))
      assert.equal(before, calls())
      assert.matches("connectivity.not_found", run_recipe("--lot", "L8").stdout, 1, true) -- let in: another lot
    end)

    it("a CLI that is not the pinned one, or that others may change", function()
      put_cli("/bin/true")
      finally(function() put_cli(station.factory_tool) end)
      local reason = "is not what the station file trusts: its SHA-256 is " .. sum(at "cli")
      refused(4, reason, run_recipe())
      refused(4, reason, run { "recover" })
      put_cli(station.factory_tool)
      execute("chmod", "o+w", at "cli")
      refused(4, "cli may be written by others than its owner", run_recipe())
      execute("rm", at "cli")
      refused(4, "cli: No such file", run_recipe())
    end)

    it("a station file that others may change", function()
      execute("chmod", "664", at "station.lua")
      finally(function() execute("chmod", "644", at "station.lua") end)
      refused(2, "a station file that says trust is root's: " .. at "station.lua", run_recipe())
      refused(2, "a station file that says trust is root's", run { "recover" })
    end)
  end)

  it("is reached over no link, and neither are its keys and its CLI", function()
    for name, status in pairs { ["station.lua"] = 2, ["key.pub"] = 3, cli = 4 } do
      execute("mv", at(name), at "real")
      execute("ln", "-s", at "real", at(name))
      local result = run_recipe()
      execute("mv", at "real", at(name))
      refused(status, at(name) .. " is a link: name what it leads to", result)
    end
  end)

  it("is changed by no flag", function()
    for _, words in ipairs { { "--cli", "/bin/true" }, { "--journal", at "other.db" }, { "--no-journal" },
      { "--trace=payload" }, { "--record", at "cassette", "--record-payload" } } do
      local flag = words[#words]:match("^%-%-[%w-]+=?%w*") or words[1]
      refused(2, ("the station file says trust: %s cannot change it"):format(flag), run_recipe(table.unpack(words)))
    end
    refused(2, "trust: --cli cannot", run { "recover", "--cli", "/bin/true" })
    refused(2, "trust: --journal cannot", run { "recover", "--journal", at "other.db" })
    refused(2, "trust: --journal cannot", run { "journal", "list", "--journal", at "other.db" })
    assert.equal("", station.read(at "other.db") .. station.read(at "cassette"))
  end)

  it("is changed by no variable", function()
    for name, value in pairs { JIG_COVERAGE = at "lines", LD_LIBRARY_PATH = "/nowhere", OPENSSL_CONF = "/nowhere",
      LUA_PATH = "/nowhere/?.lua" } do
      refused(2, ("the station file says trust: the variable %s cannot change it"):format(name),
        run({ "run", at "recipe" }, { [name] = value }))
    end
    refused(2, "JIG_PATH is set, and " .. at "station.lua" .. " says trust",
      run({ "run", at "recipe" }, { JIG_PATH = "scripts" }))
  end)

  it("runs what was checked, though files of the recipe are swapped meanwhile, those that are required later too",
    function()
      local result, events = swapped("swap", function(folder)
        place:write(folder .. "/recipe.lua", "error 'swapped'")
        execute("rm", folder .. "/late.lua")
        execute("ln", "-s", place:write("evil.lua", "return 'swapped'"), folder .. "/late.lua")
      end)
      assert.same({ "as it was signed", "waiting.over", true },
        { events.note.text, events.ended.fault.name, events.ended.reported }, result.stderr)
      assert.equal(1, result.exit)
    end)

  it("runs the CLI that was hashed, though another takes its name", function()
    local before = calls()
    finally(function() put_cli(station.factory_tool) end)
    local result, events = swapped("rename", function() put_cli("/bin/true") end)
    assert.same({ 1, "waiting.over", true }, { result.exit, events.ended.fault.name, events.ended.reported },
      result.stderr)
    assert.equal(before + 2, calls())
  end)

  it("does not start a CLI that was written to after it was hashed", function()
    local before = calls()
    finally(function() put_cli(station.factory_tool) end)
    local result, events = swapped("write", function()
      local file <close> = assert(io.open(at "cli", "ab"))
      file:write("x")
    end)
    assert.same({ 4, false }, { result.exit, events.ended.unreported }, result.stderr)
    assert.matches("was changed after it was hashed: not started", events.ended.fault.reason, 1, true)
    assert.equal(before, calls())
  end)

  it("recovers what it left with the pinned CLI", function()
    place:write("left.go", "")
    local running <close> = start { "run", waiting_recipe("left", 'unit:log("open") unit.port:expect("never", 60)'),
      "--json" }
    station.eventually("it is open", function() return station.read(running.base .. ".out"):find('"open"') end)
    running:signal(9)
    assert.equal(9, running:finish().signal)
    local result = run { "recover" }
    assert.equal(0, result.exit, result.stderr)
    assert.matches("1 found, 1 reported", result.stderr, 1, true)
  end)
end)
