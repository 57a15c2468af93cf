--- Goes every path: the clean run, then one run for each effect of it and each fault that fits, then one for each
-- pair whose second fault hits the handling of the first.
--
-- The handling of a fault is what the run does after it that the clean run does not do there: the report, the
-- reset, the record, the next start's recovery. Where the run goes on as the clean one does, the paths of one
-- fault have been there already.

local faults = require "jig.prove.faults"
local journal = require "jig.testing.journal"
local journey = require "jig.prove.journey"
local laws = require "jig.prove.laws"
local task = require "jig.task"
local testing = require "jig.testing"

local explorer = {}

---@class jig.prove.Path
---@field id string             "12:silence", or "12:silence+15:killed"
---@field steps { at: integer, name: string }[]
---@field effect jig.testing.Effect  that the last fault hit
---@field verdict string        "PASS", "FAIL" or "killed"
---@field name? string          of the fault that the unit ended with
---@field code? integer
---@field before? jig.Fault     that the attempt before ended with, when the unit was tried again
---@field restarts integer      starts that it took until the session had its end
---@field seconds number        of virtual time
---@field violations { law: string, text: string, effect?: jig.testing.Effect }[]
---@field pairs? integer        paths whose first fault is this one

---@class jig.prove.Proof
---@field recipe jig.Recipe
---@field effects jig.testing.Effect[]  of the clean run
---@field clean jig.prove.Path
---@field singles jig.prove.Path[]
---@field doubles jig.prove.Path[]
---@field gaps { effect: jig.testing.Effect, fault: string, why: string }[]
---@field unchecked string[]    what of the laws this product gives no hold to check
---@field violations integer    paths with any
---@field stopped? boolean      there were so many that the rest was not tried

-- ---- the subject ----

local function traits_of(framing)
  return framing.traits or { resync = false, check = false, empty = true }
end

--- What is proven: a recipe and the device beside it. Raises when either is refused.
---@param path string
---@return jig.prove.Subject  to be closed
function explorer.subject(path)
  local loaded = testing.load(path)
  if not loaded.recipe.framing.device then
    error(loaded.file .. ": framing: a proof needs its device end too (jig.framing.common)", 0)
  end
  local device, kept = testing.device(loaded.folder), journal.new()
  return setmetatable({
    file = loaded.file, folder = loaded.folder, recipe = loaded.recipe, traits = traits_of(loaded.recipe.framing),
    device = device, statuses = type(device) == "table" and device.statuses or nil, journal = kept,
  }, { __close = function(self) self.journal:close() end })
end

-- A path that broke a law may have left anything in the journal.
local function renew_journal(subject)
  subject.journal:close()
  subject.journal = journal.new()
end

-- ---- one path ----

--- The name of a path.
---@param steps { at: integer, name: string }[]
---@return string
function explorer.id(steps)
  local parts = {}
  for i, step in ipairs(steps) do parts[i] = ("%d:%s"):format(step.at, step.name) end
  return #parts > 0 and table.concat(parts, "+") or "clean"
end

