--- What `jig run` shows to people: on a terminal the phase with its time, then one line per unit; in a
-- pipe plain lines. Verdicts go to stdout, all else to stderr.

local clean = require "jig.output.clean"
local clock = require "jig.clock"
local messages = require "jig.output.messages"
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

--- Leaves nothing unfinished on the terminal.
text.close = text.erase
text.__close = text.erase

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
  self.slot, self.phase, self.since = clean(event.slot), clean(event.phase), clock.now()
  self:tick()
end

local function verdict(self, event)
  if event.passed then return { messages.passed(event, paint(self, GREEN, "PASS")) } end
  return messages.failed(event, paint(self, RED, "FAIL"))
end

function show.ended(self, event)
  self:erase()
  self.phase = nil
  io.stdout:write(table.concat(verdict(self, event), "\n"), "\n")
  io.stdout:flush()
  for _, line in ipairs(messages.behind(event)) do say(self, line) end
end

-- One unit has its own line, which says the same.
function show.summary(self, event)
  if event.units > 1 then say(self, messages.line(event)) end
end

function text:show(event)
  local f = show[event.event]
  if f then return f(self, event) end
  local line = messages.line(event)
  if line then say(self, line) end
end

return text
