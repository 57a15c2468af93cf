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

--- The next run of at least `least` digits in a text, as long as it goes, and where it ends. nil when there is none.
---
---     assert(hex.find("sha256 01ab77 of 3 bytes", 4) == "01ab77")
---@param text string
---@param least integer  1 or more
---@param init? integer  where to begin; default 1
---@return string? run
---@return integer? last
function hex.find(text, least, init) end

return hex
