local events = require "spec.support.events"
local ledgers = require "spec.ledger"
local proc = require "jig.proc"
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

  it("refuses events of sessions that are none, and what is malformed", function()
    local ledger <close> = memory()
    local long = ("x"):rep(129)
    for _, case in ipairs {
      { "misuse", { kind = "pruned" } },
      { "misuse", { kind = "pruned", session = "s1" } },
      { "misuse", { kind = "no such kind", session = "s1" } },
      { "misuse", { kind = "started", session = "s1", facts = '{"run":"r1"}' } },
      { "misuse", { kind = "started" } }, -- no run
      { "misuse", { kind = "opening", session = "" } },
      { "misuse", { kind = "opening", session = "s1" } }, -- no unit
      { "misuse", { kind = "opening", session = long, facts = events.opening().facts } },
      { "misuse", { kind = "opening", session = "s1", facts = "" } },
      { "misuse", { kind = "opening", session = "s1", facts = "{" } },
      { "misuse", { kind = "opening", session = "s1", facts = "[]" } },
      { "misuse", { kind = "opening", session = "s1", facts = '"x"' } },
      { "misuse", { kind = "opening", session = "s1", facts = '{"unit":"r1.1","number":"three"}' } },
      { "misuse", { kind = "ended", facts = '{"unit":"r1.1"}' } }, -- no result
      { "misuse", { kind = "ended", facts = '{"unit":"r1.1","result":"fine"}' } },
      { "misuse", { kind = "ended", facts = '{"unit":"r1.1","result":"passed"}' } }, -- without a session
      { "misuse", { kind = "ended", facts = '{"result":"failed"}' } }, -- no unit
    } do
      local code, text = events.try(ledger, case[2])
      assert.equal(case[1], code, tostring(case[2].facts))
      assert.is_true(#text > 10)
    end
    for _, name in ipairs { "event", "run", "unit", "session", "fault" } do
      assert.equal(0, one(ledger, "SELECT count(*) AS n FROM " .. name).n)
    end
    events.append(ledger, events.opening { session = long:sub(2) })
  end)

  it("takes a second attempt of one id, and no attempt twice", function()
    local ledger <close> = memory()
    events.reach(ledger, "reported")
    assert.equal("misuse", (events.try(ledger, events.opening())))
    events.append(ledger, events.opening { attempt = 2 })
    assert.equal("misuse", (events.try(ledger, events.opening { attempt = 2, serial = "T9" })))
  end)

  it("says only why an event was refused when nothing was appended", function()
    local folder <close> = scratch.folder()
    local ledger <close> = assert(ledgers.ledger(folder.path .. "/ledger"))
    events.append(ledger, events.opening())
    local wal = #folder:read "ledger-wal"
    local results = assert(ledger:append(events.finishing(), events.opening()))
    assert.same({ "misuse", "misuse" }, { results[1][2], results[2][2] })
    assert.same({}, assert(ledger:append()))
    assert.equal(wal, #folder:read "ledger-wal")
  end)

  it("leaves nothing of an event whose facts its rows cannot take, between others", function()
    local ledger <close> = memory()
    local bad = events.opening { session = "s2", serial = "T2", unit = "" }
    local results = assert(ledger:append(events.opening(), bad, events.opened(), bad))
    assert.same({ true, "misuse", true, "misuse" }, { results[1], results[2][2], results[3], results[4][2] })
    assert.equal(2, one(ledger, "SELECT count(*) AS n FROM event").n)
    assert.equal(1, one(ledger, "SELECT count(*) AS n FROM session").n)
    assert.is_true(ledger:verify().sound)
    events.append(ledger, events.configured())
    assert.is_true(ledger:verify().sound)
  end)

  it("appends a whole life in one call", function()
    local ledger <close> = memory()
    local list = {}
    for i, kind in ipairs(events.ways.finished) do list[i] = events.event(kind) end
    list[#list + 1] = events.ended()
    events.append(ledger, table.unpack(list))
    assert.equal("passed", one(ledger, "SELECT result FROM unit").result)
  end)

  describe("ends a session once", function()
    for _, state in ipairs { "finished", "reported", "refused", "settled" } do
      it("as " .. state, function()
        local ledger <close> = memory()
        events.reach(ledger, state, { time = 3 })
        local row = one(ledger, "SELECT state, ended FROM session")
        assert.same({ state, events.at(3) }, { row.state, row.ended })
        for _, kind in ipairs { "finished", "reported", "refused", "settled" } do
          assert.equal("misuse", (events.try(ledger, events.event(kind))))
        end
      end)
    end
  end)

  describe("takes a fingerprint", function()
    it("that comes late, for a session that is owed or being reported", function()
      for _, late in ipairs {
        { events.unknown { command = "handle_device_response" } },
        { events.unknown { command = "handle_device_response" }, events.reporting() },
        { events.reporting() },
      } do
        local ledger <close> = memory()
        events.reach(ledger, "finishing")
        events.append(ledger, table.unpack(late))
        events.append(ledger, events.finished())
        local unit = one(ledger, "SELECT result, fault, code, fingerprint FROM unit")
        assert.same({ "passed", nil, nil, events.FINGERPRINT },
          { unit.result, unit.fault, unit.code, unit.fingerprint })
        assert.equal("misuse", (events.try(ledger, events.reported())))
      end
    end)

    it("only when handle_device_response was called", function()
      for _, state in ipairs { "owing", "reporting" } do
        local ledger <close> = memory()
        events.reach(ledger, state)
        local code, text = events.try(ledger, events.finished())
        assert.equal("misuse", code)
        assert.matches("handle_device_response was not called", text)
      end
    end)

    it("and names who had it before", function()
      local ledger <close> = memory()
      for i = 1, 4 do
        events.reach(ledger, "finished", { session = "s" .. i, unit = "r1." .. i, serial = "T" .. i,
          fingerprint = i == 3 and "00" or events.FINGERPRINT })
      end
      local repeats = {}
      for i, row in ipairs(ledger:rows "SELECT repeats FROM session ORDER BY event") do
        repeats[i] = row.repeats or "-"
      end
      assert.equal("- s1 - s1", table.concat(repeats, " "))
    end)
  end)

  it("knows which commands can be refused or unknown, and when", function()
    local all = { "new_device", "get_device_configuration", "handle_device_response", "report_error", "other" }
    local commands_but_report <const> = "new_device get_device_configuration handle_device_response other"
    local allowed = {
      opening = { refused = "new_device", unknown = commands_but_report },
      opened = { refused = "", unknown = commands_but_report },
      finishing = { refused = "", unknown = commands_but_report },
      owing = { refused = "", unknown = "" },
      reporting = { refused = "report_error", unknown = "report_error" },
    }
    for state, kinds in pairs(allowed) do
      for kind, commands in pairs(kinds) do
        for _, command in ipairs(all) do
          local ledger <close> = memory()
          events.reach(ledger, state)
          local may = (" " .. commands .. " "):find(" " .. command .. " ", 1, true) and "ok" or "misuse"
          assert.equal(may, (events.try(ledger, events.event(kind, { command = command }))),
            table.concat({ state, kind, command }, " "))
        end
        local ledger <close> = memory()
        events.reach(ledger, state)
        assert.equal("misuse", (events.try(ledger, events.event(kind, { command = "" }))))
      end
    end
  end)

  it("waits longer for each further report, up to an hour", function()
    local ledger <close> = memory()
    events.reach(ledger, "owing")
    local delays = {}
    for i = 1, 12 do
      events.append(ledger, events.reporting { time = 100 * i },
        events.event(i % 2 == 0 and "unknown" or "refused", { command = "report_error", time = 100 * i }))
      local row = one(ledger, "SELECT again_at, calls, refusals, state FROM session")
      assert.same({ i, (i + 1) // 2, "owing" }, { row.calls, row.refusals, row.state })
      delays[i] = (row.again_at - events.at(100 * i)) // events.SECOND
    end
    assert.equal("10 20 40 80 160 320 640 1280 2560 3600 3600 3600", table.concat(delays, " "))
    assert.equal(1, #ledger:rows "SELECT * FROM fault")
  end)

  describe("lets a serial be made again", function()
    local function result(again, state)
      local ledger <close> = memory()
      events.reach(ledger, state)
      return (events.try(ledger, events.opening { session = "s2", unit = "r1.2", again = again }))
    end

    it("after its session ended without a device", function()
      for _, state in ipairs { "refused", "reported", "settled" } do assert.equal("ok", result(nil, state), state) end
    end)

    it("when it was made, with a reason", function()
      assert.equal("duplicate", result(nil, "finished"))
      assert.equal("ok", result("rework", "finished"))
    end)

    it("when it was given up while it may have been made, with a reason", function()
      for again, code in pairs { [false] = "duplicate", rework = "ok" } do
        local ledger <close> = memory()
        events.reach(ledger, "finishing")
        events.append(ledger, events.unknown { command = "handle_device_response" }, events.settled())
        local got, text = events.try(ledger,
          events.opening { session = "s2", unit = "r1.2", again = again or nil })
        assert.equal(code, got)
        assert.equal(code == "duplicate" and
          "serial T1 may have been made: session s1 was settled at 2026-03-01T00:00:00Z without its outcome" or nil,
          text)
      end
    end)

    it("never while it is being made, and says who makes it", function()
      local ledger <close> = memory()
      events.append(ledger, events.opening())
      local _, text = events.try(ledger, events.opening { session = "s2", unit = "r1.2", again = "rework" })
      assert.equal("serial T1 is being made: session s1 is opening since 2026-03-01T00:00:00Z", text)
      for _, state in ipairs { "opening", "opened", "configured", "finishing", "owing", "reporting" } do
        assert.equal("duplicate", result(nil, state), state)
        assert.equal("duplicate", result("rework", state), state)
      end
    end)

    it("once", function()
      local ledger <close> = memory()
      events.reach(ledger, "finished")
      events.reach(ledger, "finished", { session = "s2", unit = "r1.2", again = "rework" })
      assert.equal("duplicate", (events.try(ledger, events.opening { session = "s3", unit = "r1.3" })))
      local claims = ledger:rows "SELECT id, claim FROM session ORDER BY event"
      assert.same({ nil, "T1" }, { claims[1].claim, claims[2].claim })
    end)

    it("and says so still when that was refused, which opened nothing", function()
      for _, pruned in ipairs { false, "before", "after" } do
        local ledger <close> = memory()
        local function prune(state)
          if pruned == state then assert.is_true(assert(ledger:prune(events.at(1 << 20))) > 0) end
        end
        events.reach(ledger, "finished")
        prune "before"
        for i = 2, 3 do
          events.reach(ledger, "refused", { session = "s" .. i, unit = "r1." .. i, again = "rework" })
        end
        prune "after"
        local code, text = events.try(ledger, events.opening { session = "s4", unit = "r1.4" })
        assert.equal("duplicate", code, pruned)
        assert.matches("^serial T1 was made: session s1 finished at ", text)
        assert.equal("ok", (events.try(ledger, events.opening { session = "s5", unit = "r1.5", again = "rework" })))
      end
    end)

    it("and keeps one that may have been made, too, when a refused attempt is removed with it", function()
      local ledger <close> = memory()
      events.reach(ledger, "finishing")
      events.append(ledger, events.unknown { command = "handle_device_response" }, events.settled())
      events.reach(ledger, "refused", { session = "s2", unit = "r1.2", again = "rework" })
      assert(ledger:prune(events.at(1 << 20)))
      assert.equal("duplicate", (events.try(ledger, events.opening { session = "s3", unit = "r1.3" })))
    end)

    it("and takes units without one", function()
      local ledger <close> = memory()
      for i, serial in ipairs { "", "", false } do
        local event = events.opening { session = "s" .. i, unit = "r1." .. i, serial = serial or "" }
        if i == 2 then event.facts = event.facts:gsub("^{", '{"serial":"",') end
        events.append(ledger, event)
      end
    end)
  end)

  describe("settles a unit", function()
    local function unit(ledger)
      local row = one(ledger, "SELECT * FROM unit")
      row.types = nil
      return row
    end

    it("that passes, when the fingerprint is known and nothing follows", function()
      local ledger <close> = memory()
      events.append(ledger, events.started { lot = "L1" }, events.opening { time = 1 })
      assert.same({ event = 2, id = "r1.1", run = "r1", number = 1, slot = "A", serial = "T1", lot = "L1", attempts = 1,
        session = "s1", started = events.at(1) }, unit(ledger))
      events.append(ledger, events.opened(), events.configured(), events.finishing(), events.finished { time = 2 })
      local row = unit(ledger)
      assert.same({ "passed", events.FINGERPRINT, events.at(2) }, { row.result, row.fingerprint, row.ended })
      events.append(ledger, events.ended { time = 3, lot = "L2" })
      row = unit(ledger)
      assert.same({ "passed", events.at(3), 420000, "L2" }, { row.result, row.ended, row.took, row.lot })
    end)

    it("only at its end, when hooks follow", function()
      local ledger <close> = memory()
      events.reach(ledger, "finished", { after = 1 })
      assert.is_nil(unit(ledger).result)
      events.append(ledger, events.ended())
      assert.equal("passed", unit(ledger).result)
    end)

    it("that was made with a fault", function()
      local ledger <close> = memory()
      events.reach(ledger, "finished", { after = 1 })
      events.append(ledger, events.manufactured_with_fault { time = 5 })
      local row = unit(ledger)
      assert.same({ "manufactured with fault", "lamp.dark", 50, events.FINGERPRINT, events.at(5) },
        { row.result, row.fault, row.code, row.fingerprint, row.ended })
      assert.equal("misuse", (events.try(ledger, events.manufactured_with_fault())))
      assert.equal("misuse", (events.try(ledger, events.ended { result = "passed" })))
      assert.equal("misuse", (events.try(ledger, events.ended { result = "failed" })))
      events.append(ledger, events.ended { result = "manufactured with fault", passed = false,
        fault = { name = "lamp.dark", code = 50, line = "recipe.lua:9" } })
      assert.equal("misuse", (events.try(ledger, events.ended { result = "manufactured with fault" })))
      local fault = one(ledger, "SELECT * FROM fault")
      assert.same({ "r1.1", "s1", 1, "lamp.dark", 50, "dark", "finish", "recipe.lua:9" },
        { fault.unit, fault.session, fault.attempt, fault.name, fault.code, fault.reason, fault.phase, fault.line })
    end)

    it("that failed, and begins anew with the next attempt", function()
      local ledger <close> = memory()
      events.reach(ledger, "reporting")
      local row = unit(ledger)
      assert.same({ "failed", "lamp.broken", 201 }, { row.result, row.fault, row.code })
      events.append(ledger, events.reported(), events.ended { result = "failed", passed = false, took = 7,
        fault = { name = "lamp.broken", code = 201, reason = "it broke", phase = "exchange", line = "x:1" } })
      local fault = one(ledger, "SELECT * FROM fault")
      assert.same({ 4, "it broke", "exchange", "x:1" }, { fault.event, fault.reason, fault.phase, fault.line })
      assert.equal(7, unit(ledger).took)
      events.append(ledger, events.opening { session = "s2", attempt = 2 })
      row = unit(ledger)
      assert.same({ nil, nil, nil, nil, nil, 2, "s2" },
        { row.result, row.fault, row.code, row.ended, row.took, row.attempts, row.session })
    end)

    it("whose session was refused or given up", function()
      for _, state in ipairs { "refused", "settled" } do
        local ledger <close> = memory()
        events.reach(ledger, state)
        assert.equal("failed", unit(ledger).result)
        assert.equal("misuse", (events.try(ledger, events.ended { result = "passed" })))
        events.append(ledger, events.ended { result = "failed", passed = false })
      end
    end)

    it("whose attempt opened no session", function()
      local ledger <close> = memory()
      local event = events.ended { result = "failed", passed = false, took = 2000000, time = 9,
        fault = { name = "connectivity.lost", code = 101, reason = "gone", phase = "prepare" } }
      event.session = ""
      events.append(ledger, event)
      local row = unit(ledger)
      assert.same({ "failed", "connectivity.lost", 101, nil, events.at(7), events.at(9) },
        { row.result, row.fault, row.code, row.session, row.started, row.ended })
      local fault = one(ledger, "SELECT * FROM fault")
      assert.same({ "r1.1", "", "connectivity.lost", "prepare" },
        { fault.unit, fault.session, fault.name, fault.phase })
      events.append(ledger, event) -- there may be several
      events.append(ledger, events.opening { attempt = 3 })
      row = unit(ledger)
      assert.same({ nil, "s1", 3, events.at(7) }, { row.result, row.session, row.attempts, row.started })
    end)

    it("while its session is still owed", function()
      local ledger <close> = memory()
      events.reach(ledger, "owing")
      events.append(ledger, events.ended { result = "failed", passed = false })
      assert.equal("failed", unit(ledger).result)
      events.append(ledger, events.reporting(), events.reported())
      assert.equal("failed", unit(ledger).result)
    end)
  end)

  it("lets one of several processes have a serial", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/ledger"
    local racer = folder:tool("racer", [[
      package.cpath = arg[1] .. "/?.so;" .. package.cpath
      local ledgers = require "spec.ledger"
      local ledger = assert(ledgers.ledger(arg[2], "write", 60))
      local won = 0
      for i = 1, 40 do
        local results = assert(ledger:append({ kind = "opening", session = arg[3] .. "." .. i,
          facts = ('{"unit":"%s.%d","serial":"T%d"}'):format(arg[3], i, i) }))
        if results[1] == true then won = won + 1 else assert(results[1][2] == "duplicate", results[1][1]) end
      end
      print(won)
    ]])
    local build = scratch.program:match "^(.*)/"
    local children = {}
    for i = 1, 4 do children[i] = assert(proc.start { racer, build, path, tostring(i), limit = 120 }) end
    local won = 0
    for _, child in ipairs(children) do
      local result = assert(child:wait())
      assert.equal("", result.stderr)
      won = won + tonumber(result.stdout)
    end
    assert.equal(40, won)
    local ledger <close> = assert(ledgers.ledger(path, "read"))
    local report = assert(ledger:verify())
    assert(report.sound, report.text)
    assert.same({ 40, 40 }, { report.events, one(ledger, "SELECT count(DISTINCT claim) AS n FROM session").n })
  end)

  it("lets one of two connections have a serial, and goes on behind the other's events", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/ledger"
    local a <close> = assert(ledgers.ledger(path))
    local b <close> = assert(ledgers.ledger(path))
    events.append(a, events.opening { session = "a" })
    assert.equal("duplicate", (events.try(b, events.opening { session = "b", unit = "r1.2" })))
    events.append(b, events.opened { session = "a" })
    events.append(a, events.configured { session = "a" })
    assert.is_true(b:verify().sound)
    assert(a:begin())
    assert.equal("busy", select(3, b:append(events.finishing { session = "a" })))
    assert(a:finish(true))
    events.append(b, events.finishing { session = "a" })
  end)

  it("finds the latest, and those of a session, a serial and so on, by an index", function()
    local ledger <close> = memory()
    local queries = { "SELECT * FROM unit ORDER BY event DESC LIMIT 50",
      "SELECT * FROM event WHERE session = ?1 AND attempt = ?2 ORDER BY id",
      "SELECT * FROM event WHERE session = ?1 ORDER BY attempt, id",
      "SELECT * FROM session WHERE id = ?1", "SELECT * FROM session WHERE ended IS NULL AND owner <> ?1",
      "SELECT * FROM session WHERE unit = ?1", "SELECT * FROM fault WHERE session = ?1 AND attempt = ?2",
      "SELECT * FROM fault WHERE unit = ?1", "SELECT * FROM unit WHERE started >= ?1 ORDER BY started DESC LIMIT 50" }
    for _, column in ipairs { "serial", "session", "lot", "slot", "result", "fault", "run", "id" } do
      queries[#queries + 1] = ("SELECT * FROM unit WHERE %s = ?1 ORDER BY event DESC LIMIT 50"):format(column)
    end
    for _, sql in ipairs(queries) do
      for _, row in ipairs(assert(ledger:rows("EXPLAIN QUERY PLAN " .. sql))) do
        local fine = row.detail:match "^SEARCH" or row.detail:match "INDEX session_live" or row.detail == "SCAN unit"
        assert(fine, sql .. ": " .. row.detail)
        if row.detail == "SCAN unit" then assert.equal(queries[1], sql) end
      end
    end
  end)
end)
