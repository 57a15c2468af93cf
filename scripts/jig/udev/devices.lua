--- Which USB devices recipes match: by the numbers of vendor and product in the addresses that they open, and in the
--- modes that they switch to.

local recipe = require "jig.recipe"
local tokens = require "jig.check.tokens"

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

-- ---- modes that a recipe switches to ----

-- The numbers of a file's local names, by `local A <const>, B <const> = 1, 2`.
local function constants(list)
  local known = {}
  for i, token in ipairs(list) do
    local names, at = {}, i + 1
    while token.value == "local" and list[at] and list[at].kind == "name" do
      names[#names + 1] = list[at].value
      at = at + 1
      if list[at].value == "<" then at = at + 3 end
      if list[at] and list[at].value == "," then at = at + 1 end
    end
    if #names > 0 and list[at] and list[at].value == "=" then
      for n, name in ipairs(names) do
        local value = list[at + 2 * n - 1]
        if value and value.kind == "number" then known[name] = value.value end
      end
    end
  end
  return known
end

-- What `key = VALUE` says between two places.
local function assigned(list, from, to, key, known)
  for i = from, to - 2 do
    if list[i].value == key and list[i].kind == "name" and list[i + 1].value == "=" then
      local value = list[i + 2]
      return math.tointeger(value.kind == "number" and value.value or known[value.value])
    end
  end
end

local function is_id(value)
  return value ~= nil and value >= 0 and value <= 0xffff
end

--- The products that a recipe's source names where it waits for a device that comes back: `unit:reopen { pid = … }`.
---@param text string
---@return { vid?: integer, pid: integer }[]
function devices.modes(text)
  local found = {}
  if not load(text, "=recipe", "t", {}) then return found end
  local list = tokens.of(text)
  local known = constants(list)
  for i, token in ipairs(list) do
    if token.kind == "name" and token.value == "reopen" then
      local last = i
      while list[last] and list[last].value ~= "}" and list[last].kind ~= "end" and last < i + 64 do last = last + 1 end
      local pid = assigned(list, i, math.min(last, #list), "pid", known)
      local vid = assigned(list, i, math.min(last, #list), "vid", known)
      if is_id(pid) then found[#found + 1] = { vid = is_id(vid) and vid or nil, pid = pid } end
    end
  end
  return found
end

-- ---- all of a station ----

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
      for _, mode in ipairs(devices.modes(read(one.file))) do
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
