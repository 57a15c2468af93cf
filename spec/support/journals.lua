-- Ledgers with something of everything in them, for specs that check and tamper.

local events = require "spec.support.events"
local ledgers = require "spec.ledger"

local journals = {}

--- Fills a ledger with every kind of event and every table of rows.
function journals.fill(ledger)
  events.append(ledger, events.started())
  events.unit(ledger, { time = 10 })
  -- a unit that fails, is reported at the second call, and passes at its second attempt, with a fault after it
  local second = { session = "s2", unit = "r1.2", number = 2, serial = "T2", after = 1, time = 20 }
  local function add(kind, with)
    local all = {}
    for name, value in pairs(second) do all[name] = value end
    for name, value in pairs(with or {}) do all[name] = value end
    events.append(ledger, events.event(kind, all))
  end
  add "opening"
  add "opened"
  add("failed")
  add "reporting"
  add("refused", { command = "report_error" })
  add "reporting"
  add "reported"
  add("ended", { result = "failed", passed = false, fault = { name = "lamp.dark", code = 50, reason = "dark",
    phase = "exchange", line = "recipe.lua:3" } })
  for _, kind in ipairs(events.ways.finished) do
    local fingerprint = kind == "finished" and events.FINGERPRINT or nil
    add(kind, { session = "s3", attempt = 2, time = 30, fingerprint = fingerprint })
  end
  add("manufactured_with_fault", { session = "s3", attempt = 2, time = 31 })
  add("ended", { session = "s3", attempt = 2, time = 32, result = "manufactured with fault", passed = false,
    fault = { name = "lamp.dark", code = 50, reason = "dark", phase = "finish" } })
  -- one that opened nothing, one that is not known and given up, one that is still owed, one without a session
  local third = { session = "s4", unit = "r1.3", number = 3, serial = "T3", time = 40 }
  events.reach(ledger, "refused", third)
  third = { session = "s5", unit = "r1.4", number = 4, serial = "T4", time = 50 }
  events.append(ledger, events.opening(third), events.unknown(third), events.settled(third))
  events.reach(ledger, "owing", { session = "s6", unit = "r1.5", number = 5, serial = "T5", time = 60 })
  local last = events.ended { unit = "r1.6", number = 6, serial = "T6", time = 70, result = "failed", passed = false,
    fault = { name = "connectivity.lost", code = 101, reason = "unplugged", phase = "prepare" } }
  last.session = ""
  events.append(ledger, last)
end

--- A ledger in memory, filled.
function journals.memory()
  local ledger = assert(ledgers.ledger("", "memory"))
  journals.fill(ledger)
  return ledger
end

--- The columns of a table.
function journals.columns(ledger, name)
  local columns = {}
  for i, row in ipairs(assert(ledger:rows("SELECT name FROM pragma_table_info(?1)", name))) do columns[i] = row.name end
  assert(#columns > 0, name)
  return columns
end

--- The event's hash is made anew so that it follows from the one before: what only who recomputes can do.
-- In SQL there is no SHA-256, so the digest comes from jig.
function journals.rehash(ledger, first)
  local digest = require "jig.digest"
  local before = first > 1 and ledger:rows("SELECT hash FROM event WHERE id = ?1", first - 1)[1].hash or ("\0"):rep(32)
  for _, e in ipairs(ledger:rows("SELECT * FROM event WHERE id >= ?1 ORDER BY id", first)) do
    local fields = { e.id, e.time, e.kind, e.session, e.attempt, e.facts }
    for i, field in ipairs(fields) do fields[i] = string.pack(">s4", tostring(field)) end
    before = digest.sha256(before .. "\1" .. table.concat(fields))
    assert(ledger:rows("UPDATE event SET hash = ?1 WHERE id = ?2", { bytes = before }, e.id))
  end
end

return journals
