-- The meter as the factory sees it, for tests and proofs: it wants its mode switched first, and to be locked last.

local MODE <const>, INIT <const>, PROVISION <const>, LOCK <const> = 0x10, 0x20, 0x21, 0x30
local WRONG_ORDER <const> = 0x71

return function(device)
  for _, command in ipairs { MODE, INIT, PROVISION, LOCK } do
    local request = device:receive()
    if request.command ~= command then
      device:send { command = request.command, status = WRONG_ORDER }
      return
    end
    local payload = (command == INIT or command == PROVISION) and ("answer of the meter to %d"):format(command) or ""
    device:send { command = command, status = 0, payload = payload }
  end
end
