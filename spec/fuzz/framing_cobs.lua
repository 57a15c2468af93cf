--- jig.framing.cobs: see framing.lua.

return dofile "spec/fuzz/framing.lua"("cobs", {
  {},
  { lead = true, max = 12 },
  { crc = "CRC-16/IBM-SDLC", header = "B command", reply = "B command B status", max = 300 },
  { log = true, max = 24 },
  { header = "<I2 scp", crc = "CRC-32/ISO-HDLC", log = false, lead = true },
})
