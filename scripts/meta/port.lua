---@meta
--- The wire, `unit.port`. Its calls throw connectivity.timeout, connectivity.lost, and tool.interrupted when the
--- station is stopped.
---
---     unit.port:pulse("dtr", 0.1)
---     unit.serial = unit.port:expect("SN=(%w+)\r\n")

---@class jig.Wire
local port = {}

--- Exactly n bytes.
---@async
---@param n integer
---@param limit? number  seconds; default limits.read
---@return string
function port:read(n, limit) end

--- What is there, one byte at least.
---@async
---@param limit? number   seconds; default limits.read
---@param max? integer    bytes; default 65536
---@return string
function port:read_some(limit, max) end

--- Bytes up to and with a delimiter, which is a plain string.
---@async
---@param delimiter string
---@param limit? number   seconds; default limits.read
---@param max? integer    bytes; default 65536
---@return string
function port:read_until(delimiter, limit, max) end

--- Reads until a Lua pattern matches; gives its captures, or the match.
---@async
---@param pattern string
---@param limit? number   seconds for the whole; default limits.ready
---@return string ...
function port:expect(pattern, limit) end

--- Writes all bytes.
---@async
---@param bytes string
---@param limit? number   seconds; default limits.write
function port:write(bytes, limit) end

--- Waits until what was written has left this machine.
---@async
---@param limit? number   seconds; default limits.write
function port:drain(limit) end

--- Drops the input that waits and gives it.
---@return string
function port:discard() end

--- Puts bytes back in front of what waits to be read.
---@param bytes string
function port:unread(bytes) end

--- Sets a line or a speed. Throws connectivity.open where the transport has no such thing.
---@param name "dtr"|"rts"|"break"|"baud"
---@param value boolean|integer
function port:set(name, value) end

--- Sets a line to the other value for a time and back. Throws as set.
---@async
---@param name "dtr"|"rts"|"break"
---@param seconds number
function port:pulse(name, seconds) end

---@class jig.Control
---@field request_type integer  0 to 255: 0x80 set, and the device answers
---@field request integer       0 to 255
---@field value? integer        0 to 65535
---@field index? integer        0 to 65535
---@field data? string          bytes for the device
---@field length? integer       bytes that it may answer
---@field limit? number         seconds; default limits.read

--- A control request, as USB devices have them beside their bytes: gives what the device answered, or true when it was
--- only told something. Throws connectivity.timeout, connectivity.lost, firmware.unknown_command when the device
--- refuses it, and connectivity.open where the wire has none.
---@async
---@param request jig.Control
---@return string|true
function port:control(request) end

--- Bytes received and sent so far.
---@return integer received
---@return integer sent
function port:counts() end

return port
