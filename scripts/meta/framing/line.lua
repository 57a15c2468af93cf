---@meta jig.framing.line
--- Lines of hex text. Raises on an unknown option, with its line.
---
---     local line = require "jig.framing.line"
---     local framing = line { prefix = "PROVISION ", reply = { ok = "OK ", error = "ERR " } }

---@class jig.framing.LineOptions
---@field prefix? string            before the hex digits; default ""
---@field upper? boolean            sends A to F; default false
---@field ending? "\n"|"\r\n"|"\r"  default "\n"
---@field reply? table              { ok =, error = }: how a device's lines begin
---@field max? integer              the most payload bytes; default 65535

---@class jig.framing.line
---@overload fun(options?: jig.framing.LineOptions): jig.Framing
local line = {}

return line
