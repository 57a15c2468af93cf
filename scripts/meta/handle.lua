---@meta jig.port
--- Ports for scripts that jig runs (`jig SCRIPT.lua`); a recipe has unit.port instead. What the world refuses is told
--- as nil, message, code, and for a wait that passed its limit the limit's name.
---
---     local port = require "jig.port"
---     local wire <close> = assert(port.open("tcp:10.0.0.7:7777", { limit = 5 }))
---     local line = assert(wire:read_until("\n", 10))

---@class jig.port
local port = {}

---@class jig.PortOpening
---@field limit? number    seconds until it must be open; default none
---@field name? string     what messages call it; default the address
---@field chunk? integer   bytes in one write
---@field gap? number      seconds of silence after each

---@class jig.PortHandle
local handle = {}

---@class jig.PortScheme
---@field scheme string
---@field summary string

---@class jig.PortHolder
---@field pid integer
---@field program? string

---@class jig.PortInfo
---@field address string        to open it by: by the socket it is plugged into, where that is known
---@field name string           its node below /dev
---@field description? string
---@field manufacturer? string
---@field product? string
---@field serial? string
---@field vid? integer
---@field pid? integer
---@field path? string          where on USB it is plugged in: "1-2.3"
---@field driver? string        the kernel's; several are separated by commas
---@field held_by? jig.PortHolder[]  programs that have it open, as far as this user may see them; 4 at most

--- Opens an address.
---@async
---@param address string
---@param options? jig.PortOpening
---@return jig.PortHandle? handle
---@return string? message
---@return string? code
function port.open(address, options) end

--- The serial ports and USB devices that are plugged in.
---@return jig.PortInfo[]? list
---@return string? message
---@return string? code
function port.list() end

--- Whether what an address names is there.
---@param address string
---@return boolean? present
---@return string? message
---@return string? code
function port.present(address) end

--- Waits until a serial or USB device was plugged in or unplugged, anywhere on this machine, or the limit has passed.
--- The count says nothing of which device it was, and may grow without a cause: look again at what is so.
---@async
---@param limit? number   seconds; default: none
---@param since? integer  what an earlier call gave: what has changed after it counts, also while nobody waited
---@return integer? count  `since` when nothing has changed
---@return string? message
---@return string? code
---@return string? limit
function port.change(limit, since) end

--- The transports.
---@return jig.PortScheme[]
function port.schemes() end

--- Exactly n bytes. What had arrived stays in the port on failure.
---@async
---@param n integer
---@param limit? number  seconds
---@return string? bytes
---@return string? message
---@return string? code
---@return string? limit
function handle:read(n, limit) end

--- What is there, one byte at least.
---@async
---@param limit? number  seconds
---@param max? integer   bytes; default 65536
---@return string? bytes
---@return string? message
---@return string? code
---@return string? limit
function handle:read_some(limit, max) end

--- Bytes up to and with a delimiter, which is a plain string.
---@async
---@param delimiter string
---@param limit? number  seconds
---@param max? integer   bytes; default 65536
---@return string? bytes
---@return string? message
---@return string? code
---@return string? limit
function handle:read_until(delimiter, limit, max) end

--- Puts bytes back in front of what waits to be read.
---@param bytes string
---@return true? done
---@return string? message
---@return string? code
function handle:unread(bytes) end

--- Drops the input that waits and gives it.
---@return string? bytes
---@return string? message
---@return string? code
function handle:discard() end

--- Hands all bytes to the system.
---@async
---@param bytes string
---@param limit? number  seconds
---@return true? done
---@return string? message
---@return string? code
---@return string? limit
function handle:write(bytes, limit) end

--- Waits until what was written has left this machine.
---@async
---@param limit? number  seconds
---@return true? done
---@return string? message
---@return string? code
---@return string? limit
function handle:drain(limit) end

--- A control request, where the transport has them: what the device answered, or true.
---@async
---@param request jig.Control
---@return string|true|nil answer
---@return string? message
---@return string? code
---@return string? limit
function handle:control(request) end

--- Sets a line with a boolean, or "baud" with a number.
---@param name string
---@param value boolean|integer
---@return true? done
---@return string? message
---@return string? code
function handle:set(name, value) end

--- What the system knows of the device: its serial number, and the path where it is plugged in.
---@return table about
function handle:about() end

--- Bytes received and sent since it was opened.
---@return integer received
---@return integer sent
function handle:counts() end

--- Closes it. Twice is harmless.
function handle:close() end

return port
