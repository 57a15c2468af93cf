--- Station files: what `jig run --station` would refuse, the addresses of the slots, and which recipes they name.

local nearest = require "jig.check.nearest"
local ports = require "jig.check.ports"
local source = require "jig.check.source"
local station = require "jig.station"
local system = require "jig.system"

local stations = {}

--- The station file that a path means; nil when it means a recipe.
---@param path string
---@return string?
function stations.locate(path)
  if path == "station.lua" then return "./station.lua" end
  if path:match("/station%.lua$") then return path end
  local folder = path:gsub("/+$", "")
  local kind = system.kind
  if kind(folder .. "/station.lua") and not kind(folder .. "/recipe.lua") then return folder .. "/station.lua" end
end

-- What a run says, as what is wrong and what to write.
local function split(text)
  local path, keys = text:match("^(.-): expected one of the keys (.*), got an unknown key")
  if path then
    local words, key = {}, path:match("[^%.]+$")
    for word in keys:gmatch("[^, ]+") do words[#words + 1] = word end
    return ("%s has no key '%s'"):format(path:match("^(.*)%.") or "the station", key), nearest.advice(key, words)
  end
  local what, expected, got = text:match("^(.-): expected (.*), got (.*)$")
  if what then return ("%s is %s"):format(what, got), "expected " .. expected end
  return text, "mend this line: a run refuses the station file"
end

local function check_slots(made, file, report)
  local read = source.read(file)
  local returned = read and read:returned()
  local function reporter(path)
    return function(_, what, instead)
      report(returned and source.place(returned, path) or 1, ("%s: %s"):format(path, what), instead)
    end
  end
  for i, slot in ipairs(made.slots or {}) do
    ports.check(slot.port, reporter(("slots[%d].port"):format(i)))
  end
  ports.check(made.port, reporter "port")
  ports.check(made.scanner, reporter "scanner")
end

-- The recipes of the slots, each once.
local function recipes_of(made, folder)
  local list, seen = {}, {}
  for _, slot in ipairs(made.slots or {}) do
    local path = slot.recipe
    if path and not seen[path] then
      seen[path] = true
      list[#list + 1] = path:match("^/") and path or folder .. path
    end
  end
  return list
end

--- Checks a station file. Does not yield.
---@param file string
---@param report fun(line: integer?, what: string, instead: string)
---@return jig.Station? made, string[] recipes  paths
function stations.check(file, report)
  local made, message = station.load(file)
  if not made then
    local line, text = tostring(message):match("^.-%.lua:(%d+): ([^\n]*)")
    local what, instead = split(text or tostring(message):gsub("^" .. file:gsub("%W", "%%%0") .. ": ", ""))
    if not line then instead = instead:gsub("^mend this line", "mend this file") end
    report(math.tointeger(tonumber(line)), what, instead)
    return nil, {}
  end
  check_slots(made, file, report)
  return made, recipes_of(made, file:match("^(.*/)"))
end

return stations
