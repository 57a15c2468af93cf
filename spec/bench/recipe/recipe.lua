-- The board of the benchmark: a length, the payload, a CRC-16 over both.

local jig = require "jig"
local length = require "jig.framing.length"

return jig.recipe {
  name = "board",
  port = { "tty", baud = 115200 },
  framing = length { header = ">I2 length", crc = "CRC-16/IBM-3740", max = 4096 },
}
