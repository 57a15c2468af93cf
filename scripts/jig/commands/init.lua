--- jig init: makes the folder of a new product that passes its spec and its proof, to be changed from there. Exit 0;
-- 1 when it cannot be made; 2 for wrong usage, of which a name that is taken is one.

local files = require "jig.init.files"
local folder = require "jig.init.folder"
local meta = require "jig.init.meta"
local options = require "jig.commands.options"
local plan = require "jig.init.plan"

local DONE <const> = [[
$name/: a recipe over $transport with framing $framing, a device that is played, a spec. Next:
  1. jig test $name: its spec and its proof, without hardware; they are green
  2. change what $name/recipe.lua says, and test again; $name/README.md lists what there is to do
  3. jig run $name --port $address --cli PATH: makes a unit
]]

local function parser()
  local p = options.parser("init", "Make the folder of a new product: a recipe, a device that is played, a spec.")
  p:argument("name", "The product's name, which its folder here gets, too."):convert(plan.check_name)
  p:option("--transport", "The wire to the device.", plan.transports[1]):choices(plan.transports)
  p:option("--framing", "How messages stand on it.", plan.framings[1]):choices(plan.framings)
  return p
end

-- Says why there is no folder, and gives the exit status.
local function refuse(message, code)
  local taken = code == "taken"
  io.stderr:write("jig init: ", message, taken and "\n  nothing was changed: choose another name, or move it away\n"
    or "\n  nothing was left behind\n")
  return taken and 2 or 1
end

return function(words)
  local o, status = options.parse(parser(), words)
  if not o then return status end
  local made = plan.new(o.name, o.transport, o.framing)
  local ok, message, code = folder.make(o.name, files(made, meta()))
  if not ok then return refuse(message, code) end
  io.write((made:fill(DONE, { address = made.wire.address })))
  return 0
end
