--- jig udev: prints udev rules for the devices that recipes match. Exit 0; 1 when a recipe cannot be loaded, or none
--- of them names a device; 2.

local clean = require "jig.output.clean"
local devices = require "jig.udev.devices"
local options = require "jig.commands.options"
local recipe = require "jig.recipe"
local rules = require "jig.udev.rules"
local survey = require "jig.survey"

local OK <const>, FOUND <const>, USAGE <const> = 0, 1, 2

local function parser()
  local p = options.parser("udev", "Print udev rules for the devices that recipes match.")
  p:argument("recipe", "Recipes: files, or folders with recipe.lua; default: this one."):args("*"):recipe()
  p:option("--station", "Station file: its slots and their recipes, too.")
  p:option("--group", "Who may open the devices; default dialout for serial ports, plugdev for USB.")
  return p
end

local function say(text)
  io.stderr:write("jig udev: ", text, "\n")
end

-- Whether a recipe's device is on USB, or may be.
local function on_usb(one)
  local wire = recipe.address(one.port):match("^%l+")
  return wire == "serial" or wire == "usb"
end

-- Whether all recipes could be loaded, and each names its device.
local function tell(about)
  local whole = true
  for _, one in ipairs(about.recipes) do
    if one.trouble then
      say(clean(one.trouble))
      whole = false
    elseif on_usb(one.recipe) and #devices.of { slots = {}, recipes = { one } } == 0 then
      say(("%s: its port names no vid of a USB device: no rule is made of it"):format(one.file))
    end
  end
  return whole
end

return function(words)
  local o, status = options.parse(parser(), words)
  if not o then return status end
  o.recipe = o.recipe or {}
  local wrong = o.group and not rules.is_group(o.group) and "--group takes a name: small letters, digits, _ and -"
    or not o.station and #o.recipe == 0 and "name recipes, or a station file with --station FILE"
  local about
  if not wrong then about, wrong = survey.of(o) end
  if not about then
    say(wrong)
    return USAGE
  end
  local whole, list = tell(about), devices.of(about)
  if #list == 0 then
    say "there is no device to make rules for: say port = { …, match = { vid =, pid = } } in a recipe"
    return FOUND
  end
  io.stdout:write(rules.text(list, o.group))
  return whole and OK or FOUND
end
