--- jig journal stats: yield, faults and times of the units that fit, in one pass over them.

local clean = require "jig.output.clean"
local filters = require "jig.commands.journal.filters"
local histogram = require "jig.commands.journal.histogram"
local json = require "jig.output.json"
local options = require "jig.commands.options"
local place = require "jig.commands.journal.place"
local words = require "jig.commands.journal.words"

-- Sessions and fingerprints that are named; more are counted.
local NAMED <const> = 20

-- ---- counting ----

-- What "ended" said of the units that passed: only their times are told.
local UNITS <const> = [[
  SELECT u.slot, u.result, %s AS attempts, e.facts FROM %s u
  LEFT JOIN session s ON u.result = 'passed' AND s.event = (SELECT max(x.event) FROM session x WHERE x.unit = u.id)
  LEFT JOIN event e ON e.session = s.id AND e.attempt = s.attempt AND e.kind = 'ended']]

local FAULTS <const> = [[
  SELECT f.name, f.code, count(*) AS count FROM %s u CROSS JOIN fault f ON f.unit = u.id
  GROUP BY f.name, f.code ORDER BY count(*) DESC, f.name, f.code]]

-- The number of sessions of each kind, and some of them.
local SESSIONS <const> = [[
  SELECT s.id, s.slot, s.serial, s.state, s.fingerprint, s.repeats FROM session s
  JOIN %s u ON u.id = s.unit WHERE %s ORDER BY s.event]]

local KINDS <const> = {
  { "settled", "s.state = 'settled'" },
  { "unreported", "s.ended IS NULL" },
  { "repeated_fingerprints", "s.repeats IS NOT NULL" },
}

local NAMES <const> = { passed = "passed", failed = "failed", ["manufactured with fault"] = "made_with_fault" }

local function add_times(times, slot, facts)
  if facts.took then
    times.all:add(facts.took)
    times.slots[slot] = times.slots[slot] or histogram.new()
    times.slots[slot]:add(facts.took)
  end
  if facts.gate_us then times.gate:add(facts.gate_us) end
  for _, phase in ipairs(facts.phases or {}) do
    times.phases[phase.name] = times.phases[phase.name] or histogram.new()
    times.phases[phase.name]:add(phase.us)
  end
end

local function count_units(ledger, units, parameters)
  local found = { units = 0, passed = 0, failed = 0, made_with_fault = 0, running = 0, retries = 0, first = 0 }
  local times = { all = histogram.new(), gate = histogram.new(), slots = {}, phases = {} }
  for row in place.rows(ledger, UNITS:format(filters.ATTEMPTS, units), parameters) do
    local name = NAMES[row.result] or "running"
    found.units, found[name] = found.units + 1, found[name] + 1
    found.retries = found.retries + math.max(row.attempts - 1, 0)
    if row.result == "passed" and row.attempts == 1 then found.first = found.first + 1 end
    add_times(times, row.slot or "-", words.ended(row.facts))
  end
  return found, times
end

local function percent(part, whole)
  return whole > 0 and part * 100 / whole or nil
end

local function count_faults(ledger, units, parameters)
  local list, total = place.list(ledger, FAULTS:format(units), parameters), 0
  for _, row in ipairs(list) do total = total + row.count end
  for _, row in ipairs(list) do row.percent = percent(row.count, total) end
  return list
end

local function find_sessions(ledger, units, parameters, condition)
  local found = { count = 0 }
  for row in place.rows(ledger, SESSIONS:format(units, condition), parameters) do
    found.count = found.count + 1
    if found.count <= NAMED then found[found.count] = row end
  end
  return found
end

local function count(ledger, o)
  local units, parameters = filters.units(o)
  local found, times = count_units(ledger, units, parameters)
  found.first_pass_percent = percent(found.first, found.units - found.running)
  found.first = nil
  for _, kind in ipairs(KINDS) do
    found[kind[1]] = find_sessions(ledger, units, parameters, kind[2])
  end
  found.faults = count_faults(ledger, units, parameters)
  return found, times
