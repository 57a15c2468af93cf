-- Serial ports as they are found and listed: in a /sys and /dev that umockdev makes up.

local cjson = require "cjson.safe"
local mocked = require "spec.support.mocked"
local port = require "jig.port"
local scratch = require "spec.support.scratch"
local station = require "spec.support.station"

local BY_PATH <const> = "serial:/dev/serial/by-path/pci-0000:00:14.0-usb-0:%s:1.0-port0"

local function list(bench)
  local text = bench:call [[
    local found = {}
    for _, info in ipairs(port.list()) do
      if info.address:find("serial:", 1, true) == 1 then found[#found + 1] = info end
    end
    table.sort(found, function(a, b) return a.name < b.name end)
    return #found == 0 and "[]" or require("cjson.safe").encode(found)
  ]]
  return assert(cjson.decode(text), text)
end

describe("transports/serial_find", function()
  it("lists each by its socket, with what is known of its adapter", function()
    local bench <close> = mocked.bench()
    bench:call [[
      mocked.plug { at = "1-2", number = 2, tty = "ttyUSB0", vid = "0403", pid = "6001", serial = "A\27[2J",
        manufacturer = "FTDI", product = "UART" }
      mocked.plug { at = "1-3.1", number = 3, tty = "ttyUSB1" }
    ]]
    local found = list(bench)
    found[1].description, found[2].description = nil, nil -- libserialport's words
    assert.same({
      { address = BY_PATH:format "2", name = "/dev/ttyUSB0", path = "1-2", driver = "ftdi_sio", vid = 0x0403,
        pid = 0x6001, serial = "A?[2J", manufacturer = "FTDI", product = "UART" },
      { address = BY_PATH:format "3.1", name = "/dev/ttyUSB1", path = "1-3.1", driver = "ftdi_sio", vid = 0x1209,
        pid = 1 },
    }, found)
  end)

  it("takes the node's own name where udev made no other", function()
    local bench <close> = mocked.bench()
    bench:call "mocked.plug { tty = 'ttyUSB0', nameless = true }"
    assert.equal("serial:/dev/ttyUSB0", list(bench)[1].address)
  end)

  it("says who holds a port, each program once", function()
    local bench <close> = mocked.bench()
    bench:call "mocked.plug { tty = 'ttyUSB0' } held = assert(io.open('/dev/ttyUSB0', 'r+')) return"
    local held = list(bench)[1].held_by
    assert.same({ 1, "jig" }, { #held, held[1].program })
    bench:call "held:close() return"
    assert.is_nil(list(bench)[1].held_by)
  end)

  it("sees by its lock who holds a port, where descriptors of others cannot be seen", function()
    local bench <close> = mocked.bench(mocked.stranger())
    local path = bench:call "mocked.plug { at = '1-2', tty = 'ttyUSB0' } return mocked.behind '1-2'"
    scratch.run { "chmod", "666", path }
    local held <close> = assert(port.open("tty:" .. path))
    local found = list(bench)[1].held_by
    assert.same({ 1, "jig" }, { #found, found[1].program })
    assert.is_true(tostring(held):find(path, 1, true) ~= nil)
  end)

  it("finds the only one that matches, and refuses two, with what to write instead", function()
    local bench <close> = mocked.bench()
    bench:call "mocked.plug { at = '1-2', tty = 'ttyUSB0', serial = 'A17' }"
    assert.equal("true", bench:call "return port.present 'serial:?vid=1209'")
    assert.equal("false", bench:call "return port.present 'serial:?serial=A18'")
    bench:call "mocked.plug { at = '1-3', number = 3, tty = 'ttyUSB1', serial = 'A18' }"
    assert.equal("true", bench:call "return port.present 'serial:?serial=A18'")
    local answer = bench:call "return port.open 'serial:?vid=1209&pid=0001'"
    assert.matches("^nil\tserial: 2 devices match the address: .*; write one of these\tinvalid$", answer)
    for _, place in ipairs { "2", "3" } do assert.matches(BY_PATH:format(place), answer, 1, true) end
  end)

  it("and so does jig run, before a session is opened", function()
    local bench <close> = mocked.bench()
    bench:call [[
      mocked.plug { at = "1-2", tty = "ttyUSB0" }
      mocked.plug { at = "1-3", number = 3, tty = "ttyUSB1" }
    ]]
    local told = scratch.jig { "run", "examples/thermostat", "--cli", station.factory_tool, "--no-journal", "--port",
      "serial:?vid=1209", "--json", env = bench:environment() }
    assert.equal(1, told.exit, told.stderr)
    assert.matches('"connectivity.open"', told.stdout, 1, true)
    for _, place in ipairs { "2", "3" } do
      assert.matches(BY_PATH:format(place), (told.stdout:gsub("\\/", "/")), 1, true)
    end
    assert.is_nil(told.stdout:find '"session":')
  end)
end)
