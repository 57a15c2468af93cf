--- A station that is watched: devices come and go, and a trigger says when a unit begins.

local cjson = require "cjson.safe"
local mocked = require "spec.support.mocked"
local peer = require "spec.peer"
local port = require "jig.port"
local proc = require "jig.proc"
local scratch = require "spec.support.scratch"
local station = require "spec.support.station"

local SIGTERM <const> = 15

-- Percent-encoded words of an exec: address.
local function exec(words)
  local encoded = {}
  for i, word in ipairs(words) do
    encoded[i] = word:gsub("[^%w%-%._~/=:]", function(c) return ("%%%02X"):format(c:byte()) end)
  end
  return "exec:" .. table.concat(encoded, " ")
end

-- The simulator's device at a link of one name, which is gone when it is closed.
local function device(place, name, serial)
  local link = place.path .. "/" .. name
  os.remove(link)
  return station.device(place, { wire = "length", arguments = { "--serial", serial, "--listen", "pty:" .. link } })
end

local function count(events, name, test)
  local n = 0
  for _, event in ipairs(events) do
    if event.event == name and (not test or test(event)) then n = n + 1 end
  end
  return n
end

describe("a watched station", function()
  it("runs each device once when it comes, and leaves it alone until it is gone", function()
    local place <close> = station.place()
    local address = "tty:" .. place.path .. "/dut"
    local run <close> = station.start(place, {
      recipe = "examples/thermostat", port = address, json = true, arguments = { "--watch" },
    })
    run:await("waiting")
    for i, serial in ipairs { "T1", "T2" } do
      local one <close> = device(place, "dut", serial)
      station.eventually("unit " .. i, function() return count(run:events(), "ended") == i end)
      local before = count(run:events(), "waiting", function(e) return e["for"] == "device" end)
      assert.equal(i, before) -- nothing waits for a device while this one is there
      one:close()
      os.remove(place.path .. "/dut")
      station.eventually("it is gone", function()
        return count(run:events(), "waiting", function(e) return e["for"] == "device" end) == i + 1
      end)
    end
    run:signal(SIGTERM)
    local result = run:finish()
    assert.equal(0, result.exit, result.stderr)
    local serials = {}
    for _, event in ipairs(result.events) do
      if event.event == "ended" then
        assert.is_true(event.passed)
        serials[#serials + 1] = event.serial
      end
    end
    assert.same({ "T1", "T2" }, serials)
    assert.equal(2, #result.audit:starts "new_device")
  end)

  it("ends a unit that is at work when it is stopped: reported, exit 5", function()
    local place <close> = station.place()
    local one <close> = station.device(place, { wire = "length", faults = { "silence@init" } })
    local run <close> = station.start(place, {
      recipe = "examples/thermostat", port = one.address, json = true, arguments = { "--watch" },
    })
    run:await("phase", "factory_init")
    run:signal(SIGTERM)
    local result = run:finish()
    assert.equal(5, result.exit, result.stderr)
    assert.equal(1, #result.audit:commits "reported")
  end)

  -- `jig run --watch --start KIND` with its standard input in our hands.
  local function triggered(place, kind, slots)
    local words = { station.jig, "run", "examples/thermostat", "--cli", station.factory_tool, "--no-journal", "--json",
      "--station", station.file(place), "--watch", "--start", kind }
    for _, slot in ipairs(slots) do table.move({ "--slot", slot }, 1, 2, #words + 1, words) end
    local address = exec { "env", "SIM_DIR=" .. place:fresh("service"), table.unpack(words) } .. "?pty=1"
    local wire = assert(port.open(address))
    local seen = {}
    -- The next event of that name; those before it go into `seen`.
    return wire, function(name, test)
      while true do
        local line = assert(wire:read_until("\n", station.PATIENCE))
        local event = assert(cjson.decode(line), line)
        seen[#seen + 1] = event
        if event.event == name and (not test or test(event)) then return event end
      end
    end, seen
  end

  it("begins at a scan, and fails a device that has another serial number before anything is opened", function()
    local place <close> = station.place()
    local first <close> = device(place, "one", "T1")
    local wire <close>, await = triggered(place, "scan", { "A=" .. first.address })
    await("waiting", function(e) return e["for"] == "start" end)
    assert(wire:write("T1\n"))
    assert.is_true(await("ended").passed)
    await("waiting", function(e) return e["for"] == "removal" end)
    first:close()
    os.remove(place.path .. "/one")
    await("waiting", function(e) return e["for"] == "start" end)
    local second <close> = device(place, "one", "T2")
    assert(wire:write("T1\n"))
    local ended = await("ended")
    assert.equal("tool.serial", ended.fault.name)
    assert.is_nil(ended.session)
    second:close()
  end)

  it("begins the slots that are named, or all, at a line", function()
    local place <close> = station.place()
    local one <close> = device(place, "one", "T1")
    local two <close> = device(place, "two", "T2")
    local wire <close>, await = triggered(place, "line", { "A=" .. one.address, "B=" .. two.address })
    await("waiting")
    await("waiting")
    assert(wire:write("B\n"))
    assert.equal("B", await("ended").slot)
    assert(wire:write("B\n"))
    assert.equal("no slot that waits is named 'B'", await("note").text)
    assert(wire:write("\n"))
    assert.equal("A", await("ended").slot)
  end)

  it("tries to open a device that nobody has let it into yet, within limits.open, and then says what to do", function()
    if scratch.valgrind then pending "valgrind's log is another user's" end
    local other = assert(peer.pty(true))
    scratch.run { "chmod", "000", other:path() }
    local folder <close> = scratch.folder {
      ["recipe.lua"] = (scratch.recipe():gsub("exchange = 60,", "open = 0.2, %0")),
      ["station.lua"] = 'return { cli = { path = "/bin/true", token = false } }',
    }
    local words = {}
    for word in mocked.stranger():gmatch "%S+" do words[#words + 1] = word end
    for _, word in ipairs { station.jig, "run", folder.path, "--port", "tty:" .. other:path(),
      "--station", folder.path .. "/station.lua", "--no-journal", "--json", "--watch" } do words[#words + 1] = word end
    local run <close> = assert(port.open(exec(words)))
    local event
    repeat
      local line = assert(run:read_until("\n", station.PATIENCE))
      event = assert(cjson.decode(line), line)
    until event.event == "ended"
    assert.equal("connectivity.open", event.fault.name)
    assert.matches("cannot open .*; tried for 0.2 s: .* add a udev rule", event.fault.reason)
    other:close()
  end)

  it("ends as a station in trouble when the scanner is not there", function()
    local told = scratch.jig { "run", "examples/thermostat", "--cli", station.factory_tool, "--no-journal", "--watch",
      "--start", "scan", "--scanner", "serial:/dev/nowhere", "--slot", "A=tty:/nowhere/a" }
    assert.equal(4, told.exit, told.stderr)
    assert.matches("no unit is started any more: start: cannot find /dev/nowhere", told.stderr, 1, true)
  end)

  it("ends when the lines have ended before it began", function()
    local told = assert(proc.start({
      "sh", "-c", ': | "$0" "$@"', station.jig, "run", "examples/thermostat", "--cli", station.factory_tool,
      "--no-journal", "--json", "--watch", "--start", "line",
      "--slot", "A=tty:/nowhere/a", "--slot", "B=tty:/nowhere/b",
    }):wait(station.PATIENCE))
    assert.equal(0, told.exit, told.stderr)
    assert.matches("no unit is started any more: start: the input has ended", told.stdout, 1, true)
  end)
end)
