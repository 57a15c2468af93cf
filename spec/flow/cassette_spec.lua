-- Cassettes as on a line: `jig run --record` against the simulator's programs, what stands in the file, and `jig
-- replay` of it.

local clock = require "jig.clock"
local hex = require "jig.hex"
local replay = require "spec.support.replay"
local scratch = require "spec.support.scratch"
local secrets = require "spec.support.secrets"
local station = require "spec.support.station"
local transcript = require "spec.support.transcript"

local WIRES <const> = {
  thermostat = { wire = "length", listen = "pty" },
  meter = { wire = "slip", listen = "pty" },
  gateway = { wire = "ftcd", listen = "tcp" },
}

local SIGKILL <const> = 9

describe("cassettes", function()
  local place

  setup(function() place = station.place() end)
  teardown(function() place:close() end)

  -- Records a unit of a product. Gives the cassette's path, and what jig came to.
  local function record(name, more)
    local path = place:fresh(name) .. ".cassette"
    local device <close> = station.device(place, {
      wire = WIRES[name].wire, listen = WIRES[name].listen, faults = more.faults,
      arguments = { "--serial", "T100317" },
    })
    local words = { "--record", path, table.unpack(more.arguments or {}) }
    return path, station.run(place, {
      recipe = "examples/" .. name, port = device.address, arguments = words, fault = more.tool, service = more.service,
    })
  end

  local function replayed(path, name, ...)
    return scratch.jig { "replay", path, "--recipe", "examples/" .. name, ... }
  end

  local function check_same(path, name, ...)
    local told = replayed(path, name, ...)
    assert.equal(0, told.exit, told.stdout .. told.stderr .. station.read(path))
    assert.equal("", told.stderr)
  end

  -- The pieces of what the trace showed, but for those that are text, or a digest that the wire itself carries.
  local function traced(stderr, cassette)
    local messages = {}
    for digits in stderr:gmatch("[<>] %d+ bytes sha256:%x+\n([%x\n ]+)") do
      messages[#messages + 1] = hex.decode((digits:gsub("%s", "")))
    end
    local windows = secrets.windows(messages)
    for piece in pairs(windows) do
      if not piece:find("[^\t\n\r\27\32-\126]") then windows[piece] = nil end
    end
    for digest in cassette:gmatch("=%d+:(%x+)") do
      local bytes = hex.decode(digest)
      -- with the length in front of it, too, whose digits may be those of the byte before it
      for piece in pairs(windows) do
        if piece == bytes or piece:sub(2) == bytes:sub(1, #piece - 1) then windows[piece] = nil end
      end
    end
    assert.is_true(next(windows) ~= nil)
    return windows
  end

  for name in pairs(WIRES) do
    it(("of a %s that passes are replayed without a difference, and hold no message"):format(name), function()
      local path, result = record(name, { arguments = { "--trace=payload" } })
      assert.equal(0, result.exit, result.stdout .. result.stderr)
      check_same(path, name)
      check_same(path, name, "--strict", "--tolerance", "0.5")
      local number, how = secrets.find(traced(result.stderr, station.read(path)), station.read(path))
      assert.is_nil(number, how)
      assert.truthy(station.read(path):find("> frame [^\n]*payload=1984:%x+"))
    end)
  end

  for what, case in pairs {
    ["a status"] = { "thermostat", { faults = { "no-memory" }, arguments = { "--retries", "1" } } },
    ["a wrong check"] = { "gateway", { faults = { "crc@init" } } },
    ["half an answer"] = { "thermostat", { faults = { "gone-mid-reply@init" } } },
    ["an answer in pieces"] = { "gateway", { faults = { "split" } } },
    ["a refusal of the lock"] = { "meter", { faults = { "status=114@lock" } } },
    ["output that cannot be read"] = { "meter", { tool = "get_device_configuration:bad-hex" } },
    ["a CLI that is killed"] = { "gateway", { tool = "handle_device_response:kill=9@after" } },
    ["a report that nobody takes"] = { "gateway", { tool = "new_device:exit=3@after,report_error:exit=5",
      service = { report = { refused = true } } } },
  } do
    it("of a unit that fails by " .. what .. " are replayed without a difference", function()
      local path, result = record(case[1], case[2])
      assert.is_true(result.exit ~= 4, result.stdout .. result.stderr)
      check_same(path, case[1])
    end)
  end

  it("hold no message of the transcript, whatever went wrong with it", function()
    local windows = secrets.windows(replay.messages)
    for _, how in ipairs { "none", "crc", "short", "cut", "junk", "status", "refuse", "refuse-with-answer", "glued" } do
      local at <close> = station.place()
      local device <close> = replay.device(how ~= "none" and { message = 4, how = how } or nil)
      local path = at:fresh("cassette")
      local tool = how:find("refuse", 1, true) or how == "glued"
      local result = station.run(at, {
        recipe = at:write("recipe.lua", replay.recipe .. "\nreturn base\n"), port = device.address,
        cli = replay.tool(at),
        service = { env = { REPLAY_FAULT = tool and "get_device_configuration:" .. how or false } },
        arguments = { "--session-id", transcript.session, "--record", path },
      })
      assert.equal(how == "none" and 0 or 1, result.exit, result.stdout .. result.stderr)
      local number, found = secrets.find(windows, station.read(path))
      assert.is_nil(number, ("%s: %s:\n%s"):format(how, found, station.read(path)))
      local told = scratch.jig { "replay", path }
      assert.equal(0, told.exit, how .. told.stdout .. told.stderr)
    end
  end)

  it("hold the messages when asked to, which warns", function()
    local path, result = record("thermostat", { arguments = { "--record-payload" } })
    assert.equal(0, result.exit)
    assert.matches("WARNING: %-%-record%-payload", result.stderr)
    assert.truthy(station.read(path):find("payload=1984:x%x+"))
    check_same(path, "thermostat")
  end)

  it("are written per unit, and overwrite nothing", function()
    local pattern = place:fresh("units") .. "-%slot-%number.cassette"
    local function run(count)
      local device <close> = station.device(place, { wire = "slip", listen = "pty" })
      return station.run(place, { recipe = "examples/meter", port = device.address,
        arguments = { "--record", pattern, "--count", count } })
    end
    assert.equal(0, run("2").exit)
    for number = 1, 2 do
      check_same((pattern:gsub("%%slot", "A"):gsub("%%number", tostring(number))), "meter")
    end
    local result = run("1")
    assert.equal(4, result.exit)
    assert.matches("^PASS", result.stdout)
    assert.matches("NOT RECORDED: .*exists already", result.stderr)
  end)

  it("are refused as usage where several units would be one file", function()
    for _, words in ipairs {
      { "--record", "a", "--count", "2" }, { "--record", "a", "--slot", "B=tcp:127.0.0.1:1", "--slot", "C=tcp:a:1" },
      { "--record", "%what" }, { "--record-payload" }, { "--record", "README.md" },
    } do
      local told = scratch.jig { "run", "examples/gateway", "--cli", station.factory_tool, table.unpack(words) }
      assert.equal(2, told.exit, told.stderr)
      assert.matches("%-%-record", told.stderr)
    end
  end)

  it("end with a warning where the disk is full, and the unit's result stands", function()
    local path = place:fresh("full")
    local device <close> = station.device(place, { wire = "slip", listen = "pty" })
    -- a file may have 512 bytes
    local told = scratch.run { "sh", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$0" "$@"', station.jig, "run",
      "examples/meter", "--port", device.address, "--cli", "/bin/sh", "--no-journal", "--record", path,
      env = { XDG_RUNTIME_DIR = place.path } }
    assert.equal(4, told.exit, told.stdout .. told.stderr)
    assert.matches("^FAIL", told.stdout)
    assert.matches("NOT RECORDED: .*File too large", told.stderr)
  end)

  it("are whole up to the last line when jig is killed", function()
    local path = place:fresh("killed")
    local device <close> = station.device(place, { wire = "slip", listen = "pty", faults = { "silence@init" } })
    local run <close> = station.start(place, { recipe = "examples/meter", port = device.address, json = true,
      arguments = { "--record", path } })
    run:await("phase", "factory_init")
    station.eventually("the message is recorded", function() return station.read(path):find("> frame command=32") end)
    clock.sleep(0.01)
    run:signal(SIGKILL)
    run:finish()
    local told = replayed(path, "meter")
    assert.equal(2, told.exit)
    assert.matches("is unfinished", told.stderr)
    assert.equal(0, replayed(path, "meter", "--unfinished").exit)
  end)
end)
