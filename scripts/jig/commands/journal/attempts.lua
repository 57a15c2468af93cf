--- Attempts of units: each opened a session, or failed before it could.

local filters = require "jig.commands.journal.filters"
local moment = require "jig.commands.journal.moment"
local place = require "jig.commands.journal.place"
local words = require "jig.commands.journal.words"

local attempts = {}

-- What is said of the run an attempt was part of, and of its unit.
local COMMON <const> = [[
  u.event AS first, %s AS event, u.id AS unit, u.number, u.result AS unit_result, u.session AS latest,
  u.started AS unit_started, coalesce(%s.slot, u.slot) AS slot, u.serial AS unit_serial, u.lot, r.station,
  r.operator, r.recipe, r.version, r.recipe_sha256, r.cli]]

-- The latest fault of a session counts: what failed after the fingerprint comes behind a report.
local OPENED <const> = [[
  SELECT %s, s.id AS session, s.attempt AS session_attempt, s.state, s.serial, s.opened, s.ended, s.fingerprint,
    s.repeats, s.calls, s.refusals, f.name, f.code, f.reason, f.phase, f.line, e.facts, e.time AS told
  FROM %s u
  CROSS JOIN session s ON s.unit = u.id
  LEFT JOIN fault f ON f.event = (SELECT max(x.event) FROM fault x WHERE x.session = s.id AND x.attempt = s.attempt)
  LEFT JOIN event e ON e.session = s.id AND e.attempt = s.attempt AND e.kind = 'ended'
  LEFT JOIN run r ON r.id = s.run]]

-- One that failed at new_device may have the id of a session that was never opened: its serial number was taken, or the
-- token not to be had.
local BEFORE <const> = [[
  SELECT %s, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, f.name, f.code, f.reason, f.phase,
    f.line, e.facts, e.time
  FROM %s u
  CROSS JOIN fault f ON f.unit = u.id AND NOT EXISTS (
    SELECT 1 FROM session x WHERE x.id = f.session AND x.attempt = f.attempt)
  JOIN event e ON e.id = f.event
  LEFT JOIN run r ON r.id = u.run]]

-- `units` is a table of a query.
local function sql(units)
  local opened, before = COMMON:format("s.event", "s"), COMMON:format("f.event", "u")
  return OPENED:format(opened, units) .. " UNION ALL " .. BEFORE:format(before, units) .. " ORDER BY 1, 2"
end

local ENDED <const> = { reported = true, refused = true, settled = true }

--- Whether a session has no end: not made, not reported, not given up.
---@param attempt table  session, state
function attempts.is_owed(attempt)
  return attempt.session ~= nil and attempt.state ~= "finished" and not ENDED[attempt.state]
end

-- "ended" says it, unless the process was gone before: then its session does.
local function result_of(row, facts)
  if facts.result then return facts.result end
  if not row.session or ENDED[row.state] then return "failed" end
  if row.state ~= "finished" then return nil end
  if row.latest == row.session then return row.unit_result end
  return "passed"
end

local function fault_of(row, facts)
  if not row.name then return nil end
  return {
    name = row.name, code = row.code, reason = row.reason, phase = row.phase, line = row.line,
    traceback = facts.traceback, by_recipe = facts.by_recipe,
  }
end

local function phases_of(facts)
  if not facts.phases then return nil end
  local list = {}
  for i, phase in ipairs(facts.phases) do
    list[i] = { name = phase.name, seconds = moment.seconds(phase.us) }
  end
  return list
end

local function time(us)
  return us and moment.show(us) or nil
end

-- When an attempt without a session began is told by how long it took.
local function begin(row, facts)
  return row.opened or row.told - (facts.took or 0)
end

local function attempt_of(row, number)
  local facts = words.ended(row.facts)
  return {
    unit = row.unit, number = row.number, attempt = number, slot = row.slot,
    serial = row.serial or facts.serial or row.unit_serial, lot = row.lot, station = row.station,
    operator = row.operator, recipe = row.recipe, version = row.version, recipe_sha256 = row.recipe_sha256,
    cli = row.cli, session = row.session, session_attempt = row.session_attempt, state = row.state,
    started = time(begin(row, facts)), ended = time(row.told or row.ended), result = result_of(row, facts),
    fingerprint = row.fingerprint, repeats = row.repeats, fault = fault_of(row, facts),
    seconds = moment.seconds(facts.took), gate_seconds = moment.seconds(facts.gate_us), phases = phases_of(facts),
    received = facts.received, sent = facts.sent, reports = row.calls, refusals = row.refusals,
    manifest = facts.manifest,
  }
end

--- The attempts of the units that fit, as a generic `for` gives them one after the other: units in the
-- order in which they began, attempts numbered from 1.
---@param ledger userdata
---@param o table  of filters
function attempts.of(ledger, o)
  local units, parameters = filters.units(o)
  local step, state, control, closing = place.rows(ledger, sql(units), parameters)
  local unit, number
  return function(...)
    local row = step(...)
    if not row then return nil end
    number = row.unit == unit and number + 1 or 1
    unit = row.unit
    return attempt_of(row, number)
  end, state, control, closing
end

--- The same for one unit, as a list.
---@param ledger userdata
---@param unit string  its id
function attempts.of_unit(ledger, unit)
  local list, number = {}, 0
  for row in place.rows(ledger, sql "(SELECT * FROM unit WHERE id = ?1)", { unit }) do
    number = number + 1
    list[number] = attempt_of(row, number)
    list[number].event = row.event
  end
  return list
end

return attempts
