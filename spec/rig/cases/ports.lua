--- What jig says of devices that are there, come and go, with a real udevd: names, numbers, drivers, holders.

local cjson = require "cjson.safe"
local clock = require "jig.clock"
local guest = require "spec.rig.guest"
local port = require "jig.port"
local station = require "spec.support.station"

local PATIENCE <const> = guest.PATIENCE

-- What `jig ports` lists, by the path of its node.
local function list()
  local found = {}
  for line in station.execute(station.jig, "ports", "--json"):gmatch("[^\n]+") do
    local one = assert(cjson.decode(line), line)
    found[one.name] = one
  end
  return found
end

describe("jig ports on a real kernel", function()
  it("lists USB devices and serial ports, with the addresses that stay with the socket", function()
    local pipe <close> = guest.device { serial = "C1" }
    local adapter = guest.device { product = "ftdi", serial = "F1", port = 1 }
    pipe:plug()
    adapter:plug()
    guest.eventually("udevd has named it", function()
      local there = list()["/dev/ttyUSB0"]
      return there and there.address:find("by-path", 1, true)
    end)
    local tty = list()["/dev/ttyUSB0"]
    assert.same({ 0x0403, 0x6001, "F1", "ftdi_sio" }, { tty.vid, tty.pid, tty.serial, tty.driver })
    assert.is_nil(tty.held_by)
    do
      local wire <close> = assert(port.open(tty.address))
      assert(wire:write("x", PATIENCE))
      assert.equal("x", wire:read(1, PATIENCE))
      assert.equal("jig", list()["/dev/ttyUSB0"].held_by[1].program)
    end
    local usb
    for _, one in pairs(list()) do usb = one.serial == "C1" and one or usb end
    assert.same({ 0x1209, 1, "pipe" }, { usb.vid, usb.pid, usb.product })
    assert(port.open(usb.address)):close()
    adapter:close()
  end)

  it("tells within 0.2 s that one came, and that it went", function()
    local device <close> = guest.device { serial = "W1" }
    local wire <close> = assert(port.open(guest.exec { station.jig, "ports", "--watch", "--json" }))
    local function await(event)
      while true do
        local line = assert(wire:read_until("\n", PATIENCE))
        local told = assert(cjson.decode(line), line)
        if told.event == event and told.serial == "W1" then return clock.now() end
      end
    end
    clock.sleep(1)
    device:plug()
    local configured = clock.now()
    local came = await "plugged"
    local at = device:unplug()
    local went = await "unplugged"
  guest.figure(("told %.0f ms after it was configured, and %.0f ms after it was unplugged"):format(
      (came - configured) * 1000, (went - at) * 1000))
    assert.is_true(came - configured < guest.NOTICE, came - configured)
    assert.is_true(went - at < guest.NOTICE, went - at)
  end)
end)