--- The steps that a name stands for; nil and what is wrong with it.
---@param id string
---@return { at: integer, name: string }[]|nil, string? message
function explorer.steps(id)
  local steps = {}
  if id == "clean" then return steps end
  for part in (id .. "+"):gmatch("([^+]*)%+") do
    local at, name = part:match("^(%d+):([%w_]+)$")
    if not at then return nil, ("'%s' is no path, such as 12:silence or 12:silence+15:killed"):format(id) end
    steps[#steps + 1] = { at = math.tointeger(tonumber(at)), name = name }
  end
  return steps
end

-- A line of the recipe's folder that a text names.
local function named_in(text, folder)
  for line in text:gmatch("%S+%.lua:%d+") do
    local first = line:find(folder, 1, true)
    if first then return line:sub(first) end
  end
end

-- The recipe's line that a path with a violation points to: where it was broken, where the unit failed, or what
-- the fault hit.
local function line_of(path, history)
  for _, violation in ipairs(path.violations) do
    local named = named_in(violation.text, history.subject.folder) or violation.line
    if named then return named end
  end
  local fault = history.ended and history.ended.fault
  local named = fault and fault.line and named_in(fault.line, history.subject.folder)
  if named then return named end
  for _, injection in ipairs(history.injections) do
    if injection.effect and injection.effect.line then return injection.effect.line end
  end
end

--- Goes a path and looks at what became of it.
---@param subject jig.prove.Subject
---@param steps { at: integer, name: string }[]
---@param lines? boolean  the recipe's line of each effect is wanted
---@return jig.prove.Path, table history
function explorer.go(subject, steps, lines)
  local history = journey.go(subject, steps, lines)
  if #steps == 0 then
    subject.clean, subject.trail, subject.reshapes = history.ended, history.trail, laws.reshapes(history)
  end
  history.clean = subject.clean
  local ended = history.ended
  local last = history.injections[#history.injections]
  local path = {
    id = explorer.id(steps), steps = steps, effect = last and last.effect, restarts = history.restarts,
    seconds = history.seconds, violations = laws.check(history),
    verdict = ended and (ended.passed and "PASS" or "FAIL") or "killed",
    name = ended and ended.fault and ended.fault.name, code = ended and ended.fault and ended.fault.code,
    before = #history.attempts > 1 and history.attempts[1].ended.fault or nil,
  }
  if lines then path.line = line_of(path, history) end
  if #path.violations > 0 then renew_journal(subject) end
  return path, history
end

-- ---- all of them ----

-- Paths with a violation after which one has enough to read.
local STOP <const> = 25

local function same(one, other)
  return one and other and one.kind == other.kind and one.what == other.what and one.size == other.size
end

-- The numbers of the effects that handle the fault at `at`: first and last.
local function handling(trail, clean, at)
  local common = 0
  while #trail - common > at and same(trail[#trail - common], clean[#clean - common]) do common = common + 1 end
  return at + 1, #trail - common
end

-- Goes a path that broke a law again, with the lines of the recipe, which are not looked for in thousands of paths.
local function go_again(subject, path)
  local again = explorer.go(subject, path.steps, true)
  if #again.violations > 0 then return again end
  table.insert(path.violations, 1, { law = "repeatable", text = "gone a second time this path broke no law: what the"
    .. " recipe or the device does depends on chance, or on something outside of the run" })
  return path
end

-- A played part that fails has no verdict: that is a finding of this path, and the next ones are gone all the same.
local function failed(subject, steps, thrown)
  renew_journal(subject)
  local text = tostring(thrown):match("^[^\n]*")
  return {
    id = explorer.id(steps), steps = steps, restarts = 0, seconds = 0, verdict = "none",
    violations = { { law = "the device plays on", text = text, line = named_in(text, subject.folder) } },
  }, { trail = {}, subject = subject }
end

-- The loop has a turn every few paths: Ctrl-C is heard there.
local EVERY <const> = 8

--- What is thrown then.
explorer.INTERRUPTED = "it was interrupted"

local function give_way()
  if not pcall(task.turn) then error(explorer.INTERRUPTED, 0) end
end

-- Goes a path and adds it to a list.
local function visit(proof, subject, steps, list)
  if #list % EVERY == 0 then give_way() end
  local went, path, history = pcall(explorer.go, subject, steps)
  if not went then
    path, history = failed(subject, steps, path)
    path.effect = steps[1] and proof.effects and proof.effects[steps[#steps].at]
  elseif #path.violations > 0 then
    path = go_again(subject, path)
  end
  list[#list + 1] = path
  if #path.violations > 0 then
    proof.violations = proof.violations + 1
    proof.stopped = proof.violations >= proof.stop
  end
  return path, history
end

-- All pairs whose first fault is this path's.
local function visit_pairs(proof, subject, single, history)
  local first, last = handling(history.trail, proof.effects, single.steps[1].at)
  single.pairs = 0
  for number = first, last do
    local effect = history.trail[number]
    for _, fault in ipairs(faults.of(effect, subject)) do
      if proof.stopped then return end
      single.pairs = single.pairs + 1
      visit(proof, subject, { single.steps[1], { at = number, name = fault.name } }, proof.doubles)
    end
  end
end

--- Goes them all. Yields, and ends with the process at Ctrl-C.
---@param subject jig.prove.Subject
---@param options? { singles?: boolean, stop?: integer }  singles: no pairs; stop: after so many paths that broke a
--  law (25)
---@return jig.prove.Proof
function explorer.prove(subject, options)
  options = options or {}
  local proof = { recipe = subject.recipe, statuses = subject.statuses, singles = {}, doubles = {}, gaps = {},
    violations = 0,
    stop = options.stop or STOP }
  local cleans = {}
  local clean, history = visit(proof, subject, {}, cleans)
  proof.clean, proof.effects = clean, history.trail
  proof.unchecked = #clean.violations == 0 and laws.unchecked(history) or {}
  if #clean.violations > 0 then return proof end
  for number, effect in ipairs(proof.effects) do
    local fitting, gaps = faults.of(effect, subject)
    for _, gap in ipairs(gaps) do table.insert(proof.gaps, { effect = effect, fault = gap[1], why = gap[2] }) end
    for _, fault in ipairs(fitting) do
      if proof.stopped then return proof end
      local single, seen = visit(proof, subject, { { at = number, name = fault.name } }, proof.singles)
      if not options.singles then visit_pairs(proof, subject, single, seen) end
    end
  end
  return proof
end

return explorer
