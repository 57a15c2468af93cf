--- Limits that are none, or that no other limit lets pass; a gap that lets nothing pass.

-- Seconds from which on a limit was meant as milliseconds: a quarter of an hour for one wait, some hours for a whole
-- unit. Devices need less, and milliseconds that are less are longer than what they stand in.
local MOST <const>, MOST_OF_UNIT <const> = 1000, 10000

-- Seconds below which no device can answer.
local LEAST <const> = 0.001

local function most_of(name) return name == "unit" and MOST_OF_UNIT or MOST end

-- What is wrong with one limit by itself: what, and what to write instead.
local function alone(name, value)
  if value == math.huge then return "is no limit: a wait that never ends stops the slot", "write seconds" end
  if value >= most_of(name) then
    local long = value < 3600 and ("%.0f minutes"):format(value / 60) or ("%.1f hours"):format(value / 3600)
    return ("is %g seconds, %s"):format(value, long), ("limits are seconds: did you mean %g?"):format(value / 1000)
  end
  if value < LEAST then return ("is %g seconds, in which nothing can answer"):format(value), "write 0.001 or more" end
end

-- Limits of which the first cannot pass before the second: it would never be told of.
local PAIRS <const> = { { "first", "exchange" }, { "between", "exchange" } }

local function check_pairs(limits, given, wrong)
  for _, pair in ipairs(PAIRS) do
    local inner, outer = given[pair[1]], limits[pair[2]]
    if inner and not wrong[pair[1]] and not wrong[pair[2]] and inner > outer then
      wrong[pair[1]] = { ("is %g s, longer than %s, %g s, within which it stands"):format(inner, pair[2], outer),
        ("write less, or a larger %s"):format(pair[2]) }
    end
  end
end

local function check_unit(limits, given, wrong)
  local unit = limits.unit
  if wrong.unit then return end
  for name, value in pairs(given) do
    if name ~= "unit" and not wrong[name] and value > unit then
      wrong[name] = { ("is %g s, longer than unit, %g s, the limit of the whole attempt"):format(value, unit),
        "write less, or a larger unit" }
    end
  end
  if given.unit and not given.exchange and limits.exchange > unit then
    wrong.unit = { ("is %g s, shorter than exchange, %g s"):format(unit, limits.exchange),
      "write more, or a smaller exchange, too" }
  end
end

local function check_silence(framing, limits, wrong)
  local traits = type(framing) == "table" and framing.traits
  local silence = type(traits) == "table" and traits.silence
  if silence and not wrong.exchange and not wrong.between and limits.between >= limits.exchange then
    wrong.exchange = { ("is %g s, and a frame of this framing ends with %g s of silence (between)")
      :format(limits.exchange, limits.between), "write a smaller between, or a larger exchange" }
  end
end

-- Bytes of a small message: even a public key with its signature is more.
local MESSAGE <const> = 256

-- A gap that was meant as milliseconds: with it a message is not written within its limit.
local function check_gap(recipe, limits, report)
  local port = type(recipe.port) == "table" and recipe.port or {}
  local chunk, gap = math.type(port.chunk) == "integer" and port.chunk or 0, port.gap
  if type(gap) ~= "number" or chunk < 1 then return end
  local max = type(recipe.framing) == "table" and math.type(recipe.framing.max) == "integer" and recipe.framing.max
  local size = math.min(MESSAGE, max or MESSAGE)
  -- the one after a short message keeps the next from being written
  local gaps = math.max(1, (size + chunk - 1) // chunk - 1)
  if gap * gaps <= limits.write then return end
  report("port.gap", ("port.gap is %g seconds: with it %d bytes, %d at once, are not written within limits.write, %g s")
    :format(gap, size, chunk, limits.write), ("gap is seconds: did you mean %g?"):format(gap / 1000))
end

-- The limits that are numbers and more than 0; others are mistakes of their own.
local function usable(given)
  local found = {}
  for name, value in pairs(type(given) == "table" and given or {}) do
    if type(value) == "number" and value > 0 then found[name] = value end
  end
  return found
end

--- Reports each limit that is absurd.
---@param recipe table  fields of a recipe, as they are written
---@param defaults jig.Limits
---@param report fun(path: string, what: string, instead: string)
return function(recipe, defaults, report)
  local given, wrong = usable(recipe.limits), {}
  local limits = setmetatable({}, { __index = function(_, name) return given[name] or defaults[name] end })
  for name, value in pairs(given) do
    local what, instead = alone(name, value)
    if what then wrong[name] = { what, instead } end
  end
  check_pairs(limits, given, wrong)
  check_unit(limits, given, wrong)
  check_silence(recipe.framing, limits, wrong)
  if not wrong.write then check_gap(recipe, limits, report) end
  for name, pair in pairs(wrong) do
    report("limits." .. name, ("limits.%s %s"):format(name, pair[1]), pair[2])
  end
end
