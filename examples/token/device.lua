-- The token as the factory sees it, for tests and proofs: two modes between which it leaves the bus, control requests,
-- and a status event on a second interface for each message.

local events = require "events"

local BOOT <const>, PROVISIONING <const> = 0x5740, 0x5742
local MODE <const>, STATE <const> = 0x01, 0x02

local function is_provisioning(device)
  return device.about.pid == PROVISIONING
end

local requests = {
  [MODE] = function(device, request)
    if request.request_type ~= 0x40 or request.value > 1 then return nil end
    local wanted = request.value == 1 and PROVISIONING or BOOT
    if wanted ~= device.about.pid then device:leave { pid = wanted } end
    return true
  end,

  [STATE] = function(device, request)
    if request.request_type ~= 0xC0 then return nil end
    return string.pack("BB", is_provisioning(device) and 1 or 0, 1) .. device.about.serial
  end,
}

return {
  usb = { vid = 0x1209, pid = BOOT, serial = "T300117" },

  statuses = { 0x0101, 0x0102, 0x0201, 0x0202, 0x0301, 0x0302 }, -- all that its events may tell besides 0

  control = function(device, request)
    local answer = requests[request.request]
    return answer and answer(device, request)
  end,

  wires = { [1] = { framing = events } },

  firmware = function(device)
    local number = 0
    while is_provisioning(device) do
      local message = device:receive()
      number = number + 1
      device:interface(1):send { number = number, status = 0 }
      device:send { scp = message.scp, payload = ("answer of the token to %d"):format(message.scp) }
    end
  end,
}
