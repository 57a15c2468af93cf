--- jig.framing.stx_etx: see framing.lua.

return dofile "spec/fuzz/framing.lua"("stx_etx", {
  {},
  { max = 12 },
  { bcc = true, max = 24 },
  { crc = "CRC-16/IBM-SDLC", header = "B command", reply = "B command B status", max = 24 },
})
