--- One run of a recipe in a world of its own (jig.world): the unmodified recipe in a slot's state, the engine's
-- own session, gate and journal, and a device, a CLI and a clock that are played.
--
-- Every effect of the run, that is all that jig does to the world or learns from it, is noted in `trail`, in
-- order, and told to `watch` before it happens, which may have it go wrong:
--
--   kind    what                        the action that `watch` may give
--   open    the port, or a further one  { code, message } | "later" (it stays under way)
--   write   bytes                       { lose = message } | { block = true } | { done = function }: when it has them
--   set     a line                      { code, message }
--   control a request                   { code, message } | { lose = message } | "hang"
--   read    bytes of the device arrive  { pieces = { { seconds, bytes } … }, lose = message }
--   leave   the device does, to be back "never" | "another": it comes back, or another one does
--   call    a command of the CLI        function(call, usual) -> what the program does instead
--   wait    for at most so many seconds "limit": its limit passes
--   record  an event of the journal     "refuse" | "die": it is written, and nobody learns it
--   hook    of the recipe begins
--   close   the port

local cjson = require "cjson.safe"
local cli = require "jig.testing.cli"
local device = require "jig.testing.device"
local lines = require "jig.testing.line"
local stage = require "jig.testing.stage"
local world = require "jig.world"

---@class jig.testing.Effect
---@field kind string
---@field what string       which: the line, the command, the kind of event, what is waited for
---@field at number         seconds since the run began
---@field attempt integer   at the unit, from 1
---@field in_session boolean  new_device was called, and the device's second answer was not handed over yet
---@field line? string      of the recipe, when `lines` was asked for
---@field size? integer     bytes written or arrived
---@field bytes? string     that arrive
---@field frame? jig.Frame  that arrives, when the device sent one
---@field encode? function   makes such a frame's bytes, where its wire has a framing of its own
---@field wire? integer      the interface of a further wire
---@field phase? string      of the attempt, when a port is opened
---@field failed? boolean    an opening failed by itself
---@field serial? string     of the device that leaves
---@field call? jig.testing.Call
---@field limit? string     that ends a wait
---@field seconds? number   how long it may take
---@field around? string    names of the limits inside of which one waits, outermost first
---@field awaited? boolean  a frame arrives as the first answer to the message that the device had last, and an exchange
---  waits for it
---@field injected? string  the fault that hit it, and what that means
---@field means? string

---@class jig.testing.Plan
---@field file string
---@field folder string
---@field recipe jig.Recipe       loaded in this state: its framing is the device's, its name the product's
---@field device function|table|string  see jig.testing.device; a string is the address of a real one
---@field cli? table|string       see jig.testing.cli; a string is the path of a real program
---@field service? table          further settings of the CLI, as in a station file
---@field real? boolean           on the real clock
---@field retries? integer
---@field serial? string          that the device must have
---@field session_id? string|string[]  a list: one for each attempt
---@field seed? integer           of random numbers; default 1, and by chance where the CLI is a real one: a
---  service knows its sessions of yesterday
---@field record? userdata        world.record: a journal
---@field journal? table          what the worker is to know of it
---@field limit? number           seconds after which the run is given up; default a day, or a minute of real time
---@field lines? boolean          notes the recipe's line of each effect
---@field watch? fun(effect: jig.testing.Effect, run: jig.testing.Rig): any

---@class jig.testing.Rig
---@field trail jig.testing.Effect[]
---@field events table[]     what the worker said
---@field marks integer[]    how many effects there were before each event
---@field cli jig.testing.Cli  of a real one it keeps the calls alone
---@field device? jig.testing.Device
---@field taken jig.Frame[]  messages that reached the device whole, however its firmware reads
---@field taken_in integer[]  the attempt in which each did
---@field taken_by jig.testing.Effect[]  the effect by which each did
---@field written string[]   bytes that the device was given
---@field answers { payload: string, taken: integer, attempt: integer }[]  frames that it sent, and how many messages
---  it had then
---@field lines table<integer, jig.testing.Line>  the device's wires: 0 is the port, others are further interfaces
---@field absent boolean      the device has left
---@field said string[]      all that was told to people or programs: events as JSON, log lines
---@field said_lines table<integer, string>  the recipe's lines at which that was, when `lines` was asked for
---@field facts string[]     what the journal was told, as JSON
---@field secrets table<string, true>  bytes that must be told to nobody
local rig = {}
rig.__index = rig

-- Seconds after which a run is given up that does not end by itself.
local DAY <const>, MINUTE <const> = 86400, 60

-- Bytes from which on a message is looked for where it does not belong: shorter ones are found by chance.
rig.SECRET = 8

-- Limits that make a limit of the CLI's own pass in the test and nowhere else are the station's.
local function service_of(plan)
  local service = { cli = "factory_tool", token = false }
  if type(plan.cli) == "string" then service.cli = plan.cli end
  for key, value in pairs(plan.service or {}) do service[key] = value end
  return service
end

