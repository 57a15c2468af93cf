--- The port as a recipe sees it (`unit.port`): the calls of jig.port with the recipe's limits as
-- defaults, throwing faults instead of answering nil, so that a forgotten check cannot turn a failure
-- into a PASS.

local clock = require "jig.clock"
local fault = require "jig.fault"
local port = require "jig.port"
local task = require "jig.task"

---@class jig.Wire
local wire = {}

---@class jig.Control
---@field request_type integer  bit 7 set: the device answers
---@field request integer
---@field value? integer   default 0
---@field index? integer   default 0
---@field length? integer  bytes that are asked for at most, 4096 at most
---@field data? string     bytes to send, 4096 at most
---@field limit? number    seconds; default limits.read

--- What a recipe may call of its port. All else here is for whoever runs the attempt, which calls it by this module: no
-- recipe comes to it.
wire.methods = {}

-- Apart from the methods, so that a recipe finds no way to it.
local meta = { __index = wire.methods, __name = "jig.wire", __metatable = false }

-- What stands behind a wire: handle; limits; lines (name -> value that was set); bound (left: bytes that
-- may still be written in this exchange; outer: the bound before it); release (of a further wire: the unit is told that
-- it is closed); is_lent (the unit's port: whoever runs the attempt closes it).
local insides = setmetatable({}, { __mode = "k" })

-- Bytes that `expect` looks through at most.
local EXPECT_MAX <const> = 65536

-- What a control request can meet that bytes cannot: codes -> names.
local CONTROL_FAULTS <const> = { unsupported = "connectivity.open", refused = "firmware.unknown_command" }

local function check(value, message, code, limit)
  if value == nil then fault.throw_io(message, code, limit) end
  return value
end

--- Opens the port of a wire, as jig.port does. Yields.
---@param address string
---@param name string     the slot
---@param limits jig.Limits
---@param options? { chunk?: integer, gap?: number }
---@param open? function     in place of jig.port.open
---@return any handle, string? message, string? code, string? limit
function wire.open_port(address, name, limits, options, open)
  local pacing = options or {}
  local opener = open or pacing.fresh and require("jig.insertion").open or port.open
  return opener(address, {
    limit = limits.open,
    name = name,
    chunk = pacing.chunk,
    gap = pacing.gap,
    fresh = pacing.fresh,
  })
end

--- Opens the wire. Yields; throws connectivity.not_found, connectivity.open and others.
---@param address string
---@param name string     the slot
---@param limits jig.Limits
---@param options? { chunk?: integer, gap?: number, fresh?: boolean }  fresh: the device has just come
---@param open? function     in place of jig.port.open
---@return jig.Wire
function wire.open(address, name, limits, options, open)
  local handle, message, code, limit = wire.open_port(address, name, limits, options, open)
  if not handle and code ~= "not_found" and code ~= "interrupted" and code ~= "timeout" then
    error(fault.new("connectivity.open", { reason = message }), 0)
  end
  check(handle, message, code, limit)
  local self = setmetatable({}, meta)
  insides[self] = { handle = handle, limits = limits, lines = {} }
  return self
end

--- What it reads from and writes to: what jig.port.open gave, or what listens to that in its place.
---@return any
function wire.handle(self)
  return insides[self].handle
end

-- The handle of a wire that is called rightly: with a colon, and, where that is said, with a value of this type first.
-- What else is given is refused with the caller's line.
local function handle_of(self, method, expected, value)
  local inside = self ~= nil and insides[self]
  if not inside then error(("it is port:%s(…), with a colon"):format(method), 3) end
  if expected and type(value) ~= expected then
    error(("port:%s: expected a %s, got %s"):format(method, expected, type(value)), 3)
  end
  return inside.handle, inside
end

--- Exactly n bytes. Yields; throws connectivity.timeout, connectivity.lost.
---@param n integer
---@param limit? number  seconds; default limits.read
---@return string
function wire:read(n, limit)
  local handle, inside = handle_of(self, "read", "number", n)
  return check(handle:read(n, limit or inside.limits.read))
end

--- The bytes that are there, one at least. Yields; throws as read.
---@param limit? number
---@param max? integer  default 65536
---@return string
function wire:read_some(limit, max)
  local handle, inside = handle_of(self, "read_some")
  return check(handle:read_some(limit or inside.limits.read, max))
end

--- Bytes up to and with a delimiter, which is a plain string. Yields; throws as read.
---@param delimiter string
---@param limit? number
---@param max? integer  default 65536
---@return string
function wire:read_until(delimiter, limit, max)
  local handle, inside = handle_of(self, "read_until", "string", delimiter)
  return check(handle:read_until(delimiter, limit or inside.limits.read, max))
end

-- A reason is one line.
local WRITTEN <const> = { ["\t"] = "\\t", ["\r"] = "\\r", ["\n"] = "\\n", ['"'] = '\\"', ["\\"] = "\\\\" }

-- A pattern in a message, as one writes it; one that may be made of a message's bytes is not shown.
local function shown(pattern)
  local plain = #pattern <= 60 and not pattern:find("[^\t\r\n\32-\126]")
  if not plain then return ("text matching a pattern of %d bytes"):format(#pattern) end
  return ('text matching "%s"'):format((pattern:gsub('[\t\r\n"\\]', WRITTEN)))
end

--- Reads until a Lua pattern matches and gives its captures, or the match when it has none. What came
-- before the match is dropped, what came after it stays to be read. A pattern is tried on what has
-- arrived so far: end it with what ends the text, as in "SN=(%w+)\r\n". Yields; throws as read, with the
-- size of what had come in the reason.
---@param pattern string
---@param limit? number  seconds for the whole; default limits.ready
---@return string ...
function wire:expect(pattern, limit)
  local handle, inside = handle_of(self, "expect", "string", pattern)
  local ready_limit <close> = task.limit("ready", limit or inside.limits.ready)
  local seen = ""
  while true do
    local found = table.pack(seen:find(pattern))
    if found[1] then
      check(handle:unread(seen:sub(found[2] + 1)))
      if found.n > 2 then return table.unpack(found, 3, found.n) end
      return seen:sub(found[1], found[2])
    end
    local bytes, message, code, which = handle:read_some()
    seen = seen .. (bytes or "")
    if #seen > EXPECT_MAX then message, code = "too much text without it", "limit" end
    if code then
      handle:unread(seen)
      fault.throw_io(("expected %s in %d bytes: %s"):format(shown(pattern), #seen, message), code, which)
    end
  end
end

--- Writes all bytes. Yields; throws connectivity.timeout, connectivity.lost.
---@param bytes string
---@param limit? number  default limits.write
function wire:write(bytes, limit)
  local handle, inside = handle_of(self, "write", "string", bytes)
  local bound = inside.bound
  if bound then
    bound.left = bound.left - #bytes
    if bound.left < 0 then
      error(fault.new("connectivity.lost", { reason = "blocks were sent again too often" }), 0)
    end
  end
  check(handle:write(bytes, limit or inside.limits.write))
end

--- Waits until what was written has left this machine. Yields; throws as write.
---@param limit? number
function wire:drain(limit)
  local handle, inside = handle_of(self, "drain")
  check(handle:drain(limit or inside.limits.write))
end

--- Drops the input that waits and gives it. Does not yield; throws connectivity.lost.
---@return string
function wire:discard()
  return check(handle_of(self, "discard"):discard())
end

--- Puts bytes back in front of what waits to be read.
---@param bytes string
function wire:unread(bytes)
  check(handle_of(self, "unread", "string", bytes):unread(bytes))
end

--- Sets a line or a speed: "dtr", "rts", "break" with a boolean, "baud" with a number. Does not yield;
-- throws connectivity.lost, and connectivity.open where the transport has no such thing.
---@param name string
---@param value boolean|integer
function wire:set(name, value)
  local handle, inside = handle_of(self, "set", "string", name)
  local ok, message, code = handle:set(name, value)
  if not ok and code == "unsupported" then
    error(fault.new("connectivity.open", { reason = message }), 0)
  end
  check(ok, message, code)
  inside.lines[name] = value
end

--- A control request, as USB devices have them beside their bytes: gives what the device answered, or true
-- when it was only told something. Yields; throws connectivity.timeout, connectivity.lost,
-- firmware.unknown_command when the device refuses it, and connectivity.open where the wire has none.
---
---     local version = unit.port:control { request_type = 0xC0, request = 0x42, length = 4 }
---@param request jig.Control
---@return string|true
function wire:control(request)
  local handle, inside = handle_of(self, "control", "table", request)
  local copy = { limit = inside.limits.read }
  for key, value in pairs(request) do copy[key] = value end
  local answer, message, code, limit = handle:control(copy)
  local name = CONTROL_FAULTS[code]
  if name then error(fault.new(name, { reason = message }), 0) end
  return check(answer, message, code, limit)
end

--- Sets a line to the other value for a time and back: an open port has "dtr" and "rts" on and "break"
-- off. Yields; throws as set.
---
---     unit.port:pulse("dtr", 0.1)   -- most boards reset
---@param name "dtr"|"rts"|"break"
---@param seconds number
function wire:pulse(name, seconds)
  local _, inside = handle_of(self, "pulse", "string", name)
  local now = inside.lines[name]
  if now == nil then now = name ~= "break" end
  wire.set(self, name, not now)
  local slept, message, code, which = clock.sleep(seconds)
  wire.set(self, name, now) -- also when it was cut short
  check(slept, message, code, which)
end

-- Those that were entered since stay: a coroutine that was left may close its own at any time.
local function leave(inside, bound)
  if inside.bound == bound then
    inside.bound = bound.outer
    return
  end
  local one = inside.bound
  while one and one.outer ~= bound do one = one.outer end
  if one then one.outer = bound.outer end
end

--- Bounds the bytes that may be written until the value that it gives is closed; then the bound before it, if there was
-- one, goes on where it stood. Does not yield.
---@param bytes integer
---@return any  to be closed
function wire:bound(bytes)
  local inside = insides[self]
  local bound = { left = bytes, outer = inside.bound }
  inside.bound = bound
  return setmetatable({}, { __close = function() leave(inside, bound) end })
end

--- Bytes received and sent so far.
---@return integer received, integer sent
function wire:counts()
  return handle_of(self, "counts"):counts()
end

--- Goes on over another handle: its lines stand as they do after opening.
---@param handle any  of jig.port, or what listens to it in its place
function wire:take(handle)
  local inside = insides[self]
  inside.handle, inside.lines = handle, {}
end

--- Has a function called once, when the wire is closed; nil: nobody is told.
---@param release? fun()
function wire:on_close(release)
  insides[self].release = release
end

function wire:close()
  local inside = insides[self]
  local release = inside.release
  inside.release = nil
  if release then release() end
  inside.handle:close()
end

--- It is a unit's port: no recipe closes it, as it may a further wire.
function wire:lend()
  insides[self].is_lent = true
end

-- What ends a block by an error is told, and no other error in its place.
function meta:__close(thrown)
  if not insides[self].is_lent then return wire.close(self) end
  if thrown == nil then error("unit.port is closed when the unit is over, not by <close>", 2) end
end

for _, name in ipairs {
  "control", "counts", "discard", "drain", "expect", "pulse", "read", "read_some", "read_until", "set", "unread",
  "write",
} do
  wire.methods[name] = wire[name]
end

return wire
