local events = require "spec.support.events"
local ledgers = require "spec.ledger"
local scratch = require "spec.support.scratch"

local function memory()
  return assert(ledgers.ledger("", "memory"))
end

-- The only row of a query.
local function one(ledger, sql, ...)
  local rows = assert(ledger:rows(sql, ...))
  assert.equal(1, #rows, sql)
  return rows[1]
end

describe("core/ledger", function()
  it("names its kinds of events", function()
    assert.equal("started opening opened configured failed refused unknown finishing finished reporting reported"
      .. " settled manufactured_with_fault ended pruned", table.concat(ledgers.kinds, " "))
  end)

  it("keeps events as they came, numbered from 1", function()
    local ledger <close> = memory()
    events.append(ledger, events.started(), events.opening { session = "s1", attempt = 3, time = 5 })
    local rows = ledger:rows "SELECT * FROM event ORDER BY id"
    assert.equal(2, #rows)
    assert.same({ 1, "started", "", 1, events.at(0) },
      { rows[1].id, rows[1].kind, rows[1].session, rows[1].attempt, rows[1].time })
    assert.same({ 2, "opening", "s1", 3, events.at(5), events.opening().facts },
      { rows[2].id, rows[2].kind, rows[2].session, rows[2].attempt, rows[2].time, rows[2].facts })
  end)

  it("makes the row of a run", function()
    local ledger <close> = memory()
    events.append(ledger, events.started())
    local run = one(ledger, "SELECT * FROM run")
    run.types = nil
    assert.same({ event = 1, id = "r1", owner = "0a", slot = "A", station = "line 1", lot = "L7", operator = "eva",
      recipe = "lamp", version = "2", recipe_sha256 = "00ff", cli = "/opt/tool", service = "s",
      started = events.at(0) }, run)
  end)

  it("survives being closed and opened", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/ledger"
    do
      local ledger <close> = assert(ledgers.ledger(path))
      events.unit(ledger)
    end
    local ledger <close> = assert(ledgers.ledger(path, "read"))
    assert.equal(6, one(ledger, "SELECT count(*) AS n FROM event").n)
    assert.equal("finished", one(ledger, "SELECT state FROM session").state)
    assert.equal("passed", one(ledger, "SELECT result FROM unit").result)
  end)

  describe("refuses a serial", function()
    it("that is being made or was made, and takes the other events", function()
      local ledger <close> = memory()
      events.append(ledger, events.opening())
      local results = assert(ledger:append(events.opened(), events.opening { session = "s2", unit = "r1.2" },
        events.configured()))
      assert.same({ true, { "serial T1 is being made: session s1 is opened since 2026-03-01T00:00:00Z", "duplicate" },
        true }, results)
      assert.equal(3, one(ledger, "SELECT count(*) AS n FROM event").n)
      events.append(ledger, events.finishing(), events.finished { time = 61 })
      assert.same({ "duplicate", "serial T1 was made: session s1 finished at 2026-03-01T00:01:01Z" },
        { events.try(ledger, events.opening { session = "s2", unit = "r1.2" }) })
    end)
  end)

  describe("of a session in state", function()
    local allowed = {
      none = "opening ended",
      opening = "opened failed refused unknown reporting settled ended",
      opened = "configured failed unknown reporting settled ended",
      configured = "failed unknown finishing reporting settled ended",
      finishing = "failed unknown finished reporting settled ended",
      owing = "reporting settled ended",
      reporting = "reporting reported settled ended",
      finished = "manufactured_with_fault ended",
      reported = "ended",
      refused = "ended",
      settled = "ended",
    }
    for state, kinds in pairs(allowed) do
      it(state .. " takes what may come, and nothing else", function()
        for _, kind in ipairs(ledgers.kinds) do
          if kind ~= "started" then
            local ledger <close> = memory()
            events.reach(ledger, state)
            local result = kind == "ended" and (state == "finished" and "passed" or "failed") or nil
            local code, text = events.try(ledger, events.event(kind, { result = result }))
            local may = (" " .. kinds .. " "):find(" " .. kind .. " ", 1, true)
            assert.equal(may and "ok" or "misuse", code, ("%s: %s"):format(kind, text))
            assert.equal(#events.ways[state] + (may and 1 or 0), one(ledger, "SELECT count(*) AS n FROM event").n)
          end
        end
      end)
    end
  end)
end)
