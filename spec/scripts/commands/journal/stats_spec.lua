local events = require "spec.support.events"
local reading = require "spec.support.reading"

-- Ten units in two slots: eight pass, unit 1 at its second attempt; unit 5 fails, unit 9 is made with fault.
local function ten(ledger)
  for n = 1, 10 do
    local with = { session = "s" .. n, unit = "r1." .. n, number = n, serial = "T" .. n, slot = n < 6 and "A" or "B",
      fingerprint = "f" .. n, time = 10 * n, took = n * 100000, gate_us = n == 10 and 2000000 or 0,
      phases = { { name = "connect", us = n * 1000 } } }
    local function fail(session, name)
      local failed = { passed = false, result = "failed" }
      for key, value in pairs(with) do failed[key] = value end
      failed.session, failed.fault = session, name
      failed.fingerprint = nil
      events.reach(ledger, "reported", failed)
      failed.fault = { name = name, code = 50, reason = "dark", phase = "exchange" }
      events.append(ledger, events.ended(failed))
    end
    if n == 1 or n == 5 then fail("first" .. n, "lamp.dark") end
    if n == 9 then
      with.after, with.result, with.passed = 1, "manufactured with fault", false
      events.reach(ledger, "finished", with)
      events.append(ledger, events.manufactured_with_fault { session = "s9", fault = "lamp.cold", code = 51 },
        events.ended(with))
    elseif n ~= 5 then
      events.unit(ledger, with)
    end
  end
end

local function near(expected, got)
  assert(math.abs(got - expected) <= expected * 0.0101, ("%g is not near %g"):format(got, expected))
end

describe("jig journal stats", function()
  it("counts units, yield, retries and faults", function()
    local at <close> = reading.journal(ten)
    local s = at:read("stats", "--json").objects[1]
    assert.same({ 10, 8, 1, 1, 0, 1, 70, 0, 0, 0 }, { s.units, s.passed, s.failed, s.made_with_fault, s.running,
      s.retries, s.first_pass_percent, s.settled, s.unreported, s.repeated_fingerprints })
    assert.same({ { "lamp.dark", 50, 2 }, { "lamp.cold", 51, 1 } }, { { s.faults[1].name, s.faults[1].code,
      s.faults[1].count }, { s.faults[2].name, s.faults[2].code, s.faults[2].count } })
    near(66.667, s.faults[1].percent)
  end)

  it("tells the times of units that passed, at most 1 % off", function()
    local at <close> = reading.journal(ten)
    local s = at:read("stats", "--json").objects[1]
    assert.same({ 8, 8, 1 }, { s.seconds.units, s.gate_seconds.units, s.error_percent })
    near(0.4, s.seconds.p50)
    near(1.0, s.seconds.p95)
    assert.equal(0, s.gate_seconds.p50)
    near(2.0, s.gate_seconds.p95)
    assert.same({ "A", 4, "B", 4 }, { s.slots[1].slot, s.slots[1].units, s.slots[2].slot, s.slots[2].units })
    near(0.7, s.slots[2].p50)
    assert.same({ "connect", 8 }, { s.phases[1].phase, s.phases[1].units })
    near(0.004, s.phases[1].p50)
  end)

  it("names sessions that were given up or are owed, and fingerprints that came again", function()
    local at <close> = reading.journal()
    local s = at:read("stats", "--json").objects[1]
    assert.same({ 1, "s5" }, { s.settled, s.settled_sessions[1].id })
    assert.same({ 1, "s6", "owing" }, { s.unreported, s.unreported_sessions[1].id, s.unreported_sessions[1].state })
    assert.same({ 1, "s3", "s1" }, { s.repeated_fingerprints, s.repeated_fingerprints_sessions[1].id,
      s.repeated_fingerprints_sessions[1].repeats })
    assert.same({ 1, 20 }, { s.running, s.first_pass_percent }) -- one of five that have a result
  end)

  it("names twenty of them", function()
    local at <close> = reading.journal(function(ledger)
      for n = 1, 22 do
        events.reach(ledger, "settled", { session = "s" .. n, unit = "r1." .. n, serial = "T" .. n })
      end
    end)
    local s = at:read("stats", "--json").objects[1]
    assert.same({ 22, 20 }, { s.settled, #s.settled_sessions })
    assert.matches("settled sessions              22\n  s1  slot A  T1  settled\n.*\n  and 2 more\n",
      at:read("stats").stdout)
  end)

  it("looks at the units that fit alone", function()
    local at <close> = reading.journal(ten)
    local s = at:read("stats", "--json", "--slot", "B").objects[1]
    assert.same({ 5, 4, 80, "lamp.cold" }, { s.units, s.passed, s.first_pass_percent, s.faults[1].name })
    assert.equal(3, at:read("stats", "--json", "--limit", "3").objects[1].units)
    assert.equal(2, at:read("stats", "--json", "--until", "2026-03-01T00:00:30").objects[1].units)
  end)

  it("is readable", function()
    local at <close> = reading.journal(ten)
    local text = at:read("stats").stdout
    assert.matches([[
units                         10
  passed                       8   80.00 %
  failed                       1   10.00 %
  made with fault              1   10.00 %
  without a result             0    0.00 %
first-pass yield                   70.00 %
retries                        1
settled sessions               0
unreported sessions            0
repeated fingerprints          0

faults of all attempts                  code      count          %
  lamp.dark                               50          2      66.67
  lamp.cold                               51          1      33.33
]], text, 1, true)
    assert.matches("\n  slot B +4 +0%.6%d%d +%d%.%d+\n", text)
    assert.matches("each figure may be 1 % off", text, 1, true)
  end)

  it("has nothing to divide by in a journal without events", function()
    local at <close> = reading.empty()
    local s = at:read("stats", "--json").objects[1]
    assert.equal(0, s.units)
    assert.is_nil(s.first_pass_percent)
    assert.matches("first%-pass yield +%-\n", at:read("stats").stdout)
  end)

  it("lets no text move the cursor", function()
    local at <close> = reading.journal(function(ledger)
      events.unit(ledger, { slot = "\27", phases = { { name = "\27", us = 1 } } })
      events.reach(ledger, "settled", { session = "\27", unit = "u", serial = "\27", slot = "\27" })
      events.reach(ledger, "reporting", { session = "x", unit = "v", serial = "y", fault = "\27" })
    end)
    assert.not_matches("\27", at:read("stats").stdout)
  end)
end)
