--- A device that leaves and comes back while a unit is at work: what a switch of its mode does on USB.
--
-- What is looked at is what is so: the open port is lost, or its device is not there; one that fits is there, and can
-- be opened. What a device that has just come lets nobody do yet (its node has no owner, it has no configuration) is
-- tried again. All of it has one limit, of whoever calls: a wait that it ends says so by its name, "reopen".

local fault = require "jig.fault"
local port = require "jig.port"

local reopen = {}

-- Seconds between two looks at most.
local LOOK <const> = 0.1

-- Characters of a serial number that a message shows.
local SHOWN <const> = 64

-- A failure that no patience helps.
local function is_final(code, limit, own)
  return code == "interrupted" or code == "timeout" and limit ~= own
end

local function timeout(name, text, limit)
  error(fault.new(name, { reason = text, limit = limit }), 0)
end

-- Until something was plugged in or unplugged, but not long: what is looked at may change without that, by permissions.
local function pause(on_limit)
  local changes, message, code, limit = port.change(LOOK)
  if changes then return end
  if limit == "reopen" then on_limit() end
  fault.throw_io(message, code, limit)
end

-- Reads until the port is lost, or until its device is not there. Some wires cannot be read, or say only once what ails
-- them.
local function is_gone(handle, address, on_limit)
  local bytes, message, code, limit = handle:read_some(LOOK)
  if bytes then return false end
  if code == "lost" then return true end
  if limit == "reopen" then on_limit() end
  if is_final(code, limit, "read") then fault.throw_io(message, code, limit) end
  if code ~= "timeout" then pause(on_limit) end
  return port.present(address) == false
end

--- Waits until the device behind an open port is gone; bytes that come meanwhile are dropped. Yields; throws
-- connectivity.timeout, and what ends a wait outside.
---@param handle any      of jig.port
---@param address string
---@param name string     the slot
---@param seconds number  of the limit "reopen", for the message
function reopen.departure(handle, address, name, seconds)
  local function on_limit()
    timeout("connectivity.timeout", ("%s: the device did not leave: limits.reopen (%g s) has passed"):format(name,
      seconds), "reopen")
  end
  repeat until is_gone(handle, address, on_limit)
end

--- Waits until one that fits the address is there, and opens it. Yields; throws connectivity.not_found when none came,
-- connectivity.timeout when it could not be opened, and what ends a wait outside.
---@param address string
---@param name string     the slot
---@param seconds number
---@param open fun(): any, string?, string?, string?  as jig.port.open
---@return any handle
function reopen.arrival(address, name, seconds, open)
  local seen
  local function on_limit()
    if seen then
      timeout("connectivity.timeout", ("%s: the device is back, but cannot be opened, and limits.reopen (%g s) has "
        .. "passed: %s"):format(name, seconds, seen), "reopen")
    end
    timeout("connectivity.not_found", ("%s: nothing that fits %s came back, and limits.reopen (%g s) has passed")
      :format(name, address, seconds), "reopen")
  end
  while true do
    if port.present(address) ~= false then
      local handle, message, code, limit = open()
      if handle then return handle end
      if code ~= "not_found" then seen = limit == "reopen" and seen or message end
      if limit == "reopen" then on_limit() end
      if is_final(code, limit, "open") then fault.throw_io(message, code, limit) end
    end
    pause(on_limit)
  end
end

local function shown(serial)
  return (serial:gsub("[^\32-\126]", "?"):sub(1, SHOWN))
end

--- Whether it is the same device, as far as its wire knows: both have the same serial number, or one has none. Throws
-- tool.serial, which names both.
---@param before { serial?: string }
---@param after { serial?: string }
---@param name string  the slot
function reopen.check_same(before, after, name)
  if not (before.serial and after.serial) or before.serial == after.serial then return end
  error(fault.new("tool.serial", {
    reason = ("%s: another device came back: it is %s, and the one that left was %s"):format(name,
      shown(after.serial), shown(before.serial)),
  }), 0)
end

local absent = {}

-- In place of the handle of a device that is not there: what is done to it is answered as by a port that is lost.
local meta = {
  __index = function(_, method)
    return absent[method] or function(self) return nil, self[absent], "lost" end
  end,
}

function absent.counts() return 0, 0 end
function absent.close() end
function absent.about() return {} end

--- A handle for as long as the device is not there.
---@param name string  the slot
---@return any
function reopen.absent(name)
  return setmetatable({ [absent] = name .. ": the device has left, and is not back" }, meta)
end

return reopen
