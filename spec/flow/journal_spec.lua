-- Several jig processes on one journal, against the simulated service: its audit file and the journal are
-- the witnesses.

local cjson = require "cjson.safe"
local scratch = require "spec.support.scratch"
local station = require "spec.support.station"

local query = station.query

local function device(place, serial, more)
  local arguments = { "--serial", serial }
  table.move(more or {}, 1, #(more or {}), #arguments + 1, arguments)
  return station.device(place, { wire = "ftcd", listen = "tcp", arguments = arguments })
end

-- jig run on a device, with a journal and a service that others share.
local function start(place, at, options)
  options.recipe, options.port, options.json = options.recipe or "examples/gateway", at.address, true
  options.journal, options.directory = place.path .. "/journal.db", place.path .. "/service"
  return station.start(place, options)
end

describe("one journal of several jigs", function()
  local place, journal
  before_each(function()
    place = station.place()
    journal = place.path .. "/journal.db"
  end)
  after_each(function() place:close() end)

  it("one is killed: the others go on, and only the dead one's session is recovered", function()
    local steady <close> = device(place, "A#")
    local slow <close> = device(place, "B#", { "--latency", "600000" })
    local patient <close> = device(place, "C#", { "--latency", "600000" })
    local runner <close> = start(place, steady, { arguments = { "--count", "12" } })
    -- These two wait for their device all the while, however long the first takes.
    local waiting = place:recipe("gateway", "base.limits.exchange, base.limits.unit = 600, 600")
    local victim <close> = start(place, slow, { recipe = waiting })
    local neighbour <close> = start(place, patient, { recipe = waiting })
    local dead = victim:await("phase", "factory_init").session
    local alive = neighbour:await("phase", "factory_init").session
    victim:signal(9)
    victim.child:wait(station.PATIENCE)
    local words = { "recover", "--journal", journal, "--cli", station.factory_tool, "--station", station.file(place) }
    local child <close> = station.start_jig(place, words, { SIM_DIR = place.path .. "/service" })
    local recovered = child:finish()
    assert.equal(0, recovered.exit, recovered.stderr)
    assert.matches("1 found, 1 reported, 0 settled, 0 unreported;", recovered.stderr, 1, true)
    local result = runner:finish()
    assert.equal(0, result.exit, result.stderr)
    assert.equal(12, #result.audit:commits("handed"))
    local reports = result.audit:starts("report_error")
    assert.same({ 1, dead }, { #reports, reports[1].session })
    assert.same({ { state = "opened" } },
      query(place, journal, ("SELECT state FROM session WHERE id = '%s'"):format(alive)))
    neighbour:signal(15)
    assert.equal(5, neighbour:finish().exit)
    assert.same({ { n = 0 } }, query(place, journal, "SELECT count(*) AS n FROM session WHERE ended IS NULL"))
    assert.same({ { n = 12 } }, query(place, journal, "SELECT count(*) AS n FROM unit WHERE result = 'passed'"))
  end)

  it("two have the same serial number at once: one is made, the other stops before new_device", function()
    local first <close> = device(place, "T1", { "--latency", "200" })
    local second <close> = device(place, "T1", { "--latency", "200" })
    local one <close> = start(place, first, { arguments = { "--serial-number", "T1" } })
    local two <close> = start(place, second, { arguments = { "--serial-number", "T1" } })
    local results = { one:finish(), two:finish() }
    table.sort(results, function(a, b) return a.exit < b.exit end)
    assert.same({ 0, 1 }, { results[1].exit, results[2].exit })
    local fault = results[2].events[#results[2].events - 1].fault
    assert.equal("tool.duplicate", fault.name)
    assert.equal("new_device", fault.phase)
    assert.matches("T1", fault.reason, 1, true)
    assert.equal(1, #results[1].audit:starts("new_device"))
    assert.equal(0, #results[1].audit:starts("report_error"))
  end)

  it("a serial number that was made is refused later, until --again says why", function()
    local made <close> = device(place, "T1")
    local serial = { "--serial-number", "T1" }
    assert.equal(0, start(place, made, { arguments = serial }):finish().exit)
    local refused = start(place, made, { arguments = serial }):finish()
    assert.equal(1, refused.exit)
    assert.equal("tool.duplicate", refused.events[#refused.events - 1].fault.name)
    assert.equal(0, start(place, made, {
      arguments = { "--serial-number", "T1", "--again", "the board was repaired" },
    }):finish().exit)
    local facts = query(place, journal, "SELECT facts FROM event WHERE kind = 'opening' ORDER BY id DESC LIMIT 1")
    assert.equal("the board was repaired", cjson.decode(facts[1].facts).again)
    assert.same({ { result = "passed" }, { result = "failed" }, { result = "passed" } },
      query(place, journal, "SELECT result FROM unit ORDER BY event"))
  end)

  it("a unit without an end is in it as well: the fault, its line, the times of its phases", function()
    local folder = place:recipe("gateway", 'base.prepare = function() error("no such luck") end')
    local broken <close> = device(place, "T1")
    local result = start(place, broken, { recipe = folder }):finish()
    assert.equal(1, result.exit)
    local row = query(place, journal, "SELECT name, code, phase, line, session FROM fault")[1]
    assert.same({ "tool.recipe", 902, "prepare", "" }, { row.name, row.code, row.phase, row.session })
    assert.matches("recipe%.lua:2$", row.line)
    local facts = cjson.decode(query(place, journal, "SELECT facts FROM event WHERE kind = 'ended'")[1].facts)
    assert.matches("no such luck", facts.fault.traceback, 1, true)
    local names = {}
    for i, phase in ipairs(facts.phases) do
      names[i] = phase.name
      assert.is_true(phase.us % 1 == 0 and phase.us >= 0)
    end
    assert.same({ "connect", "prepare" }, names)
  end)

  it("a finish hook that fails: made, with fault, never reported; its PASS waits for the record", function()
    local folder = place:recipe("gateway", 'base.finish = function(unit) unit:fail("connectivity.lost") end')
    local unlucky <close> = device(place, "T1")
    local result = start(place, unlucky, { recipe = folder }):finish()
    assert.equal(1, result.exit)
    assert.equal(0, #result.audit:starts("report_error"))
    local kinds = {}
    for i, row in ipairs(query(place, journal, "SELECT kind FROM event ORDER BY id")) do kinds[i] = row.kind end
    assert.equal("started opening opened configured finishing finished manufactured_with_fault ended",
      table.concat(kinds, " "))
    assert.same({ { result = "manufactured with fault", fault = "connectivity.lost", code = 103 } },
      query(place, journal, "SELECT result, fault, code FROM unit"))
  end)
end)

-- A disk that is full: a small file system of its own, in a mount namespace. Needs the right to mount one.
describe("a disk that is full", function()
  -- Runs a shell script at PLACE/disk, which is such a file system: $jig, $cli, $journal, $port, $place.
  local function on_small_disk(place, port, script)
    station.execute("mkdir", place.path .. "/disk")
    local prologue = 'mount -t tmpfs -o size=1500k none "$place/disk" || exit 77\n'
    return scratch.run { "unshare", "-m", "sh", "-c", prologue .. script, env = {
      jig = station.jig, port = port, place = place.path, journal = place.path .. "/disk/journal.db",
      cli = place:write("cli", ([[#!/bin/sh
[ "$1" != "$FILL" ] || head -c 9000000 /dev/zero >%s/disk/filler 2>/dev/null
exec %s "$@"]]):format(place.path, station.factory_tool), true),
      station = station.file(place, { env = { FILL = true } }), SIM_DIR = place.path .. "/service",
    } }
  end

  local RUN <const> = [[
"$jig" run examples/gateway --port "$port" --cli "$cli" --station "$station" --journal "$journal"; echo "exit $?"
]]
  local AFTER <const> = [[
rm "$place/disk/filler"
"$jig" recover --cli "$cli" --station "$station" --journal "$journal"; echo "recover $?"
"$jig" journal verify --journal "$journal" >&2; echo "verify $?"
"$jig" journal list --journal "$journal" --json
]]

  -- Runs a script; nil where nobody may mount.
  local function try(script)
    local place = station.place()
    local gateway <close> = station.device(place, { wire = "ftcd", listen = "tcp" })
    local result = on_small_disk(place, gateway.address, script)
    result.audit = station.audit(place.path .. "/service")
    place:close()
    return result.exit ~= 77 and result or pending("no right to mount a file system")
  end

  it("begins no unit when the journal cannot be made, exit 4, and says what to do", function()
    local result = try('head -c 9000000 /dev/zero >"$place/disk/filler" 2>/dev/null\n' .. RUN)
    if not result then return end
    assert.equal("exit 4\n", result.stdout)
    assert.matches("no unit is begun without a journal", result.stderr, 1, true)
    assert.matches("full", result.stderr, 1, true)
    assert.equal(0, #result.audit:starts())
  end)

  it("in the middle of a unit: handle_device_response is not called, the report is sent once", function()
    local result = try("FILL=get_device_configuration; export FILL\n" .. RUN .. AFTER)
    if not result then return end
    assert.matches("^FAIL[^\n]*tool%.journal %(905%)[^\n]*\nexit 4\nrecover 0\nverify 0\n", result.stdout)
    assert.equal(0, #result.audit:starts("handle_device_response"))
    assert.equal(1, #result.audit:starts("report_error"))
    assert.equal(1, #result.audit:commits("reported"))
    assert.matches('"result":"failed"', result.stdout, 1, true)
  end)

  it("when the FINGERPRINT is read: no PASS, no report; the fact is folded in later", function()
    local result = try("FILL=handle_device_response; export FILL\n" .. RUN .. AFTER)
    if not result then return end
    assert.matches("^FAIL[^\n]*tool%.journal %(905%)[^\n]*manufactured as %x+[^\n]*\nexit 4\nrecover 0\nverify 0\n",
      result.stdout)
    assert.matches("emergency file has the record", result.stdout, 1, true)
    assert.equal(0, #result.audit:starts("report_error"))
    local fingerprint = result.stdout:match("manufactured as (%x+)")
    assert.matches('"result":"manufactured with fault"', result.stdout, 1, true)
    assert.matches(('"fingerprint":"%s"'):format(fingerprint), result.stdout, 1, true)
  end)
end)
