---@meta jig.flow
--- The standard run, for recipes that do not bring a `run` of their own. Throws cli.*, connectivity.*, firmware.*.
---
---     local init = unit:new_device()
---     local key = unit:exchange(init)

---@async
---@param unit jig.Unit
---@return string fingerprint
local function flow(unit) end

return flow
