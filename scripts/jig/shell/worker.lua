--- What runs in the shell's slot: the recipe, the unit and its port, and the lines that were typed, one after the
-- other, each as a task of its own so that it can be stopped.
--
-- It is told { line = text }, { complete = text before the cursor }, { interrupt = true }, { quit = true }, and
-- says { event = "ready", ok } when it waits for a line, "say" and "trouble" with a line to show, "completed" with
-- `insert` and `names`, "refused" when the recipe cannot be loaded.

local completion = require "jig.shell.completion"
local environment = require "jig.shell.environment"
local escape = require "jig.shell.escape"
local evaluate = require "jig.shell.evaluate"
local fault = require "jig.fault"
local hex = require "jig.hex"
local link = require "jig.shell.link"
local loader = require "jig.loader"
local recipe = require "jig.recipe"
local sandbox = require "jig.sandbox"
local session = require "jig.session"
local slot = require "jig.slot"
local system = require "jig.system"
local task = require "jig.task"
local units = require "jig.unit"
local view = require "jig.shell.view"
local wires = require "jig.wires"

-- Bytes of a session id of our own.
local ID_BYTES <const> = 10

local function say(line) slot.emit { event = "say", text = line } end

local shell = { say = say }
shell.__index = shell

-- A message for each line would keep the prompt busy for long where a device sends much.
local function say_all(lines)
  if #lines > 0 then say(table.concat(lines, "\n")) end
end

local function trouble(text) slot.emit { event = "trouble", text = text } end

-- ---- the unit ----

local function new_unit(self)
  self.count = self.count + 1
  local recorder = self.recording and self.recording.recorder
  if recorder then recorder:attempt(self.count) end
  local context = {
    recorder = recorder, service = self.service, folder = self.config.folder, slot = self.config.slot,
    new_id = function() return hex.encode(system.random(ID_BYTES)) end,
    emit = function(event)
      if event.event == "note" then say("* " .. escape(event.text)) end
    end,
  }
  local made = units.new({ slot = self.config.slot, number = self.count, attempt = 1 }, self.recipe, context)
  environment.without_reopen(made)
  if not self.service then environment.without_service(made) end
  return made
end

-- The unit's port, and the name `port`, are the latest that was opened.
local function connect(self)
  local plan = self.link.plan
  wires.adopt(units.truth(self.unit), self.link.wire, self.link.tap, plan.address, plan.pacing)
  self.unit.port, self.env.port = self.link.wire, self.link.wire
end

-- A session that is open is reported: nobody goes on with it.
local function leave_unit(self)
  local truth = units.truth(self.unit)
  wires.close_further(truth)
  if not truth.session then return end
  if truth.session:owes() then
    local made = fault.new("tool.interrupted")
    local ok, message = units.report(self.unit, made.code, made.reason, made.name, truth.phase)
    if ok then say("* the session was reported") else trouble("the session was not reported: " .. message) end
  end
  truth.session:close()
end

function shell:again()
  leave_unit(self)
  self.unit = new_unit(self)
  self.env.unit = self.unit
  if self.link.wire then connect(self) end
end

-- ---- the port ----

-- Calls a method of the view, and says what it shows.
local function show(self, method, event)
  self.shown = {}
  self.view[method](self.view, event)
  say_all(self.shown)
end

-- How there will be a port again.
local function advise(self)
  say(self.link.awaiting and "* it is opened again when the device is there" or "* open() opens it again")
end

local function new_link(self)
  local made = self.recipe
  return link.new({
    address = recipe.address(made.port, self.config.address), pacing = recipe.pacing(made.port),
    limits = made.limits, name = self.config.slot, folder = self.config.folder,
    opener = self.recording and self.recording.recorder:opener() or nil,
  }, {
    -- The one place that all that passes on the wire goes through: what is to see it, too, is called here.
    sink = function(event) show(self, "show", event) end,
    patience = function() return self.view:patience() end,
    silence = function() show(self, "silence") end,
    failed = function(thrown) trouble("what arrives is not shown any more: " .. tostring(thrown)) end,
    lost = function() advise(self) end,
    opened = function()
      connect(self)
      if not self.running then self.link:watch() end
    end,
  })
