--- Devices that come and go, each opened and closed, and nothing that grows: as many as there is time for, or
-- `make rig CASE=cycles CYCLES=1000`.

local clock = require "jig.clock"
local guest = require "spec.rig.guest"
local port = require "jig.port"
local station = require "spec.support.station"
local task = require "jig.task"

local PATIENCE <const> = guest.PATIENCE

-- Cycles of each kind.
local COUNT <const> = tonumber(os.getenv "CYCLES") or 100

-- The part of them in which memory that is kept for reuse finds its size, and kilobytes that may be added after it.
local FIRST <const>, GROWTH <const> = 0.5, 128

local function memory()
  collectgarbage()
  collectgarbage()
  return tonumber(station.read("/proc/self/status"):match("VmRSS:%s*(%d+) kB"))
end

-- One device: plugged in, used, and gone; every second one goes while it is open and read from.
local function cycle(device, address, number)
  device:plug()
  guest.eventually("it is there", function() return port.present(address) end)
  local wire = assert(port.open(address))
  assert(wire:write("bytes", PATIENCE))
  assert.equal("bytes", wire:read(5, PATIENCE))
  if number % 2 == 0 then
    local reader = task.spawn(function() return select(3, wire:read(1, PATIENCE)) end)
    device:unplug()
    assert.equal("lost", select(2, reader:join(PATIENCE)))
    wire:close()
  else
    wire:close()
    device:unplug()
  end
  guest.eventually("it is gone", function() return not port.present(address) end)
end

local function cycles(product, address)
  local device <close> = guest.device { product = product, serial = "C1" }
  local begun, kilobytes, descriptors, seen = clock.now(), nil, nil, {}
  for number = 1, COUNT do
    cycle(device, address, number)
    if number % (COUNT // 5) == 0 then seen[#seen + 1] = memory() end
    if number == COUNT * FIRST // 1 then kilobytes, descriptors = memory(), guest.descriptors() end
  end
  guest.figure(("%d cycles of %s: %.3f s each; %d descriptors more; kB after each fifth: %s"):format(
    COUNT, product, (clock.now() - begun) / COUNT, guest.descriptors() - descriptors, table.concat(seen, " ")))
  assert.equal(descriptors, guest.descriptors())
  assert.is_true(memory() - kilobytes <= GROWTH, memory() - kilobytes)
  local counts = device:counts()
  assert.same({ 0, 0 }, { counts.pending, counts.waiting })
end

describe("what is plugged in and out again and again leaves nothing", function()
  it("of USB devices", function() cycles("pipe", "usb:?serial=C1") end)

  it("of serial adapters", function() cycles("ftdi", "serial:?vid=0403&pid=6001&serial=C1") end)
end)
