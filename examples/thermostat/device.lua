-- The thermostat as the factory sees it, for tests and proofs: its firmware in a few lines of Lua.

return {
  reset = "dtr", -- the board restarts when this line is let go

  statuses = { 0x01, 0x02, 0x11, 0x12, 0x21, 0x22 }, -- all that its firmware may answer besides 0

  banner = { "SN=T100317\r\n", "ready\r\n" },

  firmware = function(device)
    while true do
      local request = device:receive()
      device:send { scp = request.scp, status = 0, payload = "answer of the thermostat to " .. request.scp }
    end
  end,
}
