--- One path: a unit's run in which faults are injected at chosen effects, and the starts after it that recover
-- what it left. Gives its history, which jig.prove.laws looks at.
--
-- Effects are counted through all of it: those of a later start follow those of the run.

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

-- Seconds between TERM and KILL, and those that a running call has left when somebody presses Ctrl-C.
local GRACE <const>, STOP <const> = 2, 10

-- How often a unit is tried again whose fault the recipe marks so.
local RETRIES <const> = 1

-- Refusals after which recovery gives a session up: never here.
local REFUSALS <const> = 100

local function service_of(subject)
  local trouble = {}
  for name, status in pairs(faults.TOKEN) do trouble[name] = { statuses = { status } } end
  trouble.name, trouble.folder, trouble.tries = "prove", subject.journal.folder .. "/token", 1
  return { cli = "factory_tool", token = trouble, grace = GRACE, stop = STOP }
end

-- One for each attempt, in the journal of many runs.
local function names_of_sessions(run)
  local names = {}
  for attempt = 1, 1 + RETRIES do names[attempt] = ("%016x%04x"):format(run, attempt) end
  return names
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
    local fault = faults.named(effect, self.subject, wanted.name)
    if not fault then
      wanted.misfit = ("no fault '%s' fits effect %d (%s %s)"):format(wanted.name, number, effect.kind, effect.what)
      return
    end
    wanted.fault, wanted.effect = fault, effect
    wanted.allowed = faults.allowed(fault, effect, self.subject)
    effect.injected, effect.means = fault.name, fault.means
    if fault.kills then self.killed = effect end
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
  take_over(run.taken_in, history.taken_in)
  take_over(run.taken_by, history.taken_by)
  take_over(run.answers, history.answers)
  for secret in pairs(run.secrets) do history.secrets[secret] = true end
  for what in pairs(run.unlimited) do history.unlimited[what] = true end
  for name, count in pairs(run.held) do history.held[name] = (history.held[name] or 0) + count end
  history.seconds = history.seconds + run.seconds
  history.usual = run.cli.usual
end

local function plan_of(self)
  local subject = self.subject
  return {
    file = subject.file, folder = subject.folder, recipe = subject.recipe, device = subject.device,
    service = self.service, session_id = self.sessions, record = subject.journal.record,
    watch = watcher(self), lines = self.lines,
  }
end

-- The attempts at the unit: how each ended, and what was so when that was told, which is after so many effects.
local function add_attempt(history, event, last)
  local attempt = { ended = event, recorded = false, ports_open = 0, effects = last }
  for i = 1, last do
    local effect = history.trail[i]
    if effect.kind == "record" and effect.what == "finished" and effect.injected ~= "refused" then
      attempt.recorded = true
    end
    if effect.kind == "open" and not (effect.injected or effect.failed) then
      attempt.ports_open = attempt.ports_open + 1
    end
    if effect.kind == "close" then attempt.ports_open = attempt.ports_open - 1 end
  end
  table.insert(history.attempts, attempt)
  history.ended = event
end

-- The unit itself.
local function run_unit(self)
  local plan, history = plan_of(self), self.history
  plan.journal, plan.retries = self.subject.journal:config(), RETRIES
  local run <close> = rig.new(plan)
  history.outcome = run:run()
  run:close()
  add(self, run)
  history.marks, history.seconds_of_run = run.marks, run.seconds
  for i, event in ipairs(run.events) do
    if event.event == "ended" then add_attempt(history, event, run.marks[i]) end
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

local function look_into_journal(self)
  local history = self.history
  history.sessions = self.subject.journal:sessions(table.unpack(self.sessions))
  history.unended = journal.unended(history.sessions)
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
---@return table history  trail, injections, calls, events, attempts, ended (the last), outcome, restarts, killed,
--  seconds, …
function journey.go(subject, path, lines)
  local history = {
    calls = {}, events = {}, said = {}, facts = {}, taken = {}, taken_in = {}, taken_by = {}, answers = {},
    secrets = {}, unlimited = {}, held = {}, injections = {}, served = {}, fingerprints = {}, restarts = 0,
    seconds = 0, trail = {},
    subject = subject, grace = GRACE, stop = STOP, said_lines = {}, attempts = {}, sessions = {},
  }
  local self = {
    subject = subject, history = history, trail = history.trail, wanted = {}, life = 1,
    lines = lines, service = service_of(subject), sessions = names_of_sessions(subject.journal.runs + 1),
  }
  for i, step in ipairs(path) do
    local injection = { at = step.at, name = step.name }
    history.injections[i], self.wanted[step.at] = injection, injection
  end
  run_unit(self)
  add_served(history)
  history.killed = self.killed ~= nil
  if self.killed and self.killed.life == 1 then history.seconds_of_run = self.killed.at end -- what runs on is a ghost
  look_into_journal(self)
  while #history.unended > 0 and history.restarts < STARTS do
    restart(self)
    look_into_journal(self)
  end
  return history
end

return journey
