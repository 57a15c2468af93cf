--- Where the shell's lines come from and its output goes: a person at a terminal, with editing (jig.lineedit), or a
-- file or pipe, whose lines are a script. Both have
--
--     input:next(prompt) -> "line", text | "complete", text | "end"      waits
--     input:say(text)      a line of output: false when nobody reads it any more
--     input:complain(text) a line of trouble
--     input.failed         its end was none that was meant
--     input:interrupt(prompt), input:insert(text), input:remember(line), input:close()

local port = require "jig.port"
local system = require "jig.system"

local input = {}

-- A line of a script is at most so long.
local LONGEST <const> = 65536

-- ---- a script ----

local script = {}
script.__index = script

-- A pipe is waited for while all else goes on; a file is simply read, which waits for no one.
local function new_script()
  local self = setmetatable({ interactive = false, rest = "", at = 1 }, script)
  self.wire = port.open("stdin:-")
  return self
end

local function next_of_pipe(self)
  local line, message, code = self.wire:read_until("\n", nil, LONGEST)
  if line then return line:sub(1, -2) end
  local rest = code == "lost" and self.wire:read_some(0) or ""
  self.ended = true
  self.failed = code ~= "lost"
  if self.failed then self:complain(message) end
  return rest ~= "" and rest or nil
end

-- What is read of a file at once is bounded, as its lines are.
local function next_of_file(self)
  local last = self.rest:find("\n", self.at, true)
  while not last and #self.rest - self.at + 1 < LONGEST do
    local more = io.read(LONGEST)
    if not more then break end
    self.rest, self.at = self.rest:sub(self.at) .. more, 1
    last = self.rest:find("\n", 1, true)
  end
  local line = self.rest:sub(self.at, (last or #self.rest + 1) - 1)
  if not last and line == "" then return nil end
  self.at = (last or #self.rest) + 1
  if #line < LONGEST then return line end
  self.ended, self.failed = true, true
  self:complain(("a line of a script has at most %d bytes"):format(LONGEST - 1))
end

function script:next()
  if self.ended then return "end" end
  local line
  if self.wire then line = next_of_pipe(self) else line = next_of_file(self) end
  if line then return "line", (line:gsub("\r$", "")) end
  return "end"
end

function script.say(_, text)
  return io.stdout:write(text, "\n") and io.stdout:flush() ~= nil
end

function script.complain(_, text)
  io.stderr:write("jig shell: ", text, "\n")
end

function script.interrupt() end
function script.insert() end
function script.remember() end

function script:close()
  if self.wire then self.wire:close() end
end

-- ---- a terminal ----

local terminal = {}
terminal.__index = terminal

function terminal:next(prompt)
  self.editing = true
  local kind, text = self.editor:next(prompt)
  self.editing = kind == "complete"
  return kind, text
end

function terminal:say(text)
  self.editor:print(text .. "\n")
  return true
end

function terminal:complain(text) self.editor:print("! " .. text .. "\n") end

-- While no line is edited the terminal itself has shown ^C, and what follows begins below it.
function terminal:interrupt(prompt)
  if self.editing then self.editor:interrupt(prompt) else self.editor:print("\n") end
end

function terminal:insert(text) self.editor:insert(text) end
function terminal:remember(line) self.editor:remember(line) end
function terminal:close() self.editor:close() end

local function new_terminal(out)
  local editor, message = require("jig.lineedit").open(out)
  if not editor then return nil, message end
  return setmetatable({ interactive = true, editor = editor }, terminal)
end

-- The descriptor that a person looks at; stdout may be a file.
local function shown_on()
  return system.terminal(1) and 1 or system.terminal(2) and 2 or nil
end

--- What standard input is. nil, message when lines cannot be edited on this terminal.
---@return table|nil input, string? message
function input.new()
  local out = system.terminal(0) and shown_on()
  if out then return new_terminal(out) end
  return new_script()
end

return input
