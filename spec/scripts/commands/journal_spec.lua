local cjson = require "cjson.safe"
local product = require "spec.support.product"
local scratch = require "spec.support.scratch"

local RECIPE <const> = [[
  prepare = function(unit) unit.serial = "T1" end,
  run = function(unit)
    local request = unit:new_device()
    if unit.attempt == 1 then unit:fail("lamp.dark", { code = 50, reason = "dark", retry = true }) end
    request = unit:get_device_configuration(unit:exchange(request))
    return unit:handle_device_response(unit:exchange(request))
  end,]]

-- Runs `jig run` with that recipe, which passes at the second attempt, and a fake CLI and device; the journal
-- is in the folder.
local function run(folder, ...)
  local settings = folder:cli()
  return scratch.jig {
    "run", folder:write("recipe.lua", scratch.recipe(RECIPE)), "--retries", "1",
    "--station", folder:write("station.lua", scratch.station(settings, 'name = "line 9"')),
    "--port", scratch.device(), "--journal", folder.path .. "/journal.db", ...,
  }
end

local function journal(folder, verb, ...)
  return scratch.jig { "journal", verb, "--journal", folder.path .. "/journal.db", ... }
end

describe("jig journal", function()
  it("tells its verbs", function()
    for _, word in ipairs { "--help", "-h" } do
      local result = scratch.jig { "journal", word }
      assert.same({ 0, "" }, { result.exit, result.stderr })
      for _, verb in ipairs { "list", "show", "tail", "export", "stats", "verify", "sign", "prune" } do
        assert.matches("\n  " .. verb .. " +%l", result.stdout)
      end
    end
  end)

  it("ends with 2 without a verb and for another one", function()
    local result = scratch.jig { "journal" }
    assert.same({ 2, "" }, { result.exit, result.stdout })
    result = scratch.jig { "journal", "burn" }
    assert.same({ 2, "" }, { result.exit, result.stdout })
    assert.matches("^jig journal: 'burn' is no verb of it\nusage: jig journal VERB", result.stderr)
  end)

  for _, verb in ipairs { "list", "show", "tail", "export", "stats", "verify", "sign", "prune" } do
    it(verb .. " has help, and ends with 2 for what it does not know", function()
      local result = scratch.jig { "journal", verb, "--help" }
      assert.same({ 0, "" }, { result.exit, result.stderr })
      assert.matches("^Usage: jig journal " .. verb, result.stdout)
      result = scratch.jig { "journal", verb, "--burn" }
      assert.same({ 2, "" }, { result.exit, result.stdout })
    end)
  end

  it("reads what jig run has written", function()
    local folder <close> = scratch.folder()
    local result = run(folder, "--lot", "L7", "--operator", "eva")
    assert.equal(0, result.exit, result.stderr)
    local row = cjson.decode(journal(folder, "list", "--json").stdout)
    assert.same({ "T1", "passed", 2, product.fingerprint, "L7" },
      { row.serial, row.result, row.attempts, row.fingerprint, row.lot })
    local shown = journal(folder, "show", row.session:sub(1, 8)).stdout
    assert.matches("attempt 2 of 2\n  where        slot A, station line 9, lot L7, operator eva\n"
      .. "  recipe       lamp 2\n", shown, 1, true)
    assert.matches(" %+0%.000  new_device is called\n.+ made: the fingerprint is .+ the attempt ended: passed\n", shown)
    assert.matches("phases       connect %d", shown)
    assert.matches("   1  %S+  %x+  failed  lamp.dark %(50%)\n>  2  %S+  %x+  passed  ", shown)
    local stats = cjson.decode(journal(folder, "stats", "--json").stdout)
    assert.same({ 1, 1, 1, 0 }, { stats.units, stats.passed, stats.retries, stats.first_pass_percent })
    assert.matches("^sound: ", journal(folder, "verify").stdout)
  end)

  it("tells a bug in a recipe with its line and traceback", function()
    local folder <close> = scratch.folder()
    local settings = folder:cli()
    local result = scratch.jig {
      "run", folder:write("recipe.lua", scratch.recipe "  exchange = function() local x = nil; return x.y end,"),
      "--station", folder:write("station.lua", scratch.station(settings)), "--port", scratch.device(),
      "--journal", folder.path .. "/journal.db",
    }
    assert.equal(1, result.exit)
    local row = cjson.decode(journal(folder, "list", "--json").stdout)
    local shown = journal(folder, "show", row.session).stdout
    assert.matches("  fault        tool.recipe (902): ", shown, 1, true)
    assert.matches("  at           %S*recipe.lua:14\n               ", shown)
    assert.matches("  report       accepted\n", shown, 1, true)
  end)
end)
