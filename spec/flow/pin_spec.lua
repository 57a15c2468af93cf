-- The PIN of the token, from where it is kept to the simulator's tool, which wants it; and that it is nowhere else.

local canary = require "spec.support.canary"
local lfs = require "lfs"
local proc = require "jig.proc"
local scratch = require "spec.support.scratch"
local station = require "spec.support.station"
local tmux = require "spec.support.tmux"

local PIN <const>, WRONG <const> = "83-5172/\"64", "83-5172/\"65"
local SIGSEGV <const>, SIGTERM <const> = 11, 15

local DEVICE <const> = ("exec:%s --wire slip --listen stdio"):format(station.simulator)

-- How the CLI gets it: settings of token.pin, and the simulator's word for it.
local WAYS <const> = {
  { "a descriptor", { by = "descriptor" }, "fd:3" },
  { "standard input", { by = "descriptor", descriptor = 0 }, "fd:0" },
  { "the environment", { by = "environment", variable = "TOKEN_PIN" }, "env:TOKEN_PIN" },
  { "a terminal", { by = "terminal", prompt = "Enter PIN for token 'simulator': " }, "tty" },
}

-- A place with a service whose token wants PIN, and a file that holds `pin`.
local function place_with(pin)
  local place = station.place()
  station.execute("mkdir", "-m", "700", place.path .. "/service")
  place:write("service/pin", PIN .. "\n")
  place:write("pin", pin .. "\n")
  station.execute("chmod", "600", place.path .. "/pin")
  return place
end

local function settings(place, way, from)
  local given = { from = from or "file:" .. place.path .. "/pin", patterns = { "PIN incorrect" } }
  for key, value in pairs(way[2]) do given[key] = value end
  return { env = { SIM_PIN = way[3], SIM_DIR = place.path .. "/service" },
    token = { folder = place:fresh "locks", pin = given } }
end

-- Starts a unit, or more.
local function start(place, way, more)
  local options = { recipe = "examples/meter", service = settings(place, way), directory = place.path .. "/service",
    port = DEVICE }
  for key, value in pairs(more or {}) do options[key] = value end
  return station.start(place, options)
end

local function run(...)
  local started <close> = start(...)
  return started:finish()
end

local function wrong_tries(place) return #station.read(place.path .. "/service/pin.wrong") end

