--- The usb transport on the kernel's own stack: usbcore and usbfs as they run a real device, which is at the end of
-- vhci_hcd.

local clock = require "jig.clock"
local guest = require "spec.rig.guest"
local port = require "jig.port"
local task = require "jig.task"

local PATIENCE <const>, SHORT <const>, NOTICE <const> = guest.PATIENCE, guest.SHORT, guest.NOTICE

-- A device whose bytes come back, plugged in, and a port to it.
local function bench(more)
  local device = guest.device { serial = "A1" }
  device:plug()
  return device, assert(port.open("usb:1209:0001" .. (more or "")))
end

local function outcome(fn)
  return task.spawn(function()
    local _, message, code = fn()
    return code, clock.now(), message
  end)
end

local function echoes(wire, bytes)
  assert(wire:write(bytes, PATIENCE))
  return assert(wire:read(#bytes, PATIENCE)) == bytes
end

describe("the usb transport on a real kernel", function()
  it("carries bytes of every length around a packet, by the endpoints that the descriptors tell", function()
    local device <close>, wire = bench()
    for _, n in ipairs { 1, 8, 511, 512, 513, 1023, 1024, 1025, 16384, 16385, 40000 } do
      assert.is_true(echoes(wire, guest.sample(n)), n)
    end
    assert.equal("timeout", select(3, wire:read(1, SHORT)))
    assert.equal(8, device:counts().pending)
    wire:close()
    assert.equal(0, device:counts().pending)
  end)

  it("takes short packets and packets of zero bytes", function()
    local device <close>, wire = bench()
    device:tell "packet 83 7"
    assert.is_true(echoes(wire, guest.sample(1000)))
    for _ = 1, 20 do device:tell "zero 83" end
    device:tell "packet 83 512"
    assert.is_true(echoes(wire, guest.sample(1000)))
    wire:close()
  end)

  it("sends a packet of zero bytes where the address says so", function()
    local device <close>, wire = bench "?zlp=1"
    assert.is_true(echoes(wire, guest.sample(1024)))
    assert.is_true(echoes(wire, guest.sample(100)))
    wire:close()
  end)

  it("tells a stall of a read once and goes on", function()
    local device <close>, wire = bench()
    assert.is_true(echoes(wire, "before"))
    device:tell "stall 83"
    local _, message, code = wire:read(1, PATIENCE)
    assert.equal("refused", code)
    assert.matches("stalled endpoint 83", message)
    assert.is_true(echoes(wire, "after"))
    wire:close()
  end)

  it("tells a stall of a write once and goes on", function()
    local device <close>, wire = bench()
    device:tell "stall 02"
    assert(wire:write("x", PATIENCE))
    local _, message, code = wire:drain(PATIENCE)
    assert.equal("refused", code)
    assert.matches("stalled endpoint 02", message)
    assert.is_true(echoes(wire, "after"))
    wire:close()
  end)

  it("tells babble once and goes on", function()
    local device <close>, wire = bench()
    device:tell "babble 83"
    assert.equal("limit", select(3, wire:read(1, PATIENCE)))
    assert.is_true(echoes(wire, "after"))
    wire:close()
  end)

  it("keeps its limits when an endpoint hangs, and goes on when it does", function()
    local device <close>, wire = bench()
    device:tell "hang 83"
    assert(wire:write("late", PATIENCE))
    assert.equal("timeout", select(3, wire:read(4, SHORT)))
    device:tell "go 83"
    assert.equal("late", wire:read(4, PATIENCE))
    device:tell "hang 02"
    assert.equal("timeout", select(3, wire:write(("x"):rep(200000), SHORT)))
    assert.equal("timeout", select(3, wire:drain(SHORT)))
    wire:close()
    assert.equal(0, device:counts().pending)
  end)

  it("sends control requests: answered, refused, never answered", function()
    local device <close>, wire = bench()
    assert.equal("JIG1", wire:control { request_type = 0xC0, request = 0x42, length = 4 })
    assert.equal("JI", wire:control { request_type = 0xC0, request = 0x42, length = 2 })
    assert.is_true(wire:control { request_type = 0x40, request = 0x43, data = "kept" })
    assert.equal("kept", wire:control { request_type = 0xC0, request = 0x43, length = 64 })
    local _, message, code = wire:control { request_type = 0xC0, request = 0x44, length = 4 }
    assert.equal("refused", code)
    assert.matches("refuses control request c0/44", message)
    device:tell "hang 00"
    assert.equal("timeout", select(3, wire:control { request_type = 0xC0, request = 0x42, length = 4, limit = SHORT }))
    device:tell "go 00"
    assert.equal("JIG1", wire:control { request_type = 0xC0, request = 0x42, length = 4, limit = PATIENCE })
    wire:close()
  end)

  it("reads events of a second interface beside the bytes of the first", function()
    local device <close>, wire = bench()
    local events <close> = assert(port.open "usb:1209:0001?interface=1")
    device:tell "event 53010000"
    assert.equal("\x53\1\0\0", events:read(4, PATIENCE))
    assert.is_true(echoes(wire, "bytes"))
    assert.equal("unsupported", select(3, events:write("x", PATIENCE)))
    device:tell "event 02"
    assert.equal("\2", events:read(1, PATIENCE))
    wire:close()
  end)

  it("is one process's", function()
    local device <close>, wire = bench()
    local _, message, code = port.open "usb:1209:0001"
    assert.equal("busy", code, message)
    wire:close()
    local again <close> = assert(port.open "usb:1209:0001")
    assert.is_true(echoes(again, "x"))
    device:close()
  end)

  it("refuses two devices that fit, and lists both", function()
    local one <close> = guest.device { serial = "A1", port = 0 }
    local two = guest.device { serial = "B2", port = 1 }
    one:plug()
    two:plug()
    local _, message, code = port.open "usb:1209:0001"
    assert.equal("invalid", code)
    assert.matches("2 devices fit the address", message, 1, true)
    assert.matches("path=%S+ %(1209:0001, serial A1%)", message)
    local path = message:match("path=(%S+) %(1209:0001, serial B2%)")
    for _, address in ipairs { "usb:?serial=B2", "usb:?path=" .. path } do
      local wire <close> = assert(port.open(address))
      assert.is_true(echoes(wire, "two"))
    end
    two:close()
    guest.eventually("B2 is gone", function() return not port.present "usb:?serial=B2" end)
    local wire <close> = assert(port.open "usb:1209:0001")
    assert.is_true(echoes(wire, "one"))
  end)

  it("is lost within 0.2 s of an unplug, whoever waits, and gives all back", function()
    local device <close> = guest.device { serial = "A1" }
    local descriptors
    for _ = 1, 3 do
      device:plug()
      local wire = assert(port.open "usb:1209:0001")
      assert.is_true(echoes(wire, "x"))
      device:tell "hang 02"
      device:tell "hang 00"
      local waiting = {
        outcome(function() return wire:read(1, PATIENCE) end),
        outcome(function() return wire:write(("x"):rep(200000), PATIENCE) end),
        outcome(function() return wire:control { request_type = 0xC0, request = 0x42, length = 4 } end),
      }
      clock.sleep(0.05)
      local at = device:unplug()
      for i, one in ipairs(waiting) do
        local _, code, told, message = one:join(PATIENCE)
        assert.equal("lost", code, message)
        guest.figure(("unplug with the %s pending: lost after %.1f ms"):format(
          ({ "read", "write", "control request" })[i], (told - at) * 1000))
        assert.is_true(told - at < NOTICE, told - at)
      end
      local cpu = os.clock()
      assert.equal("timeout", select(3, task.spawn(function() clock.sleep(SHORT) end):join(SHORT / 2)))
      assert.is_true(os.clock() - cpu < SHORT / 4)
      wire:close()
      device:tell "go 02"
      device:tell "go 00"
      guest.eventually("it is gone", function() return not port.present "usb:?serial=A1" end)
      descriptors = guest.settled(descriptors)
    end
  end)

  it("is lost where a packet was cut off", function()
    local device <close>, wire = bench()
    device:tell "cut sent 1024"
    assert(wire:write(guest.sample(3000), PATIENCE))
    assert.equal(guest.sample(1024), wire:read(1024, PATIENCE))
    assert.equal("lost", select(3, wire:read(1, PATIENCE)))
    wire:close()
  end)

  it("loses no byte of 64 KiB, there and back", function()
    local device <close>, wire = bench()
    local bytes = guest.sample(65536)
    local begun, cpu = clock.now(), os.clock()
    assert.is_true(echoes(wire, bytes))
    local seconds = clock.now() - begun
    guest.figure(("64 KiB there and back over bulk: %.3f s, %.0f kB/s each way, %.3f s of CPU"):format(
      seconds, 65.536 / seconds, os.clock() - cpu))
    local counts = device:counts()
    assert.same({ 65536, 65536 }, { counts.received, counts.sent })
    wire:close()
  end)

  it("is not there without a device, and opens one that came in between", function()
    local device <close> = guest.device { serial = "A1" }
    local descriptors = guest.settled()
    assert.equal("not_found", select(3, port.open "usb:1209:0001"))
    for _ = 1, 3 do
      device:plug()
      local wire <close> = assert(port.open "usb:1209:0001")
      assert.is_true(echoes(wire, "x"))
      device:unplug()
      guest.eventually("it is gone", function() return not port.present "usb:?serial=A1" end)
    end
    guest.settled(descriptors)
  end)

  it("takes an interface from the kernel's driver, which has it back afterwards", function()
    local device <close> = guest.device { product = "ftdi", serial = "F1" }
    device:plug()
    local function node(there)
      guest.eventually("ttyUSB0", function() return port.present "serial:/dev/ttyUSB0" == there end)
    end
    node(true)
    local wire = assert(port.open "usb:0403:6001?serial=F1")
    node(false)
    assert(wire:write("x", PATIENCE))
    assert.equal("\xB1\x60x", wire:read(3, PATIENCE)) -- as the chip says it: two bytes of state go before
    wire:close()
    node(true)
  end)
end)
