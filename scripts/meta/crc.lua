---@meta jig.crc
--- Cyclic redundancy checks by catalogue name or by parameters.
---
---     local sum = require("jig.crc").new "CRC-16/IBM-3740"
---     local value = sum("123456789")

---@class jig.crc
local crc = {}

---@class jig.CrcModel
---@field width integer     bits, 8 to 32
---@field poly integer      most significant bit first
---@field init? integer     default 0
---@field refin? boolean    default false
---@field refout? boolean   default: as refin
---@field xorout? integer   default 0
---@field check? integer    the sum of "123456789", which is compared

--- Makes a CRC. Raises on an unknown name or key, parameters that make no CRC, and another check.
---@param model string|jig.CrcModel
---@return jig.Crc
function crc.new(model) end

--- The names of the catalogue.
---@return string[]
function crc.names() end

---@class jig.Crc
---@overload fun(bytes: string, first?: integer, last?: integer): integer
local sum = {}

--- The sum of bytes, or of the part from first to last.
---@param bytes string
---@param first? integer  default 1
---@param last? integer   default -1
---@return integer
function sum:sum(bytes, first, last) end

--- Begins a sum in pieces: a state for update and finish.
---@return integer
function sum:start() end

--- The state behind more bytes.
---@param state integer
---@param bytes string
---@return integer
function sum:update(state, bytes) end

--- The sum that a state stands for.
---@param state integer
---@return integer
function sum:finish(state) end

--- How many bits the sum has.
---@return integer
function sum:width() end

return crc