end

-- ---- for programs ----

local function quantiles(h, fields)
  fields = fields or {}
  fields.units, fields.p50, fields.p95 = h.count, h:quantile(0.5), h:quantile(0.95)
  return fields
end

local function sorted(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function quantiles_of(map, key)
  local list = {}
  for i, name in ipairs(sorted(map)) do list[i] = quantiles(map[name], { [key] = name }) end
  return list
end

local function show_json(found, times)
  for _, kind in ipairs(KINDS) do
    local sessions = found[kind[1]]
    found[kind[1]], sessions.count = sessions.count, nil
    found[kind[1] .. "_sessions"] = sessions
  end
  found.seconds, found.gate_seconds = quantiles(times.all), quantiles(times.gate)
  found.slots, found.phases = quantiles_of(times.slots, "slot"), quantiles_of(times.phases, "phase")
  found.error_percent = 1
  for key, value in pairs(found) do
    if type(value) == "table" and next(value) == nil then found[key] = nil end -- {} is no array
  end
  print(json.line(found))
end

-- ---- for people ----

local function out(text, ...)
  io.stdout:write(text:format(...), "\n")
end

local function share(label, value, whole)
  local part = percent(value, whole)
  out("%-22s %9d%s", label, value, part and ("  %6.2f %%"):format(part) or "")
end

local function name_sessions(label, sessions)
  out("%-22s %9d", label, sessions.count)
  for _, row in ipairs(sessions) do
    out("  %s  slot %s  %s  %s", clean(row.id), clean(row.slot or "-"), clean(row.serial or "-"),
      row.repeats and "like " .. clean(row.repeats) or row.state)
  end
  if sessions.count > #sessions then out("  and %d more", sessions.count - #sessions) end
end

local function time_line(label, h)
  if h.count == 0 then return end
  out("  %-32s %9d %10.3f %10.3f", clean(label), h.count, h:quantile(0.5), h:quantile(0.95))
end

local function show_times(times)
  if times.all.count == 0 then return end
  out("\n%-34s %9s %10s %10s", "seconds of units that passed", "units", "p50", "p95")
  time_line("whole unit", times.all)
  for _, slot in ipairs(sorted(times.slots)) do time_line("slot " .. slot, times.slots[slot]) end
  for _, phase in ipairs(sorted(times.phases)) do time_line("phase " .. phase, times.phases[phase]) end
  time_line("waiting at the gate", times.gate)
  out("  (counted in classes: each figure may be 1 %% off)")
end

local function show_faults(faults)
  if #faults == 0 then return end
  out("\n%-34s %9s %10s %10s", "faults of all attempts", "code", "count", "%")
  for _, row in ipairs(faults) do
    out("  %-32s %9d %10d %10.2f", clean(row.name or "?"), row.code or 0, row.count, row.percent)
  end
end

local function show(found, times)
  out("%-22s %9d", "units", found.units)
  for _, name in ipairs { "passed", "failed", "made_with_fault", "running" } do
    share("  " .. (name == "running" and "without a result" or name:gsub("_", " ")), found[name], found.units)
  end
  local first = found.first_pass_percent
  out("%-22s %9s  %s", "first-pass yield", "", first and ("%6.2f %%"):format(first) or "-")
  out("%-22s %9d", "retries", found.retries)
  name_sessions("settled sessions", found.settled)
  name_sessions("unreported sessions", found.unreported)
  name_sessions("repeated fingerprints", found.repeated_fingerprints)
  show_faults(found.faults)
  show_times(times)
end

return function(argv)
  local p = options.parser("journal stats", "Yield, faults and times.")
  place.options(p)
  filters.options(p)
  local o, status = options.parse(p, argv)
  if not o then return status end
  return place.open("stats", o, "read", function(ledger)
    local found, times = count(ledger, o)
    local f = o.json and show_json or show
    f(found, times)
    return place.OK
  end)
end
