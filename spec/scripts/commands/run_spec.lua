local cjson = require "cjson.safe"
local clock = require "jig.clock"
local port = require "jig.port"
local proc = require "jig.proc"
local product = require "spec.support.product"
local scratch = require "spec.support.scratch"

local LONG <const> = 120

-- Runs `jig run` with a recipe, the fake CLI and the fake device. Gives a value to be closed: what
-- scratch.jig gives, folder, events (with --json).
--   more      further fields of the recipe, as text; or `text`, all of it
--   device    the statuses that the device answers
--   cli       the plan of the fake CLI; station: further lines of the station file
--   words     of the command line; env
local function run(t)
  t = t or {}
  local folder = scratch.folder()
  local settings = folder:cli(t.cli)
  local words = {
    "run", folder:write("recipe.lua", t.text or scratch.recipe(t.more)),
    "--station", folder:write("station.lua", scratch.station(settings, t.station, t.token)),
    "--port", scratch.device(table.unpack(t.device or {})),
    env = t.env,
  }
  table.move(t.words or {}, 1, #(t.words or {}), #words + 1, words)
  local result = scratch.jig(words)
  result.folder, result.events = folder, {}
  for line in result.stdout:gmatch("[^\n]+") do
    local event = cjson.decode(line)
    if event then result.events[#result.events + 1] = event end
  end
  return setmetatable(result, { __close = function() folder:__close() end })
end

describe("jig run", function()
  it("passes: exit 0, one line on stdout, nothing on stderr", function()
    local result <close> = run()
    assert.same({ 0, "" }, { result.exit, result.stderr })
    assert.matches("^PASS  A  %-  " .. product.fingerprint .. "  %d+%.%d%d s\n$", result.stdout)
  end)

  -- Each: what it is, settings of run(), exit status, parts of stdout and stderr (nil: nothing there).
  local ends = {
    { "a unit that failed", { device = { "6" } }, 1,
      "FAIL  A  -  lamp.broken (51): broken  in factory_init\n", nil },
    { "a unit whose fault has an advice", { device = { "5" } }, 1,
      "FAIL  A  -  lamp.dark (50): dark  in factory_init\n      Turn it on.\n", nil },
    { "one of two units that failed", { device = { "0", "6" }, words = { "--count", "2" } }, 1,
      "lamp.broken", "2 units: 0 passed, 2 failed\n" },
    { "a refused new_device", { cli = "{ new_device = { exit = 3, stderr = 'no such factory' } }" }, 1,
      "cli.refused (402): new_device: exit status 3: no such factory  in new_device", nil },
    { "a bug of the recipe", { more = "prepare = function() error 'boom' end," }, 1,
      "tool.recipe (902): ", "stack traceback:" },
    { "a recipe that loops", {
      more = "run = function(unit) unit:new_device() while true do pcall(error) end end," }, 1,
      "tool.limit (903): it computed for more than 1 s without waiting  in new_device", nil },
    { "a unit that is manufactured with a fault", { more = "finish = function(unit) unit:fail 'cli.refused' end," }, 1,
      "manufactured as " .. product.fingerprint, nil },
    { "another serial number", { words = { "--serial-number", "S1" },
      more = "prepare = function(unit) unit.serial = 'S2' end," }, 1,
      "FAIL  A  S2  tool.serial (906): the device says it is S2, the station expects S1  in prepare\n", nil },
    { "a recipe with a mistake", { text = "return 5" }, 3, nil, "recipe.lua: must return jig.recipe { … }\n" },
    { "a CLI that is not there", { words = { "--cli", "/nowhere/tool" } }, 4, nil,
      "jig run: the Secure Factory CLI cannot be started: /nowhere/tool: No such file or directory\n"
      .. "  name it with --cli PATH, or cli.path in the station file\n" },
    { "a CLI that cannot be executed", { words = { "--cli", "/dev/null" } }, 4, nil, "/dev/null: is not a file" },
    { "token trouble that only a recipe tells of", { more = "prepare = function(unit) unit:fail 'cli.token' end," }, 1,
      "cli.token (406)", nil },
    { "a report that nobody accepted", { device = { "6" }, cli = "{ report_error = { exit = 9 } }" }, 6,
      "NOT REPORTED", "A  NOT REPORTED: report_error: exit status 9\n" },
    { "a station's trouble and a report that nobody accepted", {
      cli = "{ get_device_configuration = { exit = 8 }, report_error = { exit = 9 } }",
      token = "missing = { statuses = { 8 } }" }, 6, "cli.token_missing", "NOT REPORTED" },
  }
  for _, case in ipairs(ends) do
    it(("ends with %d for %s"):format(case[3], case[1]), function()
      local result <close> = run(case[2])
      assert.equal(case[3], result.exit, result.stderr)
      for i, text in pairs { [4] = result.stdout, [5] = result.stderr } do
        if case[i] then assert.matches(case[i], text, 1, true) else assert.equal("", text) end
      end
    end)
  end

  -- Each: words behind "run", a part of the message. None may call the CLI or open the port.
  local usage = {
    { "no recipe", {}, "slot A has no recipe: name one for all" },
    { "an unknown flag", { "r", "--retry" }, "unknown option '--retry'" },
    { "a flag without its value", { "r", "--port" }, "option '--port' requires an argument" },
    { "a count of 0", { "r", "--count", "0" }, "expected a whole number from 1 to 1000000, got '0'" },
    { "a count that is no number", { "r", "--count", "x" }, "expected a whole number from 1 to 1000000, got 'x'" },
    { "negative retries", { "r", "--retries=-1" }, "expected a whole number from 0 to 100, got '-1'" },
    { "a session id for more than one unit", { "r", "--session-id", "ab", "--count", "2" },
      "jig run: --session-id is for one unit and one attempt: it cannot go with --count or --retries\n" },
    { "a session id for more than one attempt", { "r", "--session-id", "ab", "--retries", "1" },
      "it cannot go with --count or --retries" },
    { "a session id where the station retries", { "r", "--session-id", "ab", "--station", "RETRIES" },
      "jig run: --session-id cannot go with retries\n" },
    { "a serial number for more than one unit", { "r", "--serial-number", "S1", "--count", "2" },
      "jig run: --serial-number is for one unit: it cannot go with --count\n" },
    { "a slot that is none", { "r", "--slot", "A" }, "jig run: --slot takes NAME=ADDRESS" },
    { "a port for several slots", { "r", "--slot", "A=pair:a", "--slot", "B=pair:b", "--port", "pair:c" },
      "jig run: --port is for one slot: with several it is --slot NAME=ADDRESS\n" },
    { "two slots at one port", { "r", "--slot", "A=pair:a", "--slot", "B=pair:a" },
      "jig run: slots A and B have the same port: pair:a\n" },
    { "a session id for several slots", { "r", "--slot", "A=pair:a", "--slot", "B=pair:b", "--session-id", "1" },
      "jig run: --session-id is for one unit: it cannot go with several slots\n" },
    { "a serial number for several slots", { "r", "--slot", "A=pair:a", "--slot", "B=pair:b", "--serial-number", "1" },
      "jig run: --serial-number is for one unit: it cannot go with several slots\n" },
    { "a watched station with a JUnit file", { "r", "--watch", "--junit", "x.xml" },
      "jig run: --watch and --junit exclude each other: jig journal export writes such a file\n" },
    { "a watched station with a count", { "r", "--watch", "--count", "2" },
      "jig run: --watch and --count exclude each other\n" },
    { "a start without --watch", { "r", "--start", "line" }, "jig run: --start needs --watch\n" },
    { "a start that is none", { "r", "--watch", "--start", "now" }, "'--start' must be one of 'line', 'scan'\n" },
    { "another trace", { "r", "--trace=all" }, "jig run: --trace takes nothing or =payload\n" },
    { "a station file that is not there", { "r", "--station", "/nowhere/s.lua" },
      "jig run: /nowhere/s.lua: No such file or directory\n" },
    { "a recipe that no slot would run", { "r", "--station", "OWN", "--slot", "B=pair:b" },
      "jig run: r would not be run: each slot has a recipe of its own in the station file: leave it out\n" },
    { "a station file with a mistake", { "r", "--station", "WRONG" },
      "wrong.lua:2: retries: expected a whole number from 0 to 100, got number -1\n" },
  }
  for _, case in ipairs(usage) do
    it("ends with 2 for " .. case[1], function()
      local folder <close> = scratch.folder {
        ["retries.lua"] = "return { retries = 1 }",
        ["own.lua"] = "return { slots = { { name = 'A', recipe = 'a' }, { name = 'B', recipe = 'b' } } }",
        ["wrong.lua"] = "return {\n  retries = -1 }",
      }
      local words = { "run" }
      for i, word in ipairs(case[2]) do
        words[i + 1] = word:match("^%u+$") and ("%s/%s.lua"):format(folder.path, word:lower()) or word
      end
      local result = scratch.jig(words)
      assert.same({ 2, "" }, { result.exit, result.stdout })
      assert.matches(case[3], result.stderr, 1, true)
    end)
  end

  it("takes a recipe that one slot runs, and stations whose slots have their own in the folder of one", function()
    local folder <close> = scratch.folder {
      ["own.lua"] = "return { slots = { { name = 'A', recipe = 'a' } } }", ["recipe.lua"] = scratch.recipe(),
    }
    for _, words in ipairs { { "run" }, { "run", "recipe.lua", "--slot", "B=pair:b" } } do
      table.move({ "--station", "own.lua", "--cli", "/nowhere" }, 1, 4, #words + 1, words)
      words.cwd = folder.path
      local result = scratch.jig(words)
      assert.equal(4, result.exit)
      assert.matches("/nowhere: No such file", result.stderr, 1, true)
    end
  end)

  it("tells its options", function()
    for _, flag in ipairs { "-h", "--help" } do
      local result = scratch.jig { "run", "r", "--unknown", flag }
      assert.same({ 0, "" }, { result.exit, result.stderr })
      for _, option in ipairs { "--port", "--slot", "--station", "--cli", "--serial-number", "--session-id", "--count",
        "--retries", "--lot", "--operator", "--json", "--junit", "--trace" } do
        assert.matches(option, result.stdout, 1, true)
      end
    end
  end)

  it("lets flags go before the station file", function()
    local result <close> = run {
      words = { "--retries", "0", "--lot", "9", "--json" },
      station = "retries = 3, slot = 'B', lot = '7', operator = 'eva', port = 'pair:x'",
      device = { "5" },
      more = "prepare = function(unit) unit:log(unit.lot .. unit.operator .. unit.slot) end,",
    }
    local notes, ended = {}, 0
    for _, event in ipairs(result.events) do
      if event.event == "note" then notes[#notes + 1] = event.text end
      if event.event == "ended" then ended = ended + 1 end
    end
    assert.same({ "9evaB" }, notes)
    assert.equal(1, ended)
  end)

  it("retries as the station says and passes when a later attempt does", function()
    local result <close> = run {
      station = "retries = 1",
      more = [[prepare = function(unit)
        if unit.attempt == 1 then unit:fail("lamp.dark", { code = 5, reason = "dark", retry = true }) end
      end,]],
    }
    assert.equal(0, result.exit)
    assert.matches("FAIL  A  %-  lamp.dark.-\nPASS  A", result.stdout)
    assert.matches("another attempt follows\n", result.stderr, 1, true)
  end)

  it("finds the CLI in PATH when nothing names one", function()
    local folder <close> = scratch.folder()
    folder:tool("factory_tool", "os.exit(3)\n")
    local recipe = folder:write("recipe.lua", scratch.recipe())
    local path = folder.path .. ":" .. os.getenv("PATH")
    local words = { "run", recipe, "--port", scratch.device(), env = { PATH = path } }
    local result = scratch.jig(words)
    assert.equal(1, result.exit, result.stderr)
    assert.matches("cli.refused (402)", result.stdout, 1, true)
    words = { "run", recipe, env = { PATH = "/nowhere" } }
    result = scratch.jig(words)
    assert.equal(4, result.exit)
    assert.matches("factory_tool: no such program in PATH", result.stderr, 1, true)
  end)

  describe("--json", function()
    -- What the schema in scripts/README.md says of each event, beside event and time.
    local schema = {
      started = { recipe = "string", version = "string" },
      phase = { phase = "string" },
      gate = { place = "number", waited = "number" },
      manufactured = { fingerprint = "string" },
      report = { code = "number", reason = "string", accepted = "boolean", trouble = "string" },
      note = { text = "string" },
      serial = { serial = "string" },
      ended = {
        passed = "boolean", seconds = "number", phases = "table", received = "number", sent = "number",
        serial = "string", fingerprint = "string", fault = "table", reported = "boolean", unreported = "boolean",
        report_trouble = "string", reset_trouble = "string", manufactured_with_fault = "boolean", again = "boolean",
        station = "boolean", gate_seconds = "number",
      },
      refused = { message = "string" },
      stopping = { times = "number" },
      unreported = { sessions = "number", kept = "boolean" },
      summary = { units = "number", passed = "number", failed = "number", exit = "number" },
    }
    local faults = {
      name = "string", code = "number", reason = "string", phase = "string", slot = "string", session = "string",
      line = "string", traceback = "string", retry = "boolean", limit = "string", advice = "string",
    }

    local function assert_fields(wanted, object, what)
      for key, value in pairs(object) do
        assert.equal(wanted[key], type(value), what .. "." .. key)
      end
    end

    local function assert_schema(result)
      local _, lines = result.stdout:gsub("\n", "")
      assert.equal(lines, #result.events)
      assert.is_true(lines > 0)
      for _, event in ipairs(result.events) do
        assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", event.time)
        local whole = event.event == "summary" or event.event == "unreported"
        if not whole then assert.same({ "A", 1 }, { event.slot, event.unit }) end
        if event.fault then assert_fields(faults, event.fault, "fault") end
        local wanted = setmetatable({ event = "string", time = "string", slot = "string", unit = "number",
          attempt = "number", session = "string" }, { __index = assert(schema[event.event], event.event) })
        assert_fields(wanted, event, event.event)
      end
    end

    it("prints one object a line, as documented, for a unit that passed", function()
      local result <close> = run { words = { "--json" }, more = [[
        finish = function() end, prepare = function(unit) unit.serial = "S1" unit:log "a \"b\" °" end,
      ]] }
      assert_schema(result)
      local ended, summary = result.events[#result.events - 1], result.events[#result.events]
      assert.same({ true, product.fingerprint, "S1" }, { ended.passed, ended.fingerprint, ended.serial })
      summary.time = nil
      assert.same({ event = "summary", units = 1, passed = 1, failed = 0, exit = 0 }, summary)
      assert.equal("", result.stderr)
    end)

    it("and for one that failed in every way", function()
      local result <close> = run {
        words = { "--json" },
        more = "reset = function(unit) if unit.session_id then error 'reset' end end,",
        device = { "5" },
        cli = "{ report_error = { exit = 9 } }",
      }
      assert_schema(result)
      local ended = result.events[#result.events - 2]
      assert.same({ 1, true }, { result.events[#result.events - 1].sessions, result.events[#result.events - 1].kept })
      assert.same({ "lamp.dark", 50, "dark", "factory_init", true, "Turn it on." }, {
        ended.fault.name, ended.fault.code, ended.fault.reason, ended.fault.phase, ended.fault.retry,
        ended.fault.advice,
      })
      assert.same({ false, true }, { ended.reported, ended.unreported })
      assert.matches("reset", ended.reset_trouble)
      assert.equal(6, result.events[#result.events].exit)
    end)

    it("and for a recipe that is refused", function()
      local result <close> = run { words = { "--json" }, text = "return 5" }
      assert_schema(result)
      assert.same({ "refused", "summary" }, { result.events[1].event, result.events[2].event })
      assert.equal(3, result.events[2].exit)
    end)

    it("gives in the summary the status with which it ends, when several apply", function()
      local result <close> = run {
        words = { "--json" },
        more = "run = function(unit) unit:new_device() unit:fail 'cli.token' end,",
        cli = "{ report_error = { exit = 9 } }",
      }
      assert.same({ 6, 6 }, { result.exit, result.events[#result.events].exit })
    end)
  end)

  it("writes a JUnit file, with every attempt", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/junit.xml"
    local result <close> = run { words = { "--junit", path, "--retries", "1" }, device = { "5" } }
    assert.equal(1, result.exit)
    local text = folder:read "junit.xml"
    assert.matches('<testsuite name="lamp" tests="2" failures="2" errors="0"', text, 1, true)
    assert.matches('type="lamp.dark" message="dark"', text, 1, true)
  end)

  it("does not pass when the JUnit file cannot be written", function()
    local result <close> = run { words = { "--junit", "/nowhere/junit.xml" } }
    assert.equal(1, result.exit)
    assert.matches("jig run: /nowhere/junit.xml: No such file or directory\n", result.stderr, 1, true)
    assert.matches("^PASS", result.stdout)
  end)

  describe("--trace", function()
    it("shows traffic by its length and digest alone", function()
      local result <close> = run { words = { "--trace" } }
      assert.equal(0, result.exit)
      assert.is_true(#result.stderr > 0)
      for _, bytes in ipairs { "01810000", "02030405060708" } do
        assert.is_nil(result.stderr:lower():find(bytes, 1, true), result.stderr)
      end
      assert.is_nil(result.stderr:find("WARNING", 1, true))
    end)

    it("shows bytes with =payload, and warns", function()
      local result <close> = run { words = { "--trace=payload" } }
      assert.equal(0, result.exit)
      assert.matches("^jig: WARNING: %-%-trace=payload shows the bytes of every message\n", result.stderr)
      assert.matches("01810000", result.stderr, 1, true)
    end)

    it("does not swallow the recipe behind it", function()
      local result = scratch.jig { "run", "--trace", "/nowhere/recipe.lua", "--cli", "/bin/true" }
      assert.equal(3, result.exit)
      assert.matches("/nowhere/recipe.lua: No such file", result.stderr, 1, true)
    end)
  end)

  describe("signals", function()
    -- Starts a run whose device never answers, waits for the exchange, and sends `signals`.
    local function interrupted(signals, cli)
      local folder <close> = scratch.folder()
      local station = folder:write("station.lua", scratch.station(folder:cli(cli)))
      local child <close> = assert(proc.start {
        scratch.program, "run", folder:write("recipe.lua", scratch.recipe()), "--station", station,
        "--port", scratch.device "silent", "--json", limit = LONG,
      })
      local deadline = clock.now() + LONG
      while folder:commands() == "" and clock.now() < deadline do clock.sleep(0.002) end
      for _, signal in ipairs(signals) do child:kill(signal) end
      local result = assert(child:wait(LONG))
      return result, folder:commands()
    end

    for name, number in pairs { SIGINT = 2, SIGTERM = 15 } do
      it(name .. " ends the unit and reports it: exit 5", function()
        local result, commands = interrupted { number }
        assert.equal(5, result.exit, result.stdout)
        assert.equal("new_device report_error", commands)
        assert.matches('"name":"tool.interrupted"', result.stdout, 1, true)
        assert.matches('"event":"stopping"', result.stdout, 1, true)
      end)
    end

    it("a second one does not skip the report", function()
      local result, commands = interrupted({ 2, 2 }, "{ report_error = { hang = 0.2 } }")
      assert.equal(5, result.exit)
      assert.equal("new_device report_error", commands)
    end)
  end)

  describe("on a terminal", function()
    -- What `jig run` writes to a terminal: stdout and stderr together.
    local function terminal(t)
      local folder <close> = scratch.folder()
      local station = folder:write("station.lua", scratch.station(folder:cli(t.cli)))
      local words = { "sh", "-c", 'exec env "$@" 2>&1', "sh" }
      table.move(t.env or {}, 1, #(t.env or {}), #words + 1, words)
      table.move({
        scratch.program, "run", folder:write("recipe.lua", scratch.recipe(t.more)), "--station", station,
        "--port", scratch.device(table.unpack(t.device or {})),
      }, 1, 7, #words + 1, words)
      for i, word in ipairs(words) do
        words[i] = word:gsub("[^%w/._=-]", function(c) return ("%%%02X"):format(c:byte()) end)
      end
      local wire <close> = assert(port.open("exec:" .. table.concat(words, " ") .. "?pty=1"))
      local text = ""
      while true do
        local bytes, message = wire:read_some(LONG)
        if not bytes then return text, message end
        text = text .. bytes
      end
    end

    it("shows the phase and its time on a line of its own, erases it, and then the verdict in colour", function()
      local text, message = terminal { cli = "{ new_device = { hang = 0.3 } }" }
      assert.matches("status 0", message)
      assert.matches("\r\27%[KA  new_device  0%.%d s\r\27%[KA  new_device  0%.%d s", text)
      assert.matches("\r\27%[K\27%[32mPASS\27%[0m  A  %-  " .. product.fingerprint .. "  %d+%.%d%d s\r?\n$", text)
    end)

    it("shows a failure in red, and notes on lines of their own", function()
      local text = terminal { device = { "6" }, more = "prepare = function(unit) unit:log 'lit' end," }
      assert.matches("\r\27%[KA  lit\r?\n", text)
      assert.matches("\27[31mFAIL\27[0m  A  -  lamp.broken (51): broken  in factory_init", text, 1, true)
    end)

    it("has no colours with NO_COLOR, unless that is empty", function()
      assert.is_nil(terminal { env = { "NO_COLOR=1" } }:find("\27[32m", 1, true))
      assert.is_truthy(terminal { env = { "NO_COLOR=" } }:find("\27[32m", 1, true))
    end)
  end)

  describe("the token", function()
    it("that is in trouble is the station's: exit 4", function()
      local names = { [7] = "cli.token_busy (408)", [8] = "cli.token_missing (407)", [9] = "cli.pin (409)" }
      for status, name in pairs(names) do
        local result <close> = run {
          cli = ("{ new_device = { exit = %d } }"):format(status),
          token = "busy = { statuses = { 7 } }, missing = { statuses = { 8 } }, pin = { statuses = { 9 } }, tries = 1",
        }
        assert.equal(4, result.exit)
        assert.matches(name, result.stdout, 1, true)
      end
    end)

    it("whose PIN was refused ends the run: no further unit, no report", function()
      local result <close> = run {
        cli = "{ get_device_configuration = { exit = 1, stderr = 'Wrong PIN.' } }",
        token = "pin = { patterns = { 'wrong pin' } }",
        words = { "--json", "--count", "3", "--retries", "2" },
      }
      assert.equal("new_device get_device_configuration", result.folder:commands())
      assert.equal(6, result.exit) -- its session is left to the next start
      local ended, halted = result.events[#result.events - 3], result.events[#result.events - 2]
      assert.same({ "halted", ended.fault.reason }, { halted.event, halted.reason })
      assert.same({ "cli.pin", true, false, true },
        { ended.fault.name, ended.unreported, ended.reported, ended.station })
      assert.matches("not called: get_device_configuration: exit status 1: Wrong PIN.", ended.report_trouble, 1, true)
      local settings = result.folder:cli()
      local recovered = scratch.run {
        scratch.program, "recover", "--station", result.folder:write("station.lua", scratch.station(settings)),
      }
      assert.equal(0, recovered.exit, recovered.stderr)
      assert.equal("new_device get_device_configuration report_error", result.folder:commands())
    end)

    it("of which only a recipe says that it refused its PIN ends its own unit: exit 1", function()
      local result <close> = run {
        more = [[prepare = function() error(require("jig.fault").new("cli.pin", { reason = "fake" }), 0) end,]],
        words = { "--json", "--count", "2" },
      }
      local said = {}
      for _, event in ipairs(result.events) do
        if event.event == "halted" then said[#said + 1] = "halted" end
        if event.event == "ended" then said[#said + 1] = event.fault.reason end
      end
      assert.same({ 1, "fake", "fake" }, { result.exit, table.unpack(said) })
    end)

    it("whose lock folder cannot be used ends it with 4 before any unit, and says what to do", function()
      local result <close> = run { station = "", env = {}, token = "width = 2, folder = '/proc/none'" }
      assert.equal(4, result.exit)
      assert.matches("/proc/none", result.stderr, 1, true)
      assert.matches("or name another folder: cli = { token = { folder", result.stderr, 1, true)
      assert.equal("", result.folder:commands())
    end)
  end)
end)
