--- Codes that stand for more than one cause, a status map that no answer is looked up in, and statuses that no answer
--- can have.

local fault = require "jig.fault"
local framings = require "jig.check.framings"
local nearest = require "jig.check.nearest"

local function code_of(entry)
  local known = fault.catalogue[entry[1]]
  return entry.code or known and known[1]
end

-- Codes of jig's own faults in this recipe: code -> name. `faults` gives some of them others.
local function own_codes(faults)
  local codes = {}
  for name, known in pairs(fault.catalogue) do
    local override = faults[name]
    codes[type(override) == "table" and override.code or known[1]] = name
  end
  return codes
end

local function table_or_none(value)
  return type(value) == "table" and value or {}
end

-- The entries whose fields can be relied on, in the order of the statuses.
local function entries_of(recipe)
  local list = {}
  for value, entry in pairs(table_or_none(recipe.status)) do
    local known = math.type(value) == "integer" and type(entry) == "table" and type(entry[1]) == "string"
    local code = known and code_of(entry)
    if math.type(code) == "integer" then
      list[#list + 1] = { value = value, name = entry[1], code = code, path = ("status[0x%02x]"):format(value) }
    end
  end
  table.sort(list, function(a, b) return a.value < b.value end)
  return list
end

local function check_codes(recipe, report)
  local own, first = own_codes(table_or_none(recipe.faults)), {}
  for _, entry in ipairs(entries_of(recipe)) do
    local path, earlier = entry.path, first[entry.code]
    if earlier then
      report(path, ("status 0x%02x has the code %d, as status 0x%02x has"):format(entry.value, entry.code, earlier),
        "a code of its own, so that the report tells the cause")
    elseif own[entry.code] and own[entry.code] ~= entry.name then
      report(path, ("status 0x%02x has the code %d, which is jig's own for '%s'"):format(entry.value, entry.code,
        own[entry.code]), "another code, so that the report tells the cause")
    end
    first[entry.code] = earlier or entry.value
  end
end

-- A name that is nearly one of the catalogue's.
local function check_names(recipe, report)
  local names = {}
  for name in pairs(fault.catalogue) do names[#names + 1] = name end
  for _, entry in ipairs(entries_of(recipe)) do
    local near = not fault.catalogue[entry.name] and nearest.of(entry.name, names, 2)
    if near then
      report(entry.path, ("jig's catalogue has no '%s'"):format(entry.name), ("did you mean '%s'?"):format(near))
    end
  end
end

-- Whether answers of a framing have a status; nil when it does not say.
local function carries_status(framing)
  local device = type(framing) == "table" and framing.device
  local sample = type(device) == "table" and device.sample
  if type(sample) ~= "table" then return nil end
  return sample.status ~= nil
end

-- An exchange hook may find a status of its own.
local function check_use(recipe, report)
  if next(table_or_none(recipe.status)) == nil or recipe.exchange ~= nil then return end
  if carries_status(recipe.framing) == false then
    report("status", "the framing's answers carry no status, so this map is never looked at",
      "a field `status` in the framing's reply, or no map")
  end
end

-- What the framing's status can be, in words; nil when it can be `value`.
local function other_than(device, value)
  local frame = { payload = value == 0 and "x" or "" }
  for name, sample in pairs(device.sample) do frame[name] = sample end
  frame.status = value
  local ok, message = pcall(device.encode, frame)
  if ok then return nil end
  local text = tostring(message)
  return text:match("status: %-?%d+ does not fit, (%-?%d+ to %-?%d+) do") or text:match("status: expected (.-), got")
end

-- Statuses that are wider than their field. An exchange hook may find others.
local function check_width(recipe, report)
  if recipe.exchange ~= nil or not framings.is_known(recipe.framing) then return end
  if not carries_status(recipe.framing) then return end
  local function look(value, path)
    local known = other_than(recipe.framing.device, value)
    if not known then return end
    report(path, ("no answer has the status 0x%02x: in this framing it is %s"):format(value, known),
      "a status that fits, or a wider field in the framing's reply")
  end
  for value in pairs(table_or_none(recipe.status)) do
    if math.type(value) == "integer" then look(value, ("status[0x%02x]"):format(value)) end
  end
  if math.type(recipe.success) == "integer" then look(recipe.success, "success") end
end

--- Reports each.
---@param recipe table  fields of a recipe, as they are written
---@param report fun(path: string, what: string, instead: string)
return function(recipe, report)
  check_codes(recipe, report)
  check_names(recipe, report)
  check_use(recipe, report)
  check_width(recipe, report)
end
