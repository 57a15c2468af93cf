-- The simulator's meter, with places at which the unit waits, so that its device can be pulled out there and nowhere
-- else: unit n waits at the n-th place that the file names. `reads` waits for the device, `sleeps` for nothing.

local jig = require "jig"
local places = require "places"
local slip = require "jig.framing.slip"

local MODE <const>, INIT <const>, PROVISION <const>, LOCK <const> = 0x10, 0x20, 0x21, 0x30

local function here(unit, name)
  if places[unit.number] ~= name then return end
  unit:log("at " .. name)
  if name:find("reads", 1, true) then unit.port:read(1, 60) else jig.sleep(0.4) end
end

local function message(command, payload)
  return { command = command, payload = payload }
end

return jig.recipe {
  name = "walk",
  port = { "serial", chunk = 128, gap = 0.02 },
  framing = slip { header = "B command", reply = "B command B status", max = 4096 },
  limits = { open = 20, exchange = 60, unit = 100 },

  prepare = function(unit)
    here(unit, "prepare reads")
    here(unit, "prepare sleeps")
  end,

  run = function(unit)
    unit:exchange(message(MODE, "FACTORY"), "mode_switch")
    local init = unit:new_device()
    here(unit, "init sleeps")
    local key = unit:exchange(message(INIT, init.payload))
    local provisioning = unit:get_device_configuration(key)
    here(unit, "provisioning reads")
    local acknowledgement = unit:exchange(message(PROVISION, provisioning.payload))
    unit:handle_device_response(acknowledgement)
  end,

  finish = function(unit)
    here(unit, "finish reads")
    unit:exchange(message(LOCK, ""), "lock")
  end,
}
