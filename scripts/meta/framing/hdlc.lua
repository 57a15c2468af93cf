---@meta jig.framing.hdlc
--- HDLC-like framing, RFC 1662. Raises on an unknown option, with its line.
---
---     local hdlc = require "jig.framing.hdlc"
---     local framing = hdlc { fcs = 32 }

---@class jig.framing.HdlcOptions
---@field header? string            fields before the payload
---@field reply? string             default: like header
---@field fcs? 16|32                bits of the check; default 16
---@field address_control? boolean  FF 03 before the header; default false
---@field escape_control? boolean   escapes 00 to 1F, too; default false
---@field max? integer              the most payload bytes; default 65535

---@class jig.framing.hdlc
---@overload fun(options?: jig.framing.HdlcOptions): jig.Framing
local hdlc = {}

return hdlc
