local cjson = require "cjson.safe"
local reading = require "spec.support.reading"
local scratch = require "spec.support.scratch"

local RECIPE <const> = [[
local jig = require "jig"
return jig.recipe { name = "lamp", version = "2", port = { "serial", "/dev/none", match = { vid = 0xfffe, pid = 1 } },
  framing = require "jig.framing.line" {} }]]

-- What doctor says of a station in that folder: its findings by check, the exit status, and all of it.
local function examine(folder, station, ...)
  folder:write("lamp/recipe.lua", RECIPE)
  folder:tool("tool", "error 'called'")
  local form = "return { slot = 'A', cli = { path = %q, token = { folder = %q } }, journal = { path = %q }, %s }"
  local text = form:format(folder.path .. "/tool", folder.path .. "/locks", folder.path .. "/journal.db", station or "")
  local file = folder:write("station.lua", text)
  local result = scratch.jig { "doctor", folder.path .. "/lamp", "--station", file, "--json", ... }
  local by_check = {}
  for line in result.stdout:gmatch("[^\n]+") do
    local finding = assert(cjson.decode(line))
    by_check[finding.check] = finding
  end
  return by_check, result.exit, result
end

describe("jig doctor", function()
  it("tells a line for each finding, and with warnings ends with 0", function()
    local at <close> = reading.journal()
    local found, status, result = examine(at.folder)
    assert.equal("", result.stderr)
    assert.same({ "lamp 2 can be loaded", "ok" }, { found.recipes.text, found.recipes.state })
    assert.truthy(found.cli.text:find(at.folder.path .. "/tool, SHA-256 ", 1, true))
    assert.same({ "ok", "ok", "warn", "warn" }, { found.disk.state:gsub("warn", "ok"), found.journal.state,
      found.sessions.state, found.udev.state })
    assert.truthy(found.sessions.text:find("1 session is not reported", 1, true))
    assert.truthy(found.ports.text:find("nothing is plugged in at serial:/dev/none", 1, true))
    assert.equal(found.clock.state == "fail" and 1 or 0, status) -- the journal's records are of March 2026
  end)

  it("ends with 1 when something failed: a journal that somebody changed", function()
    local at <close> = reading.journal()
    at:fill(function(ledger) assert(ledger:exec "UPDATE event SET time = 1 WHERE id = 2") end)
    local found, status = examine(at.folder)
    assert.same({ 1, "fail" }, { status, found.journal.state })
    assert.truthy(found.journal.text:find("is not sound", 1, true))
  end)

  it("changes nothing and calls nothing", function()
    local folder <close> = scratch.folder()
    local found, status = examine(folder, "watch = true")
    assert.truthy(found.journal.text:find("there is none yet", 1, true))
    assert.same({ "ok", "ok", 0 }, { found.token.state, found.ports.state, status })
    local there = scratch.run({ "find", folder.path, "-type", "f", "-o", "-name", "locks" }).stdout
    local names = {}
    for name in there:gmatch("([^/]+)\n") do names[#names + 1] = name end
    table.sort(names)
    assert.same({ "recipe.lua", "station.lua", "tool" }, names) -- what examine writes
  end)

  it("tells people a line of each, without control characters", function()
    local folder <close> = scratch.folder()
    folder:write("lamp/recipe.lua", "error '\\27[2J'")
    local result = scratch.jig { "doctor", folder.path .. "/lamp", env = { XDG_STATE_HOME = folder.path } }
    assert.equal(1, result.exit)
    assert.truthy(result.stdout:find("\nfail  recipes    " .. folder.path .. "/lamp/recipe.lua:1: ?[2J", 1, true))
    for line in result.stdout:gmatch("[^\n]+") do
      assert.truthy(line:find("^%l+ *  %l+ +%g") and not line:find("%c"), line)
      assert.truthy(({ ["ok  "] = true, warn = true, fail = true })[line:sub(1, 4)], line)
    end
  end)

  it("is used rightly, or ends with 2", function()
    local folder <close> = scratch.folder { ["station.lua"] = "return { slotz = 1 }" }
    local result = scratch.jig { "doctor", "--station", folder.path .. "/station.lua" }
    assert.same({ 2, "" }, { result.exit, result.stdout })
    assert.truthy(result.stderr:find("^jig doctor: .*slotz"))
  end)
end)
