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
--- With `between` up to two of its characters may stand between two digits, and "0x" before any.
---
---     assert(hex.find("sha256 01ab77 of 3 bytes", 6) == "01ab77")
---     assert(hex.find("got 0x61, 0x6e", 4, 1, ", ") == "616e")
---@param text string
---@param least integer  1 or more
---@param init? integer  where to begin; default 1
---@param between? string
---@return string? run
---@return integer? last
function hex.find(text, least, init, between) end

return hex