describe("the token's PIN", function()
  for _, way in ipairs(WAYS) do
    describe("that the CLI gets by " .. way[1], function()
      it("is right", function()
        local place <close> = place_with(PIN)
        local result = run(place, way)
        assert.same({ 0, 4 }, { result.exit, #result.audit:commits() }, result.stderr)
      end)

      it("is tried once when it is wrong, at whatever slot", function()
        local place <close> = place_with(WRONG)
        local result = run(place, way, { port = false, json = true, arguments = { "--count", "2", "--slot",
          "A=" .. DEVICE, "--slot", ("B=%s --serial B"):format(DEVICE) } })
        assert.equal(4, result.exit, result.stderr)
        assert.equal(1, wrong_tries(place))
        local halted = 0
        for _, event in ipairs(result.events) do halted = halted + (event.event == "halted" and 1 or 0) end
        assert.same({ 1, 0 }, { halted, result.events[#result.events].passed })
      end)
    end)
  end

  describe("comes from", function()
    it("a credential of systemd", function()
      local place <close> = place_with(WRONG)
      station.execute("mkdir", "-m", "500", place.path .. "/credentials")
      place:write("credentials/token-pin", PIN)
      station.execute("chmod", "440", place.path .. "/credentials/token-pin")
      local file = place:write("station.lua", ([[return { journal = false,
        cli = { path = %q, env = { SIM_PIN = "fd:3", SIM_DIR = %q },
          token = { folder = %q,
            pin = { from = "credential:token-pin", by = "descriptor", statuses = { 6 } } } } }]]):format(
        station.factory_tool, place.path .. "/service", place.path .. "/locks"))
      local words = { "run", "examples/meter", "--station", file, "--port", DEVICE }
      local with <close> = station.start_jig(place, words, { CREDENTIALS_DIRECTORY = place.path .. "/credentials" })
      assert.equal(0, with:finish().exit)
      local without <close> = station.start_jig(place, words, { CREDENTIALS_DIRECTORY = false })
      local result = without:finish()
      assert.equal(4, result.exit)
      assert.matches("the token's PIN is not to be had: systemd gave this process no credentials: the unit needs "
        .. "LoadCredential=token-pin:/PATH", result.stderr, 1, true)
    end)

    it("who sits at the terminal, asked once", function()
      local place <close> = place_with(WRONG)
      local file = place:write("station.lua", ([[return { journal = false,
        cli = { path = %q, env = { SIM_PIN = "tty", SIM_DIR = %q }, token = { name = "line3", folder = %q,
          pin = { from = "prompt", by = "terminal", prompt = "Enter PIN", statuses = { 6 } } } } }]]):format(
        station.factory_tool, place.path .. "/service", place.path .. "/locks"))
      place:write("go", ("#!/bin/sh\nexec %s run examples/meter --count 2 --station %s --port '%s'\n"):format(
        scratch.program, file, DEVICE), true)
      local terminal <close> = tmux.open(place, 100, 24, place.path)
      terminal:type "go"
      terminal:shows { "ready> go", "PIN of the token 'line3':" }
      terminal:type(PIN)
      local shown
      station.eventually("two units", function()
        shown = table.concat(terminal:lines(), "\n")
        return select(2, shown:gsub("PASS", "")) >= 2
      end)
      assert.is_nil(canary.find(shown, PIN))
    end)

    it("nowhere else: jig says what is wrong with it, and begins nothing", function()
      local cases = {
        { "chmod 0640 PLACE/pin", "PLACE/pin may be read by others than its owner: chmod 0600" },
        { "rm PLACE/pin", "PLACE/pin: No such file or directory" },
        { "echo >>PLACE/pin", "PLACE/pin: byte 12 is a control character or a second line: a PIN is one line" },
      }
      for _, case in ipairs(cases) do
        local place <close> = place_with(PIN)
        station.execute("sh", "-c", (case[1]:gsub("PLACE", place.path)))
        local result = run(place, WAYS[1])
        assert.equal(4, result.exit)
        assert.equal(("jig run: the token's PIN is not to be had: %s\n  token.pin.from in the station file says where "
          .. "it is\n"):format((case[2]:gsub("PLACE", place.path))), result.stderr)
        assert.equal(0, #result.audit)
      end
      local place <close> = place_with(PIN)
      local result = run(place, WAYS[1], { service = settings(place, WAYS[1], "prompt") })
      assert.matches("there is no terminal at which to ask for the PIN; from = \"file:/PATH\"", result.stderr, 1, true)
    end)
  end)

  it("is not needed by jig recover --dry-run, which calls nothing", function()
    local place <close> = place_with(PIN)
    local file = place:write("station.lua", ([[return { journal = { path = %q }, cli = { path = %q, token = {
      folder = %q,
      pin = { from = "prompt", by = "descriptor", statuses = { 6 } } } } }]]):format(place.path .. "/journal.db",
      station.factory_tool, place.path .. "/locks"))
    for _, case in ipairs { { 0, "--dry-run" }, { 4 } } do
      local started <close> = station.start_jig(place, { "recover", "--station", file, case[2] })
      local result = started:finish()
      assert.equal(case[1], result.exit, result.stderr)
    end
  end)

  -- Processes, but the tool itself, whose arguments or environment hold it.
  local function seen_by()
    local found = {}
    for name in lfs.dir "/proc" do
      local about = name:find "^%d+$" and station.read(("/proc/%s/cmdline"):format(name)) or ""
      if about ~= "" then
        local is_tool = about:find "^[^%z]*factory_tool%z"
        about = is_tool and about or about .. station.read(("/proc/%s/environ"):format(name))
        if canary.find(about, PIN) then found[#found + 1] = about end
      end
    end
    return found
  end

  local function files_of(place)
    local list = {}
    for path in station.execute("find", place.path, "-type", "f"):gmatch("[^\n]+") do
      if not path:find "/pin$" then list[path] = station.read(path) end
    end
    return list
  end

  local function core_files(place)
    local n = 0
    for path in pairs(files_of(place)) do n = n + (path:find "/core[^/]*$" and 1 or 0) end
    return n
  end

  -- The bytes of jig's memory where it may stand while jig has it: the pages of a secret, which are no part of a core.
  local function in_memory(run_)
    local hits, why = canary.memory(run_.child:pid(), PIN)
    if not hits then pending("the memory cannot be read: " .. why) end
    return hits
  end

  for _, way in ipairs(WAYS) do
    it("is seen nowhere else while the CLI gets it by " .. way[1], function()
      local place <close> = place_with(PIN)
      local junit, cassette = place.path .. "/result.xml", place.path .. "/unit.cassette"
      local started <close> = start(place, way, { json = true, delay = 200, arguments = { "--junit", junit, "--record",
        cassette, "--trace", "--operator", "eva" } })
      local looks = 0
      station.eventually("its end", function()
        assert.same({}, seen_by())
        looks = looks + (#started:events() > 0 and 1 or 0)
        local last = started:events()[#started:events()]
        return last and last.event == "summary"
      end)
      assert(looks > 1, "nobody looked while it ran")
      local result = started:finish()
      assert.equal(0, result.exit, result.stderr)
      for path, text in pairs(files_of(place)) do assert.is_nil(canary.find(text, PIN), path) end
    end)

    it("is repeated by a CLI that gets it by " .. way[1] .. ", and hidden", function()
      if way[3] == "tty" then return end -- it repeats it to its terminal alone
      local place <close> = place_with(WRONG)
      local tool = place:write("tool", ("#!/bin/sh\npin=$(%s); echo \"PIN incorrect: $pin\" >&2; exit 6\n"):format(
        way[3]:find "^env" and "printf %s \"$TOKEN_PIN\"" or "cat <&" .. way[3]:match "%d"), true)
      local result = run(place, way, { cli = tool, json = true, arguments = { "--trace" } })
      assert.equal(4, result.exit)
      for path, text in pairs(files_of(place)) do assert.is_nil(canary.find(text, WRONG), path) end
      assert.matches("PIN incorrect: %*+", result.stdout)
    end)
  end

  it("stands in jig's memory once, while jig has it", function()
    if scratch.checked then pending "a checker keeps what was freed" end
    local place <close> = place_with(PIN)
    local link = place.path .. "/dut"
    local started <close> = start(place, WAYS[4], { json = true, recipe = "examples/thermostat", port = "tty:" .. link,
      arguments = { "--watch" } })
    started:await "waiting"
    local device <close> = station.device(place, { wire = "length", arguments = { "--listen", "pty:" .. link } })
    started:await "ended"
    station.eventually("the wait for its removal", function()
      local events = started:events()
      return events[#events].event == "waiting"
    end)
    local hits = in_memory(started)
    assert.equal(1, #hits, table.concat(hits, "\n"))
    device:close()
    started:signal(SIGTERM)
    started:finish()
  end)

  it("is gone from memory when it was forgotten", function()
    if scratch.checked then pending "a checker keeps what was freed" end
    local place <close> = place_with(PIN)
    local script = place:write("script.lua", [[
      local pin, session, clock = require "jig.pin", require "jig.session", require "jig.clock"
      for _, given in ipairs { { by = "descriptor" }, { by = "environment", variable = "TOKEN_PIN" },
          { by = "terminal", prompt = "PIN" } } do
        assert(pin.read(arg[1] .. "/pin"))
        do
          local s <close> = session.new(session.service { cli = arg[2], env = { SIM_DIR = arg[1] .. "/service",
            SIM_PIN = given.by == "descriptor" and "fd:3" or given.variable and "env:TOKEN_PIN" or "tty" },
            token = { folder = arg[1] .. "/locks", pin = given } }, given.by)
          assert(s:new_device())
          assert(s:report_error(1, "over"))
        end
        pin.forget()
        collectgarbage()
      end
      io.open(arg[1] .. "/done", "w"):close()
      clock.sleep(60)
    ]])
    local started <close> = station.start_jig(place, { script, place.path, station.factory_tool })
    station.eventually("its end", function() return lfs.attributes(place.path .. "/done") end)
    assert.same({}, in_memory(started))
  end)

  it("is in no core", function()
    if scratch.checked then pending "a checker has limits of its own, and valgrind its own core" end
    local may = scratch.run { "sh", "-c", "ulimit -c unlimited", cores = true }
    if may.exit ~= 0 then pending "this process may leave no core" end
    local place <close> = place_with(PIN)
    local dump = place:write("dump", ("#!/bin/sh\nulimit -c unlimited\ncd %s\nexec %s \"$@\"\n"):format(place.path,
      scratch.program), true)
    local script = place:write("script.lua", [[
      assert(require("jig.pin").read(arg[1]))
      io.open(arg[1] .. ".read", "w"):close()
      require("jig.clock").sleep(60)
    ]])
    local child <close> = assert(proc.start { dump, script, place.path .. "/pin", cores = true })
    station.eventually("it was read", function() return lfs.attributes(place.path .. "/pin.read") end)
    child:kill(SIGSEGV)
    assert.equal(SIGSEGV, assert(child:wait(station.PATIENCE)).signal)
    assert.equal(0, core_files(place))
  end)
end)
