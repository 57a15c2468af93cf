--- For cases, which run inside the guest: devices that are plugged in and out, and what the host's side does for them.
--
--     local device <close> = guest.device { serial = "A1" }      -- bytes come back; not plugged in yet
--     device:plug()
--     local at = device:unplug()                                 -- seconds of clock.now

local clock = require "jig.clock"
local lfs = require "lfs"
local port = require "jig.port"
local task = require "jig.task"

local guest = {}

--- Seconds: that anything may take before a case gives up, far beyond what is needed; and that something which must
-- not happen is waited for. The guest has a tenth of the machine's speed.
guest.PATIENCE, guest.SHORT = 20, 0.3

--- Seconds in which jig has to notice that a device is gone.
guest.NOTICE = 0.2

local build = os.getenv("JIG_BUILD") or "build"

--- Calls fn until it returns a true value. Raises when that takes too long. Yields.
---@generic T
---@param what string  for the message
---@param fn fun(): T
---@return T
function guest.eventually(what, fn)
  local deadline = clock.now() + guest.PATIENCE
  repeat
    local result = fn()
    if result then return result end
    clock.sleep(0.02)
  until clock.now() > deadline
  error("it did not happen: " .. what, 2)
end

--- A program's address: its words, percent-encoded.
---@param words string[]
---@return string
function guest.exec(words)
  local encoded = {}
  for i, word in ipairs(words) do
    encoded[i] = word:gsub("[^%w%-%._~/]", function(c) return ("%%%02X"):format(c:byte()) end)
  end
  return "exec:" .. table.concat(encoded, " ") .. "?stderr=inherit"
end

--- The words of the simulator's device on its standard input.
---@param wire string
---@param faults? string[]
---@return string[]
function guest.simulator(wire, faults)
  local words = { build .. "/device", "--wire", wire, "--listen", "stdio", "--boot", "open", "--serial", "R#" }
  for _, fault in ipairs(faults or {}) do table.move({ "--fault", fault }, 1, 2, #words + 1, words) end
  return words
end

-- ---- devices of the rig: spec/rig/plug.c ----

---@class rig.Device a USB device that vhci_hcd plugs in; closing unplugs it
---@field wire jig.Port
---@field notes string[]  what it said without being asked
local device = {}
device.__index = device

---@param options { product?: "pipe"|"token"|"ftdi", serial?: string, port?: integer, program?: string[] }
---@return rig.Device
function guest.device(options)
  local words = {
    build .. "/rig/plug", "--product", options.product or "pipe", "--serial", options.serial or "RIG0001",
    "--port", tostring(options.port or 0), table.unpack(options.program or {}),
  }
  local self = setmetatable({ wire = assert(port.open(guest.exec(words))), notes = {} }, device)
  self.serial = options.serial or "RIG0001"
  return self
end

local function hear(self)
  return assert(self.wire:read_until("\n", guest.PATIENCE)):sub(1, -2)
end

--- A command of plug.c, as "stall 83"; its answer. Yields.
---@param command string
---@return string
function device:tell(command)
  assert(self.wire:write(command .. "\n", guest.PATIENCE))
  while true do
    local line = hear(self)
    if line:sub(1, 5) == "error" then error(command .. ": " .. line, 2) end
    if line:sub(1, 1) ~= "!" then return line end
    self.notes[#self.notes + 1] = line
  end
end

--- Waits until it says that this has happened: "configured", "cut", "left", "back". The time. Yields.
---@param what string
---@return number seconds  of clock.now
function device:await(what)
  while true do
    for i, line in ipairs(self.notes) do
      local at = line:match("^! " .. what .. " (%S+)")
      if at then
        for _ = 1, i do table.remove(self.notes, 1) end
        return tonumber(at)
      end
    end
    self.notes[#self.notes + 1] = hear(self)
  end
end

--- Plugs it in, and waits until the kernel has made its acquaintance. Yields.
---@return number seconds  when it was plugged in
function device:plug()
  self.notes = {}
  local at = tonumber(self:tell("plug"):match("%S+$"))
  self:await "configured"
  return at
end

---@return number seconds  when it was
function device:unplug()
  return tonumber(self:tell("unplug"):match("%S+$"))
end

--- Requests of the host that wait at its endpoints, and other counts.
---@return { pending: integer, waiting: integer, received: integer, sent: integer }
function device:counts()
  local counts = {}
  for name, value in self:tell("counts"):gmatch("(%w+)=(%d+)") do counts[name] = tonumber(value) end
  return counts
end

function device:close()
  self.wire:close()
end

device.__close = device.close

-- ---- a gadget: the kernel's own device, on dummy_hcd ----

local GADGET <const> = "/sys/kernel/config/usb_gadget/rig"

local function set(name, text)
  local file <close> = assert(io.open(GADGET .. "/" .. name, "w"))
  assert(file:write(text, "\n"))
end

--- Makes a serial gadget, once for a guest: what is written to /dev/ttyGS0 comes out of /dev/ttyACM0 while it is
-- plugged in.
---@param serial string
function guest.make_gadget(serial)
  for _, folder in ipairs { "", "/strings/0x409", "/configs/c.1", "/functions/acm.0" } do
    assert(lfs.mkdir(GADGET .. folder))
  end
  set("idVendor", "0x1209")
  set("idProduct", "0x0ac3")
  set("strings/0x409/serialnumber", serial)
  set("strings/0x409/product", "rig")
  assert(lfs.link(GADGET .. "/functions/acm.0", GADGET .. "/configs/c.1/acm.0", true))
end

---@return number seconds  when it was plugged in
function guest.plug_gadget()
  local at = clock.now()
  set("UDC", "dummy_udc.0")
  return at
end

---@return number seconds  when it was unplugged
function guest.unplug_gadget()
  local at = clock.now()
  set("UDC", "")
  return at
end

--- Carries bytes between two ports until one of them is lost; with one port alone they come back.
---@param one jig.Port
---@param other? jig.Port
function guest.join(one, other)
  local function carry(from, to)
    while true do
      local bytes = from:read_some()
      if not bytes or not to:write(bytes) then return end
    end
  end
  task.spawn(carry, one, other or one)
  if other then task.spawn(carry, other, one) end
end

--- Bytes that differ, so that one which is missing shows.
---@param n integer
---@return string
function guest.sample(n)
  local parts = {}
  for i = 1, n // 4 + 1 do parts[i] = string.pack("<I4", i * 2654435761 & 0xffffffff) end
  return table.concat(parts):sub(1, n)
end

--- Shows what was measured.
---@param text string
function guest.figure(text)
  print("figure: " .. text)
end

--- Descriptors that a process has open; without an id, this one. What only the collector can close is closed first.
---@param id? integer
---@return integer
function guest.descriptors(id)
  collectgarbage()
  collectgarbage()
  local n = 0
  for _ in lfs.dir(("/proc/%s/fd"):format(id or "self")) do n = n + 1 end
  return n
end

--- Waits until a process has no more descriptors than it had: programs that were told to end take a moment. Yields.
---@param before? integer  nil: it is looked at for the first time
---@param id? integer
---@return integer
function guest.settled(before, id)
  if not before then
    clock.sleep(guest.SHORT)
    return guest.descriptors(id)
  end
  guest.eventually(("%d descriptors, as before"):format(before), function() return guest.descriptors(id) == before end)
  return before
end

return guest
