-- A lamp for the mutants whose mistake shows in no example: it is reset, has a limit for the first byte, and a `run`
-- that would go on after a fault.

local jig = require "jig"

return jig.recipe {
  name = "lamp",
  port = "pair:nowhere",
  framing = require "jig.framing.length" {
    header = ">I2 length", reply = ">I2 length B status", crc = "CRC-16/IBM-3740",
  },
  limits = { exchange = 5, first = 2, unit = 60 },
  status = { [0x11] = { "lamp.full", code = 311, reason = "the lamp has no room", retry = true } },

  reset = function(unit) unit.port:set("dtr", true) end,

  run = function(unit)
    local init = unit:new_device()
    local ok, key = pcall(unit.exchange, unit, init)
    local more = unit:get_device_configuration(ok and key or "no answer at all")
    unit:handle_device_response(unit:exchange(more))
  end,
}
