--- jig.framing.line: see framing.lua.

return dofile "spec/fuzz/framing.lua"("line", {
  {},
  { max = 12 },
  { prefix = "PROVISION ", upper = true, ending = "\r\n" },
  { prefix = "> ", reply = { ok = "OK ", error = "ERR " }, max = 12 },
  { ending = "\r", reply = { ok = "", error = "! " } },
  { prefix = "x", reply = { ok = "x", error = "xy" }, max = 40 },
})
