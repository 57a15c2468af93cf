local events = require "spec.support.events"
local hex = require "jig.hex"
local journals = require "spec.support.journals"
local ledgers = require "spec.ledger"
local scratch = require "spec.support.scratch"

local TABLES <const> = { "event", "run", "unit", "session", "fault", "kept", "head" }

local folder, private, public

-- A ledger with everything in it: pruned units, a signed head. In memory without a path.
local function full(path)
  local ledger = assert(ledgers.ledger(path or "", path and "write" or "memory"))
  events.append(ledger, events.started { run = "r0", time = -100 })
  events.unit(ledger, { session = "s0", run = "r0", unit = "r0.1", serial = "T0", time = -90,
    fingerprint = ("00"):rep(20) })
  assert.equal(7, assert(ledger:prune(events.at(-50))))
  journals.fill(ledger)
  assert(ledger:sign(private))
  return ledger
end

local function verdict(ledger, key)
  local report = assert(ledger:verify(key))
  assert.equal(report.sound, report.text:match "^sound" ~= nil)
  return report.sound, report.text, report
end

-- Ways to change a value, with "$" for the column: bytes anywhere, and another type where the table takes it.
local function changes(value, kind)
  if kind == "null" then return { "'x'", "0" } end
  if kind == "integer" then return { "$ + 1", "-$ - 1", "NULL" } end
  local list = { "NULL", kind == "text" and "$ || 'x'" or "CAST($ || x'00' AS BLOB)" }
  for i = 1, math.min(#value, 64) do
    local text = value:sub(1, i - 1) .. string.char(value:byte(i) ~ 1) .. value:sub(i + 1)
    list[#list + 1] = (kind == "text" and "CAST(x'%s' AS TEXT)" or "x'%s'"):format(hex.encode(text))
  end
  return list
end

-- Sets a column of a row, calls f and puts the row back; false when the table refuses that value.
local function try(ledger, name, columns, row, column, change, f)
  local expression, key = change:gsub("%$", column), columns[1]
  local update = ("UPDATE %s SET %s = %s WHERE %s = %d"):format(name, column, expression, key, row[key])
  local now = row[key]
  if column == key then now = ledger:rows("SELECT " .. change:gsub("%$", tostring(now)) .. " AS now")[1].now end
  if not ledger:exec(update) then return false end
  f()
  local values, marks = {}, {}
  for i, each in ipairs(columns) do
    values[i], marks[i] = row.types[each] == "bytes" and { bytes = row[each] } or row[each], "?"
  end
  assert(ledger:exec(("DELETE FROM %s WHERE %s = %d"):format(name, key, now)))
  assert(ledger:rows(("INSERT INTO %s VALUES (%s)"):format(name, table.concat(marks, ", ")),
    table.unpack(values, 1, #columns)))
  return true
end

describe("core/ledger_verify", function()
  setup(function()
    folder = scratch.folder()
    private, public = folder.path .. "/private.pem", folder.path .. "/public.pem"
    scratch.run { "openssl", "genpkey", "-algorithm", "ed25519", "-out", private }
    scratch.run { "chmod", "600", private }
    scratch.run { "openssl", "pkey", "-in", private, "-pubout", "-out", public }
  end)
  teardown(function() folder:__close() end)

  it("finds an empty ledger sound", function()
    local ledger <close> = assert(ledgers.ledger("", "memory"))
    local sound, text, report = verdict(ledger)
    assert.same({ true, "sound: no events", 0, 0 }, { sound, text, report.events, report.last })
  end)

  it("finds a ledger with something of everything sound, and says what it looked at", function()
    local ledger <close> = full()
    local sound, text, report = verdict(ledger, public)
    assert.same({ true, "sound, and signed to the last event" }, { sound, text })
    local last = ledger:rows("SELECT id, hash FROM event ORDER BY id DESC LIMIT 1")[1]
    assert.same({ last.id, last.id - 7, 8, 7, last.id, hex.encode(last.hash) }, { report.last, report.events,
      report.first, report.pruned, report.signed_through, report.hash })
    assert.is_true((verdict(ledger)))
    for _, name in ipairs(TABLES) do
      assert.is_true(ledger:rows("SELECT count(*) AS n FROM " .. name)[1].n > 0, name)
    end
    local kinds = {}
    for _, row in ipairs(ledger:rows "SELECT DISTINCT kind FROM event") do kinds[row.kind] = true end
    for _, kind in ipairs(ledgers.kinds) do assert.is_true(kinds[kind], kind) end
  end)

  it("can be done again, and writes nothing", function()
    local path = folder.path .. "/again"
    full(path):close()
    local ledger <close> = assert(ledgers.ledger(path, "read"))
    assert.is_true((verdict(ledger)))
    assert.is_true((verdict(ledger)))
    assert.same({}, ledger:rows "SELECT * FROM temp.sqlite_schema")
  end)

  for _, name in ipairs(TABLES) do
    it("notices a change of any byte in any column of " .. name, function()
      local ledger <close> = full()
      local columns, count = journals.columns(ledger, name), 0
      for _, row in ipairs(assert(ledger:rows("SELECT * FROM " .. name))) do
        for _, column in ipairs(columns) do
          for _, change in ipairs(changes(row[column], row.types[column])) do
            local where = ("%s.%s of %d = %s"):format(name, column, row[columns[1]], change)
            if try(ledger, name, columns, row, column, change, function()
              local sound, text = verdict(ledger)
              assert.is_false(sound, where)
              if name == "event" and column ~= "id" then
                -- the first one tells of the pruned ones before it
                local missing = row.id == 8 and text:match "^events 1 to 7 are missing"
                assert(missing or text:match("^event " .. row.id .. " "), where .. ": " .. text)
              end
            end) then count = count + 1 end
          end
        end
      end
      assert.is_true(count > 2 * #columns, name .. ": " .. count)
      assert.is_true((verdict(ledger)))
    end)
  end

  it("notices a value of another type that a table did not refuse", function()
    local path = folder.path .. "/types"
    full(path):close()
    local function strict(from, to)
      local store <close> = assert(ledgers.store(path))
      assert(store:exec(([[PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, '%s', '%s') WHERE type = 'table']]):format(from, to)))
    end
    for _, case in ipairs {
      { "event", "time", "CAST(time AS REAL)" }, { "event", "time", "CAST(time AS TEXT)" },
      { "event", "attempt", "CAST(attempt AS BLOB)" }, { "event", "facts", "CAST(facts AS BLOB)" },
      { "event", "kind", "CAST(kind AS BLOB)" }, { "event", "hash", "CAST(hash AS TEXT)" },
      { "unit", "number", "CAST(number AS TEXT)" },
      { "unit", "number", "CAST(number AS REAL)" }, { "unit", "serial", "CAST(serial AS BLOB)" },
      { "session", "calls", "CAST(calls AS BLOB)" }, { "session", "state", "CAST(state AS BLOB)" },
      { "run", "started", "CAST(started AS BLOB)" }, { "fault", "code", "CAST(code AS BLOB)" },
      { "kept", "session", "CAST(session AS BLOB)" }, { "kept", "time", "CAST(time AS BLOB)" },
      { "head", "key", "CAST(key AS BLOB)" }, { "head", "signature", "CAST(signature AS TEXT)" },
    } do
      local name, column, value = table.unpack(case)
      local copy = path .. ".copy"
      scratch.run { "cp", path, copy }
      scratch.run { "cp", path .. "-wal", copy .. "-wal" }
      local whole = path
      path = copy
      -- no column has an affinity that would undo the change; then the schema is put back
      local schema
      do
        local store <close> = assert(ledgers.store(path))
        schema = store:rows "SELECT name, sql FROM sqlite_schema WHERE type = 'table'"
      end
      strict(" STRICT", " ")
      strict(column .. " INTEGER", column .. " BLOB")
      strict(column .. " TEXT", column .. " BLOB")
      do
        local store <close> = assert(ledgers.store(path))
        assert(store:exec(("UPDATE %s SET %s = %s WHERE rowid = (SELECT max(rowid) FROM %s)"):format(name, column,
          value, name)))
        assert.equal(1, store:changes())
        assert(store:exec "PRAGMA writable_schema = ON")
        for _, t in ipairs(schema) do
          assert(store:rows("UPDATE sqlite_schema SET sql = ?1 WHERE name = ?2", t.sql, t.name))
        end
      end
      local ledger <close> = assert(ledgers.ledger(path, "read"))
      local sound, text = verdict(ledger)
      assert.is_false(sound, table.concat(case, " "))
      assert.not_matches("schema", text)
      -- and names the row, which the check of the file, that comes last, would not
      local row = { event = "^event %d+ was changed: its " .. column .. " is of a wrong type",
        kept = "^rows of kept", head = "head" }
      assert.matches(row[name] or "^the row of " .. name .. " from event %d+ was changed: its " .. column, text)
      path = whole
      scratch.run { "rm", "-f", copy, copy .. "-wal", copy .. "-shm" }
    end
  end)

  describe("names the first event", function()
    -- Events 1 to 7 of a unit that passes; the chain goes on behind them.
    local function chain()
      local ledger = assert(ledgers.ledger("", "memory"))
      events.append(ledger, events.started())
      events.unit(ledger, { time = 10 })
      events.append(ledger, events.opening { session = "s2", unit = "r1.2", serial = "T2" })
      return ledger
    end

    local function shift(ledger, from, by)
      assert(ledger:exec(("UPDATE event SET id = -id WHERE id >= %d; UPDATE event SET id = -id + %d WHERE id < 0")
        :format(from, by)))
    end

    local cases = {
      { "that is missing at the beginning", "events 1 to 1 are missing, and none says that they were pruned",
        function(l) assert(l:exec "DELETE FROM event WHERE id = 1") end },
      { "that is missing in the middle", "event 3 is missing",
        function(l) assert(l:exec "DELETE FROM event WHERE id = 3") end },
      { "behind one that was removed when the others moved up",
        "event 3 does not follow the one before it: events were moved, put in or changed here",
        function(l)
          assert(l:exec "DELETE FROM event WHERE id = 3")
          shift(l, 4, -1)
        end },
      { "of two that were exchanged",
        "event 3 does not follow the one before it: events were moved, put in or changed here",
        function(l)
          assert(l:exec [[UPDATE event SET id = -3 WHERE id = 3; UPDATE event SET id = 3 WHERE id = 4;
            UPDATE event SET id = 4 WHERE id = -3]])
        end },
      { "that was put in", "event 4 does not follow the one before it: events were moved, put in or changed here",
        function(l)
          shift(l, 4, 1)
          assert(l:exec "INSERT INTO event SELECT 4, time, kind, session, attempt, facts, hash FROM event WHERE id = 3")
        end },
      { "behind one that was put in with a hash of its own",
        "event 5 does not follow the one before it: events were moved, put in or changed here",
        function(l)
          shift(l, 4, 1)
          assert(l:exec "INSERT INTO event SELECT 4, time, kind, session, attempt, facts, hash FROM event WHERE id = 3")
          local later = l:rows "SELECT id, hash FROM event WHERE id > 4"
          journals.rehash(l, 4)
          for _, row in ipairs(later) do
            assert(l:rows("UPDATE event SET hash = ?1 WHERE id = ?2", { bytes = row.hash }, row.id))
          end
        end },
      { "that was changed", "event 5 was changed: what it says does not give its hash",
        function(l) assert(l:exec "UPDATE event SET time = time + 1 WHERE id IN (5, 7)") end },
      { "that was changed, the last", "event 8 was changed: what it says does not give its hash",
        function(l) assert(l:exec "UPDATE event SET session = 's3' WHERE id = 8") end },
      { "that was put before all", "event -1 was put in",
        function(l) assert(l:exec "INSERT INTO event VALUES (-1, 0, 'opened', 's', 1, '{}', x'')") end },
      { "that was put behind all", "event 9 was changed: what it says does not give its hash",
        function(l) assert(l:exec "INSERT INTO event VALUES (9, 0, 'opened', 's2', 1, '{}', x'00')") end },
      { "that no version wrote", "event 3 is of an unknown kind",
        function(l)
          assert(l:exec "UPDATE event SET kind = 'opaque' WHERE id = 3")
          journals.rehash(l, 3)
        end },
      { "that cannot stand there", "event 8 cannot stand there: UNIQUE constraint failed: session.claim",
        function(l)
          assert(l:exec [[UPDATE event SET facts = replace(facts, '"T2"', '"T1"') WHERE id = 8]])
          journals.rehash(l, 8)
        end },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local ledger <close> = chain()
        assert.is_true((verdict(ledger)))
        case[3](ledger)
        local sound, text = verdict(ledger)
        assert.same({ false, case[2] }, { sound, text })
      end)
    end

    it("wherever it is", function()
      local ledger <close> = chain()
      for id = 1, 8 do
        assert(ledger:exec(("UPDATE event SET attempt = attempt + 1 WHERE id = %d"):format(id)))
        assert.matches("^event " .. id .. " was changed", select(2, verdict(ledger)))
        assert(ledger:exec(("UPDATE event SET attempt = attempt - 1 WHERE id = %d"):format(id)))
      end
      assert.is_true((verdict(ledger)))
    end)
  end)

  it("says when last events could be gone, and notices it when the head was signed", function()
    local path = folder.path .. "/short"
    local ledger <close> = assert(ledgers.ledger(path))
    events.unit(ledger)
    local sound, text = verdict(ledger)
    assert.same({ true, "sound, but no head is signed: whether last events were removed nobody can tell" },
      { sound, text })
    assert(ledger:sign(private))
    events.append(ledger, events.started())
    sound, text = verdict(ledger, public)
    assert.same({ true, "sound; the last 1 events are not signed: whether others followed them nobody can tell" },
      { sound, text })
    assert(ledger:exec "DELETE FROM event WHERE id >= 6; DELETE FROM run")
    sound, text = verdict(ledger)
    assert.is_false(sound)
    assert.matches("^the row of unit ", text) -- the rows of units tell of more events
  end)

  it("notices removed last events by the signed head alone", function()
    local ledger <close> = assert(ledgers.ledger("", "memory"))
    events.append(ledger, events.started(), events.started { run = "r2" })
    assert(ledger:sign(private))
    assert(ledger:exec "DELETE FROM event WHERE id = 2; DELETE FROM run WHERE event = 2")
    local sound, text = verdict(ledger)
    assert.same({ false, "event 2 was signed and is missing" }, { sound, text })
    assert(ledger:exec "DELETE FROM head")
    assert.is_true((verdict(ledger)))
  end)

  it("takes only heads of the key that it is given", function()
    local other = folder.path .. "/other.pem"
    scratch.run { "openssl", "genpkey", "-algorithm", "ed25519", "-out", other }
    scratch.run { "chmod", "600", other }
    local ledger <close> = assert(ledgers.ledger("", "memory"))
    events.append(ledger, events.started())
    assert(ledger:sign(other))
    local sound, text = verdict(ledger, public)
    assert.same({ false, "none of the signed heads is signed with that key" }, { sound, text })
    assert.equal(1, select(3, verdict(ledger, other)).signed_through) -- the private key has the public one in it
    events.append(ledger, events.started { run = "r2" })
    assert(ledger:sign(private))
    events.append(ledger, events.started { run = "r3" })
    assert(ledger:sign(other))
    assert.equal(2, select(3, verdict(ledger, public)).signed_through)
    assert.equal(3, select(3, verdict(ledger)).signed_through)
    for key, code in pairs { [folder.path .. "/nowhere"] = "not_found", [folder.path] = "lost",
      ["/dev/null"] = "invalid" } do
      local report, _, found = ledger:verify(key)
      assert.is_nil(report)
      if key ~= folder.path then assert.equal(code, found) end
    end
  end)

  it("notices a trigger, whatever it is called", function()
    local path = folder.path .. "/trigger"
    full(path):close()
    do
      local store <close> = assert(ledgers.store(path))
      assert(store:exec [[PRAGMA writable_schema = ON; INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql)
        VALUES ('trigger', 'sqlite_t', 'session', 0, 'CREATE TRIGGER sqlite_t AFTER INSERT ON session BEGIN
        UPDATE session SET claim = NULL WHERE event = new.event; END')]])
    end
    local ledger <close> = assert(ledgers.ledger(path, "read"))
    local sound, text = verdict(ledger)
    assert.same({ false, "sqlite_t was put into the schema" }, { sound, text })
  end)

  it("notices rows that are missing and rows that nothing makes", function()
    for _, name in ipairs { "run", "unit", "session", "fault", "kept" } do
      local ledger <close> = full()
      assert(ledger:exec(("SAVEPOINT s; DELETE FROM %s WHERE event = (SELECT min(event) FROM %s); RELEASE s")
        :format(name, name)))
      local sound, text = verdict(ledger)
      assert.is_false(sound)
      assert.matches(name == "kept" and "rows of kept" or "^the row of " .. name .. " from event %d+ is missing", text)
    end
    for _, sql in ipairs {
      "INSERT INTO run (event, id, started) VALUES (9000, 'r9', 1)",
      "INSERT INTO unit (event, id, attempts, started) VALUES (9000, 'r9.1', 1, 1)",
      "INSERT INTO session (event, id, attempt, state, opened, after, calls, refusals)"
        .. " VALUES (9000, 's', 1, 'owing', 1, 0, 0, 0)",
      "INSERT INTO fault (event, session, attempt) VALUES (9000, 's', 1)",
      "INSERT INTO kept (event, session, time) VALUES (9000, 's', 1)",
    } do
      local ledger <close> = full()
      assert(ledger:exec(sql))
      local sound, text = verdict(ledger)
      assert.is_false(sound)
      assert.matches(sql:match "INTO kept" and "rows of kept" or "^a row was put into .*: event 9000 makes none", text)
    end
  end)

  it("notices tables and indexes that are missing, changed or put in", function()
    for sql, expected in pairs {
      ["DROP INDEX session_claim"] = "session_claim is missing in the schema",
      ["DROP INDEX session_claim; CREATE INDEX session_claim ON session (claim)"]
        = "session_claim was changed in the schema",
      ["CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM event; END"] = "t was put into the schema",
      ["CREATE VIEW a AS SELECT 1"] = "a was put into the schema",
      ["DROP TABLE kept"] = "kept is missing in the schema",
    } do
      local ledger <close> = full()
      assert(ledger:exec(sql))
      local sound, text = verdict(ledger)
      assert.same({ false, expected }, { sound, text }, sql)
    end
  end)

  it("notices a damaged file", function()
    local path = folder.path .. "/damaged"
    do
      local ledger <close> = full(path)
      assert(ledger:exec "PRAGMA wal_checkpoint(TRUNCATE)")
    end
    local text = folder:read "damaged"
    local found = 0
    for page = 2, #text // 4096 do
      folder:write("damaged", text:sub(1, page * 4096 - 4096) .. ("\x5A"):rep(4096) .. text:sub(page * 4096 + 1))
      local ledger <close> = assert(ledgers.ledger(path, "read"))
      if not verdict(ledger) then found = found + 1 end
    end
    -- pages of the schema's table or of the free list may hold nothing
    assert.is_true(found >= #text // 4096 - 3, found)
  end)
end)
