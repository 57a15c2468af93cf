---@meta jig.framing.slip
--- SLIP, RFC 1055. Raises on an unknown option, with its line.
---
---     local slip = require "jig.framing.slip"
---     local framing = slip { header = "B command" }

---@class jig.framing.SlipOptions
---@field header? string  fields before the payload
---@field reply? string   default: like header
---@field crc? string     a name of the CRC catalogue
---@field lead? boolean   an END before each frame, too; default true
---@field log? boolean    text between two ENDs is log; default: with a crc
---@field max? integer    the most payload bytes; default 65535

---@class jig.framing.slip
---@overload fun(options?: jig.framing.SlipOptions): jig.Framing
local slip = {}

return slip
