--- Which units list, export and stats look at. The conditions are about the row `u` of the table unit.

local moment = require "jig.commands.journal.moment"
local options = require "jig.commands.options"

local filters = {}

-- Of --result: what the journal calls it; false = has no result yet.
local RESULTS <const> = {
  passed = "passed", failed = "failed", ["made-with-fault"] = "manufactured with fault", running = false,
}

-- Columns that an option compares for equality.
local EQUAL <const> = { "lot", "serial", "slot", "fault" }

--- Adds the options.
---@param p jig.Options
---@param limit? string  default of --limit; nil: all
function filters.options(p, limit)
  p:option("--since", "Units begun at or after: a date, a date and time (UTC), or an age such as 2h, 3d."):value "WHEN"
    :convert(moment.parse)
  p:option("--until", "Units begun before; as --since."):value "WHEN":convert(moment.parse)
  p:option("--lot", "Units of this lot."):value "LOT"
  p:option("--serial", "Units with this serial number."):value "SERIAL"
  p:option("--slot", "Units of this slot."):value "NAME"
  p:option("--result", "Units that ended so; running: without a result.")
    :choices { "passed", "failed", "made-with-fault", "running" }
  p:option("--fault", "Units that ended with the fault of this name."):value "NAME"
  p:option("--limit", "The newest N units only.", limit):value "N":convert(options.integer(1, 1000000000))
end

--- The condition on `u`, and its parameters ?1, ?2, ...
---@return string sql, any[] parameters
function filters.where(o)
  local conditions, parameters = { "1" }, { n = 0 }
  local function add(condition, value)
    parameters.n = parameters.n + 1
    parameters[parameters.n] = value
    conditions[#conditions + 1] = condition:format(parameters.n)
  end
  for _, name in ipairs(EQUAL) do
    if o[name] then add("u." .. name .. " = ?%d", o[name]) end
  end
  if o.result and not RESULTS[o.result] then conditions[#conditions + 1] = "u.result IS NULL" end
  if o.result and RESULTS[o.result] then add("u.result = ?%d", RESULTS[o.result]) end
  if o.since then add("u.started >= ?%d", o.since) end
  if o["until"] then add("u.started < ?%d", o["until"]) end
  return table.concat(conditions, " AND "), parameters
end

--- The order in which the newest come first, such that an index gives it: of the row's number, unless
-- time alone tells which units.
---@return string
function filters.newest(o)
  local equal = o.result ~= nil
  for _, name in ipairs(EQUAL) do equal = equal or o[name] ~= nil end
  if (o.since or o["until"]) and not equal then return "u.started DESC, u.event DESC" end
  return "u.event DESC"
end

--- The rows of unit that fit, with --limit the newest of them, as a table of a query; and its parameters.
---@return string sql, any[] parameters
function filters.units(o)
  local where, parameters = filters.where(o)
  local sql = "(SELECT u.* FROM unit u WHERE " .. where
  if not o.limit then return sql .. ")", parameters end
  parameters.n = parameters.n + 1
  parameters[parameters.n] = o.limit
  return ("%s ORDER BY %s LIMIT ?%d)"):format(sql, filters.newest(o), parameters.n), parameters
end

--- How many attempts a unit had: those that opened a session, and those that failed before.
filters.ATTEMPTS = [[
  ((SELECT count(*) FROM session x WHERE x.unit = u.id)
   + (SELECT count(*) FROM fault x WHERE x.unit = u.id
      AND NOT EXISTS (SELECT 1 FROM session y WHERE y.id = x.session AND y.attempt = x.attempt)))]]

return filters
