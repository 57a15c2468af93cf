--- jig.framing.raw: see framing.lua.

return dofile "spec/fuzz/framing.lua"("raw", {
  { gap = true },
  { gap = true, max = 20 },
  { length = 1 },
  { length = 7 },
})
