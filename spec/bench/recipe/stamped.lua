-- The board of the benchmark, for gangs: a unit begins when its turn has come, and says at its end when its
-- script went on after either exchange. The lot is the seconds between two slots' turns.

local jig = require "jig"
local length = require "jig.framing.length"

local function await_turn(unit)
  local turn = (tonumber(unit.slot) - 1) * tonumber(unit.lot)
  if turn > 0 then jig.sleep(turn) end
end

-- What follows an exchange begins the moment it returns.
local function say_when(unit)
  local times = {}
  for _, phase in ipairs(unit.phases) do times[phase.name] = phase.at end
  unit:log(("%.9f %.9f"):format(times.get_device_configuration, times.handle_device_response))
end

return jig.recipe {
  name = "board",
  port = { "tty", baud = 115200 },
  framing = length { header = ">I2 length", crc = "CRC-16/IBM-3740", max = 4096 },
  prepare = await_turn,
  finish = say_when,
}
