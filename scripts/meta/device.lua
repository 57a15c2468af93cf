---@meta
--- The device as its firmware in device.lua sees it: it reads and writes the wire as a coroutine of its own.
---
---     local request = device:receive()
---     device:send { status = 0, payload = request.payload }

---@class jig.testing.Device
---@field framing jig.Framing
---@field received jig.Frame[]  messages that receive gave
---@field about table           vid, pid, serial: what it says of itself on USB
local device = {}

--- Exactly n bytes.
---@async
---@param n integer
---@return string
function device:read(n) end

--- What is there, one byte at least.
---@async
---@return string
function device:read_some() end

--- Bytes up to and with a delimiter, which is a plain string.
---@async
---@param delimiter string
---@return string
function device:read_until(delimiter) end

--- The next whole message; what is damaged is passed over.
---@async
---@return jig.Frame
function device:receive() end

--- Writes bytes as they are.
---@param bytes string
function device:write(bytes) end

--- Sends a frame. Header fields that are left out are those of the message before; a status is 0.
---@param frame jig.Frame
function device:send(frame) end

--- Does nothing for a while.
---@async
---@param seconds number
function device:sleep(seconds) end

--- A further wire of the device, that device.lua has among its `wires`: it reads, writes and sends as the device does.
---@param number integer  its interface
---@return jig.testing.Device
function device:interface(number) end

---@class jig.testing.Leave
---@field after? number    seconds until it leaves; default 0.02
---@field away? number     seconds until it is back; default 0.3
---@field vid? integer     what is new when it is back
---@field pid? integer
---@field serial? string

--- Leaves the bus and comes back, perhaps as something else; its firmware starts when it is opened again.
---@param plan? jig.testing.Leave
function device:leave(plan) end

--- Pulls the plug: the wire is lost after what has arrived.
function device:hang_up() end

return device
