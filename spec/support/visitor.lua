-- A small product on a played USB device, for specs of devices that leave and come back: `prepare` of the recipe is the
-- spec's own text.
--
--     local result = visitor.run { prepare = "unit:reopen { pid = 2 }", device = { control = function … } }

local scratch = require "spec.support.scratch"
local testing = require "jig.testing"

local visitor = {}

visitor.RECIPE = [[
local jig = require "jig"
return jig.recipe {
  name = "visitor", port = "pair:nowhere", framing = require "jig.framing.length" { header = ">I2 length" },
  limits = { read = 1, open = 1, reopen = 3, prepare = 20 },
  prepare = function(unit)
    local seen = unit.data
    %s
  end,
}
]]

--- Answers both messages.
function visitor.firmware(device)
  while true do
    device:receive()
    device:send { payload = "answer" }
  end
end

--- Leaves at each control request.
visitor.LEAVES = function(plan)
  return function(device)
    device:leave(plan)
    return true
  end
end

--- The request at which it does, as the recipe writes it.
visitor.GO = "unit.port:control { request_type = 0x40, request = 1 } "

--- Runs it once. `prepare`: text; `device`: settings beside firmware, wires and usb; more are options of testing.run.
---@param options { prepare: string, device?: table, limits?: string, [string]: any }
---@return jig.testing.Result
function visitor.run(options)
  local text = visitor.RECIPE:format(options.prepare)
  if options.limits then text = text:gsub("reopen = 3", options.limits) end
  local folder <close> = scratch.folder { ["recipe.lua"] = text }
  local device = { firmware = visitor.firmware, usb = { vid = 1, pid = 1, serial = "S1" }, wires = { [1] = {} } }
  for key, value in pairs(options.device or {}) do device[key] = value end
  local given = { recipe = folder.path, device = device, journal = false }
  for _, key in ipairs { "interrupt", "serial", "retries", "real" } do given[key] = options[key] end
  return testing.run(given)
end

return visitor
