--- jig journal export: one row per attempt of the units that fit.

local attempts = require "jig.commands.journal.attempts"
local clean = require "jig.output.clean"
local filters = require "jig.commands.journal.filters"
local json = require "jig.output.json"
local junit = require "jig.output.junit"
local options = require "jig.commands.options"
local place = require "jig.commands.journal.place"
local system = require "jig.system"
local tally = require "jig.tally"

-- Bytes that are copied at once.
local CHUNK <const> = 65536

local FORMATS <const> = { csv = true, jsonl = true, junit = true }

local function format(text)
  if FORMATS[text] then return text end
  return nil, ("expected csv, jsonl or junit, got '%s'"):format(text)
end

-- Raises what a file says when it cannot be written.
local function write(file, ...)
  local ok, message = file:write(...)
  if not ok then error({ unwritten = message }, 0) end
end

-- ---- csv ----

local COLUMNS <const> = {
  "started", "ended", "slot", "serial", "lot", "station", "operator", "recipe", "version", "unit", "attempt",
  "session", "state", "result", "fingerprint", "repeats", "fault", "code", "reason", "phase", "line", "seconds",
  "gate_seconds", "received", "sent",
}
local OF_FAULT <const> = { fault = "name", code = "code", reason = "reason", phase = "phase", line = "line" }

-- A spreadsheet takes what begins so for a formula, unless it is a number.
local function is_formula(text)
  return text:find("^[=+%-@\t\r]") and not text:find("^[+-]?%d+%.?%d*$")
end

local function cell(value)
  if value == nil then return "" end
  local text = math.type(value) == "float" and ("%.6f"):format(value) or tostring(value)
  if math.tointeger(value) then text = ("%d"):format(value) end
  if is_formula(text) then text = "'" .. text end
  if text:find('[",\r\n]') then text = '"' .. text:gsub('"', '""') .. '"' end
  return text
end

local writers = {}

function writers.csv(file, each)
  write(file, table.concat(COLUMNS, ","), "\r\n")
  for attempt in each do
    local cells = {}
    for i, name in ipairs(COLUMNS) do
      local value = attempt[name]
      if OF_FAULT[name] then value = attempt.fault and attempt.fault[OF_FAULT[name]] end
      cells[i] = cell(value)
    end
    write(file, table.concat(cells, ","), "\r\n")
  end
end

-- ---- JSON lines ----

function writers.jsonl(file, each)
  for attempt in each do write(file, json.line(attempt), "\n") end
end

-- ---- JUnit ----

-- Faults of the station are errors, as in `jig run --junit`.
local function case_of(attempt)
  local f = attempt.fault
  return {
    slot = attempt.slot or "?", unit = attempt.number or 0, attempt = attempt.attempt, seconds = attempt.seconds or 0,
    fault = f and { name = f.name, reason = f.reason or "", phase = f.phase, code = f.code or 0 },
    station = f and not f.by_recipe and tally.STATION_FAULTS[f.name] or nil, unreported = attempts.is_owed(attempt),
    serial = attempt.serial, session = attempt.session, fingerprint = attempt.fingerprint,
  }
end

local function copy(from, to)
  from:seek("set")
  for bytes in function() return from:read(CHUNK) end do write(to, bytes) end
end

-- The head counts the cases: these wait in a file until all are known.
function writers.junit(file, each)
  local cases <close>, message = io.tmpfile()
  if not cases then error({ unwritten = message }, 0) end
  local counts = junit.counts()
  for attempt in each do
    local event = case_of(attempt)
    counts:add(event)
    write(cases, junit.case(event, attempt.recipe or "?"))
  end
  write(file, counts:head("journal"))
  copy(cases, file)
  write(file, junit.TAIL)
end

-- ---- the command ----

-- What every journal begins with.
local DATABASE <const> = "SQLite format 3\0"

-- Whether a file is a journal, or something of its kind, that was named where the table is to be written.
local function is_database(path)
  local file <close> = system.kind(path) == "file" and io.open(path, "rb") or nil
  return file ~= nil and file:read(#DATABASE) == DATABASE
end

local function unwritten(path, message)
  place.say("export", ("cannot write %s: %s"):format(path or "stdout", message))
  return place.UNREADABLE
end

local function export(ledger, o)
  local file, message = io.stdout, nil
  if o.file then file, message = io.open(o.file, "wb") end
  if not file then return unwritten(o.file, message) end
  local step, state, control, closing = attempts.of(ledger, o)
  local rows <close> = closing
  local ok, thrown = pcall(writers[o.format], file, function() return step(state, control) end)
  local _ = rows
  local done, why
  if o.file then done, why = file:close() else done, why = file:flush() end
  if not ok and not (type(thrown) == "table" and thrown.unwritten) then error(thrown, 0) end
  if not ok or not done then return unwritten(o.file, ok and why or thrown.unwritten) end
  return place.OK
end

return function(argv)
  local p = options.parser("journal export", "Write one row per attempt, oldest unit first.")
  p:argument("file", "Where to; stdout when it is left out."):args("?")
  p:option("--journal", "Path of the journal."):value "PATH"
  p:option("--station", "Station file, which may name the journal."):value "FILE"
  p:option("--format", "csv, jsonl or junit.", "csv"):value "FORMAT":convert(format)
  filters.options(p)
  local o, status = options.parse(p, argv)
  if not o then return status end
  if o.file and is_database(o.file) then
    local form = "%s is a journal, and would be written over: name one that is read with --journal PATH"
    place.say("export", form:format(clean(o.file)))
    return place.USAGE
  end
  return place.open("export", o, "read", function(ledger) return export(ledger, o) end)
end
