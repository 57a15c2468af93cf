-- A small product for specs of the proof: a recipe and its device in a folder of their own.
--
--     local subject <close> = proofs.subject()
--     local path, history = explorer.go(subject, explorer.steps "5:lost")

local explorer = require "jig.prove.explorer"
local scratch = require "spec.support.scratch"

local proofs = {}

--- The recipe: one status in its map, a reset hook, framing with a check.
proofs.RECIPE = [[
local jig = require "jig"
local length = require "jig.framing.length"

return jig.recipe {
  name = "lamp",
  port = "pair:nowhere",
  framing = length {
    header = ">I2 scp I2 length", reply = ">I2 scp I2 length B status", crc = "CRC-16/IBM-3740", max = 200,
  },
  limits = { exchange = 2, unit = 30 },
  status = { [0x11] = { "factory_provisioning.memory", code = 311, reason = "no memory", retry = true } },
  reset = function(unit) unit.port:set("dtr", true) end,
}
]]

proofs.DEVICE = [[
return { statuses = { 0x11 }, firmware = function(device)
  while true do
    local request = device:receive()
    device:send { payload = "the lamp's answer to " .. request.scp }
  end
end }
]]

--- A product that adds nothing to the engine: no hook, no status, a length before the bytes.
proofs.STANDARD = {
  text = [[
return require("jig").recipe {
  name = "standard run", port = "pair:nowhere", framing = require "jig.framing.length" { header = ">I2 length" },
}
]],
  device = 'return { { payload = "the first answer" }, { payload = "the second answer" } }',
}

--- A folder with the product; `change` replaces text of the recipe, or of the device.
---@param change? { text?: string, recipe?: table<string, string>, device?: string }  text: of a whole other recipe
---@return table folder  to be closed; folder.recipe is where it is
function proofs.folder(change)
  change = change or {}
  local recipe = change.text or proofs.RECIPE
  for from, to in pairs(change.recipe or {}) do
    local first, last = recipe:find(from, 1, true)
    assert(first, "the recipe has no " .. from)
    recipe = recipe:sub(1, first - 1) .. to .. recipe:sub(last + 1)
  end
  local folder = scratch.folder { ["recipe.lua"] = recipe, ["device.lua"] = change.device or proofs.DEVICE }
  return folder
end

--- A subject that goes with its folder.
---@param change? table  of proofs.folder
---@return jig.prove.Subject  to be closed
function proofs.subject(change)
  local folder = proofs.folder(change)
  local ok, subject = pcall(explorer.subject, folder.path)
  if not ok then
    folder:__close()
    error(subject, 0)
  end
  local meta = getmetatable(subject)
  return setmetatable(subject, { __close = function(self)
    meta.__close(self)
    folder:__close()
  end })
end

--- The laws that a path broke, joined.
---@param path jig.prove.Path
---@return string
function proofs.laws(path)
  local list = {}
  for i, violation in ipairs(path.violations) do list[i] = ("%s: %s"):format(violation.law, violation.text) end
  return table.concat(list, "\n")
end

return proofs
