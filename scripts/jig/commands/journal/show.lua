--- jig journal show: what happened in one session, and what is left to do.

local attempts = require "jig.commands.journal.attempts"
local clean = require "jig.output.clean"
local json = require "jig.output.json"
local moment = require "jig.commands.journal.moment"
local options = require "jig.commands.options"
local place = require "jig.commands.journal.place"
local words = require "jig.commands.journal.words"

-- Characters that a prefix of a session's id must have.
local PREFIX <const> = 4

-- ---- finding it ----

local NEXT <const> = "SELECT DISTINCT id FROM session WHERE id >= ?1 ORDER BY id LIMIT 3"
local KEPT <const> = "SELECT session, serial, time FROM kept WHERE session = ?1 OR serial = ?1 LIMIT 1"

-- The units of a session's id or prefix; nil and why there is none.
local function find_session(ledger, given)
  local fits = {}
  for row in place.rows(ledger, NEXT, { given }) do
    if row.id == given then return given end
    if #given >= PREFIX and row.id:sub(1, #given) == given then fits[#fits + 1] = row.id end
  end
  if #fits == 1 then return fits[1] end
  if #fits == 0 then
    return nil, #given < PREFIX and ("no session is called %s; a prefix has at least %d characters"):format(
      clean(given), PREFIX) or ("no session is called %s or begins with it"):format(clean(given))
  end
  for i, id in ipairs(fits) do fits[i] = clean(id) end
  return nil, ("more than one session begins with %s: %s; give more characters"):format(clean(given),
    table.concat(fits, ", "))
end

local function was_pruned(ledger, name)
  local row = place.row(ledger, KEPT, { name })
  return row and ("%s was made at %s in session %s; its events were pruned"):format(clean(row.serial or "a device"),
    moment.show(row.time), clean(row.session))
end

-- The unit, and which of its attempts is asked for: the latest of that session, or of all. nil and why not.
local function find(ledger, o)
  local unit, id, message
  if o.serial then
    unit = place.row(ledger, "SELECT id AS unit FROM unit WHERE serial = ?1 ORDER BY event DESC LIMIT 1", { o.serial })
    message = ("no unit has the serial number %s"):format(clean(o.serial))
  else
    id, message = find_session(ledger, o.session)
    unit = id and place.row(ledger, "SELECT unit FROM session WHERE id = ?1 ORDER BY event DESC LIMIT 1", { id })
  end
  if not unit then return nil, was_pruned(ledger, o.serial or o.session) or message end
  local list, asked = attempts.of_unit(ledger, unit.unit), nil
  for _, attempt in ipairs(list) do
    if not id or attempt.session == id then asked = attempt end
  end
  return list, asked
end

-- ---- its events ----

local EVENTS <const> = [[
  SELECT id, time, kind, session, attempt, facts FROM event WHERE session = ?1 AND attempt = ?2 ORDER BY id]]
local EVENT <const> = "SELECT id, time, kind, session, attempt, facts FROM event WHERE id = ?1"

local function events_of(ledger, attempt)
  local rows
  if attempt.session then
    rows = place.list(ledger, EVENTS, { attempt.session, attempt.session_attempt })
  else
    rows = place.list(ledger, EVENT, { attempt.event })
  end
  for _, row in ipairs(rows) do row.facts = words.facts(row) end
  return rows
end

-- ---- for people ----

local function out(text, ...)
  io.stdout:write(select("#", ...) > 0 and text:format(...) or text, "\n")
end

local function say(label, text)
  if text and text ~= "" then out("  %-12s %s", label, text) end
end

