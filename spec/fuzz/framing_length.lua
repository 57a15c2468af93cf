--- jig.framing.length: see framing.lua.

return dofile "spec/fuzz/framing.lua"("length", {
  { header = "B length", max = 20 },
  { header = ">I2 scp I2 length", reply = ">I2 scp I2 length B status", crc = "CRC-16/IBM-3740", max = 8192 },
  { header = "<I2 length B command", crc = "CRC-32/ISO-HDLC", start = "\xAA\x55", max = 24 },
  { header = "<I3 length", counts = "all", crc = "CRC-16/IBM-SDLC", crc_over = "payload", crc_endian = ">", max = 24 },
  { header = "c2 tag B length", start = "\x02", reply = "B length b status", max = 16 },
  { header = "<I8 length", start = "\xAA\xAA\xAA", counts = "all" },
})
