---@meta jig.framing.ftcd
--- The vendor's example device: token, status, length, message, SHA-256. Raises on an unknown option, with its line.
---
---     local ftcd = require "jig.framing.ftcd"
---     local framing = ftcd { max = 8192 }

---@class jig.framing.FtcdOptions
---@field token? string           default "mbedprov"
---@field endian? "little"|"big"  default "little"
---@field hash? "sha256"|"none"   default "sha256"
---@field status? boolean         replies carry a status; default true
---@field max? integer            the most payload bytes; default 65535

---@class jig.framing.ftcd
---@field status table<integer, string>  what the example device means by the status of a reply
---@overload fun(options?: jig.framing.FtcdOptions): jig.Framing
local ftcd = {}

return ftcd
