---@meta jig.framing.stx_etx
--- Frames between DLE STX and DLE ETX. Raises on an unknown option, with its line.
---
---     local stx_etx = require "jig.framing.stx_etx"
---     local framing = stx_etx { header = "B command", bcc = true }

---@class jig.framing.StxEtxOptions
---@field header? string   fields before the payload
---@field reply? string    default: like header
---@field crc? string      a name of the CRC catalogue
---@field bcc? true|false  a check byte behind DLE ETX; default false
---@field max? integer     the most payload bytes; default 65535

---@class jig.framing.stx_etx
---@overload fun(options?: jig.framing.StxEtxOptions): jig.Framing
local stx_etx = {}

return stx_etx