end

function shell:open(address)
  self.link:pause()
  self.link:open(address)
end

function shell:close()
  self.link:pause()
  self.link:close()
end

-- The first time: a shell with a person goes on without a port.
local function begin(self)
  local ok, thrown = pcall(self.link.open, self.link)
  if ok then return true end
  trouble(fault.is(thrown) and ("%s: %s"):format(thrown.name, thrown.reason) or tostring(thrown))
  if not self.config.interactive then return false end
  self.link:await()
  advise(self)
  return true
end

-- ---- lines ----

local COMMANDS <const> = {
  help = function()
    for line in environment.HELP:gmatch("[^\n]+") do say(line) end
  end,
  quit = function(self) self.quitting = true end,
}
COMMANDS.exit = COMMANDS.quit

local function run_line(self, text)
  local command = COMMANDS[text:match("^%s*(%a+)%s*%(?%s*%)?%s*;?%s*$")]
  local ok, message = true, nil
  if command then
    command(self)
  else
    ok, message = evaluate.run(text, self.env, self.config.folder, function(line)
      show(self, "settle")
      say(line)
    end)
  end
  show(self, "settle")
  if not ok then trouble(message) end
  if units.truth(self.unit).failed then say("* again() reports the session that is open, and begins a new unit") end
  self.running = nil
  slot.emit { event = "ready", ok = ok == true, last = self.quitting }
  self.link:watch()
end

local function complete(self, text)
  local ok, insert, names = pcall(completion.of, text, self.env)
  if not ok then insert, names = "", {} end
  slot.emit { event = "completed", insert = insert, names = names }
end

local function stop(self)
  if self.running then self.running:interrupt() end
end

-- Until it is told to quit; what then still runs is stopped.
local function serve(self)
  slot.emit { event = "ready", ok = true }
  self.link:watch()
  repeat
    local told = slot.receive()
    if told and told.line then
      self.link:pause()
      self.running = task.spawn(run_line, self, told.line)
    elseif told and told.complete then
      complete(self, told.complete)
    elseif told and told.interrupt then
      stop(self)
    end
  until not told or told.quit
  local running = self.running
  stop(self)
  if running then running:join() end
end

-- What is still held back is shown, the port closed, the session reported.
local function leave(self)
  self.link:pause()
  show(self, "settle")
  leave_unit(self)
  self.link:close()
  if self.recording then
    self.recording:finish(function(event) slot.emit { event = "unrecorded", text = event.trouble } end)
  end
end

-- The cassette into which all of it goes: of one unit, in so many attempts. Nil and why when there can be none.
local function record(config, made, files)
  local settings = { retries = 0, service = {} }
  for key, value in pairs(config) do settings[key] = value end
  local plan = { name = made.name, version = made.version, recipe = made, files = files }
  local recording = require("jig.cassette.recording").new(settings, plan, 1)
  if recording.tape.trouble then return nil, recording.tape.trouble end
  return recording
end

---@param config table  slot, file, folder, address?, service? (jig.session), interactive, recording?
--  (jig.cassette.recording)
return function(config)
  local files = sandbox.files(config.recording ~= nil)
  local made, message = loader.load(config.file, config.folder, files)
  if not made then
    slot.emit { event = "refused", message = message }
    return
  end
  local service = config.service and assert(session.service(config.service)) or nil
  local self = setmetatable({ config = config, recipe = made, count = 0, service = service }, shell)
  if config.recording then
    self.recording, message = record(config, made, files)
    if not self.recording then
      slot.emit { event = "unrecorded", text = message }
      return
    end
  end
  self.view = view.new(made, function(line) table.insert(self.shown, line) end)
  self.unit, self.link = new_unit(self), new_link(self)
  environment.new(self, config.folder, loader.api(config.file), files)
  if begin(self) then serve(self) end
  leave(self)
end
