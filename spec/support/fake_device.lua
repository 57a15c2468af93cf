-- A device for specs, on the program's stdin and stdout: `exec:jig spec/support/fake_device.lua STATUS …`.
-- Its n-th answer has the n-th status, 0 when there is none; "silent" is no answer.
-- It speaks the framing of spec/support/scratch.lua's recipe.

local length = require "jig.framing.length"

local codec = length {
  header = ">I2 scp I2 length",
  reply = ">I2 scp I2 length B status",
  crc = "CRC-16/IBM-3740",
  max = 4096,
}.device

local decoder = codec.decoder()
local n = 0
for byte in function() return io.read(1) end do
  local frame = decoder:feed(byte)
  if frame then
    n = n + 1
    local status = arg[n] or "0"
    if status ~= "silent" then
      io.write(codec.encode { scp = frame.scp, status = math.tointeger(status), payload = "ok" })
      io.flush()
    end
  end
end
