--- Where a unit's cassette is written: one file per unit, named by --record FILE.
--
-- In FILE, %slot stands for the slot's name, %number for the unit's number at it, %time for when it began (UTC),
-- %% for a percent sign. What may be several must be told apart: several slots take %slot, several units at one
-- %number or %time. No file is ever overwritten.

local place = {}

local KNOWN <const> = { slot = true, number = true, time = true }

local function holds(pattern, ...)
  local plain = pattern:gsub("%%%%", "")
  for _, name in ipairs { ... } do
    if plain:find("%" .. name, 1, true) then return true end
  end
  return false
end

--- What is wrong with a name; nil when nothing is.
---@param pattern string
---@param slots integer    how many
---@param several boolean  units at one slot
---@return string?
function place.mistake(pattern, slots, several)
  if pattern == "" or pattern:sub(-1) == "/" then return "--record takes the name of a file" end
  for name in pattern:gsub("%%%%", ""):gmatch("%%(%a*)") do
    if not KNOWN[name] then
      return ("--record knows %%slot, %%number, %%time and %%%%, not '%%%s'"):format(name)
    end
  end
  if slots > 1 and not holds(pattern, "slot") then
    return "--record writes a file per unit: with several slots its name holds %slot"
  end
  if several and not holds(pattern, "number", "time") then
    return "--record writes a file per unit: with --count or --watch its name holds %number or %time"
  end
end

--- The one file that a name without any of these means; nil when there is no such.
---@param pattern string
---@return string?
function place.only(pattern)
  return not holds(pattern, "slot", "number", "time") and place.of(pattern, "", 1) or nil
end

--- The file of a unit.
---@param pattern string
---@param slot string
---@param number integer
---@param now? integer   seconds since 1970
---@return string
function place.of(pattern, slot, number, now)
  local values = {
    slot = slot:gsub("^%.", "_"):gsub("/", "_"), number = tostring(number),
    time = os.date("!%Y%m%dT%H%M%SZ", now),
  }
  return (pattern:gsub("%%(%%?)(%a*)", function(percent, name)
    return percent == "%" and "%" .. name or values[name]
  end))
end

return place
