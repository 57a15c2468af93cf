--- The text of a new product's README.md.

local README <const> = [[
# $name

How the factory makes this product with jig: over $transport, framed as `$framing`.

    jig check $name      looks for mistakes in the recipe
    jig test $name       runs the spec, then the proof, without hardware
    jig prove $name      shows every way in which a unit can fail, and what each ends with
    jig shell $name --port $address      talks to a device by hand
    jig run $name --port $address --cli /opt/secure-factory/factory_tool

| file | what |
| --- | --- |
| `recipe.lua` | the recipe: wire, framing, limits, and what is done before and after |
$status_row| `device.lua` | the device as tests and proofs play it |
| `recipe_spec.lua` | what this product in particular must do |
| `.luarc.json`, `.luacheckrc` | for editors, and for `luacheck .` in this folder: what a recipe may use |

## To do

- [ ] the wire, by hand: `jig shell $name --port $address`, and what the device says to what is typed
- [ ] `framing`: what the firmware's manual says of a message, and `device.lua` along with it
$status_task- [ ] `port`, and `prepare`: how the device wakes up and says its serial number
- [ ] `limits`: how long the device takes at worst
- [ ] a first unit at the bench: `jig run $name --port … --cli … --no-journal --trace`
]]

---@param made jig.init.Plan
---@return string
local function text(made)
  local has_status = made.frame.statuses ~= nil
  return made:fill(README, {
    address = made.wire.address,
    status_row = has_status and "| `status.lua` | what the firmware answers in a failure -> what is reported |\n" or "",
    status_task = has_status and "- [ ] `status.lua`: every number that the firmware can answer\n" or "",
  })
end

return { text = text }
