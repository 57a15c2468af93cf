--- The text of a new product's device.lua: its firmware, played.

local DEVICE <const> = [[
-- The device as the factory sees it, for tests and proofs: its firmware in a few lines of Lua. Let it answer as the
-- real one does, for what is proven is proven against this.

$statuses
return {
$reset  banner = "SN=$serial\r\n", -- what it says $starts
$list
  firmware = function(device)
    for number = 1, math.huge do
      device:receive() -- a table: `payload`, and what else the framing's header names
      device:send { payload = "what the device answers to message " .. number }$success
    end
  end,
}
]]

-- From the map that the recipe has, too.
local STATUSES <const> = [[
local status = require $file

local statuses = {}
for value in pairs(status) do statuses[#statuses + 1] = value end
table.sort(statuses)
]]

local LIST <const> = [[
  statuses = statuses, -- all that it may answer besides success: a proof tries each
]]

--- A serial number that the played device has.
local SERIAL <const> = "T100317"

---@param made jig.init.Plan
---@return string
local function text(made)
  local reset, has_status = made.wire.reset, made.frame.statuses ~= nil
  return (made:fill(DEVICE, {
    statuses = has_status and made:fill(STATUSES, { file = ("%q"):format("status") }) or "",
    reset = reset and ("  reset = %q, -- the line that restarts it when it is let go\n"):format(reset) or "",
    serial = SERIAL, starts = made.wire.starts,
    list = has_status and LIST or "",
    success = has_status and " -- status = 0, unless it is said" or "",
  }):gsub("\n\n\n", "\n\n"))
end

return { text = text, SERIAL = SERIAL }
