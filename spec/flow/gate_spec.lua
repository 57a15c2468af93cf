-- Two jigs and one token: the real programs, judged by the audit file that the simulator's service writes.

local scratch = require "spec.support.scratch"
local station = require "spec.support.station"

describe("jigs that share a token", function()
  local place, directory, locks
  before_each(function()
    place = station.place()
    directory, locks = place:fresh("service"), place:fresh("locks")
  end)
  after_each(function() place:close() end)

  local function start(device, fields)
    fields.recipe, fields.port, fields.directory, fields.json = "examples/gateway", device.address, directory, true
    fields.service = fields.service or {}
    if fields.service.token == nil then fields.service.token = { folder = locks, width = fields.width } end
    return station.start(place, fields)
  end

  local function device(more)
    return station.device(place, { wire = "ftcd", listen = "tcp", arguments = more })
  end

  -- Waits until a jig's CLI runs new_device and stands at its seat: whoever waits for it knows it then.
  local function seated()
    station.eventually("new_device runs", function() return #station.audit(directory):starts("new_device") > 0 end)
    station.eventually("its CLI stands at the seat", function()
      return station.read(locks .. "/default.0"):find("^ *%d+ +%d+ +[1-9]")
    end)
  end

  -- The most calls that ran at once. A start that is on record stands for a program that was there before, an
  -- end for one that was there after.
  local function at_once(audit)
    local running, most = {}, 0
    for _, line in ipairs(audit) do
      if line.event == "start" then running[line.pid] = true end
      if line.event == "end" then running[line.pid] = nil end
      local n = 0
      for _ in pairs(running) do n = n + 1 end
      most = math.max(most, n)
    end
    return most
  end

  -- Two jigs with two units each, whose CLI takes far longer than a jig to start.
  local function two(fields)
    local a <close> = device()
    local b <close> = device()
    local function options()
      local copy = { fault = "any:slow=" .. (scratch.valgrind and 2000 or 100), arguments = { "--count", "2" } }
      for key, value in pairs(fields) do copy[key] = value end
      return copy
    end
    local one <close> = start(a, options())
    local other <close> = start(b, options())
    local first, second = one:finish(), other:finish()
    assert.same({ 0, 0 }, { first.exit, second.exit }, first.stderr .. second.stderr)
    assert.equal(12, #second.audit:ends())
    return station.audit(directory), first, second
  end

  local function gate_events(result)
    local count = 0
    for _, event in ipairs(result.events) do
      if event.event == "gate" and event.waited then count = count + 1 end
    end
    return count
  end

  it("never call the CLI at the same time", function()
    local audit, first, second = two {}
    assert.equal(1, at_once(audit))
    assert.is_true(gate_events(first) > 0 and gate_events(second) > 0) -- neither had it all to itself
  end)

  it("call it at the same time where the token bears two", function()
    assert.equal(2, at_once((two { width = 2 })))
  end)

  it("or where the station file says token = false", function()
    assert.equal(2, at_once((two { service = { token = false } })))
  end)

  it("record what a unit waited, and show it", function()
    local journal = place:fresh("journal")
    local a <close> = device()
    local b <close> = device()
    local one <close> = start(a, { fault = "new_device:slow=" .. (scratch.valgrind and 20000 or 600) })
    station.eventually("new_device runs", function() return #station.audit(directory):starts("new_device") > 0 end)
    local other <close> = start(b, { journal = journal })
    assert.equal(1, other:await("gate").place)
    local result = other:finish()
    assert.equal(0, result.exit, result.stderr)
    assert.equal(0, one:finish().exit)
    local waited, ended = 0, nil
    for _, event in ipairs(result.events) do
      if event.event == "gate" then waited = waited + (event.waited or 0) end
      if event.event == "ended" then ended = event end
    end
    assert.is_true(waited > 0)
    assert.is_true(math.abs(ended.gate_seconds - waited) < 1e-6)
    local recorded = station.query(place, journal,
      "SELECT json_extract(facts, '$.gate_us') AS us FROM event WHERE kind = 'ended'")
    assert.equal(ended.gate_seconds * 1e6 // 1, recorded[1].us)
  end)

  it("wait for a CLI whose jig was killed, until it ends", function()
    local a <close> = device()
    local b <close> = device()
    local one <close> = start(a, { fault = "new_device:slow=1500" })
    seated()
    one:signal(9)
    one.child:wait(station.PATIENCE)
    local other <close> = start(b, {})
    local result = other:finish()
    assert.equal(0, result.exit, result.stderr)
    -- nobody reads what the orphan prints, so it has no "end": what it did last comes before the next call
    local calls = result.audit:starts("new_device")
    assert.equal(2, #calls)
    assert.equal(calls[1].pid, result.audit:commits("opened")[1].pid)
    assert.is_true(result.audit:commits("opened")[1].time_ns <= calls[2].time_ns)
  end)

  it("end a CLI whose jig was killed and that is over its limit", function()
    local a <close> = device()
    local b <close> = device()
    local one <close> = start(a, {
      fault = "new_device:hang-term", service = { limits = { new_device = 1 }, grace = 0.2 },
    })
    seated()
    one:signal(9)
    one.child:wait(station.PATIENCE)
    local other <close> = start(b, { service = { grace = 0.1 } })
    local result = other:finish()
    assert.equal(0, result.exit, result.stderr)
    assert.matches("a CLI (process ", result.stderr, 1, true)
    assert.matches("did not end within its limit: ended", result.stderr, 1, true)
    assert.equal(2, #result.audit:starts("new_device"))
    assert.equal(1, #result.audit:ends("new_device"))
  end)
end)
