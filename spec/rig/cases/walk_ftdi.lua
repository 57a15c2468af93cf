--- A serial adapter, through ftdi_sio and libserialport, that goes at every phase of the flow.

local guest = require "spec.rig.guest"
local walk = require "spec.rig.walk"

local device

walk("an FTDI adapter", {
  address = "serial:?vid=0403&pid=6001&serial=RIGFTDI1",

  plug = function(faults)
    device = guest.device { product = "ftdi", serial = "RIGFTDI1", program = guest.simulator("slip", faults) }
    device:plug()
  end,

  unplug = function()
    local at = device:unplug()
    device:close()
    return at
  end,
})
