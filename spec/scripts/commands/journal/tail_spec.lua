local events = require "spec.support.events"
local reading = require "spec.support.reading"
local station = require "spec.support.station"

local function kinds(result)
  return table.concat(reading.column(result, "kind"), " ")
end

describe("jig journal tail", function()
  it("shows the newest ten events, or as many as it is told, oldest first", function()
    local at <close> = reading.journal()
    local result = at:read("tail", "--json")
    assert.equal(10, #result.objects)
    assert.equal("opening refused opening unknown settled opening opened failed ended",
      kinds(at:read("tail", "-n", "9", "--json")))
    assert.equal("2026-03-01T00:01:10.000Z  -  the attempt ended: failed\n", at:read("tail", "-n", "1").stdout)
    assert.equal("s6", at:read("tail", "-n", "2", "--json").objects[1].session)
  end)

  it("tells an event whole with --json", function()
    local at <close> = reading.journal(function(ledger) events.append(ledger, events.opening()) end)
    local object = at:read("tail", "--json").objects[1]
    assert.same({ 1, "opening", "s1", 1, "2026-03-01T00:00:00.000Z", "T1" },
      { object.id, object.kind, object.session, object.attempt, object.time, object.facts.serial })
  end)

  it("shows nothing of a journal without events, and not more than there are", function()
    local at <close> = reading.empty()
    assert.equal("", at:read("tail").stdout)
    at:fill(function(ledger) events.append(ledger, events.started()) end)
    assert.equal(1, #at:read("tail", "-n", "1000000").lines)
  end)

  it("ends with 2 for no number", function()
    local at <close> = reading.empty()
    for _, n in ipairs { "0", "-1", "x", "1000001" } do assert.equal(2, at:run("tail", "-n", n).exit) end
  end)

  for name, signal in pairs { SIGINT = 2, SIGTERM = 15 } do
    it("follows what comes until " .. name, function()
      local at <close> = reading.journal(function(ledger) events.append(ledger, events.started()) end)
      local place <close> = station.place()
      local words = { "journal", "tail", "--journal", at.path, "--follow", "-n", "1", "--json" }
      local run <close> = station.start_jig(place, words)
      run.json = true
      station.eventually("it shows what is there", function() return #run:events() == 1 end)
      at:fill(function(ledger) events.unit(ledger) end)
      station.eventually("it shows what came", function() return #run:events() >= 7 end)
      at:fill(function(ledger) events.unit(ledger, { session = "s2", unit = "r1.2", serial = "T2" }) end)
      station.eventually("it shows what came then", function() return #run:events() >= 13 end)
      run:signal(signal)
      local result = run:finish()
      assert.same({ 0, "" }, { result.exit, result.stderr })
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 }, reading.column({ objects = result.events }, "id"))
    end)
  end

  it("follows a journal that is empty", function()
    local at <close> = reading.empty()
    local place <close> = station.place()
    local run <close> = station.start_jig(place, { "journal", "tail", "--journal", at.path, "--follow" })
    at:fill(function(ledger) events.append(ledger, events.started()) end)
    station.eventually("it shows what came", function()
      return station.read(run.base .. ".out"):find("a run began", 1, true)
    end)
    run:signal(2)
    assert.equal(0, run:finish().exit)
  end)

  it("lets no text move the cursor", function()
    local at <close> = reading.journal(function(ledger)
      for _, kind in ipairs(events.ways.settled) do
        events.append(ledger, events.event(kind, { session = "s\27", reason = "\27\n", why = "\r", operator = "\27" }))
      end
    end)
    local result = at:read "tail"
    assert.equal(4, #result.lines)
    assert.not_matches("[\27\r]", result.stdout)
  end)
end)
