--- A field of the framing's header that the standard flow does not fill: no unit could be made.

local framings = require "jig.check.framings"
local unfilled = require "jig.unfilled"

--- Reports it.
---@param recipe table  fields of a recipe, as they are written
---@param report fun(path: string, what: string, instead: string)
return function(recipe, report)
  if recipe.run ~= nil or recipe.exchange ~= nil or not framings.is_known(recipe.framing) then return end
  local field = unfilled(recipe.framing.host, { scp = 0, payload = "" })
  if not field then return end
  report("framing.header", ("the header has a field `%s`, which the standard flow does not fill"):format(field),
    "write a `run` that does, or take the field out")
end
