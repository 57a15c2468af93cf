--- The settings of a device's description (jig.testing.device), checked.

local cli = require "jig.testing.cli"

local description = {}

local KEYS <const> = {
  firmware = true, reset = true, banner = true, latency = true, statuses = true, cli = true, control = true, usb = true,
  wires = true,
}

local ABOUT <const> = { vid = "integer", pid = "integer", serial = "string" }

--- Raises when this is nothing that a USB device says of itself.
---@param about any
---@param what string  it is called
function description.check_about(about, what)
  if type(about) ~= "table" then error(what .. ": expected { vid =, pid =, serial = }", 0) end
  for key, value in pairs(about) do
    if ABOUT[key] ~= (math.type(value) or type(value)) then
      error(("%s: expected { vid =, pid =, serial = }, got %s = a %s"):format(what, tostring(key), type(value)), 0)
    end
  end
end

--- Further interfaces of a device, from 1.
description.MOST_WIRES = 8

local function check_wires(wires)
  for number, wire in pairs(type(wires) == "table" and wires or { wires }) do
    if math.type(number) ~= "integer" or number < 1 or number > description.MOST_WIRES or type(wire) ~= "table" then
      error(("the device's wires: expected { [interface] = { framing = … } }, with interfaces from 1 to %d")
        :format(description.MOST_WIRES), 0)
    end
  end
end

--- Raises when a description has settings that there are not, or that are none.
---@param settings table
function description.check(settings)
  for key in pairs(settings) do
    if not KEYS[key] then
      error(("a device is { firmware =, reset =, banner =, latency =, statuses =, cli =, control =, usb =, wires = }: "
        .. "it has no '%s'"):format(tostring(key)), 0)
    end
  end
  if settings.control ~= nil and type(settings.control) ~= "function" then
    error("the device's control: expected a function, got a " .. type(settings.control), 0)
  end
  if settings.usb ~= nil then description.check_about(settings.usb, "the device's usb") end
  if settings.wires ~= nil then check_wires(settings.wires) end
  local mistake = settings.cli ~= nil and cli.mistake(settings.cli)
  if mistake then error("the device's " .. mistake, 0) end
end

return description
