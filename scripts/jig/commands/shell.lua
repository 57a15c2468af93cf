--- jig shell: talks to a device by hand, with the port and the framing of a recipe: for the first day of a new
-- device. On a terminal with a prompt; else what comes on stdin is a script, and the first line that fails ends it.
--
-- The recipe, the unit and its port are in a slot's state as those of `jig run` (jig.shell.worker); here is the
-- prompt.

local escape = require "jig.shell.escape"
local evaluate = require "jig.shell.evaluate"
local history = require "jig.shell.history"
local input = require "jig.shell.input"
local journaling = require "jig.commands.journaling"
local locate = require "jig.locate"
local options = require "jig.commands.options"
local slot = require "jig.slot"
local system = require "jig.system"
local task = require "jig.task"

local OK <const>, FAILED <const>, USAGE <const>, REFUSED <const> = 0, 1, 2, 3
local STATION <const>, INTERRUPTED <const> = 4, 5

local PROMPT <const>, MORE <const> = "jig> ", "...> "

-- Bytes of one chunk, however many lines it has.
local LONGEST <const> = 262144

---@class jig.ShellCommand
---@field chunk? string   lines that are not yet whole
---@field path? string    of the history
local command = {}
command.__index = command

local function complain(message)
  io.stderr:write("jig shell: ", message, "\n")
end

function command:prompt()
  return self.chunk and MORE or PROMPT
end

-- ---- what was typed ----

local function remember(self, line)
  if not self.input.interactive or line == "" then return end
  self.input:remember(line)
  local ok, message = true, nil
  if self.path then ok, message = history.add(self.path, line) end
  if ok then return end
  self.path = nil
  self.input:complain("the history is not kept: " .. message)
end

local function quit(self, status)
  self.status = self.status or status
  self.worker:send { quit = true }
end

-- A line may go on with the next one.
local function take_line(self, line)
  remember(self, line)
  local chunk = self.chunk and self.chunk .. "\n" .. line or line
  if #chunk > LONGEST then
    self.chunk = nil
    self.input:complain(("what is typed at once is at most %d bytes"):format(LONGEST))
  elseif chunk:find("%S") and not evaluate.is_open(chunk) then
    self.chunk = nil
    if pcall(self.worker.send, self.worker, { line = chunk }) then return end
    self.input:complain("the slot's memory is full")
  else
    self.chunk = chunk:find("%S") and chunk or nil
  end
  self:read()
end

local function ended(self)
  if self.input.interactive then self.input:say("") end
  if self.chunk then
    self.input:complain("the input ended in the middle of what was begun")
    self.status = FAILED
  end
  quit(self, self.input.failed and FAILED or OK)
end

local function read(self)
  local kind, text = self.input:next(self:prompt())
  if kind == "line" then
    take_line(self, text)
  elseif kind == "complete" then
    self.worker:send { complete = text }
  elseif kind == "end" then
    ended(self)
  end
end

--- Waits for the next line, in a task of its own: what the worker says meanwhile is shown.
function command:read()
  task.spawn(function()
    local ok, thrown = pcall(read, self)
    if ok then return end
    complain(tostring(thrown))
    quit(self, FAILED)
  end)
end

-- ---- what the worker says ----

local heard = {}

-- Whatever it is, it does not reach the terminal but as text. It may be several lines. A script whose reader is gone
-- has nobody to work for.
function heard:say(event)
  if not self.input:say((event.text:gsub("[^\n]+", escape))) then quit(self, FAILED) end
end

function heard:trouble(event) self.input:complain(escape(event.text)) end

function heard:refused(event)
  self.input:complain(escape(event.message))
  self.status = REFUSED
end

function heard:unrecorded(event)
  self.input:complain("the cassette: " .. escape(event.text))
  self.status = STATION
end

function heard:crashed(event)
  self.input:complain("it broke off: " .. escape(event.message))
  self.status = FAILED
end

function heard:ready(event)
  if event.last then return quit(self, OK) end
  if not event.ok and not self.input.interactive then return quit(self, FAILED) end
  self:read()
end

function heard:completed(event)
  if event.insert ~= "" then
    self.input:insert(event.insert)
  elseif #event.names > 1 then
    self.input:say(table.concat(event.names, "  "))
  end
  self:read()
end

-- Ctrl-C stops the line that runs, or drops the one that is typed; a script ends. All others are for the shell, as
-- when its terminal goes.
local function heed_signals(self)
  while true do
    local ok, signal = system.wait_signal()
    if not ok then return end
    if signal ~= "INT" or not self.input.interactive then
      quit(self, INTERRUPTED)
    else
      self.chunk = nil
      self.input:interrupt(PROMPT)
      self.worker:send { interrupt = true }
    end
  end
end

local function follow(self)
  local event = self.worker:next()
  while event do
    heard[event.event](self, event)
    event = self.worker:next()
  end
end

local function run(config, at)
  local self = setmetatable({ input = at, path = at.interactive and history.path() or nil }, command)
  for _, line in ipairs(self.path and history.load(self.path) or {}) do at:remember(line) end
  self.worker = slot.new()
  system.catch_signals()
  if at.interactive then
    at:say("help tells what may be typed")
    if config.service then at:say("sessions opened here are in no journal; one that is left open is reported") end
  end
  self.worker:start("jig.shell.worker", config)
  task.spawn(heed_signals, self)
  follow(self)
  self.worker:close()
  return self.status or FAILED -- without a port there is nothing to do
end

-- How the CLI is called, and what holds the gate of its token; the third is a message when it cannot be called.
local function service_of(path)
  local found, message = system.program(path)
  if not found then return nil, nil, "the Secure Factory CLI cannot be started: " .. message end
  local settings = journaling.cli({ cli = found }, {})
  local service
  service, message = journaling.open_service(settings)
  return settings, service, message
end

local function parser()
  local p = options.parser("shell", "Talk to a device by hand, with a recipe's port and framing.")
  p:argument("recipe", "The recipe: a file, or a folder with recipe.lua, by default this one."):recipe()
  p:option("--port", "Address of the device's port."):value "ADDRESS"
  p:option("--cli", "Path of the Secure Factory CLI, which is called when unit:new_device() is typed."):value "PATH"
  p:option("--record", "Write what the wire and the CLI do into a cassette: a file that is not there yet."):value "FILE"
  p:flag("--record-payload", "With --record: the bytes of every message, too.")
  return p
end

return function(words)
  local o, status = options.parse(parser(), words)
  if not o then return status end
  if o.record_payload and not o.record then
    complain("--record-payload needs --record")
    return USAGE
  end
  local file, folder = locate(o.recipe)
  local config = { slot = "A", file = file, folder = folder, address = o.port }
  if o.record then config.recording = { file = o.record, keep = o.record_payload, by_hand = true } end
  if o.record_payload then complain("WARNING: --record-payload writes the bytes of every message into the cassette") end
  local service, message, at -- the service lasts as long as this function
  if o.cli then config.service, service, message = service_of(o.cli) end
  if not message then at, message = input.new() end
  if message then
    complain(message)
    return STATION
  end
  config.interactive = at.interactive
  local ok, result = pcall(run, config, at)
  at:close()
  if not ok then error(result, 0) end
  return result, false, service
end
