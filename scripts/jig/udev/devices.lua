--- Which USB devices recipes match: by the numbers of vendor and product in the addresses that they open, and in the
--- modes that they switch to.

local modes = require "jig.udev.modes"
local recipe = require "jig.recipe"

local devices = {}

---@class jig.UdevDevice
---@field vid integer
---@field pid? integer     nil: any of the vendor's
---@field wire "serial"|"usb"
---@field name string      of the first recipe that matches it
---@field mode? boolean    it becomes this one while a unit is at work

-- Four hex digits at most.
local function number(text)
  return text and text:find("^%x%x?%x?%x?$") and tonumber(text, 16) or nil
end

--- What an address says of the USB device behind it; nil when that is nothing.
---@param address string
---@return { wire: "serial"|"usb", vid: integer, pid?: integer }?
function devices.of_address(address)
  local wire, body, query = address:match("^(%l+):([^?]*)%??(.*)$")
  if wire ~= "serial" and wire ~= "usb" then return nil end
  local vid, pid = body:match("^(%x+):(%x+)$")
  query = "&" .. query .. "&"
  vid = number(wire == "usb" and vid or query:match("&vid=(%x+)&"))
  pid = number(wire == "usb" and pid or query:match("&pid=(%x+)&"))
  return vid and { wire = wire, vid = vid, pid = pid } or nil
end

local function read(path)
  local file <close> = io.open(path, "rb")
  return file and file:read(1 << 20) or ""
end

local function add(list, seen, device)
  local key = ("%s %x %s"):format(device.wire, device.vid, device.pid)
  if seen[key] then return end
  seen[key] = true
  list[#list + 1] = device
end

--- The devices of a station's recipes and slots, each once, in the order of these.
---@param about jig.Survey
---@return jig.UdevDevice[]
function devices.of(about)
  local list, seen = {}, {}
  for _, one in ipairs(about.recipes) do
    local device = one.recipe and devices.of_address(recipe.address(one.recipe.port))
    if device then
      device.name = one.recipe.name
      add(list, seen, device)
      for _, mode in ipairs(modes.of(read(one.file))) do
        add(list, seen, { wire = device.wire, vid = mode.vid or device.vid, pid = mode.pid, name = one.recipe.name,
          mode = true })
      end
    end
  end
  for _, slot in ipairs(about.slots) do
    local device = slot.address and devices.of_address(slot.address)
    if device then
      device.name = "slot " .. slot.name
      add(list, seen, device)
    end
  end
  return list
end

return devices
