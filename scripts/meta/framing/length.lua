---@meta jig.framing.length
--- Frames that say their length: start?, header, payload, check?. Raises on an unknown option, with its line.
---
---     local length = require "jig.framing.length"
---     local framing = length { header = ">I2 scp I2 length", crc = "CRC-16/IBM-3740" }

---@class jig.framing.LengthOptions
---@field header string              fields before the payload; `length` counts its bytes
---@field reply? string              the device's header; default: like header
---@field counts? "payload"|"all"    what `length` counts; default "payload"
---@field crc? string                a name of the CRC catalogue
---@field crc_over? "all"|"payload"  default "all"
---@field crc_endian? "<"|">"        default: the header's first
---@field start? string              bytes before each header
---@field max? integer               the most payload bytes

---@class jig.framing.length
---@overload fun(options?: jig.framing.LengthOptions): jig.Framing
local length = {}

return length
