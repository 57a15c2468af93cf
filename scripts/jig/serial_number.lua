--- The serial number of a unit's device: what the recipe sets as unit.serial until new_device, and what the unit's
-- truth (jig.unit) keeps from then on.
--
-- What stands in the truth: expected (by the station), serial (what the journal and the verdict say), is_pinned
-- (new_device was called), hook (of the recipe, that runs).

local fault = require "jig.fault"

local serial_number = {}

-- Bytes.
local MOST <const> = 128

-- The number that the recipe set, as text, or nil and what is wrong with it; neither when there is none. What has a
-- text of its own making is none.
local function read(unit)
  local serial = rawget(unit, "serial")
  if serial == nil then return end
  if type(serial) ~= "string" and math.type(serial) ~= "integer" then
    return nil, ("unit.serial is the device's serial number, a string; it is a %s"):format(type(serial))
  end
  local text = tostring(serial)
  if text == "" then return nil, "unit.serial is the device's serial number; it is empty" end
  if #text > MOST then
    return nil, ("unit.serial is the device's serial number, %d bytes at most; it has %d"):format(MOST, #text)
  end
  if text:find "[%z\1-\31\127]" or not utf8.len(text) then
    return nil, "unit.serial is the device's serial number, printable text; it has other bytes"
  end
  return text
end

--- The number that the recipe set; nil when it set none. Raises when that is no serial number.
---@param unit jig.Unit
---@return string?
function serial_number.of(unit)
  local serial, wrong = read(unit)
  if wrong then error(wrong, 0) end
  return serial
end

--- The same, held against what the station expects. Raises when it is no serial number; throws tool.serial.
---@param unit jig.Unit
---@param truth table
---@return string?
function serial_number.checked(unit, truth)
  local serial = serial_number.of(unit)
  if truth.expected and serial ~= truth.expected then
    error(fault.new("tool.serial", {
      reason = ("the device says it is %s, the station expects %s"):format(serial or "nothing", truth.expected),
    }), 0)
  end
  return serial
end

--- From now on it is that number. Raises and throws as `checked`.
---@param unit jig.Unit
---@param truth table
function serial_number.pin(unit, truth)
  truth.serial = serial_number.checked(unit, truth)
  truth.is_pinned = true
end

--- Raises when the recipe changed it since it was pinned. Where there was none it may still come, once.
---@param unit jig.Unit
---@param truth table
function serial_number.keep(unit, truth)
  if not truth.is_pinned then return end
  local now, wrong = read(unit)
  local hook = truth.hook or "run"
  if wrong then error(("%s: %s"):format(hook, wrong), 0) end
  if truth.serial == nil then
    truth.serial = now
  elseif now ~= truth.serial then
    error(("%s: unit.serial became %s, and the session was opened for %s: set it before new_device, and never again")
      :format(hook, now or "nil", truth.serial), 0)
  end
end

--- What the verdict says. Does not raise.
---@param unit jig.Unit
---@param truth table
---@return string?
function serial_number.told(unit, truth)
  if truth.serial or truth.is_pinned then return truth.serial end
  return (read(unit))
end

return serial_number
