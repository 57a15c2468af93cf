--- One path: a unit's run in which faults are injected at chosen effects, and the starts after it that recover
-- what it left. Gives its history, which jig.prove.laws looks at.
--
-- Effects are counted through all of it: those of a later start follow those of the run.

local cli = require "jig.testing.cli"
local faults = require "jig.prove.faults"
local journal = require "jig.testing.journal"
local rig = require "jig.testing.rig"

local journey = {}

---@class jig.prove.Injection
---@field at integer             number of the effect
---@field name string            of the fault
---@field fault? jig.prove.Fault  once it happened
---@field effect? jig.testing.Effect
---@field allowed? string[]

---@class jig.prove.Subject  what is proven
---@field file string
---@field folder string
---@field recipe jig.Recipe
---@field device function|table
---@field traits jig.FramingTraits
---@field journal jig.testing.Journal

-- Starts after which a session must have its end.
local STARTS <const> = 3

-- Refusals after which recovery gives a session up: never here.
local REFUSALS <const> = 100

local function service_of(subject)
  local trouble = {}
  for name, status in pairs(faults.TOKEN) do trouble[name] = { statuses = { status } } end
  trouble.name, trouble.folder, trouble.tries = "prove", subject.journal.folder .. "/token", 1
  return { cli = "factory_tool", token = trouble }
end

-- The fault of that name that fits an effect.
local function find(effect, subject, name)
  for _, fault in ipairs(faults.of(effect, subject)) do
    if fault.name == name then return fault end
  end
  error(("no fault '%s' fits effect %d (%s %s)"):format(name, effect.number, effect.kind, effect.what), 0)
end

-- Numbers an effect, and has it go wrong where that is wanted.
local function watcher(self)
  return function(effect, run)
    local number = #self.trail + 1
    effect.number, effect.life = number, self.life
    self.trail[number] = effect
    if effect.call then effect.call.effect, effect.call.life = effect, self.life end
    local wanted = self.wanted[number]
    if not wanted then return end
    local fault = find(effect, self.subject, wanted.name)
    wanted.fault, wanted.effect = fault, effect
    wanted.allowed = faults.allowed(fault, effect, self.subject)
    effect.injected, effect.means = fault.name, fault.means
    if fault.kills then self.killed = true end
    return fault.act(effect, run, self.subject)
  end
end

local function take_over(from, to)
  for _, value in ipairs(from) do to[#to + 1] = value end
end

-- What a rig saw becomes a part of the history.
local function add(self, run)
  local history = self.history
  take_over(run.cli.calls, history.calls)
  take_over(run.events, history.events)
  for i, line in pairs(run.said_lines) do history.said_lines[#history.said + i] = line end
  take_over(run.said, history.said)
  take_over(run.facts, history.facts)
  take_over(run.taken, history.taken)
  take_over(run.answers, history.answers)
  for secret in pairs(run.secrets) do history.secrets[secret] = true end
  for what in pairs(run.unlimited) do history.unlimited[what] = true end
  for name, count in pairs(run.held) do history.held[name] = (history.held[name] or 0) + count end
  history.seconds = history.seconds + run.seconds
end

local function plan_of(self)
  local subject = self.subject
  return {
    file = subject.file, folder = subject.folder, recipe = subject.recipe, device = subject.device,
    service = self.service, session_id = self.session, record = subject.journal.record,
    watch = watcher(self), lines = self.lines,
  }
end

-- What was so when the verdict was told, which is after so many effects.
local function at_verdict(history, event, last)
  history.ended, history.recorded_before, history.ports_open = event, false, 0
  for i = 1, last do
    local effect = history.trail[i]
    if effect.kind == "record" and effect.what == "finished" and effect.injected ~= "refused" then
      history.recorded_before = true
    end
    if effect.kind == "open" and not effect.injected then history.ports_open = history.ports_open + 1 end
    if effect.kind == "close" then history.ports_open = history.ports_open - 1 end
  end
end

-- The unit itself.
local function run_unit(self)
  local plan = plan_of(self)
  plan.journal = self.subject.journal:config()
  local run <close> = rig.new(plan)
  self.history.outcome = run:run()
  run:close()
  add(self, run)
  for i, event in ipairs(run.events) do
    if event.event == "ended" then at_verdict(self.history, event, run.marks[i]) end
  end
end

-- One start of jig after it, which recovers.
local function restart(self)
  self.life = self.life + 1
  self.history.restarts = self.history.restarts + 1
  self.subject.journal:succeed()
  local run <close> = rig.new(plan_of(self))
  local outcome = run:work("jig.prove.restart", {
    slot = "T", path = self.subject.journal.path, service = self.service, signature = journal.SERVICE,
    refusals = REFUSALS,
  })
  run.seconds = run.world:now()
  if outcome ~= "ended" then self.history.outcome = outcome end
  run:close()
  add(self, run)
end

-- What the service gave to the device, and as fingerprints.
local function add_served(history)
  for _, answer in pairs(history.usual) do
    if answer.payload then history.served[answer.payload] = true end
    if answer.fingerprint then history.fingerprints[answer.fingerprint] = true end
  end
end

--- Goes a path. Does not yield.
---@param subject jig.prove.Subject
---@param path { at: integer, name: string }[]  the faults
---@param lines? boolean  notes the recipe's line of each effect
---@return table history  trail, injections, calls, events, ended, outcome, restarts, killed, seconds, …
function journey.go(subject, path, lines)
  local history = {
    calls = {}, events = {}, said = {}, facts = {}, taken = {}, answers = {}, secrets = {}, unlimited = {},
    held = {}, injections = {}, served = {}, fingerprints = {}, restarts = 0, seconds = 0, trail = {},
    subject = subject, usual = cli.usual, said_lines = {},
  }
  local self = {
    subject = subject, history = history, trail = history.trail, wanted = {}, life = 1,
    lines = lines, service = service_of(subject), session = ("%020x"):format(subject.journal.runs + 1),
  }
  for i, step in ipairs(path) do
    local injection = { at = step.at, name = step.name }
    history.injections[i], self.wanted[step.at] = injection, injection
  end
  add_served(history)
  run_unit(self)
  history.killed = self.killed
  history.unended = subject.journal:unended()
  while #history.unended > 0 and history.restarts < STARTS do
    restart(self)
    history.unended = subject.journal:unended()
  end
  history.sessions = subject.journal:sessions(self.session)
  return history
end

return journey
