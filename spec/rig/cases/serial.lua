--- The serial transport on real kernel devices: an FTDI adapter (ftdi_sio), an ACM gadget (cdc_acm).

local clock = require "jig.clock"
local guest = require "spec.rig.guest"
local port = require "jig.port"
local task = require "jig.task"

local PATIENCE <const>, SHORT <const>, NOTICE <const> = guest.PATIENCE, guest.SHORT, guest.NOTICE

local function echoes(wire, bytes)
  assert(wire:write(bytes, PATIENCE))
  return assert(wire:read(#bytes, PATIENCE)) == bytes
end

local function await_node(path, there)
  guest.eventually(path, function() return port.present("serial:" .. path) == there end)
end

local DEVICES <const> = {
  {
    name = "an FTDI adapter",
    path = "/dev/ttyUSB0",
    match = "serial:?vid=0403&pid=6001&serial=RIGFTDI1",
    make = function() end,
    plug = function(self)
      self.device = guest.device { product = "ftdi", serial = "RIGFTDI1" }
      self.device:plug()
    end,
    unplug = function(self)
      local at = self.device:unplug()
      self.device:close()
      return at
    end,
  },
  {
    name = "an ACM gadget",
    path = "/dev/ttyACM0",
    match = "serial:?vid=1209&pid=0ac3&serial=RIGACM1",
    make = function() guest.make_gadget "RIGACM1" end,
    plug = function(self)
      guest.plug_gadget()
      await_node("/dev/ttyACM0", true)
      self.far = assert(port.open "tty:/dev/ttyGS0")
      guest.join(self.far)
    end,
    unplug = function(self)
      local at = guest.unplug_gadget()
      self.far:close()
      return at
    end,
  },
}

for _, device in ipairs(DEVICES) do
  describe(device.name, function()
    setup(function()
      device:make()
    end)

    before_each(function()
      device:plug()
      await_node(device.path, true)
    end)

    after_each(function()
      if not device.gone then device:unplug() end
      device.gone = false
      await_node(device.path, false)
    end)

    it("is found by its numbers, and carries bytes at any speed", function()
      for _, baud in ipairs { 9600, 115200, 921600 } do
        local wire <close> = assert(port.open(device.match .. "&baud=" .. baud))
        for _, n in ipairs { 1, 63, 64, 65, 511, 512, 2000 } do
          assert.is_true(echoes(wire, guest.sample(n)), n)
        end
        assert.equal("timeout", select(3, wire:read(1, SHORT)))
      end
    end)

    it("has its lines moved, and is one process's", function()
      local wire <close> = assert(port.open("serial:" .. device.path))
      assert(wire:set("dtr", false))
      assert(wire:set("dtr", true))
      assert(wire:set("rts", false))
      local _, message, code = port.open("serial:" .. device.path)
      assert.equal("busy", code, message)
      assert.is_true(echoes(wire, "x"))
    end)

    it("is lost within 0.2 s of an unplug, and gives all back", function()
      local before
      for round = 1, 3 do
        local wire = assert(port.open(device.match))
        assert.is_true(echoes(wire, "x"))
        local reader = task.spawn(function()
          local _, message, code = wire:read(1, PATIENCE)
          return code, clock.now(), message
        end)
        clock.sleep(0.05)
        local at = device:unplug()
        local _, code, told, message = reader:join(PATIENCE)
        assert.equal("lost", code, message)
        guest.figure(("%s: lost %.1f ms after an unplug"):format(device.name, (told - at) * 1000))
        assert.is_true(told - at < NOTICE, told - at)
        assert.equal("lost", select(3, wire:write("x", PATIENCE)))
        wire:close()
        await_node(device.path, false)
        before = guest.settled(before)
        if round < 3 then
          device:plug()
          await_node(device.path, true)
        end
      end
      device.gone = true
    end)

    it("loses no byte of 64 KiB at 921600, there and back", function()
      local wire <close> = assert(port.open(device.match .. "&baud=921600"))
      local bytes = guest.sample(65536)
      local begun, cpu = clock.now(), os.clock()
      local reader = task.spawn(function() return wire:read(#bytes, PATIENCE) end)
      assert(wire:write(bytes, PATIENCE))
      local _, back = reader:join(PATIENCE)
      local seconds = clock.now() - begun
      assert.is_true(back == bytes)
      guest.figure(("%s: 64 KiB there and back at 921600: %.3f s, %.0f kB/s each way, %.3f s of CPU"):format(
        device.name, seconds, 65.536 / seconds, os.clock() - cpu))
    end)
  end)
end

describe("an FTDI adapter's line", function()
  -- The device, and a port to it with these options.
  local function bench(options, program)
    local device = guest.device { product = "ftdi", serial = "RIGFTDI1", program = program }
    device:plug()
    await_node("/dev/ttyUSB0", true)
    return device, assert(port.open("serial:/dev/ttyUSB0?" .. options))
  end

  it("has the speed and the latency that the address says, as the chip is told them", function()
    for baud, divisor in pairs { [9600] = 0x4138, [115200] = 0x001A, [921600] = 0x8003 } do
      local device <close>, wire = bench("latency=2&baud=" .. baud)
      local counts = device:counts()
      assert.same({ divisor, 2 }, { counts.divisor, counts.latency }, baud)
      wire:close()
      device:unplug()
      await_node("/dev/ttyUSB0", false)
    end
  end)

  it("resets the board behind it by DTR, and hears it boot", function()
    local device <close>, wire = bench("dtr=on", guest.simulator "length")
    assert(wire:set("dtr", false))
    clock.sleep(0.1)
    wire:discard()
    assert(wire:set("dtr", true))
    assert.matches("boot v2.1\r\n$", wire:read_until("v2.1\r\n", PATIENCE))
    wire:close()
  end)
end)
