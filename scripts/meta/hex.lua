---@meta jig.hex
--- Hexadecimal text and bytes.
---
---     local hex = require "jig.hex"
---     local bytes = assert(hex.decode("01810000"))

---@class jig.hex
local hex = {}

--- Turns bytes into lower-case hex text, two digits a byte.
---@param bytes string
---@return string
function hex.encode(bytes) end

--- Turns hex text, upper or lower case, into bytes. nil, message, "invalid", position for text that is none.
---@param text string
---@return string? bytes
---@return string? message
---@return string? code
---@return integer? position
function hex.decode(text) end

return hex
