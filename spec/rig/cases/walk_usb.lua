--- A USB device with bulk endpoints that goes at every phase of the flow.

local guest = require "spec.rig.guest"
local walk = require "spec.rig.walk"

local device

walk("a device with bulk endpoints", {
  address = "usb:1209:0001",

  plug = function(faults)
    device = guest.device { program = guest.simulator("slip", faults) }
    device:plug()
  end,

  unplug = function()
    local at = device:unplug()
    device:close()
    return at
  end,
})
