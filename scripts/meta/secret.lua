---@meta jig.secret
--- Bytes that nobody may see: a key that a recipe gets, or must know. They are no text, are compared in constant time,
--- and are cleared when they are released.
---
---     local key <close> = require("jig.secret").new "0451"
---     assert(key:equals "0451" and key == require("jig.secret").new "0451")

---@class jig.secret
local secret = {}

--- A secret of 1 to 4,096 bytes. The string that it is made of lasts until it is collected: keep no other copy.
---@param bytes string
---@return jig.Secret
function secret.new(bytes) end

---@class jig.Secret : userdata
local Secret = {}

--- Whether it is these bytes, in a time that does not tell how many of them are right.
---@param bytes string
---@return boolean
function Secret:equals(bytes) end

--- Its bytes, for a frame or an exchange: the one way to see them. Where they stand in a log, a reason or a cassette of
--- that unit, they are hidden.
---@return string
function Secret:expose() end

--- Clears it. Also what `<close>` and the collector do.
function Secret:release() end

return secret
