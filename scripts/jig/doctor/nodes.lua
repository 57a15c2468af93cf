--- The nodes in /dev that a slot's address means. Nothing is opened: that would move the lines of a serial port, at
--- which some devices reset.

local nodes = {}

-- The words and options of an address; core/address.h has the grammar.
local function split(address)
  local scheme, body, query = address:match("^(%l+):([^?]*)%??(.*)$")
  local options = {}
  local function decoded(text)
    return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
  end
  for key, value in (query or ""):gmatch("([^&=]+)=([^&]*)") do options[decoded(key)] = decoded(value) end
  return scheme, decoded(body or ""), options
end

local function hex(text)
  return text and tonumber(text, 16)
end

local function fits(info, options)
  return info.vid ~= nil and (not options.vid or info.vid == hex(options.vid))
    and (not options.pid or info.pid == hex(options.pid))
    and (not options.serial or info.serial == options.serial)
end

-- Serial ports that the system lists and that fit.
local function listed(host, options)
  local found = {}
  for _, info in ipairs(host.ports() or {}) do
    local path = info.address:match("^serial:([^?]+)")
    if path and fits(info, options) then found[#found + 1] = path end
  end
  return found
end

local function line(host, folder, attribute)
  return (host.read(folder .. "/" .. attribute) or ""):match("^[^\n]*")
end

-- The nodes of USB devices that fit, by what the kernel says of them.
local function on_bus(host, options)
  local found, root = {}, "/sys/bus/usb/devices"
  for _, name in ipairs(host.list(root) or {}) do
    local folder = root .. "/" .. name
    local about = { vid = hex(line(host, folder, "idVendor")), pid = hex(line(host, folder, "idProduct")),
      serial = line(host, folder, "serial") }
    local bus, number = tonumber(line(host, folder, "busnum")), tonumber(line(host, folder, "devnum"))
    if bus and number and fits(about, options) and (not options.path or options.path == name) then
      found[#found + 1] = ("/dev/bus/usb/%03d/%03d"):format(bus, number)
    end
  end
  return found
end

--- The nodes that an address fits; nil for a wire that has none, such as tcp. A path is one, there or not.
---@param host jig.doctor.Host
---@param address string
---@return string[]?
function nodes.of(host, address)
  local scheme, body, options = split(address)
  if scheme == "serial" or scheme == "tty" then
    return body ~= "" and { host.realpath(body) or body } or listed(host, options)
  end
  if scheme ~= "usb" then return nil end
  local vid, pid = body:match("^(%x+):(%x+)$")
  options.vid, options.pid = vid or options.vid, pid or options.pid
  return on_bus(host, options)
end

return nodes
