local events = require "spec.support.events"
local journals = require "spec.support.journals"
local ledgers = require "spec.ledger"

-- Seconds after the start: the year 2057.
local LATER <const> = 1000000000

local function memory()
  return assert(ledgers.ledger("", "memory"))
end

local function count(ledger, name)
  return ledger:rows("SELECT count(*) AS n FROM " .. name)[1].n
end

-- A run with one unit that passes; `n` tells them apart; 10 seconds each.
local function unit(ledger, n, with)
  local run = "r" .. n
  local all = { session = "s" .. n, run = run, unit = run .. ".1", serial = "T" .. n, time = 10 * n,
    fingerprint = ("%040d"):format(n) }
  for name, value in pairs(with or {}) do all[name] = value end
  events.append(ledger, events.started { run = run, time = all.time })
  events.unit(ledger, all)
end

-- Prunes and checks that what is left is sound.
local function prune(ledger, seconds)
  local before = count(ledger, "event")
  local expected, through = ledger:prunable(events.at(seconds))
  assert.equal(before, count(ledger, "event"))
  assert.equal(expected > 0, through > 0)
  local removed = assert(ledger:prune(events.at(seconds)))
  assert.equal(expected, removed)
  local report = assert(ledger:verify())
  assert(report.sound, report.text)
  return removed
end

describe("core/ledger_prune", function()
  it("removes what is older, with its rows, and keeps serials and fingerprints", function()
    local ledger <close> = memory()
    for n = 1, 4 do unit(ledger, n) end
    assert.equal(14, prune(ledger, 30))
    assert.equal(2 * 7 + 1, count(ledger, "event"))
    for _, name in ipairs { "run", "unit", "session", "kept" } do assert.equal(2, count(ledger, name), name) end
    local kept = ledger:rows "SELECT * FROM kept ORDER BY event"
    assert.same({ 2, "T1", "s1", events.at(10), ("%040d"):format(1) },
      { kept[1].event, kept[1].serial, kept[1].session, kept[1].time, kept[1].fingerprint })
    local pruned = ledger:rows("SELECT * FROM event ORDER BY id DESC LIMIT 1")[1]
    assert.same({ "pruned", "", 29 }, { pruned.kind, pruned.session, pruned.id })
    assert.matches('^{"through":14,"hash":"%x+","events":14,"kept_sha256":"%x+"}$', pruned.facts)
    local report = ledger:verify()
    assert.same({ 14, 15, 29, 15 }, { report.pruned, report.first, report.last, report.events })
  end)

  it("removes nothing when nothing is older, and adds nothing then", function()
    local ledger <close> = memory()
    assert.equal(0, prune(ledger, 1000))
    unit(ledger, 1)
    assert.equal(0, prune(ledger, 10))
    assert.equal(7, count(ledger, "event"))
    assert.equal(7, prune(ledger, 11))
    assert.equal(0, prune(ledger, 11))
    assert.equal(1, count(ledger, "event"))
  end)

  it("can be done again and again", function()
    local ledger <close> = memory()
    -- "pruned" has the time of this machine, which is before these
    for n = 1, 6 do
      unit(ledger, n, { time = LATER + 10 * n })
      assert.equal(n > 1 and (n > 2 and 8 or 7) or 0, prune(ledger, LATER + 10 * n))
    end
    assert.equal(5, count(ledger, "kept"))
    assert.equal(8, prune(ledger, LATER + 1000))
    assert.equal(6, count(ledger, "kept"))
  end)

  it("cuts no session, unit or run in two", function()
    for name, fill in pairs {
      ["a session that has not ended"] = function(l)
        events.append(l, events.opening { session = "open", unit = "o.1", run = "o", serial = "O", time = 1 })
      end,
      ["a unit that is not settled"] = function(l)
        events.reach(l, "finished", { session = "open", unit = "o.1", run = "o", serial = "O", time = 1, after = 1 })
      end,
    } do
      local ledger <close> = memory()
      fill(ledger)
      local before = count(ledger, "event")
      unit(ledger, 1)
      assert.equal(0, prune(ledger, 1000), name)
      assert.equal(before + 7, count(ledger, "event"))
    end
    local ledger <close> = memory()
    -- a unit whose second attempt is young, and a run that goes on
    unit(ledger, 1)
    events.reach(ledger, "reported", { session = "a", unit = "u.1", run = "u", serial = "A", time = 20 })
    unit(ledger, 2)
    events.unit(ledger, { session = "b", attempt = 2, unit = "u.1", run = "u", serial = "A", time = 50 })
    assert.equal(7, prune(ledger, 40))
    events.append(ledger, events.started { run = "v", time = 51 })
    events.unit(ledger, { session = "c", unit = "v.1", run = "v", serial = "C", time = 60 })
    events.unit(ledger, { session = "d", unit = "v.2", run = "v", serial = "D", time = 90 })
    prune(ledger, 80)
    assert.equal("v", ledger:rows("SELECT id FROM run")[1].id)
    assert.equal(2, #ledger:rows "SELECT * FROM unit")
  end)

  it("still refuses what was made, and lets it be made again", function()
    local ledger <close> = memory()
    unit(ledger, 1)
    prune(ledger, 100)
    local code, text = events.try(ledger, events.opening { session = "n", unit = "n.1", serial = "T1", time = 200 })
    assert.same({ "duplicate", "serial T1 was made: session s1 finished at 2026-03-01T00:00:10Z" }, { code, text })
    local again = { session = "n", unit = "n.1", run = "n", serial = "T1", time = 200, again = "rework" }
    events.reach(ledger, "reported", again)
    events.append(ledger, events.ended { session = "n", unit = "n.1", run = "n", serial = "T1", time = 200,
      result = "failed", passed = false })
    -- released by "again": now, and when that session is pruned, too
    events.append(ledger, events.started { run = "z", time = 200 })
    assert(ledger:prune(events.at(LATER)) > 0)
    assert.same({}, ledger:rows "SELECT serial FROM kept WHERE serial IS NOT NULL")
    assert.equal(1, count(ledger, "kept"))
    events.unit(ledger, { session = "m", unit = "m.1", run = "m", serial = "T1", time = 400,
      fingerprint = ("%040d"):format(1) })
    assert.equal("s1", ledger:rows("SELECT repeats FROM session")[1].repeats)
    prune(ledger, LATER)
    assert.equal(2, count(ledger, "kept"))
  end)

  it("still refuses what may have been made", function()
    local ledger <close> = memory()
    events.append(ledger, events.started())
    events.reach(ledger, "finishing")
    events.append(ledger, events.unknown { command = "handle_device_response" }, events.settled(),
      events.ended { result = "failed", passed = false })
    assert(prune(ledger, LATER) > 0)
    assert.same({}, ledger:rows "SELECT * FROM session")
    assert.equal("duplicate", (events.try(ledger, events.opening { session = "n", unit = "n.1", time = 500 })))
    local report = assert(ledger:verify())
    assert.is_true(report.sound, report.text)
  end)

  it("keeps heads of events that stay", function()
    local ledger <close> = journals.memory()
    assert.equal(0, prune(ledger, -1))
  end)
end)
