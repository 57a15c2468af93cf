local events = require "spec.support.events"
local journals = require "spec.support.journals"
local reading = require "spec.support.reading"

local ID <const> = "00112233445566778899"

-- Units whose sessions have these ids, in a run.
local function sessions(...)
  local ids = { ... }
  return function(ledger)
    for n, id in ipairs(ids) do
      events.unit(ledger, { session = id, unit = "r1." .. n, serial = "T" .. n, fingerprint = "f" .. n, time = n })
    end
  end
end

describe("jig journal show", function()
  it("tells a session that passed", function()
    local at <close> = reading.journal(function(ledger)
      events.append(ledger, events.started())
      for i, kind in ipairs(events.ways.finished) do
        events.append(ledger, events.event(kind, { time = i / 4 // 0.001 | 0 }))
      end
      local phases = { { name = "connect", us = 20000 }, { name = "prepare", us = 1 } }
      events.append(ledger, events.ended { time = 2, phases = phases })
    end)
    assert.equal([[
session s1
  serial       T1
  unit         r1.1, attempt 1 of 1
  where        slot A, station line 1, lot L7, operator eva
  recipe       lamp 2
  CLI          /opt/tool

2026-03-01T00:04:10.000Z    +0.000  new_device is called
2026-03-01T00:08:20.000Z  +250.000  new_device has answered: the session is open
2026-03-01T00:12:30.000Z  +500.000  get_device_configuration has answered
2026-03-01T00:16:40.000Z  +750.000  handle_device_response is called
2026-03-01T00:20:50.000Z +1000.000  made: the fingerprint is 247024e2ab7a6144f158afa164036a32a953976e
2026-03-01T00:00:02.000Z  -248.000  the attempt ended: passed

  verdict      passed
  fingerprint  247024e2ab7a6144f158afa164036a32a953976e
  report       none is owed: it was made
  took         0.420 s
  phases       connect 0.020, prepare 0.000 s
  bytes        10 received, 20 sent
  gate         waited 0.000 s

attempts of this unit
>  1  2026-03-01T00:04:10.000Z  s1  passed  247024e2ab7a6144f158afa164036a32a953976e
]], at:read("show", "s1").stdout)
  end)

  it("tells a session that failed: fault, line, traceback, the report's calls", function()
    local at <close> = reading.journal(function(ledger)
      local failed = { passed = false, result = "failed", fault = { name = "tool.recipe", code = 902, reason = "nil",
        phase = "finish", line = "recipe.lua:3", traceback = "stack:\n\trecipe.lua:3\27[2J\n\trecipe.lua:9" } }
      events.reach(ledger, "reporting")
      events.append(ledger, events.refused { command = "report_error", why = "busy" }, events.reporting(),
        events.reported(), events.ended(failed))
    end)
    local text = at:read("show", "s1").stdout
    assert.matches("the report was not accepted: busy\n", text, 1, true)
    assert.matches([[
  verdict      failed
  fault        tool.recipe (902): nil  in finish
  at           recipe.lua:3
               stack:
                 recipe.lua:3?[2J
                 recipe.lua:9
  report       accepted
]], text, 1, true)
  end)

  it("lists all attempts of the unit, and other units with its serial number", function()
    local at <close> = reading.journal(function(ledger)
      journals.fill(ledger)
      events.reach(ledger, "opened", { session = "s9", unit = "r9.1", serial = "T2", again = "lid off", time = 99 })
    end)
    local text = at:read("show", "s2").stdout
    assert.matches("unit         r1.2, attempt 1 of 2\n", text, 1, true)
    assert.matches([[
attempts of this unit
>  1  2026-03-01T00:00:20.000Z  s2  failed  lamp.dark (50)
   2  2026-03-01T00:00:30.000Z  s3  manufactured with fault  lamp.dark (50)

other units with this serial number
      2026-03-01T00:01:39.000Z  s9  no result
]], text, 1, true)
    text = at:read("show", "s3").stdout
    assert.matches("repeats      session s1 got the same fingerprint before\n", text, 1, true)
    assert.matches("made once before, and again because: lid off", at:read("show", "s9").stdout, 1, true)
  end)

  describe("says of a session in state", function()
    for state in pairs(events.ways) do
      if state ~= "none" then
        it(state .. " whether a report is owed", function()
          local at <close> = reading.journal(function(ledger) events.reach(ledger, state) end)
          local owed = not (state == "finished" or state == "reported" or state == "refused" or state == "settled")
          local text = at:read("show", "s1").stdout
          assert.equal(owed, text:find("STILL OWED: `jig recover` sends it", 1, true) ~= nil, text)
          assert.equal(owed or nil, at:read("show", "s1", "--json").objects[1].report_owed)
        end)
      end
    end
  end)

  it("says that a report is owed although the attempt has ended", function()
    local at <close> = reading.journal(function(ledger)
      events.reach(ledger, "owing")
      events.append(ledger, events.ended { passed = false, result = "failed" })
    end)
    local text = at:read("show", "s1").stdout
    assert.matches("verdict      failed\n", text, 1, true)
    assert.matches("STILL OWED", text, 1, true)
    assert.matches("s1  owing, report owed", text, 1, true)
  end)

  it("finds the latest unit by its serial number, also without a session", function()
    local at <close> = reading.journal()
    assert.matches("^session s3", at:read("show", "--serial", "T2").stdout)
    local text = at:read("show", "--serial", "T6").stdout
    assert.matches("^no session was opened\n  serial       T6\n", text)
    assert.matches("connectivity.lost (101): unplugged  in prepare", text, 1, true)
    local result = at:run("show", "--serial", "T")
    assert.same({ 1, "", "jig journal show: no unit has the serial number T\n" },
      { result.exit, result.stdout, result.stderr })
  end)

  it("finds a session by the beginning of its id", function()
    local at <close> = reading.journal(sessions(ID, "00112233445566778800", "0011", "zz\27zz"))
    for given, expected in pairs { [ID] = ID, [ID:sub(1, 19)] = ID, ["0011"] = "0011", ["zz\27z"] = "zz?zz" } do
      assert.equal("session " .. expected, at:read("show", given).lines[1])
    end
  end)

  -- Each: what is given, and why it is none.
  local none = {
    { "00112", "more than one session begins with 00112: 00112233445566778800, 00112233445566778899;"
      .. " give more characters" },
    { "ffff", "no session is called ffff or begins with it" },
    { "001", "no session is called 001; a prefix has at least 4 characters" },
    { "%1122", "no session is called %1122 or begins with it" },
    { "0011_", "no session is called 0011_ or begins with it" },
    { ID .. "0", "no session is called " .. ID .. "0 or begins with it" },
    { "\27[2J", "no session is called ?[2J or begins with it" },
  }
  for _, case in ipairs(none) do
    it("ends with 1: " .. case[2], function()
      local at <close> = reading.journal(sessions(ID, "00112233445566778800"))
      local result = at:run("show", case[1])
      assert.same({ 1, "", "jig journal show: " .. case[2] .. "\n" }, { result.exit, result.stdout, result.stderr })
    end)
  end

  it("ends with 1 in a journal without events", function()
    local at <close> = reading.empty()
    assert.equal(1, at:run("show", "abcd").exit)
    assert.equal(1, at:run("show", "--serial", "T1").exit)
  end)

  it("knows units whose events were pruned", function()
    local at <close> = reading.journal(function(ledger)
      sessions(ID)(ledger)
      assert(ledger:prune(events.at(1000)))
    end)
    for _, words in ipairs { { ID }, { "--serial", "T1" } } do
      local result = at:run("show", table.unpack(words))
      assert.equal(1, result.exit)
      assert.equal(("jig journal show: T1 was made at 2026-03-01T00:00:01.000Z in session %s; its events were pruned\n")
        :format(ID), result.stderr)
    end
  end)

  it("has an object per attempt with --json, the one that is asked for with its events", function()
    local at <close> = reading.journal()
    local first, second = table.unpack(at:read("show", "s3", "--json").objects)
    assert.same({ "s2", 1, "failed", false }, { first.session, first.attempt, first.result, first.asked })
    assert.is_nil(first.events)
    assert.same({ "s3", 2, "manufactured with fault", true, "s1" },
      { second.session, second.attempt, second.result, second.asked, second.repeats })
    assert.same({ "lamp.dark", 50, "dark", "finish" },
      { second.fault.name, second.fault.code, second.fault.reason, second.fault.phase })
    assert.equal(7, #second.events)
    assert.same({ "manufactured_with_fault", "2026-03-01T00:00:31.000Z", 1 },
      { second.events[6].kind, second.events[6].time, second.events[6].offset })
  end)

  it("lets no text move the cursor", function()
    local at <close> = reading.journal(function(ledger)
      local evil = { run = "r\27", owner = "\27", slot = "\27A", station = "\27", lot = "\27", operator = "\27",
        recipe = "\27", version = "\27", cli = "\27", unit = "u\27", serial = "\27", fault = "\27",
        reason = ("\27\r"):rep(500), phase = "\27", why = "\27", passed = false, result = "failed" }
      events.append(ledger, events.started(evil))
      events.reach(ledger, "reported", evil)
      local ended = {}
      for key, value in pairs(evil) do ended[key] = value end
      ended.fault = { name = "\27", code = 1, reason = "\27", phase = "\27", line = "\27", traceback = "\27\n\27" }
      ended.phases = { { name = "\27", us = 1 } }
      events.append(ledger, events.ended(ended))
    end)
    assert.not_matches("[\27\r]", at:read("show", "s1").stdout)
  end)

  it("ends with 2 unless one session or serial number is named", function()
    local at <close> = reading.journal()
    assert.equal(2, at:run("show").exit)
    assert.equal(2, at:run("show", "s1", "--serial", "T1").exit)
  end)
end)
