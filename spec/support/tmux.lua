--- A real terminal for specs: a tmux server of its own, which shows one shell.
--
--     local terminal <close> = tmux.open(place, 80, 24)
--     terminal:type("echo hello")
--     terminal:shows { "ready> echo hello", "hello", "ready>" }

local clock = require "jig.clock"
local station = require "spec.support.station"

local tmux = {}
tmux.__index = tmux

-- Seconds until the terminal shows what it should, however slow the machine.
local PATIENCE <const> = 20

-- The rows are the window's: no status line. Lines that leave the screen are kept.
local SETTINGS <const> = "set -g status off\nset -g history-limit 10000\nset -g default-terminal screen\n"

local function call(self, ...)
  return station.execute("env", "-u", "TMUX", "LC_ALL=C.UTF-8", "tmux", "-u", "-S", self.socket, "-f", self.settings,
    ...)
end

---@param at spec.Place
---@param columns integer
---@param rows integer
---@param folder? string  of programs, for its PATH
---@return table terminal  close it. Yields until its shell waits.
function tmux.open(at, columns, rows, folder)
  local self = setmetatable({ socket = at:fresh("tmux"), settings = at:write(at:fresh("tmux") .. ".conf", SETTINGS) },
    tmux)
  call(self, "new-session", "-d", "-x", tostring(columns), "-y", tostring(rows),
    ("PS1='ready> ' ENV= NO_COLOR=1 PATH=$PATH:%s exec sh"):format(folder or "/nowhere"))
  local ok, message = pcall(self.shows, self, { "ready>" })
  if ok then return self end
  self:close()
  error(message, 2)
end

--- Types a line.
function tmux:type(line)
  call(self, "send-keys", "-l", line)
  call(self, "send-keys", "Enter")
end

--- Types one key, by tmux's name.
function tmux:key(name)
  call(self, "send-keys", name)
end

--- Gives the window another size. Yields until programs in it are told so, too.
function tmux:resize(columns, rows)
  call(self, "resize-window", "-x", tostring(columns), "-y", tostring(rows))
  local tty = call(self, "display-message", "-p", "#{pane_tty}"):match("%S+")
  station.eventually("the new size", function()
    return station.execute("stty", "-F", tty, "size") == ("%d %d\n"):format(rows, columns)
  end)
end

--- The lines on the screen without blanks at their ends and without empty ones at the end; with `all` those that
-- left it, too.
---@return string[]
function tmux:lines(all)
  local list, last = {}, 0
  local text = call(self, "capture-pane", "-p", table.unpack(all and { "-S", "-" } or {}))
  for line in text:gmatch("([^\n]*)\n") do
    list[#list + 1] = line:gsub(" +$", "")
    if list[#list] ~= "" then last = #list end
  end
  return table.move(list, 1, last, 1, {})
end

-- The last n of a list.
local function tail(list, n)
  return table.move(list, math.max(#list - n + 1, 1), #list, 1, {})
end

--- Waits until exactly these lines are shown. Raises with what is shown when they do not come. Yields.
---@param expected string[]
---@param what? "all"|"end"  with those that left the screen; those at its end
function tmux:shows(expected, what)
  local text, deadline = table.concat(expected, "\n"), clock.now() + PATIENCE
  local function look()
    local lines = self:lines(what == "all")
    return what == "end" and tail(lines, #expected) or lines
  end
  local found = look()
  while table.concat(found, "\n") ~= text and clock.now() < deadline do
    clock.sleep(0.02)
    found = look()
  end
  if table.concat(found, "\n") == text then return end
  local first = 1
  while found[first] == expected[first] do first = first + 1 end
  error(("from line %d on, expected on the terminal:\n%s\nfound:\n%s"):format(first,
    table.concat(expected, "\n", first), table.concat(found, "\n", first)), 2)
end

--- Where the cursor is, from the top left (0, 0), and whether it can be seen.
---@return integer column, integer row, boolean visible
function tmux:cursor()
  local text = call(self, "display-message", "-p", "#{cursor_x} #{cursor_y} #{cursor_flag}")
  local x, y, seen = text:match("(%d+) (%d+) (%d)")
  return math.tointeger(x), math.tointeger(y), seen == "1"
end

--- Takes the terminal away from what runs there, as a line that breaks does.
function tmux:hang_up()
  call(self, "kill-session")
  self.socket = nil -- without a session the server ends
end

--- Ends the server, and with it the shell.
function tmux:close()
  if self.socket then call(self, "kill-server") end
  self.socket = nil
end

tmux.__close = tmux.close

return tmux
