--- A device that is a serial port itself (cdc_acm), made by the kernel's own gadget, that goes at every phase of the
-- flow.

local guest = require "spec.rig.guest"
local port = require "jig.port"
local walk = require "spec.rig.walk"

local line, program, made

walk("an ACM gadget", {
  address = "serial:/dev/ttyACM0",

  plug = function(faults)
    if not made then guest.make_gadget "RIGACM1" end
    made = true
    guest.plug_gadget()
    line = assert(port.open "tty:/dev/ttyGS0")
    program = assert(port.open(guest.exec(guest.simulator("slip", faults))))
    guest.join(line, program)
  end,

  unplug = function()
    local at = guest.unplug_gadget()
    line:close()
    program:close()
    return at
  end,
})
