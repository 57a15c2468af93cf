-- The board of the benchmark, for gangs: a unit says at its end when its script went on after either exchange.

local jig = require "jig"
local length = require "jig.framing.length"

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
  finish = say_when,
}
