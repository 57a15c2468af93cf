--- What `jig run` shows to people on a terminal when there are many slots: a table that is kept up to date, and
-- above it, in the ordinary scrollback, what there is to say.
--
-- Nothing of the terminal is changed, so nothing has to be put back, even after SIGKILL: no second screen, no
-- hidden cursor, which stands on the line below the table. It is moved relatively only: up to the table's top and
-- down again, in one write. Where somebody else writes to the terminal, the table's old lines stay; the
-- next ones are right again.

local clock = require "jig.clock"
local layout = require "jig.output.screen_layout"
local messages = require "jig.output.messages"
local screen_board = require "jig.output.screen_board"
local system = require "jig.system"

---@class jig.Screen
---@field columns integer  of the terminal when the table was drawn last
local screen = {}
screen.__index = screen

-- Seconds between two drawings, at least.
local PERIOD <const> = 0.1

local STDERR <const> = 2

local function size()
  local columns, rows = system.terminal(STDERR)
  return columns or 80, rows or 24
end

local function write(text)
  io.stderr:write(text)
end

local function writable()
  return system.writable(STDERR)
end

---@class jig.ScreenOptions
---@field slots string[]   names, in the order in which they are shown
---@field places? fun(): table<string, integer>  the slots that wait for the token -> place in its queue
---@field size? fun(): integer, integer  columns, rows; default those of stderr
---@field now? fun(): number             default clock.now
---@field write? fun(text: string)       default to stderr
---@field writable? fun(): boolean       whether a write would begin at once; default stderr's
---@field colour? boolean                default unless NO_COLOR

---@param options jig.ScreenOptions
---@return jig.Screen
function screen.new(options)
  local self = setmetatable({
    board = screen_board.new(options.slots),
    places = options.places,
    size = options.size or size,
    now = options.now or clock.now,
    write = options.write or write,
    writable = options.writable or writable,
    colour = options.colour,
    said = {},  -- messages that are not shown yet
    lines = {}, -- of the table that is shown
    changed = true,
    drawn = -math.huge,
  }, screen)
  if self.colour == nil then self.colour = (os.getenv("NO_COLOR") or "") == "" end
  self.columns = self.size()
  self.began = self.now()
  return self
end

-- ---- drawing ----

-- The rows that the table takes now: a terminal that became narrower has broken its lines.
local function height(self, columns)
  if columns >= self.columns then return #self.lines end
  local rows = 0
  for _, line in ipairs(self.lines) do
    rows = rows + math.max((layout.cells(line) + columns - 1) // columns, 1)
  end
  return rows
end

-- To the first row of the table.
local function up(rows)
  return rows > 0 and ("\r\27[%dA"):format(rows) or "\r"
end

-- The table in its place, only the lines that are others: little to write, and nothing flickers.
local function patch(old, new)
  local parts = { up(#old) }
  for i, line in ipairs(new) do
    parts[#parts + 1] = line == old[i] and "\n" or ("\27[2K%s\n"):format(line)
  end
  return table.concat(parts)
end

-- The table anew, below what is to be said.
local function redraw(said, new, rows)
  local parts = { up(rows), "\27[J" }
  for _, list in ipairs { said, new } do
    for _, line in ipairs(list) do
      parts[#parts + 1] = line
      parts[#parts + 1] = "\n"
    end
  end
  return table.concat(parts)
end

local function is_same(old, new)
  if #old ~= #new then return false end
  for i, line in ipairs(new) do
    if old[i] ~= line then return false end
  end
  return true
end

local function lines_now(self, now, columns, rows)
  return layout.lines {
    columns = columns,
    rows = rows,
    slots = self.board:view(now, self.places and self.places()),
    serial_width = self.board.serial_width,
    totals = self.board.totals,
    seconds = now - self.began,
    colour = self.colour,
  }
end

local function draw(self, now)
  local columns, rows = self.size()
  local new = lines_now(self, now, columns, rows)
  if #self.said > 0 or columns ~= self.columns or #new ~= #self.lines then
    self.write(redraw(self.said, new, height(self, columns)))
  elseif not is_same(self.lines, new) then
    self.write(patch(self.lines, new))
  end
  self.said, self.lines, self.columns = {}, new, columns
  self.changed, self.drawn, self.second = false, now, (now - self.began) // 1
end

-- ---- events ----

local function say(self, line)
  if line then self.said[#self.said + 1] = line end
end

local function hear(self, event)
  if event.event == "summary" then
    self.summary = messages.line(event)
  elseif event.event == "ended" then
    if not event.passed then
      for _, line in ipairs(messages.failed(event)) do say(self, line) end
    end
    for _, line in ipairs(messages.behind(event)) do say(self, line) end
  else
    say(self, messages.line(event))
  end
end

-- What is still to be told when there is no table any more.
local function tell_rest(self)
  say(self, self.summary)
  self.summary = nil
  if #self.said > 0 then self.write(table.concat(self.said, "\n") .. "\n") end
  self.said = {}
end

--- Takes an event in. It is shown by the next tick.
---@param event table
function screen:show(event)
  hear(self, event)
  if self.closed then return tell_rest(self) end
  self.board:show(event, self.now())
  self.changed = true
end

--- Shows what has changed, ten times a second at most. A terminal that does not take it is asked again by the
-- next tick, and nobody waits for it.
function screen:tick()
  local now = self.now()
  if self.closed or now - self.drawn < PERIOD then return end
  if not self.changed and (now - self.began) // 1 == self.second then return end
  if self.writable() then draw(self, now) end
end

--- Shows the table a last time, and the summary below it. May be called again.
function screen:close()
  if self.closed then return end
  self.closed = true
  draw(self, self.now())
  tell_rest(self)
end

screen.__close = screen.close

return screen
