local reading = require "spec.support.reading"
local attempts = require "jig.commands.journal.attempts"
local events = require "spec.support.events"

-- The attempts of a journal as export tells them.
local function export(at, ...)
  return at:read("export", "--format", "jsonl", ...).objects
end

describe("jig.commands.journal.attempts", function()
  it("has one per session, and those that opened none, numbered per unit", function()
    local at <close> = reading.journal()
    local list = {}
    for i, a in ipairs(export(at)) do
      list[i] = ("%s.%d %s %s %s"):format(a.serial, a.attempt, a.session or "-", a.state or "-", a.result or "running")
    end
    assert.same({
      "T1.1 s1 finished passed", "T2.1 s2 reported failed", "T2.2 s3 finished manufactured with fault",
      "T3.1 s4 refused failed", "T4.1 s5 settled failed", "T5.1 s6 owing running", "T6.1 - - failed",
    }, list)
  end)

  it("has one that had a session's id and opened none, since its serial number was taken", function()
    local at <close> = reading.journal(function(ledger)
      events.unit(ledger)
      events.append(ledger, events.ended { session = "s2", unit = "r1.2", number = 2, result = "failed", passed = false,
        fault = { name = "tool.duplicate", code = 907, reason = "serial T1 was made", phase = "new_device" } })
    end)
    local a = export(at)[2]
    assert.same({ "T1", 1, "failed", "tool.duplicate" }, { a.serial, a.attempt, a.result, a.fault.name })
    assert.is_nil(a.session)
    assert.same({ 1, 1 }, reading.column(at:read("list", "--json"), "attempts"))
  end)

  it("tells all that is known", function()
    local at <close> = reading.journal()
    assert.same({
      unit = "r1.2", number = 2, attempt = 1, slot = "A", serial = "T2", lot = "L7", station = "line 1",
      operator = "eva", recipe = "lamp", version = "2", recipe_sha256 = "00ff", cli = "/opt/tool", session = "s2",
      session_attempt = 1, state = "reported", started = "2026-03-01T00:00:20.000Z",
      ended = "2026-03-01T00:00:20.000Z", result = "failed",
      fault = { name = "lamp.dark", code = 50, reason = "dark", phase = "exchange", line = "recipe.lua:3" },
      seconds = 0.42, gate_seconds = 0, received = 10, sent = 20, reports = 2, refusals = 1,
    }, export(at)[2])
  end)

  it("takes the fault behind the fingerprint, not one that was reported before", function()
    local at <close> = reading.journal(function(ledger)
      events.reach(ledger, "finishing", { after = 1 })
      events.append(ledger, events.reporting { after = 1 }, events.finished(), events.manufactured_with_fault())
    end)
    local a = export(at)[1]
    assert.same({ "lamp.dark", "manufactured with fault" }, { a.fault.name, a.result })
  end)

  it("knows what became of one whose process was gone before it could tell", function()
    local at <close> = reading.journal(function(ledger)
      events.reach(ledger, "finished", { session = "s1", unit = "r1.1" })
      events.reach(ledger, "finished", { session = "s2", unit = "r1.2", serial = "T2", after = 1 })
      events.reach(ledger, "reported", { session = "s3", unit = "r1.3", serial = "T3" })
    end)
    local results = {}
    for i, a in ipairs(export(at)) do results[i] = a.result or "running" end
    assert.same({ "passed", "running", "failed" }, results)
  end)

  it("keeps attempts of a session id apart that was used twice", function()
    local at <close> = reading.journal(function(ledger)
      for n = 1, 2 do
        local with = { session = "same", attempt = n, unit = "r1." .. n, serial = "T" .. n, passed = false,
          result = "failed", reason = "try " .. n, received = n,
          fault = "f" .. n }
        events.reach(ledger, "reported", with)
        with.fault = { name = "f" .. n, code = n, reason = "try " .. n, phase = "p" }
        events.append(ledger, events.ended(with))
      end
    end)
    local list = export(at)
    assert.same({ 2, 1, "f1", 2, "f2" },
      { #list, list[1].received, list[1].fault.name, list[2].received, list[2].fault.name })
  end)

  it("owes a report for a session without an end", function()
    assert.is_true(attempts.is_owed { session = "s", state = "owing" })
    assert.is_true(attempts.is_owed { session = "s", state = "opening" })
    for _, state in ipairs { "finished", "reported", "refused", "settled" } do
      assert.is_false(attempts.is_owed { session = "s", state = state })
    end
    assert.is_false(attempts.is_owed {})
  end)
end)
