--- What must hold on every path, whatever went wrong: the laws of the engine, looked at from outside. Each is a
-- function that takes a history (jig.prove.journey) and complains.
--
-- The witness is the played world: which calls the CLI got and what the service made of them, what the device
-- received, what the journal took, what was said. Of what the engine says of itself its verdict is believed, and
-- which limit a wait has; how long it took is seen.

local device = require "jig.prove.laws.device"
local record = require "jig.prove.laws.record"
local service = require "jig.prove.laws.service"
local unseen = require "jig.prove.laws.unseen"
local verdict = require "jig.prove.laws.verdict"
local waits = require "jig.prove.laws.waits"

local laws = {}

---@alias jig.prove.Complain fun(law: string, text: string, effect?: jig.testing.Effect, line?: string)

-- In the order in which complaints are shown.
local ALL <const> = {
  verdict.mapped, verdict.reset, verdict.same,
  service.one_end, service.report_agrees, service.owed, service.retry,
  device.once, device.answers,
  service.pin, waits.limits, waits.spans,
  record.intent, record.passed, record.agrees, record.ends,
  unseen, service.one_caller, verdict.closed, device.statuses,
}

-- A path means something only when its faults happened.
local function check_injected(history, complain)
  local all = true
  for _, injection in ipairs(history.injections) do
    if not injection.effect then
      complain("injected", injection.misfit or ("the run has %d effects, and no %d: the fault did not happen"):format(
        #history.trail, injection.at))
      all = false
    end
  end
  return all
end

--- Checks a history against every law.
---@param history table
---@return { law: string, text: string, effect?: jig.testing.Effect, line?: string }[] violations
function laws.check(history)
  local violations = {}
  local function complain(law, text, effect, line)
    violations[#violations + 1] = { law = law, text = text, effect = effect, line = line or effect and effect.line }
  end
  if check_injected(history, complain) then
    for _, law in ipairs(ALL) do law(history, complain) end
  end
  return violations
end

--- Whether the recipe makes something else of the device's answers.
---@param history table  without any fault
---@return boolean
function laws.reshapes(history)
  return device.reshapes(history)
end

--- What a run without any fault gives no hold to check: a sentence each.
---@param history table
---@return string[]
function laws.unchecked(history)
  return device.unchecked(history)
end

return laws
