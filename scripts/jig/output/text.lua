--- What `jig run` shows to people: on a terminal the phase with its time, then one line per unit; in a
-- pipe plain lines. Verdicts go to stdout, all else to stderr.

local clean = require "jig.output.clean"
local clock = require "jig.clock"
local system = require "jig.system"

local text = {}
text.__index = text

local GREEN <const>, RED <const>, PLAIN <const> = "\27[32m", "\27[31m", "\27[0m"
local ERASE <const> = "\r\27[K"

---@return table
function text.new()
  local columns = system.terminal(2)
  return setmetatable({
    columns = columns,
    colour = system.terminal(1) and (os.getenv("NO_COLOR") or "") == "",
    since = clock.now(),
  }, text)
end

function text:erase()
  if self.columns and self.shown then
    io.stderr:write(ERASE)
    self.shown = false
  end
end

--- Shows the phase again with its time; for terminals.
function text:tick()
  if not (self.columns and self.phase) then return end
  local line = ("%s  %s  %.1f s"):format(self.slot, self.phase, clock.now() - self.since)
  io.stderr:write(ERASE, line:sub(1, self.columns - 1))
  io.stderr:flush()
  self.shown = true
end

local function paint(self, colour, word)
  return self.colour and colour .. word .. PLAIN or word
end

local function say(self, line)
  self:erase()
  io.stderr:write(line, "\n")
end

local show = {}

function show.phase(self, event)
  self.slot, self.phase, self.since = clean(event.slot), event.phase, clock.now()
  self:tick()
end

function show.note(self, event)
  say(self, ("%s  %s"):format(clean(event.slot), clean(event.text)))
end

function show.report(self, event)
  if event.accepted then return end
  say(self, ("%s  NOT REPORTED: %s"):format(clean(event.slot), clean(event.trouble)))
end

local function fail_line(self, event)
  local fault = event.fault
  local parts = {
    paint(self, RED, "FAIL"), clean(event.slot), clean(event.serial or "-"),
    ("%s (%d): %s"):format(clean(fault.name), fault.code, clean(fault.reason)),
    "in " .. clean(fault.phase or "?"),
  }
  if fault.line then parts[#parts + 1] = "at " .. clean(fault.line) end
  if event.fingerprint then parts[#parts + 1] = "manufactured as " .. clean(event.fingerprint) end
  if event.unreported then parts[#parts + 1] = "NOT REPORTED" end
  return table.concat(parts, "  ")
end

function show.ended(self, event)
  self:erase()
  self.phase = nil
  if event.passed then
    io.stdout:write(("%s  %s  %s  %s  %.2f s%s\n"):format(paint(self, GREEN, "PASS"), clean(event.slot),
      clean(event.serial or "-"), clean(event.fingerprint), event.seconds,
      event.unrecorded and "  (not recorded: no journal)" or ""))
  else
    io.stdout:write(fail_line(self, event), "\n")
    if event.fault.advice then io.stdout:write("      ", clean(event.fault.advice), "\n") end
    if event.fault.name == "tool.recipe" and event.fault.traceback then
      io.stderr:write((event.fault.traceback:gsub("[^\n\t\32-\126]", "?")), "\n")
    end
  end
  if event.again then say(self, "      another attempt follows") end
  io.stdout:flush()
end

function show.recovery(self, event)
  say(self, ("recovery: session %s of slot %s, which was %s: %s%s"):format(clean(event.session),
    clean(event.slot or "-"), clean(event.state or "made"), clean(event.outcome),
    event.text and ": " .. clean(event.text) or ""))
end

function show.refused(self, event)
  say(self, "jig: " .. clean(event.message))
end

-- What has a traceback is shown with its lines.
function show.crashed(self, event)
  say(self, "jig: " .. event.message:gsub("[^\n\t\32-\126]", "?"))
end

function show.stopping(self, event)
  say(self, event.times > 1 and "jig: stopping at once; the report is still sent"
    or "jig: stopping: the unit is ended and reported; again = shorter limits")
end

function show.summary(self, event)
  if event.units > 1 then
    say(self, ("%d units: %d passed, %d failed"):format(event.units, event.passed, event.failed))
  end
end

function text:show(event)
  local f = show[event.event]
  if f then f(self, event) end
end

return text
