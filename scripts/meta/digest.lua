---@meta jig.digest
--- SHA-256 and SHA-1, and the words that stand for bytes in logs.
---
---     local brief = require("jig.digest").brief("")  -- 0 bytes sha256:e3b0c442

---@class jig.digest
local digest = {}

--- The SHA-256 of bytes: 32 raw bytes.
---@param bytes string
---@return string
function digest.sha256(bytes) end

--- The SHA-1 of bytes: 20 raw bytes. For certificate fingerprints, not for anything new.
---@param bytes string
---@return string
function digest.sha1(bytes) end

--- What may be shown of bytes that nobody may see: their number and 8 hex digits of their SHA-256.
---@param bytes string
---@return string
function digest.brief(bytes) end

return digest
