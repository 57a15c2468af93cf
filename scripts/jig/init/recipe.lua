--- The text of a new product's recipe.lua and status.lua.

local plan = require "jig.init.plan"
local recipe = require "jig.recipe"

local texts = {}

-- The limits that the recipe sets itself; the others stand in a comment with their defaults.
local SET <const> = { exchange = "5", unit = "60" }

local RECIPE <const> = [[
-- How the factory makes this product: data first, functions second. `jig check` looks for mistakes in it.
--
-- What to change first, each time followed by `jig test`, which says what no longer fits:
--   1. `framing`, until the bytes are those of the firmware, and device.lua, which plays the firmware;
$second
--   3. `port`, for the wire; then `prepare`, for how the device wakes up and says its serial number.

local jig = require "jig"
local $framing = require "jig.framing.$framing"
$require_status
return jig.recipe {
  name = "$name",
  version = "0.1.0", -- of this recipe, for the record: a new one with each change

$port_about
  port = $port,

$framing_about
  framing = $framing {
$options
  },

  limits = { -- seconds: every wait has one, and the error says which one passed
    exchange = $exchange, -- one message and its answer
$between    unit = $unit, -- one attempt at a unit
$defaults
  },

$status  -- Before anything irreversible. The record finds a unit again by its serial number.
  prepare = function(unit)
$prepare
  end,

  -- There can also be, among what `jig help recipe` tells:
  --   finish = function(unit) … end    when the device is made: lock it, print its label
  --   reset = function(unit) … end     before an attempt and after a failure: bring it to a known state
  --   run = function(unit) … end       another flow than the usual one: two messages, each with its answer
  --   faults = { ["connectivity.timeout"] = { code = 17, advice = "Look at the cable." } }
}
]]

local STATUS <const> = [[
-- What the device may answer besides success -> what is reported to the service, and told to people. The recipe,
-- the played device and the spec all read it here.
--
-- An entry: the fault's name; `code` and `reason`, which the service gets; `retry`, when another attempt may help
-- (jig run --retries); `advice`, a sentence for the operator.

return {
$entries
}
]]

-- Words, joined in lines of a comment.
local function wrapped(words, space)
  local lines = { "" }
  for _, word in ipairs(words) do
    local line = lines[#lines]
    if #line + #word > 90 then
      lines[#lines + 1] = word
    else
      lines[#lines] = line == "" and word or line .. " " .. word
    end
  end
  return plan.comment(lines, space)
end

-- The limits that are left out, with what they then are.
local function defaults(set)
  local names, words = {}, { "left out, and so:" }
  for name in pairs(recipe.limits) do
    if not set[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do words[#words + 1] = ("%s = %g,"):format(name, recipe.limits[name]) end
  words[#words + 1] = "first = that of exchange"
  return wrapped(words, "    ")
end

local function indented(lines, space)
  return space .. table.concat(lines, "\n" .. space)
end

local function prepare(wire)
  local lines = {}
  if wire.reset then lines[1] = ("unit.port:pulse(%q, 0.1) -- restarts most boards"):format(wire.reset) end
  lines[#lines + 1] = ("unit.serial = unit.port:expect(\"SN=(%%w+)\\r\\n\") -- what it says %s"):format(wire.starts)
  return indented(lines, "    ")
end

local function status_lines(made)
  if not made.frame.statuses then return "" end
  return "  status = status, -- what the device answers -> what is reported; left out: success = 0\n\n"
end

--- recipe.lua.
---@param made jig.init.Plan
---@return string
function texts.recipe(made)
  local frame, has_status = made.frame, made.frame.statuses ~= nil
  return made:fill(RECIPE, {
    second = has_status and "--   2. status.lua, for what the firmware answers when it fails;"
      or "--   2. `limits`, for how long the device takes;",
    require_status = has_status and ("local status = require %q\n"):format("status") or "",
    port_about = plan.comment(made.wire.about, "  "), port = made.wire.port,
    framing_about = plan.comment(frame.about, "  "), options = indented(frame.options, "    "),
    exchange = SET.exchange, unit = SET.unit,
    between = frame.between and ("    between = %s, -- the silence that ends an answer\n"):format(frame.between) or "",
    defaults = defaults { exchange = true, unit = true, between = frame.between },
    status = status_lines(made), prepare = prepare(made.wire),
  })
end

local function entry(status)
  local fields = { ("%q"):format(status[2]), "code = " .. status.code, ("reason = %q"):format(status.reason) }
  if status.retry then fields[#fields + 1] = "retry = true" end
  if status.advice then fields[#fields + 1] = ("advice = %q"):format(status.advice) end
  local line = ("  [%s] = { %s },"):format(status[1], table.concat(fields, ", "))
  if #line <= 120 then return line end
  return ("  [%s] = {\n    %s,\n  },"):format(status[1], table.concat(fields, ",\n    "))
end

--- status.lua; nil where the framing carries no status.
---@param made jig.init.Plan
---@return string|nil
function texts.status(made)
  if not made.frame.statuses then return nil end
  local entries = {}
  for i, status in ipairs(made.frame.statuses) do entries[i] = entry(status) end
  return made:fill(STATUS, { entries = table.concat(entries, "\n") })
end

return texts
