--- The text of udev rules (udev(7)) that give devices to a group, and keep other programs from them.

local clean = require "jig.output.clean"

local rules = {}

--- Where they are installed: before 73-seat-late, which acts on tags, and before ModemManager's own.
rules.FILE = "/etc/udev/rules.d/70-jig.rules"

-- Debian's groups for those who use the wire.
local GROUPS <const> = { serial = "dialout", usb = "plugdev" }

--- Whether a group may be called that.
---@param name string
---@return boolean
function rules.is_group(name)
  return #name <= 32 and name:find("^[%l_][%l%d_-]*$") ~= nil
end

local function hex(number)
  return ("%04x"):format(number)
end

-- The keys by which a rule knows a device: of itself (ATTR), or of one above it (ATTRS).
local function match(device, attribute)
  local vendor = ('%s{idVendor}=="%s"'):format(attribute, hex(device.vid))
  return device.pid and ('%s, %s{idProduct}=="%s"'):format(vendor, attribute, hex(device.pid)) or vendor
end

local function heading(device)
  return ("# %s: %s:%s%s"):format(clean(device.name), hex(device.vid), device.pid and hex(device.pid) or "*",
    device.mode and ", which it becomes while a unit is at work" or "")
end

local BUS <const> = 'SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", '

local function of_device(device, group)
  local lines, own = { heading(device) }, match(device, "ATTR")
  local function add(...) lines[#lines + 1] = table.concat { ... } end
  -- the node that libusb opens; a serial adapter's, too: with it goes what is said of ModemManager
  add(BUS, own, ', GROUP="', group or GROUPS.usb, '", MODE="0660", ENV{ID_MM_DEVICE_IGNORE}="1"')
  add(BUS, own, ', TEST=="power/control", ATTR{power/control}="on"')
  if device.wire ~= "serial" then return lines end
  local above = match(device, "ATTRS")
  add('SUBSYSTEM=="tty", SUBSYSTEMS=="usb", ', above, ', GROUP="', group or GROUPS.serial,
    '", MODE="0660", ENV{ID_MM_PORT_IGNORE}="1"')
  add('SUBSYSTEM=="usb-serial", ', above, ', TEST=="latency_timer", ATTR{latency_timer}="1"')
  return lines
end

local HEAD <const> = {
  "# Devices of jig's recipes, made by `jig udev`. Install it as " .. rules.FILE .. ", then:",
  "#     udevadm control --reload && udevadm trigger",
  "#",
  "# GROUP, MODE: members of that group may open the device, nobody else but root.",
  "# ID_MM_*_IGNORE: ModemManager does not talk to it first.",
  "# power/control: it is not suspended while nobody reads.",
  "# latency_timer: a serial adapter hands bytes over after 1 ms, not 16.",
  "",
  'ACTION=="remove", GOTO="jig_end"',
}

--- The text of rules for devices.
---@param list jig.UdevDevice[]
---@param group? string  default: dialout for serial ports, plugdev for others
---@return string
function rules.text(list, group)
  local lines = table.move(HEAD, 1, #HEAD, 1, {})
  for _, device in ipairs(list) do
    lines[#lines + 1] = ""
    local more = of_device(device, group)
    table.move(more, 1, #more, #lines + 1, lines)
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = 'LABEL="jig_end"'
  return table.concat(lines, "\n") .. "\n"
end

return rules
