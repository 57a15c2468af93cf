-- An electricity meter on an optical head. It takes factory commands only after a switch of mode, has a
-- receive buffer of 256 bytes, and is locked when it is done.

local jig = require "jig"
local slip = require "jig.framing.slip"

local MODE <const>, INIT <const>, PROVISION <const>, LOCK <const> = 0x10, 0x20, 0x21, 0x30

-- A message of the meter: one command byte, then the payload.
local function message(command, payload)
  return { command = command, payload = payload }
end

return jig.recipe {
  name = "meter",
  version = "3.0.1",

  -- 128 bytes, then 4 ms of silence: half of the meter's buffer at a time
  port = { "serial", baud = 38400, match = { vid = 0x10c4, pid = 0xea60 }, chunk = 128, gap = 0.004 },
  framing = slip { header = "B command", reply = "B command B status", max = 4096 },
  limits = { exchange = 10, unit = 60 },

  status = {
    [0x41] = { "factory_init.keygen", code = 501, reason = "meter cannot generate a key pair" },
    [0x42] = { "factory_init.unknown_factory", code = 502, reason = "meter does not know the factory ID" },
    [0x51] = { "factory_provisioning.memory", code = 511, reason = "meter cannot allocate memory" },
    [0x52] = { "factory_provisioning.decrypt", code = 512, reason = "meter cannot decrypt the message" },
    [0x61] = { "firmware.unknown_command", code = 521, reason = "meter does not know the command" },
    [0x62] = { "firmware.cannot_parse", code = 522, reason = "meter cannot parse the message" },
    [0x71] = { "meter.wrong_order", code = 531, reason = "meter is not in factory mode" },
    [0x72] = { "meter.locked", code = 532, reason = "meter is locked already" },
  },

  run = function(unit)
    unit:exchange(message(MODE, "FACTORY"), "mode_switch")
    local init = unit:new_device()
    local key = unit:exchange(message(INIT, init.payload))
    local provisioning = unit:get_device_configuration(key)
    local acknowledgement = unit:exchange(message(PROVISION, provisioning.payload))
    unit:handle_device_response(acknowledgement)
  end,

  finish = function(unit) -- the meter is made; from now on it must refuse factory commands
    unit:exchange(message(LOCK, ""), "lock")
  end,
}
