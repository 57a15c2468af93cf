--- Wires with their other sides, for specs of transports: every kind of wire in one shape, so that
-- one body of specs covers them all.
--
--     local wire <close> = wires.kinds.tcp { mute = true }
--     local p <close> = wire:open { limit = 5 }

local clock = require "jig.clock"
local peer = require "spec.peer"
local port = require "jig.port"
local secure = require "spec.support.secure"
local task = require "jig.task"
local tls = require "spec.tls"

local wires = {}

--- The directory of what was built, which holds spec/peer.so and jig.
wires.build = package.searchpath("spec.peer", package.cpath):match("^(.*)/spec/peer%.so$")
wires.jig = wires.build .. "/jig"
wires.shim = wires.build .. "/spec/ptyshim.so"

--- Calls fn until it returns a true value, for 5 seconds at most.
---@generic T
---@param fn fun(): T
---@return T  what fn returned; raises when the time is over. Yields.
function wires.eventually(fn)
  local deadline = clock.now() + 5
  repeat
    local result = fn()
    if result then return result end
    clock.sleep(0.001)
  until clock.now() > deadline
  error("it did not happen", 2)
end

--- An operation of a peer, tried until it is not "again".
---@return string|integer|nil result  nil when the wire is gone. Yields.
function wires.try(fn, ...)
  while true do
    local result, why = fn(...)
    if result or why ~= "again" then return result end
    clock.sleep(0.001)
  end
end

--- Reads exactly n bytes from a peer.
function wires.read(other, n)
  local parts = {}
  while n > 0 do
    local bytes = wires.try(other.read, other, math.min(n, 65536))
    if not bytes then break end
    parts[#parts + 1] = bytes
    n = n - #bytes
  end
  return table.concat(parts)
end

--- Writes all bytes to a peer.
function wires.write(other, bytes)
  while #bytes > 0 do
    local n = wires.try(other.write, other, bytes)
    if not n then return end
    bytes = bytes:sub(n + 1)
  end
end

--- Sends everything back until the wire ends or its owner closes it.
local function echo(wire)
  while not wire.closed do
    local bytes, why = wire.other:read()
    if bytes then
      while #bytes > 0 and not wire.closed do
        local n, refused = wire.other:write(bytes)
        if n then
          bytes = bytes:sub(n + 1)
        elseif refused == "again" then
          clock.sleep(0.001)
        else
          return
        end
      end
    elseif why == "again" or why == "lost" and wire.reopens then
      clock.sleep(0.001)
    else
      return
    end
  end
end

local methods = {}

--- Opens the port under test.
function methods:open(options)
  local p = assert(port.open(self.prefix .. self.address, options or { limit = 5 }))
  if self.greet then self.greet(p) end
  return p
end

--- The other side goes away.
function methods:hangup()
  self.closed = true
  if self.other then self.other:close() end
end

local metatable = { __index = methods, __close = function(wire) wire:hangup() end }

local function new(wire, options)
  wire.prefix = options and options.prefix or ""
  return setmetatable(wire, metatable)
end

--- Each kind makes a wire whose other side sends back what it gets, or with mute = true reads
-- nothing and says nothing.
wires.kinds = {}

function wires.kinds.tty(options)
  local other = assert(peer.pty(true))
  local wire = new({ other = other, address = "tty:" .. other:path(), reopens = true }, options)
  if not (options and options.mute) then task.spawn(echo, wire) end
  return wire
end

function wires.kinds.tcp(options)
  local listener = assert(peer.listen())
  local wire = new({ address = "tcp:127.0.0.1:" .. listener:port() }, options)
  task.spawn(function()
    wire.other = wires.try(listener.accept, listener)
    listener:close()
    if not (options and options.mute) then echo(wire) end
  end)
  -- open is over before accept: the other side must be there before a spec asks for it
  wire.greet = function() wires.eventually(function() return wire.other end) end
  return wire
end

-- The papers of all wires under tls: keys take time to make.
local authority, server

function wires.kinds.tls(options)
  authority = authority or { tls.certificate { owner = "authority", authority = true } }
  server = server or { tls.certificate { owner = "server", names = "IP:127.0.0.1", by = authority } }
  local ca = os.tmpname()
  local file = assert(io.open(ca, "w"))
  file:write(authority[1])
  file:close()
  local service = secure.serve { certificate = server[1], key = server[2] }
  local wire = new({ address = service:address { ca = ca } }, options)
  wire.greet = function()
    os.remove(ca)
    wire.other = service:wait()
    service.listener:close()
    if not (options and options.mute) then task.spawn(echo, wire) end
  end
  return wire
end

function wires.kinds.exec(options)
  local program = options and options.mute and "sleep%2060" or "cat"
  local wire = new({ address = "exec:sh -c echo%20$$;exec%20" .. program }, options)
  wire.greet = function(p) wire.pid = math.tointeger(assert(p:read_until("\n", 5)):match("%d+")) end
  wire.hangup = function() if wire.pid then peer.kill(wire.pid) end end
  return wire
end

local pairs_made, usb_made = 0, 0

function wires.kinds.pair(options)
  pairs_made = pairs_made + 1
  local address = "pair:wire" .. pairs_made
  local wire = new({ address = address, other = assert(port.open(address)) }, options)
  if not (options and options.mute) then
    task.spawn(function()
      while not wire.closed do
        local bytes = wire.other:read_some()
        if not bytes or not wire.other:write(bytes) then return end
      end
    end)
  end
  return wire
end

-- The same on the real libusb, inside of mockusb.
local function real_usb(options)
  local mute = options and options.mute
  usb_made = usb_made % 29 + 1
  local device = require "spec.support.mockusb".plug { number = 1 + usb_made, echo = not mute, packet = 512 }
  if mute then device:fail(0x02, "hang") end
  local wire = new({ address = device.address }, options)
  wire.hangup = function()
    if device then device:unplug() end
    device = nil
  end
  return wire
end

-- A device that sends back what it gets, or takes nothing, on a libusb that is played.
function wires.kinds.usb(options)
  if os.getenv "JIG_MOCKUSB" then return real_usb(options) end
  local usb = require "spec.fakeusb"
  usb_made = usb_made % 250 + 1
  local mute = options and options.mute
  local id = usb.plug { path = { 9, usb_made }, echo = not mute, { number = 0, { 0x81, 2, 64 }, { 0x02, 2, 64 } } }
  if mute then usb.fail(id, 0x02, "hang") end
  local wire = new({ address = "usb:?path=1-9." .. usb_made }, options)
  wire.hangup = function() usb.unplug(id) end
  return wire
end

return wires
