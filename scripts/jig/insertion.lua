--- Devices that come to a slot and go: waits until one is there, and until it is gone.
--
-- A device is there when its wire says so without being opened (a node in /dev), or, for wires that cannot
-- say, when it can be opened. What is looked at is what is so, not what happened: a device that was changed
-- between two looks at a wire that shows no difference is taken for the same.

local clock = require "jig.clock"
local port = require "jig.port"

local insertion = {}

-- Seconds between two looks; a device is gone when it was not there for so many.
local LOOK <const>, LOOKS <const> = 0.2, 2

-- Seconds that opening may take, to see whether a device is there.
local OPEN <const> = 2

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

--- Waits until a device is there. False: interrupted. Yields.
---@param address string
---@return boolean
function insertion.arrival(address)
  while not insertion.is_there(address) do
    if not clock.sleep(LOOK) then return false end
  end
  return true
end

--- Waits until it is gone. False: interrupted. Yields.
---@param address string
---@return boolean
function insertion.removal(address)
  local missed = 0
  repeat
    if not clock.sleep(LOOK) then return false end
    missed = insertion.is_there(address) and 0 or missed + 1
  until missed == LOOKS
  return true
end

return insertion
