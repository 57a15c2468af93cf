--- jig.framing.hdlc: see framing.lua.

return dofile "spec/fuzz/framing.lua"("hdlc", {
  {},
  { max = 12 },
  { fcs = 32, address_control = true, header = "B command", reply = "B command B status", max = 24 },
  { escape_control = true, max = 24 },
})