local function join(...)
  local parts = {}
  for _, pair in ipairs { ... } do
    if pair[2] ~= nil then parts[#parts + 1] = pair[1] .. clean(pair[2]) end
  end
  return table.concat(parts, ", ")
end

local function show_head(attempt, count)
  if attempt.session then
    out("session %s%s", clean(attempt.session),
      attempt.session_attempt > 1 and (", attempt %d of that id"):format(attempt.session_attempt) or "")
  else
    out("no session was opened")
  end
  say("serial", attempt.serial and clean(attempt.serial))
  say("unit", ("%s, attempt %d of %d"):format(clean(attempt.unit), attempt.attempt, count))
  say("where", join({ "slot ", attempt.slot }, { "station ", attempt.station }, { "lot ", attempt.lot },
    { "operator ", attempt.operator }))
  say("recipe", attempt.recipe and clean(attempt.recipe) .. " " .. clean(attempt.version or ""))
  say("CLI", attempt.cli and clean(attempt.cli))
end

local function show_events(rows)
  out("")
  for _, row in ipairs(rows) do
    out("%s %+9.3f  %s", moment.show(row.time), (row.time - rows[1].time) / 1000000,
      words.event(row.kind, row.facts))
  end
  out("")
end

local function phases_text(attempt)
  local parts = {}
  for i, phase in ipairs(attempt.phases or {}) do
    parts[i] = ("%s %.3f"):format(clean(phase.name), phase.seconds or 0)
  end
  return #parts > 0 and table.concat(parts, ", ") .. " s" or nil
end

local function show_fault(fault)
  if not fault then return end
  say("fault", words.fault(fault.name, fault.code, fault.reason, fault.phase))
  say("at", fault.line and clean(fault.line))
  for line in (fault.traceback or ""):gmatch("[^\n]+") do
    say("", clean((line:gsub("\t", "  "))))
  end
end

local ENDS <const> = {
  finished = "none is owed: it was made", reported = "accepted", refused = "none is owed: nothing was opened",
  settled = "given up: see above",
}
local OWED <const> = "STILL OWED: `jig recover` sends it, unless the jig that opened the session still runs"

local function report_text(attempt)
  if not attempt.session then return "none is owed: nothing was opened" end
  return ENDS[attempt.state] or OWED
end

local function show_outcome(attempt)
  say("verdict", attempt.result or "none yet")
  show_fault(attempt.fault)
  say("fingerprint", attempt.fingerprint and clean(attempt.fingerprint))
  say("repeats", attempt.repeats and "session " .. clean(attempt.repeats) .. " got the same fingerprint before")
  say("report", report_text(attempt))
  say("took", attempt.seconds and ("%.3f s"):format(attempt.seconds))
  say("phases", phases_text(attempt))
  say("bytes", attempt.received and ("%d received, %d sent"):format(attempt.received, attempt.sent or 0))
  say("gate", attempt.gate_seconds and ("waited %.3f s"):format(attempt.gate_seconds))
end

local function attempt_line(attempt, asked)
  local what = attempt.fault and words.fault(attempt.fault.name, attempt.fault.code) or attempt.fingerprint
  return ("%s%2d  %s  %s  %s%s"):format(attempt == asked and "> " or "  ", attempt.attempt,
    attempt.started or "-", clean(attempt.session or "no session"),
    attempts.is_owed(attempt) and attempt.state .. ", report owed" or attempt.result or "running",
    what and "  " .. clean(what) or "")
end

-- Other units with this serial number: it was made again, or failed before.
local function show_others(ledger, asked)
  local rows = asked.serial and place.list(ledger, [[
    SELECT started, session, result, fault, fingerprint FROM unit WHERE serial = ?1 AND id <> ?2
    ORDER BY event DESC LIMIT 20]], { asked.serial, asked.unit }) or {}
  if #rows == 0 then return end
  out("\nother units with this serial number")
  for i = #rows, 1, -1 do
    local row = rows[i]
    local what = row.fault or row.fingerprint
    out("      %s  %s  %s%s", moment.show(row.started), clean(row.session or "no session"),
      row.result or "no result", what and "  " .. clean(what) or "")
  end
end

local function show(ledger, list, asked)
  show_head(asked, #list)
  show_events(events_of(ledger, asked))
  show_outcome(asked)
  out("\nattempts of this unit")
  for _, attempt in ipairs(list) do out(attempt_line(attempt, asked)) end
  show_others(ledger, asked)
end

-- ---- for programs ----

local function plain_events(rows)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = { id = row.id, kind = row.kind, facts = row.facts, time = moment.show(row.time),
      offset = (row.time - rows[1].time) / 1000000 }
  end
  return list
end

local function show_json(ledger, list, asked)
  for _, attempt in ipairs(list) do
    local is_asked = attempt == asked
    attempt.events = is_asked and plain_events(events_of(ledger, attempt)) or nil
    attempt.event, attempt.asked, attempt.report_owed = nil, is_asked, attempts.is_owed(attempt) or nil
    out(json.line(attempt))
  end
end

return function(argv)
  local p = options.parser("journal show", "Show what happened in a session.")
  place.options(p)
  p:argument("session", "The session's id, or at least 4 characters of its beginning."):args("?")
  p:option("--serial", "Instead: the latest unit with this serial number."):value "SERIAL"
  local o, status = options.parse(p, argv)
  if not o then return status end
  if (o.session == nil) == (o.serial == nil) then
    place.say("show", "name a session, or a unit by --serial")
    return place.USAGE
  end
  return place.open("show", o, "read", function(ledger)
    local list, asked = find(ledger, o)
    if not list then
      place.say("show", asked)
      return place.FOUND
    end
    local f = o.json and show_json or show
    f(ledger, list, asked)
    return place.OK
  end)
end
