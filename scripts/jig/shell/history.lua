--- The lines that were typed, from one shell to the next: $XDG_STATE_HOME/jig/shell_history, or below
-- ~/.local/state; for its owner alone, the latest 1000 lines.
--
-- Bytes of messages do not belong on a disk. A line is not kept that has the word `payload`, sixteen hexadecimal
-- digits in a row or four escapes like \x00, or that begins with a blank. Within the shell Up finds it all the same.

local system = require "jig.system"

local history = {}

local LINES <const>, LONGEST <const> = 1000, 1000

-- Bytes of a file that is made short again, to these lines.
local FULL <const> = 262144

--- Where it is kept; nil where there is no home.
---@return string?
function history.path()
  local state, home = os.getenv("XDG_STATE_HOME"), os.getenv("HOME")
  if state and state:sub(1, 1) == "/" then return state .. "/jig/shell_history" end
  return home and home ~= "" and home .. "/.local/state/jig/shell_history" or nil
end

--- Whether a line may stand on the disk.
---@param line string
---@return boolean
function history.keeps(line)
  return line ~= "" and #line <= LONGEST and not line:find("^%s") and not line:find("%c")
    and not line:lower():find("payload", 1, true) and not line:find(("%x"):rep(16))
    and select(2, line:gsub("\\x?%x", "")) < 4
end

--- The lines that are kept, oldest first.
---@param path string
---@return string[]
function history.load(path)
  local file <close> = io.open(path, "rb")
  if not file then return {} end
  file:seek("set", math.max(0, file:seek("end") - LINES * (LONGEST + 1)))
  local list = {}
  for line in (file:read("a") or ""):gmatch("([^\n]*)\n") do
    if history.keeps(line) and utf8.len(line) then list[#list + 1] = line end
  end
  return table.move(list, math.max(1, #list - LINES + 1), #list, 1, {})
end

-- Puts a line behind what is there, in one piece: another shell may do the same.
local function append(file, line)
  local size = file:seek("end")
  local cut = size > 0 and file:seek("set", size - 1) and file:read(1) ~= "\n"
  local ok, message = file:write(cut and "\n" or "", line, "\n")
  if ok then ok, message = file:flush() end
  if ok then return true end
  return nil, message
end

--- Adds a line, if it may be kept. nil, message when it cannot be written.
---@param path string
---@param line string
---@return true|nil, string?
function history.add(path, line)
  if not history.keeps(line) then return true end
  local list = history.load(path)
  if list[#list] == line then return true end
  local file <close> = #list > 0 and io.open(path, "a+b") or nil
  if file and file:seek("end") < FULL then return append(file, line) end
  list[#list + 1] = line
  local ok, message = system.make_folder(path:match("^(.*)/"))
  if not ok then return nil, message end
  local first = math.max(1, #list - LINES + 1)
  return system.write_private(path, table.concat(list, "\n", first) .. "\n")
end

return history
