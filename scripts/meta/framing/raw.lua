---@meta jig.framing.raw
--- Payloads with nothing around them: give either length or gap. Raises on an unknown option, with its line.
---
---     local raw = require "jig.framing.raw"
---     local framing = raw { length = 64 }

---@class jig.framing.RawOptions
---@field length? integer  bytes of every payload
---@field gap? true        silence for limits.between ends a payload
---@field max? integer     with gap: the most payload bytes; default 65535

---@class jig.framing.raw
---@overload fun(options?: jig.framing.RawOptions): jig.Framing
local raw = {}

return raw
