-- Recovery against the simulated service, whose audit file tells what was really reported. Sessions are
-- left behind by a jig that is killed; what only a journal can show is put there by a script of its own.

local scratch = require "spec.support.scratch"
local station = require "spec.support.station"

-- Runs a script in a jig of its own with the journal open; it sees `journal`, `append(kind, id, facts)`
-- and, as arguments, what follows. Yields.
local function write(place, path, text, ...)
  local script = place:write(place:fresh("script") .. ".lua", [[
local cjson, journal = require "cjson.safe", require "jig.journal"
assert(journal.open { path = arg[1] })
assert(journal.ready())
local function append(kind, id, facts)
  assert(journal.append(kind, id, 1, cjson.encode(facts or { a = 1 })))
end
local function opening(id, more)
  local facts = { run = "r", number = 1, unit = "r." .. id, owner = journal.owner(), slot = "A", serial = "S" .. id,
    service = "other", after = 0 }
  for key, value in pairs(more or {}) do facts[key] = value end
  append("opening", id, facts)
end
]] .. text)
  local result = scratch.run { scratch.program, script, path, ... }
  assert.equal(0, result.exit, result.stderr)
  return result.stdout
end

local query = station.query

local function state(place, path, id)
  return query(place, path, ("SELECT state FROM session WHERE id = '%s'"):format(id))[1].state
end

-- Leaves one session behind: jig is killed in a phase. Gives the run and its session's id.
local function leave_behind(place, options)
  local device <close> = station.device(place, { wire = "ftcd", listen = "tcp", arguments = options.device })
  local run <close> = station.start(place, {
    recipe = options.recipe or "examples/gateway", port = device.address, json = true, journal = options.journal,
    directory = options.directory, fault = options.fault, service = options.service,
  })
  local event = run:await("phase", options.phase or "factory_init")
  if options.wait then options.wait(run) end
  run:signal(9)
  run.child:wait(station.PATIENCE)
  return run, event.session
end

