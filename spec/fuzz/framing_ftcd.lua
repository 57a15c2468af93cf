--- jig.framing.ftcd: see framing.lua.

return dofile "spec/fuzz/framing.lua"("ftcd", {
  {},
  { max = 16 },
  { token = "mbeddbap", endian = "big", status = false, max = 16 },
  { hash = "none", max = 24 },
  { hash = "none", token = "", max = 24 },
  { hash = "none", token = "aab", status = false, max = 24 },
})
