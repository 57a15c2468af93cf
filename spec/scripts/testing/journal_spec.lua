local device = require "jig.testing.device"
local journal = require "jig.testing.journal"
local ledger = require "jig.ledger"
local rig = require "jig.testing.rig"
local system = require "jig.system"
local testing = require "jig.testing"

-- A run of the thermostat that is written into a journal.
local function run(kept, change)
  local plan = testing.load "examples/thermostat"
  plan.device, plan.record, plan.journal = testing.device(plan.folder), kept.record, kept:config()
  for key, value in pairs(change or {}) do plan[key] = value end
  local made <close> = rig.new(plan)
  assert.equal("ended", made:run())
  return made
end

describe("jig.testing.journal", function()
  it("keeps what its runs tell, one after the other", function()
    local kept <close> = journal.new()
    assert.same({}, kept:sessions())
    local failing = device.replying(testing.device "examples/thermostat/", { { status = 0x11 } })
    run(kept, { session_id = "one" })
    run(kept, { session_id = "two", device = failing, retries = 1 })
    assert.equal(2, kept.runs)
    local one, two, again = table.unpack(kept:sessions())
    assert.same({ "one", 1, "finished" }, { one.id, one.attempt, one.state })
    assert.same({ "two", 1, "reported" }, { two.id, two.attempt, two.state })
    assert.same({ "two", 2, "reported" }, { again.id, again.attempt, again.state })
    assert.same({ two, again }, kept:sessions "two")
    assert.same({}, kept:sessions("three"))
  end)

  it("tells what has no end", function()
    local kept <close> = journal.new()
    run(kept, { session_id = "closed" })
    run(kept, { session_id = "open", cli = { report_error = { exit = 1 }, get_device_configuration = { exit = 1 } } })
    local unended = journal.unended(kept:sessions("open", "closed"))
    assert.equal(1, #unended)
    assert.same({ "open", "owing" }, { unended[1].id, unended[1].state })
    assert.same({ "passed", "open" }, { kept:sessions("closed")[1].result, kept:sessions("open", "closed")[2].id })
  end)

  it("has another owner after a kill", function()
    local kept <close> = journal.new()
    local before = kept.record:owner()
    kept:succeed()
    assert.not_equal(before, kept.record:owner())
    assert.equal(kept.record:owner(), kept:config().owner)
  end)

  it("is gone with its folder when it is closed, twice too", function()
    local kept = journal.new()
    assert.truthy(system.realpath(kept.folder))
    assert.falsy(system.realpath(kept.path)) -- it is in memory
    run(kept, { session_id = "one" })
    kept:close()
    kept:close()
    assert.falsy(system.realpath(kept.folder))
    assert.equal("not_found", (select(3, ledger.open(kept.path, "shared"))))
  end)

  it("has a path from the root, whatever $TMPDIR says", function()
    local make, getenv = system.make_folder, os.getenv
    -- luacheck: push ignore 122 (put back below)
    system.make_folder = function(path) return not path:find "^/dev/shm/" and make(path) or nil end
    os.getenv = function(name) return name == "TMPDIR" and ("../"):rep(20) .. "tmp" or getenv(name) end
    local made, kept = pcall(journal.new)
    system.make_folder, os.getenv = make, getenv
    -- luacheck: pop
    assert.is_true(made, kept)
    assert.matches("^/tmp/jig%-", kept.folder)
    run(kept, { session_id = "one" })
    assert.equal(1, #kept:sessions())
    kept:close()
  end)
end)
