--- Which slots a run has: from the command line and the station file.
--
-- `--slot NAME=ADDRESS` adds a slot or gives one of the station file another address; `--port ADDRESS` is
-- the one slot's.

local locate = require "jig.locate"

local slots = {}

---@class jig.SlotPlace
---@field name string
---@field address? string  nil: the recipe's port
---@field file string      of its recipe
---@field folder string    of that, with its last "/"
---@field own boolean      the station file names it for this slot

--- Slots that one station may have.
slots.MOST = 4096

--- Whether a value may be the name of a slot.
---@param value any
---@return boolean
function slots.is_name(value)
  return type(value) == "string" and #value <= 32 and value:find("^[%w_.:%-]+$") ~= nil
end

-- What the station file says: { name, port, recipe } each.
local function of_station(from)
  if from.slots then return table.move(from.slots, 1, #from.slots, 1, {}) end
  if from.slot or from.port then return { { name = from.slot or "A", port = from.port } } end
  return {}
end

local function find(list, name)
  for i, slot in ipairs(list) do
    if slot.name == name then return i end
  end
end

-- Lays `NAME=ADDRESS` over the list. nil, message when it is none.
local function add(list, word)
  local name, address = word:match("^([^=]*)=(.+)$")
  if not name or not slots.is_name(name) then
    return nil, ("--slot takes NAME=ADDRESS, a name of 1 to 32 letters, digits and _.:-, not '%s'"):format(word)
  end
  local i = find(list, name) or #list + 1
  list[i] = { name = name, port = address, recipe = list[i] and list[i].recipe }
  return true
end

local function with_flags(list, o)
  for _, word in ipairs(o.slot or {}) do
    local ok, message = add(list, word)
    if not ok then return nil, message end
  end
  if #list == 0 then list[1] = { name = "A" } end
  if not o.port then return list end
  if #list > 1 then return nil, "--port is for one slot: with several it is --slot NAME=ADDRESS" end
  list[1] = { name = list[1].name, port = o.port, recipe = list[1].recipe }
  return list
end

-- A path that stands in the station file is meant from its folder.
local function beside(station, path)
  return path:sub(1, 1) == "/" and path or (station:match("^(.*/)[^/]*$") or "./") .. path
end

local function place(slot, o)
  local path = slot.recipe and beside(o.station, slot.recipe) or o.recipe
  if not path then
    return nil, ("slot %s has no recipe: name one for all, or its own in the station file"):format(slot.name)
  end
  local file, folder = locate(path)
  return { name = slot.name, address = slot.port, file = file, folder = folder, own = slot.recipe ~= nil }
end

-- Two slots must not be one place. What stands for a slot's device: its address, or its recipe's port.
local function clash(list)
  local names, devices = {}, {}
  for _, slot in ipairs(list) do
    if names[slot.name] then return ("two slots are named %s"):format(slot.name) end
    names[slot.name] = true
    local device = slot.address or slot.file
    if devices[device] then
      return ("slots %s and %s have the same port: %s"):format(devices[device], slot.name,
        slot.address or "that of " .. slot.file)
    end
    devices[device] = slot.name
  end
end

--- The slots of a run, in the order of the station file. nil, message when flags and station do not fit.
---@param o table          options of the command: recipe, port, station, slot (list of "NAME=ADDRESS")
---@param from jig.Station  or {} without a station file
---@return jig.SlotPlace[]|nil list, string? message
function slots.of(o, from)
  local list, message = with_flags(of_station(from), o)
  if not list then return nil, message end
  if #list > slots.MOST then return nil, ("%d slots are more than %d"):format(#list, slots.MOST) end
  for i, slot in ipairs(list) do
    list[i], message = place(slot, o)
    if not list[i] then return nil, message end
  end
  message = clash(list)
  if message then return nil, message end
  return list
end

return slots