--- Notes an effect, and gives what `watch` has happen instead.
---@param kind string
---@param what string
---@param effect? table  further fields
---@return any action
function rig:note(kind, what, effect)
  effect = effect or {}
  effect.kind, effect.what, effect.at = kind, what, self:now()
  effect.attempt, effect.in_session = self.attempt, self.in_session
  self.trail[#self.trail + 1] = effect
  if self.plan.lines then effect.line = self.world:line(self.plan.folder) end
  if self.plan.watch then return self.plan.watch(effect, self) end
end

--- These bytes must be told to nobody.
---@param bytes? string
function rig:keep_secret(bytes)
  if bytes and #bytes >= rig.SECRET then self.secrets[bytes] = true end
end

-- ---- the CLI, the journal, the clock ----

-- A real program is started as if nobody looked.
local function play(self, argv, limit)
  local call = self.cli:call(argv, limit, self:now())
  call.attempt = self.attempt
  local action = self:note("call", call.command, { call = call })
  self.in_session = call.command == "new_device" or call.command == "get_device_configuration"
  self:keep_secret(call.response)
  if self.world:dead() then return { missing = true } end
  if type(self.plan.cli) == "string" then return end
  local usual = self.cli:answer(call)
  if action then call.played = action(call, usual) end
  self:keep_secret(call.payload)
  return call.played
end

local function hooks_of(self)
  local hooks = self.device and stage.hooks(self) or {}
  function hooks.start(argv, limit) return play(self, argv, limit) end
  function hooks.record(kind, session, attempt, facts)
    self.facts[#self.facts + 1] = facts
    return self:note("record", kind, { session = session, attempt = attempt })
  end
  function hooks.wait(what, limit, seconds, around)
    if seconds == math.huge then
      self.unlimited[what] = true
    else
      self.awaits = (" " .. around .. " "):find(" exchange ", 1, true) and #self.trail + 1 or nil
      return self:note("wait", what, { limit = limit, seconds = seconds, around = around })
    end
  end
  function hooks.event(event)
    self.events[#self.events + 1] = event
    self.marks[#self.events] = #self.trail
    if event.event == "started" then self.attempt = event.attempt end
    self.phase = event.phase or self.phase
    self.said[#self.said + 1] = cjson.encode(event)
    if self.plan.lines then self.said_lines[#self.said] = self.world:line(self.plan.folder) end
    if event.event == "phase" and self.hooks[event.phase] then self:note("hook", event.phase) end
  end
  function hooks.log(line)
    self.said[#self.said + 1] = line
  end
  return hooks
end

-- ---- a run ----

-- The recipe's functions that are phases of their own.
local function hooks_of_recipe(recipe)
  local list = {}
  for _, name in ipairs { "prepare", "reset", "finish" } do
    if recipe[name] then list[name] = true end
  end
  return list
end

--- Makes a run that has not begun.
---@param plan jig.testing.Plan
---@return jig.testing.Rig
function rig.new(plan)
  local self = setmetatable({
    plan = plan, trail = {}, taken = {}, taken_in = {}, taken_by = {}, written = {}, answers = {}, events = {},
    marks = {}, said = {}, said_lines = {}, facts = {}, secrets = {}, unlimited = {}, timers = {}, lines = {},
    absent = false, attempt = 1, in_session = false, hooks = hooks_of_recipe(plan.recipe),
  }, rig)
  local played = type(plan.device) ~= "string"
  self.cli = cli.new(type(plan.cli) ~= "string" and plan.cli or nil, played and device.service(plan.device) or nil)
  if played then
    local function wire(number, framing)
      self.lines[number] = lines.new(self, number, framing)
      return self.lines[number]:of_device()
    end
    self.device = device.new(plan.device, plan.recipe.framing, wire(0), wire)
  end
  self.world = world.new(hooks_of(self), {
    simulated = not plan.real,
    seed = plan.seed or (type(plan.cli) ~= "string" and 1 or nil),
    record = plan.record,
  })
  self.began = self.world:now()
  return self
end

--- Seconds since the run began.
---@return number
function rig:now()
  return self.world:now() - self.began
end

--- Calls f so many seconds from now, unless the run is over by then.
---@param seconds number
---@param f fun()
function rig:after(seconds, f)
  self.timers[self.world:after(seconds, f)] = true
end

local function worker_config(plan)
  return {
    slot = "T",
    file = plan.file,
    folder = plan.folder,
    address = type(plan.device) == "string" and plan.device or "stage:" .. lines.NAME,
    service = service_of(plan),
    count = 1,
    retries = plan.retries or 0,
    serial = plan.serial,
    session_id = plan.session_id,
    journal = plan.journal,
  }
end

-- A worker that failed did not say so itself.
local function note_crash(self)
  local message = self.slot:next()
  while message do
    self.events[#self.events + 1] = message
    self.marks[#self.events] = #self.trail
    message = self.slot:next()
  end
end

--- Runs a worker in a slot of this world until it has ended. What happens stands in the fields.
---@param module string  "jig.worker", or another
---@param config table
---@return "ended"|"limit"|"stuck"|"busy"
function rig:work(module, config)
  self.slot = self.world:slot()
  self.slot:start(module, config)
  local outcome = self.world:run(self.plan.limit or (self.plan.real and MINUTE or DAY))
  if outcome == "ended" then note_crash(self) end
  return outcome
end

--- Runs the recipe. Does not yield; raises what a played part raises.
---@return "ended"|"limit"|"stuck"|"busy"
function rig:run()
  self.outcome = self:work("jig.worker", worker_config(self.plan))
  self.seconds = self:now()
  return self.outcome
end

--- Somebody at the station wants it to stop.
function rig:interrupt()
  self.slot:interrupt()
end

--- The process is killed here: nothing that it does reaches the world any more.
function rig:kill()
  self.world:die()
end

--- Ends it all. What is still held is in `held` then. Twice is harmless.
function rig:close()
  if self.held then return end
  for timer in pairs(self.timers) do timer:cancel() end
  if self.slot then self.slot:close() end
  if not self.world:dead() then self.world:run(self.plan.real and MINUTE or DAY) end
  self.held = self.world:held()
  self.world:close()
end

rig.__close = rig.close

return rig
