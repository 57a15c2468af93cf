-- A room thermostat on a serial line. Its firmware frames messages with a length header, answers with a
-- status byte, and guards both with a CRC-16. At reset it prints a banner with its serial number.

local jig = require "jig"
local length = require "jig.framing.length"

return jig.recipe {
  name = "thermostat",
  version = "1.2.0",

  port = { "serial", baud = 115200, match = { vid = 0x0403, pid = 0x6001 } },
  framing = length {
    header = ">I2 scp I2 length",
    reply = ">I2 scp I2 length B status",
    crc = "CRC-16/IBM-3740",
    max = 8192,
  },
  limits = { ready = 10, exchange = 5, unit = 60 }, -- seconds

  status = { -- the device's own status byte -> what is reported
    [0x01] = { "factory_init.keygen", code = 301, reason = "device cannot generate a key pair" },
    [0x02] = { "factory_init.unknown_factory", code = 302, reason = "firmware does not know the factory ID" },
    [0x11] = {
      "factory_provisioning.memory",
      code = 311,
      reason = "device cannot allocate memory",
      retry = true,
      advice = "Power the unit off and on, then try again.",
    },
    [0x12] = { "factory_provisioning.decrypt", code = 312, reason = "device cannot decrypt the message" },
    [0x21] = { "firmware.unknown_command", code = 321, reason = "firmware does not know the command" },
    [0x22] = { "firmware.cannot_parse", code = 322, reason = "firmware cannot parse the message" },
  },

  prepare = function(unit) -- before new_device: nothing irreversible has happened yet
    unit.port:pulse("dtr", 0.1)
    unit.serial = unit.port:expect("SN=(%w+)\r\n")
    unit.port:expect("ready\r\n")
  end,
}
