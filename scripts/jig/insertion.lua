--- Devices that come to a slot and go: waits until one is there, and until it is gone; opens one that has just come.
--
-- A device is there when its wire says so without being opened (a node in /dev), or, for wires that cannot
-- say, when it can be opened. What is looked at is what is so, not what happened: a device that was changed
-- between two looks at a wire that shows no difference is taken for the same.

local clock = require "jig.clock"
local port = require "jig.port"

local insertion = {}

-- Seconds between two looks at a wire of whose devices the system does not tell; a device is gone when it was not
-- there for so many.
local LOOK <const>, LOOKS <const> = 0.2, 2

-- The same where it does tell: seconds until a look without a cause, in case that something was not told; and how long
-- a device is away until it is gone, for one whose driver changes, or whose plug is being moved.
local UNTOLD <const>, AWAY <const> = 1, 0.1

-- Seconds that opening may take, to see whether a device is there.
local OPEN <const> = 2

-- Seconds between two tries to open a device that has just come.
local TRY <const> = 0.1

-- Failures that pass by themselves when a device has just come, and what to say when they do not.
local PASSING <const> = {
  denied = "the device is there, but nobody has let this user in: add a udev rule for it, or this user to the group "
    .. "of its node",
  not_found = "the device is there, but the system has not finished with it",
}

-- Whether jig.port is told when something comes or goes there: not of pseudo-terminals, nor of names outside /dev.
local function is_told(address)
  local scheme, path = address:match("^(%l+):([^?]*)")
  if scheme == "usb" then return true end
  if scheme ~= "serial" and scheme ~= "tty" then return false end
  return path == "" or path:find("^/dev/") ~= nil and not path:find("^/dev/pts/")
end

--- Whether a device is there now. One of which that cannot be told, since two match or it may not be
-- looked at, counts as there: the attempt then says what is wrong. Yields.
---@param address string
---@return boolean
function insertion.is_there(address)
  local there, _, code = port.present(address)
  if code ~= "unsupported" then return there ~= false end
  local wire <close> = port.open(address, { limit = OPEN })
  return wire ~= nil
end

-- Waits until there is a reason to look again; `seen` is what it gave before. Nil: interrupted.
local function pause(address, seen)
  if is_told(address) then return port.change(UNTOLD, seen) end
  return clock.sleep(LOOK) and 0
end

--- Waits until a device is there. False: interrupted. Yields.
---@param address string
---@return boolean
function insertion.arrival(address)
  if insertion.is_there(address) then return true end
  local seen = is_told(address) and port.change(0) or nil -- from here on nothing is missed
  while not insertion.is_there(address) do
    seen = pause(address, seen)
    if not seen then return false end
  end
  return true
end

-- Where jig is told: away for a while, from the moment that it is seen.
local function removal_told(address)
  local seen = port.change(0)
  while true do
    if not insertion.is_there(address) then
      if not clock.sleep(AWAY) then return false end
      if not insertion.is_there(address) then return true end
    end
    seen = port.change(UNTOLD, seen)
    if not seen then return false end
  end
end

--- Waits until it is gone. False: interrupted. Yields.
---@param address string
---@return boolean
function insertion.removal(address)
  if is_told(address) then return removal_told(address) end
  local missed = 0
  repeat
    if not clock.sleep(LOOK) then return false end
    missed = insertion.is_there(address) and 0 or missed + 1
  until missed == LOOKS
  return true
end

--- Opens a device that has just come, as jig.port.open does: its node may be nobody's until udev's rules have run, or
-- not be there yet. Such failures are tried again until options.limit has passed, or the device is gone; then the
-- message says what to do. Yields.
---@param address string
---@param options { limit: number, name?: string, chunk?: integer, gap?: number, fresh?: boolean }
---@return any handle, string? message, string? code, string? limit
function insertion.open(address, options)
  local one_try = {}
  for key, value in pairs(options) do one_try[key] = value end
  one_try.fresh = nil -- that it has just come is for this function alone
  local deadline, seen = clock.now() + options.limit, port.change(0)
  while true do
    local handle, message, code, limit = port.open(address, one_try)
    local left = deadline - clock.now()
    if handle or not PASSING[code] or not port.present(address) then return handle, message, code, limit end
    if left <= 0 then return nil, ("%s; tried for %g s: %s"):format(message, options.limit, PASSING[code]), code end
    seen, message, code, limit = port.change(math.min(left, TRY), seen)
    if not seen then return nil, message, code, limit end
    one_try.limit = math.max(deadline - clock.now(), 0)
  end
end

return insertion
