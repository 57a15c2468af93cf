---@meta jig.framing.cobs
--- Consistent overhead byte stuffing. Raises on an unknown option, with its line.
---
---     local cobs = require "jig.framing.cobs"
---     local framing = cobs { header = "B command", crc = "CRC-16/IBM-3740" }

---@class jig.framing.CobsOptions
---@field header? string  fields before the payload
---@field reply? string   default: like header
---@field crc? string     a name of the CRC catalogue
---@field lead? boolean   a zero before each frame, too; default false
---@field log? boolean    text between two zeros is log; default: with a crc
---@field max? integer    the most payload bytes; default 65535

---@class jig.framing.cobs
---@overload fun(options?: jig.framing.CobsOptions): jig.Framing
local cobs = {}

return cobs
