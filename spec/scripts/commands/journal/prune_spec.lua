local events = require "spec.support.events"
local journal = require "jig.journal"
local reading = require "spec.support.reading"

-- Three runs with one unit each, 10 seconds apart.
local function three(ledger)
  for n = 1, 3 do
    local run = "r" .. n
    events.append(ledger, events.started { run = run, time = 10 * n })
    events.unit(ledger, { session = "s" .. n, run = run, unit = run .. ".1", serial = "T" .. n, time = 10 * n,
      fingerprint = "f" .. n })
  end
end

local function serials(at)
  return table.concat(reading.column(at:run("list", "--json"), "serial"), " ")
end

describe("jig journal prune", function()
  it("says what it would remove, and removes nothing", function()
    local at <close> = reading.journal(three)
    assert.equal("would remove: 14 events, through event 14; --yes removes them\n",
      at:read("prune", "--before", "2026-03-01T00:00:30").stdout)
    assert.same({ events = 14, through = 14, removed = false, before = "2026-03-01T00:00:30.000Z" },
      at:read("prune", "--before", "2026-03-01T00:00:30", "--json").objects[1])
    assert.equal("T1 T2 T3", serials(at))
  end)

  it("removes it with --yes, and what is left is sound", function()
    local at <close> = reading.journal(three)
    assert.equal("removed: 14 events, through event 14; serial numbers and fingerprints that were made are kept\n",
      at:read("prune", "--before", "2026-03-01T00:00:30", "--yes").stdout)
    assert.equal("T3", serials(at))
    assert.equal(14, at:read("verify", "--json").objects[1].pruned)
    assert.same({ events = 7, through = 21, removed = true, before = "2026-03-01T00:00:31.000Z" },
      at:read("prune", "--before", "2026-03-01T00:00:31", "--yes", "--json").objects[1])
  end)

  it("removes nothing that is younger or has not ended", function()
    local at <close> = reading.journal(function(ledger) events.reach(ledger, "opened") end)
    for _, before in ipairs { "2026-03-01", "1s" } do
      for _, yes in ipairs { "--yes", "--json" } do
        local result = at:read("prune", "--before", before, yes)
        assert.matches(yes == "--yes" and "^nothing to remove" or '"events":0', result.stdout)
      end
    end
    assert.equal("T1", serials(at))
  end)

  it("ends with 2 without a date, or with a wrong one", function()
    local at <close> = reading.journal(three)
    assert.equal(2, at:run("prune").exit)
    assert.equal(2, at:run("prune", "--yes").exit)
    assert.equal(2, at:run("prune", "--before", "2026-02-30", "--yes").exit)
    assert.equal("T1 T2 T3", serials(at))
  end)

  it("keeps what a jig that runs said when it began, though none of its units is at work", function()
    local at <close> = reading.journal(function(ledger)
      events.append(ledger, events.started { owner = "0b", run = "r0" })
      events.unit(ledger, { session = "s0", unit = "r0.1", run = "r0", serial = "T0", time = 1 })
      events.append(ledger, events.started { time = 2 })
      events.unit(ledger, { time = 3 })
    end)
    local function prune() return at:read("prune", "--before", "2026-04-01", "--json").objects[1].events end
    local all = prune()
    do
      local lives <close> = assert(journal.take(at.path .. ".d", "0a"))
      assert.equal(7, prune())
      assert.is_not_nil(lives)
    end
    assert.equal(all, prune())
  end)
end)