-- `jig recover` for that service; `settings` are those of the station file: { service =, station = }. Yields.
local function recover(place, run, journal, arguments, fault, settings)
  settings = settings or {}
  local words = { "recover", "--journal", journal, "--cli", station.factory_tool, "--station",
    station.file(place, settings.service, settings.station) }
  table.move(arguments or {}, 1, #(arguments or {}), #words + 1, words)
  local child <close> = station.start_jig(place, words,
    { SIM_DIR = run.directory, SIM_TOOL_FAULT = fault or false })
  local result = child:finish()
  result.audit = station.audit(run.directory)
  return result
end

local SLOW <const> = { "--latency", "60000" }

describe("jig.recovery", function()
  local place, journal
  before_each(function()
    place = station.place()
    journal = place.path .. "/journal.db"
  end)
  after_each(function() place:close() end)

  it("reports a session whose process was killed, once, with tool.orphaned", function()
    local run, id = leave_behind(place, { journal = journal, device = SLOW })
    local result = recover(place, run, journal)
    assert.equal(0, result.exit, result.stderr)
    local reports = result.audit:starts("report_error")
    assert.same({ 1, id, "904", "the station stopped in mid-session" },
      { #reports, reports[1].session, reports[1].code, reports[1].reason })
    assert.equal("reported", state(place, journal, id))
    assert.equal(0, recover(place, run, journal).exit)
    assert.equal(1, #station.audit(run.directory):starts("report_error"))
  end)

  it("is what jig run does before its first unit, whose serial number is free again", function()
    local run, id = leave_behind(place, { journal = journal, device = SLOW })
    local device <close> = station.device(place, { wire = "ftcd", listen = "tcp" })
    local result = station.run(place, {
      recipe = "examples/gateway", port = device.address, json = true, journal = journal, directory = run.directory,
    })
    assert.equal(0, result.exit, result.stderr)
    local first = result.events[1]
    assert.same({ "recovery", id, "reported" }, { first.event, first.session, first.outcome })
    assert.matches("^open", first.state) -- "opened" is durable a little later, with the next commit
    assert.equal(1, #result.audit:commits("reported"))
    assert.equal(1, #result.audit:commits("handed"))
  end)

  it("says in a dry run what it would do, and does nothing", function()
    local run, id = leave_behind(place, { journal = journal, device = SLOW })
    local result = recover(place, run, journal, { "--dry-run" })
    assert.equal(6, result.exit)
    assert.matches(id .. " of slot A, which was open%a+: would be reported", result.stderr)
    assert.equal(0, #result.audit:starts("report_error"))
    assert.matches("^open", state(place, journal, id))
  end)

  it("leaves a session to the service that opened it", function()
    local run, id = leave_behind(place, { journal = journal, device = SLOW })
    local other <close> = station.start_jig(place, { "recover", "--journal", journal, "--cli", "/bin/true" })
    local result = other:finish()
    assert.equal(6, result.exit)
    assert.matches("left: it was opened through another service", result.stderr, 1, true)
    assert.matches("^open", state(place, journal, id))
    assert.equal(0, recover(place, run, journal).exit)
  end)

  it("leaves alone what belongs to a jig that runs", function()
    local device <close> = station.device(place, { wire = "ftcd", listen = "tcp", arguments = SLOW })
    local run <close> = station.start(place, {
      recipe = "examples/gateway", port = device.address, json = true, journal = journal,
    })
    local id = run:await("phase", "factory_init").session
    local result = recover(place, run, journal)
    assert.equal(0, result.exit)
    assert.matches(id .. " of slot A, which was open%a+: busy", result.stderr)
    assert.matches("1 belong to a jig that runs", result.stderr, 1, true)
    assert.equal(0, #result.audit:starts("report_error"))
    run:signal(15)
    assert.equal(5, run:finish().exit)
  end)

  it("leaves alone a session whose CLI still runs, until it has ended", function()
    local run, id = leave_behind(place, {
      journal = journal, fault = "new_device:slow=3000", phase = "new_device",
      wait = function(run)
        station.eventually("new_device was called", function()
          return #station.audit(run.directory):starts("new_device") > 0
        end)
      end,
    })
    local result = recover(place, run, journal)
    assert.matches(id .. " of slot A, which was opening: left: owner %x+: its jig %(process %d+%) is gone, a CLI",
      result.stderr)
    assert.equal(6, result.exit)
    assert.equal(0, #result.audit:starts("report_error"))
    station.eventually("the CLI has ended, and its session is reported", function()
      return recover(place, run, journal).stderr:match("1 reported")
    end)
    assert.equal(1, #station.audit(run.directory):commits("reported"))
  end)

  it("takes no session for one at work whose owner's file it cannot use", function()
    local run, id = leave_behind(place, { journal = journal, device = SLOW })
    local path = ("%s.d/owners/%s"):format(journal, query(place, journal, "SELECT owner FROM session")[1].owner)
    station.execute("mv", path, path .. "x")
    station.execute("mkdir", path)
    local result = recover(place, run, journal)
    assert.equal(6, result.exit)
    assert.matches(id .. " of slot A, which was open%a+: left: cannot open the owner's file", result.stderr)
    assert.matches("1 found, 0 reported, 0 settled, 1 unreported; 0 belong to a jig that runs", result.stderr, 1, true)
    station.execute("rmdir", path)
    assert.equal(0, recover(place, run, journal).exit)
  end)

  it("tries a report that failed again after a while, and at once when told to", function()
    local run, id = leave_behind(place, { journal = journal, device = SLOW })
    local result = recover(place, run, journal, nil, "report_error:exit=7#2")
    assert.equal(6, result.exit)
    assert.matches("left: report_error: exit status 7", result.stderr, 1, true)
    result = recover(place, run, journal, nil, "report_error:exit=7#2")
    assert.equal(6, result.exit)
    assert.matches("its report failed; it is tried again in %d+ s", result.stderr)
    assert.equal(1, #result.audit:starts("report_error"))
    assert.equal(6, recover(place, run, journal, { "--now" }, "report_error:exit=7#2").exit)
    assert.equal(0, recover(place, run, journal, { "--now" }, "report_error:exit=7#2").exit)
    assert.equal("reported", state(place, journal, id))
    assert.equal(3, #station.audit(run.directory):starts("report_error"))
  end)

  it("does not wait for years where the clock was ahead when a report failed", function()
    write(place, journal, [[
      opening("f1")
      append("unknown", "f1", { command = "new_device" })
      append("reporting", "f1", { code = 1, reason = "r" })
      append("refused", "f1", { command = "report_error", code = "refused" })]])
    local tool = place:write("tool", "#!/bin/sh\n", true)
    local script = place:write("recover.lua", [[
      local journal, session = require "jig.journal", require "jig.session"
      assert(journal.open { path = arg[1] })
      assert(journal.ready())
      for _, now in ipairs { os.time(), os.time() - 3600 * 24 * 365 } do
        require("jig.recovery").run { path = arg[1], service = session.service { cli = arg[2] }, signature = "other",
          refusals = 5, now = now * 1000000,
          say = function(e) print(e.outcome, ((e.text or "-"):gsub("%d+", "N"))) end }
      end]])
    local result = scratch.run { scratch.program, script, journal, tool }
    assert.equal("left\tits report failed; it is tried again in N s\nreported\t-\n", result.stdout, result.stderr)
  end)

  it("gives a session up whose report was refused as often as the station says", function()
    local run, id = leave_behind(place, { journal = journal, device = SLOW })
    local more = { station = { journal = { refusals = 2 } } }
    assert.equal(6, recover(place, run, journal, { "--now" }, "report_error:exit=7", more).exit)
    local result = recover(place, run, journal, { "--now" }, "report_error:exit=7", more)
    assert.equal(0, result.exit, result.stderr)
    assert.matches(id .. " of slot A, which was owing: settled", result.stderr, 1, true)
    assert.equal("settled", state(place, journal, id))
    local facts = query(place, journal, "SELECT facts FROM event WHERE kind = 'settled'")[1].facts
    assert.matches("refused 2 times", facts, 1, true)
    assert.equal(2, #result.audit:starts("report_error"))
  end)

  it("counts what the service refused, and no trouble of the token", function()
    local run, id = leave_behind(place, { journal = journal, device = SLOW })
    local token = { folder = place:fresh "locks", missing = { statuses = { 20 } }, busy = { statuses = { 21 } },
      pin = { statuses = { 22 } } }
    local more = { service = { token = token }, station = { journal = { refusals = 2 } } }
    for _, status in ipairs { 20, 21, 22, 7 } do
      local fault = "report_error:exit=" .. status
      assert.equal(6, recover(place, run, journal, { "--now" }, fault, more).exit, fault)
      assert.equal("owing", state(place, journal, id))
    end
    assert.equal(0, recover(place, run, journal, { "--now" }, "report_error:exit=7", more).exit)
    assert.equal("settled", state(place, journal, id))
    local facts = query(place, journal, "SELECT facts FROM event WHERE kind = 'settled'")[1].facts
    assert.matches("refused 2 times", facts, 1, true)
  end)

  it("does not count a report that died as refused", function()
    local run, id = leave_behind(place, { journal = journal, device = SLOW })
    local settings = { station = { journal = { refusals = 1 } } }
    assert.equal(6, recover(place, run, journal, nil, "report_error:kill=9", settings).exit)
    assert.equal("owing", state(place, journal, id))
  end)

  it("does not report what may never have been opened when the station says so", function()
    local run, id = leave_behind(place, {
      journal = journal, fault = "new_device:slow=1", phase = "new_device", service = { report = { unclear = false } },
      wait = function(run)
        station.eventually("new_device was called", function()
          return #station.audit(run.directory):starts("new_device") > 0
        end)
      end,
    })
    if state(place, journal, id) ~= "opening" then return end -- it was quicker than the kill
    local settings = { service = { report = { unclear = false } } }
    station.eventually("the CLI has ended", function()
      return recover(place, run, journal, nil, nil, settings).stderr:match("which was opening: refused")
    end)
    assert.equal("refused", state(place, journal, id))
    assert.equal(0, #station.audit(run.directory):starts("report_error"))
  end)

  it("completes the record of a unit that was made when its process was gone", function()
    local id = write(place, journal, [[
      opening("f1", { after = 1 })
      for _, kind in ipairs { "opened", "configured", "finishing" } do append(kind, "f1") end
      append("finished", "f1", { fingerprint = "ab" })
      require("jig.system").exit(0)]])
    assert.equal("", id)
    local child <close> = station.start_jig(place, { "recover", "--journal", journal, "--cli", "/bin/true" })
    local result = child:finish()
    assert.equal(0, result.exit, result.stderr)
    assert.matches("session f1 of slot A, which was made: manufactured with fault", result.stderr, 1, true)
    assert.same({ { result = "manufactured with fault", fault = "tool.orphaned", code = 904, fingerprint = "ab" } },
      query(place, journal, "SELECT result, fault, code, fingerprint FROM unit"))
  end)

  -- One representative of each state in which a session may be left.
  for _, case in ipairs {
    { "opening", "" },
    { "opened", "opened" },
    { "configured", "opened configured" },
    { "finishing", "opened configured finishing" },
    { "owing", "opened failed" },
    { "owing", "unknown" },
    { "reporting", "opened failed reporting" },
  } do
    it(("reports a session that was left %s (%s)"):format(case[1], case[2]), function()
      write(place, journal, [[
        opening("f1")
        for kind in arg[2]:gmatch("%S+") do append(kind, "f1", { command = "x", code = 1, reason = "r" }) end]],
        case[2])
      assert.equal(case[1], state(place, journal, "f1"))
      local script = place:write("recover.lua", [[
        local journal, session = require "jig.journal", require "jig.session"
        assert(journal.open { path = arg[1] })
        assert(journal.ready())
        local result = require("jig.recovery").run { path = arg[1], service = session.service { cli = arg[2] },
          signature = "other", refusals = 5, now = 0, say = function(e) print(e.state, e.outcome) end }
        print(result.found, result.reported, result.settled, result.unreported, result.busy)]])
      local tool = place:write("tool", "#!/bin/sh\nprintf '%s ' \"$@\" >>${0%/*}/calls\n", true)
      local result = scratch.run { scratch.program, script, journal, tool }
      assert.equal(case[1] .. "\treported\n1\t1\t0\t0\t0\n", result.stdout, result.stderr)
      assert.equal("report_error f1 904 the station stopped in mid-session ", station.read(place.path .. "/calls"))
      assert.equal("reported", state(place, journal, "f1"))
    end)
  end

  describe("where a report is not called again when its outcome is unknown", function()
    -- Each: events after "opening", the state, whether it is reported.
    for _, case in ipairs {
      { "opened failed reporting", "reporting", false },
      { "opened failed reporting unknown", "owing", false },
      { "opened failed reporting refused", "owing", true },
      { "opened failed reporting refused reporting unknown", "owing", false },
      { "opened failed", "owing", true },
      { "unknown", "owing", true },
      { "opened", "opened", true },
    } do
      it((case[3] and "reports" or "leaves") .. " a session after " .. case[1], function()
        write(place, journal, [[
          opening("f1")
          local command = "new_device"
          for kind in arg[2]:gmatch("%S+") do
            if kind == "reporting" then command = "report_error" end
            append(kind, "f1", { command = command, code = 1, reason = "r" })
          end]], case[1])
        assert.equal(case[2], state(place, journal, "f1"))
        local tool = place:write("tool", "#!/bin/sh\nprintf '%s ' \"$@\" >>${0%/*}/calls\n", true)
        local script = place:write("recover.lua", [[
          local journal, session = require "jig.journal", require "jig.session"
          assert(journal.open { path = arg[1] })
          assert(journal.ready())
          local result = require("jig.recovery").run { path = arg[1], service = session.service { cli = arg[2] },
            signature = "other", refusals = 5, now = 0, again = true, repeats = false,
            say = function(e) print(e.outcome, e.text) end }
          print(result.reported, result.unreported)]])
        local result = scratch.run { scratch.program, script, journal, tool }
        assert.equal(case[3] and "reported\tnil\n1\t0\n"
          or "left\tit is unknown whether its report was accepted, and the station does not report twice\n0\t1\n",
          result.stdout, result.stderr)
        assert.equal(case[3], station.read(place.path .. "/calls") ~= "")
      end)
    end

    it("is what the station's report.again = false says, to run and to recover", function()
      write(place, journal, [[opening("f1") append("opened", "f1") append("failed", "f1", { command = "x" })
        append("reporting", "f1", { code = 1, reason = "r" })]])
      local tool = place:write("tool", "#!/bin/sh\nprintf '%s ' \"$@\" >>${0%/*}/calls; exit 1\n", true)
      local settings = place:write("station.lua",
        ("return { journal = { path = %q }, cli = { path = %q, token = false, report = { again = false } } }")
          :format(journal, tool))
      -- the session's service is this one
      local result = scratch.run { scratch.program, place:write("sign.lua", [[
        local journaling = require "jig.commands.journaling"
        io.write((journaling.service { cli = arg[1] }))]]), tool }
      write(place, journal, [[append("settled", "f1", { reason = "x", operator = "x" })
        opening("f2", { service = arg[2] }) append("opened", "f2") append("failed", "f2", { command = "x" })
        append("reporting", "f2", { code = 1, reason = "r" })]], result.stdout)
      for _, words in ipairs { { "recover", "--now" }, { "run", "examples/gateway", "--port", "pair:x" } } do
        table.move({ "--station", settings }, 1, 2, #words + 1, words)
        local child <close> = station.start_jig(place, words)
        result = child:finish()
        assert.equal(6, result.exit)
        assert.matches("it is unknown whether its report was accepted", result.stderr, 1, true)
      end
      assert.is_nil(station.read(place.path .. "/calls"):find("report_error", 1, true))
    end)
  end)

  it("does not take a made unit for an unreported session, in a dry run either", function()
    write(place, journal, [[
      opening("f1", { after = 1 })
      for _, kind in ipairs { "opened", "configured", "finishing" } do append(kind, "f1") end
      append("finished", "f1", { fingerprint = "ab" })]])
    local words = { "recover", "--journal", journal, "--cli", "/bin/true", "--dry-run" }
    local child <close> = station.start_jig(place, words)
    local result = child:finish()
    assert.equal(0, result.exit, result.stderr)
    assert.matches("session f1 of slot A, which was made: would be manufactured with fault", result.stderr, 1, true)
    assert.same({ { n = 0 } }, query(place, journal, "SELECT count(*) AS n FROM unit WHERE result IS NOT NULL"))
  end)

  it("stops at a signal: what is not reported then is unreported, and no unit begins", function()
    local tool = place:write("tool", "#!/bin/sh\necho $1 $2 >>${0%/*}/calls; sleep 0.2\n", true)
    local result = scratch.run { scratch.program, place:write("sign.lua", [[
      local journaling = require "jig.commands.journaling"
      local env = { SIM_DIR = true, SIM_TOOL_FAULT = true, SIM_DELAY_MS = true } -- as in station.file
      io.write((journaling.service { cli = arg[1], env = env }))]]), tool }
    write(place, journal, [[for i = 1, 5 do opening("f" .. i, { service = arg[2] }) end]], result.stdout)
    local run <close> = station.start(place, {
      recipe = "examples/gateway", port = "pair:x", cli = tool, journal = journal, json = true,
    })
    station.eventually("the first report is under way", function()
      return station.read(place.path .. "/calls") ~= ""
    end)
    run:signal(2)
    result = run:finish()
    assert.equal(6, result.exit)
    local outcomes = {}
    for i, event in ipairs(result.events) do outcomes[i] = event.outcome or event.event end
    assert.matches("stopping", table.concat(outcomes, " "), 1, true)
    assert.equal("summary", outcomes[#outcomes])
    assert.is_true(select(2, station.read(place.path .. "/calls"):gsub("report_error", "")) < 5)
    assert.is_nil(station.read(place.path .. "/calls"):find("new_device", 1, true))
  end)

  it("lets no session id be opened again whose session it could not report", function()
    write(place, journal, [[opening("f1")]])
    local words = { "--session-id", "f1" }
    local device <close> = station.device(place, { wire = "ftcd", listen = "tcp" })
    local result = station.run(place, { recipe = "examples/gateway", port = device.address, journal = journal,
      arguments = words })
    assert.equal(6, result.exit)
    assert.matches("jig run: session f1 cannot be opened again: it is still opening\n", result.stderr, 1, true)
    assert.equal(0, #result.audit:starts())
    words[2] = "f2"
    assert.equal(6, station.run(place, { recipe = "examples/gateway", port = device.address, journal = journal,
      arguments = words, directory = result.directory }).exit)
  end)

  it("is not told in jig run of sessions whose jig lives", function()
    local device <close> = station.device(place, { wire = "ftcd", listen = "tcp", arguments = SLOW })
    local run <close> = station.start(place, {
      recipe = "examples/gateway", port = device.address, json = true, journal = journal,
    })
    run:await("phase", "factory_init")
    local other <close> = station.device(place, { wire = "ftcd", listen = "tcp" })
    local result = station.run(place, {
      recipe = "examples/gateway", port = other.address, journal = journal, directory = run.directory,
    })
    assert.same({ 0, "" }, { result.exit, result.stderr })
    run:signal(15)
    assert.equal(5, run:finish().exit)
  end)
end)

describe("jig.recovery.settle", function()
  it("gives up every open attempt of an id, with reason and name", function()
    local place <close> = station.place()
    local journal = place.path .. "/journal.db"
    write(place, journal, [[opening("f1")]])
    local function settle(id)
      local child <close> = station.start_jig(place, { "recover", "--journal", journal, "--settle", id, "--reason",
        "scrapped", "--operator", "eva" })
      return child:finish()
    end
    local wrong = settle("f2")
    assert.equal(4, wrong.exit)
    assert.matches("no session f2 that is without an end", wrong.stderr, 1, true)
    assert.equal(0, settle("f1").exit)
    assert.equal("settled", state(place, journal, "f1"))
    local facts = query(place, journal, "SELECT facts FROM event WHERE kind = 'settled'")[1].facts
    assert.matches('"reason":"scrapped"', facts, 1, true)
    assert.matches('"operator":"eva"', facts, 1, true)
    assert.equal(4, settle("f1").exit)
  end)

  it("finds an outcome in a folder that only the jig before was told of", function()
    local place <close> = station.place()
    local journal = place.path .. "/journal.db"
    local script = place:write("made.lua", [[
      package.cpath = arg[2] .. "/?.so;" .. package.cpath
      local cjson, journal = require "cjson.safe", require "jig.journal"
      local at = arg[1]
      assert(journal.open { path = at .. "/journal.db", emergency = at .. "/apart" })
      assert(journal.ready())
      local facts = { run = "r", number = 1, unit = "r.1",
        owner = journal.owner(), slot = "A", serial = "S1", after = 0,
        service = require("jig.commands.journaling").service { cli = "/bin/true" } }
      assert(journal.append("opening", "f1", 1, cjson.encode(facts)))
      for _, kind in ipairs { "opened", "configured", "finishing" } do assert(journal.append(kind, "f1", 1, "{}")) end
      local file = assert(require("spec.journal").emergency(at .. "/apart"))
      assert(file:append { kind = "finished", session = "f1", attempt = 1, time = 1, facts = '{"fingerprint":"ab"}' })
      file:close()]])
    local result = scratch.run { scratch.program, script, place.path, os.getenv "JIG_BUILD" or "build" }
    assert.equal(0, result.exit, result.stderr)
    local function recover_it()
      local child <close> = station.start_jig(place, { "recover", "--journal", journal, "--cli", "/bin/true" })
      return child:finish()
    end
    station.execute("mv", place.path .. "/apart", place.path .. "/away")
    result = recover_it()
    assert.equal(4, result.exit)
    assert.matches("cannot read the emergency files that " .. journal .. ".d/elsewhere leads to", result.stderr, 1,
      true)
    station.execute("mv", place.path .. "/away", place.path .. "/apart")
    result = recover_it()
    assert.equal(0, result.exit)
    assert.matches("0 found, 0 reported", result.stderr, 1, true)
    assert.equal("finished", state(place, journal, "f1"))
  end)

  it("does not give up what a dead process made, as its emergency file says", function()
    local place <close> = station.place()
    local journal = place.path .. "/journal.db"
    local owner = write(place, journal, [[
      opening("f1", { after = 1 })
      for _, kind in ipairs { "opened", "configured", "finishing" } do append(kind, "f1") end
      io.write(journal.owner())]])
    -- written while `jig recover` had its journal open already
    local script = place:write("try.lua", [[
      package.cpath = arg[3] .. "/?.so;" .. package.cpath
      local journal = require "jig.journal"
      assert(journal.open { path = arg[1] })
      assert(journal.ready())
      local file = assert(require("spec.journal").emergency(arg[1] .. ".d/emergency"))
      assert(file:append { kind = "finished", session = "f1", attempt = 1, time = 1, facts = '{"fingerprint":"ab"}' })
      file:close()
      print(require("jig.recovery").settle(arg[1], "f1", "scrapped", "eva"))]])
    local result = scratch.run { scratch.program, script, journal, owner, os.getenv "JIG_BUILD" or "build" }
    assert.equal("nil\tthe journal has no session f1 that is without an end\n", result.stdout, result.stderr)
    assert.equal("finished", state(place, journal, "f1"))
  end)

  it("leaves no lock behind that nobody needs", function()
    local place <close> = station.place()
    local journal = place.path .. "/journal.db"
    local owner = write(place, journal, [[opening("f1") opening("f2") io.write(journal.owner())]])
    local function settle(id)
      local child <close> = station.start_jig(place, { "recover", "--journal", journal, "--settle", id, "--reason",
        "scrapped", "--operator", "eva" })
      assert.equal(0, child:finish().exit)
      return station.read(journal .. ".d/owners/" .. owner) ~= ""
    end
    assert.same({ true, false }, { settle("f1"), settle("f2") })
  end)
end)
