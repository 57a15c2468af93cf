--- The verdict: it says what went wrong, by a code that is mapped, and the unit leaves nothing open.

local catalogue = require "jig.fault".catalogue
local faults = require "jig.prove.faults"

local verdict = {}

local function is_own(name)
  local family = name:match("^[^.]*")
  return name ~= "passed" and family ~= "tool" and family ~= "cli" and name ~= "firmware.unknown_status"
end

-- Whether something is written after an effect, before the CLI is called.
local function is_answered(history, effect)
  for i = effect.number + 1, #history.trail do
    local kind = history.trail[i].kind
    if kind == "write" or kind == "call" then return kind == "write" end
  end
  return false
end

local function lists(history, injection, name)
  if name == "passed" and injection.fault.again and not is_answered(history, injection.effect) then return false end
  for _, one in ipairs(injection.allowed) do
    if one == name or (one == "own" and is_own(name)) then return true end
  end
  return false
end

-- The faults that happened in an attempt. One of the journal's may show only later.
local function injections_of(history, attempt)
  local list = {}
  for _, injection in ipairs(history.injections) do
    local effect = injection.effect
    if effect.life == 1 and (effect.attempt == attempt or effect.attempt < attempt and effect.kind == "record") then
      list[#list + 1] = injection
    end
  end
  return list
end

-- Whether a verdict is among those that these faults allow: PASS when each of them does.
local function is_allowed(history, injections, name)
  local any = #injections == 0 and name == "passed"
  for _, injection in ipairs(injections) do
    local allowed = injection.fault.kills or lists(history, injection, name)
    if name == "passed" and not allowed then return false end
    any = any or allowed
  end
  return any
end

local function called(name, injection)
  if name == "own" then return "a fault of the recipe's own" end
  return name == "passed" and injection.fault.again and "passed when it is sent again" or name
end

-- What is expected instead of a verdict: of the fault that forbids PASS, or of all.
local function expected(history, injections, verdict_name)
  local list, named = {}, {}
  for _, injection in ipairs(injections) do
    if verdict_name ~= "passed" or not lists(history, injection, verdict_name) then
      for _, name in ipairs(injection.allowed) do
        if not named[name] then list[#list + 1] = called(name, injection) end
        named[name] = true
      end
    end
  end
  return #list > 0 and table.concat(list, ", ") or "passed"
end

-- The code and the reason that the recipe's map gives to a fault; nil where its hooks may give any.
local function mapped(history, injection, name)
  local own = name == injection.allowed[1] and injection.fault or {}
  for _, allowed in ipairs(injection.allowed) do
    local known = allowed == name and catalogue[name]
    if known then
      local override = history.subject.recipe.faults[name] or {}
      return own.code or override.code or known[1], own.reason or override.reason
    end
  end
  return own.code, own.reason
end

-- What the recipe's map gives for a fault stands in the verdict.
local function check_mapped(history, injections, made, complain)
  for _, injection in ipairs(injections) do
    local code, reason = mapped(history, injection, made.name)
    if code and made.code ~= code then
      return complain(faults.MAPPED, ("%s has code %d; the map says %d"):format(made.name, made.code, code))
    elseif reason and made.reason ~= reason then
      return complain(faults.MAPPED, ("%s has the reason '%s'; the map says '%s'"):format(made.name, made.reason,
        reason))
    end
  end
end

local function check_attempt(history, number, ended, complain)
  local injections = injections_of(history, number)
  local name = ended.passed and "passed" or ended.fault.name
  if name == "tool.recipe" then
    local made = ended.fault
    local told = not made.line or made.reason:find(made.line, 1, true)
    complain("no plain Lua error", told and made.reason or ("%s: %s"):format(made.line, made.reason))
  elseif is_allowed(history, injections, name) then
    if ended.fault then check_mapped(history, injections, ended.fault, complain) end
  elseif #history.injections == 0 then
    complain("verdict", ("the run without any fault did not pass: %s"):format(ended.fault.reason))
  else
    complain(faults.MAPPED, ("the verdict is %s; expected %s"):format(name, expected(history, injections, name)))
  end
end

--- The verdict says what went wrong, by a code that is mapped.
function verdict.mapped(history, complain)
  if #history.attempts == 0 and not history.killed then complain("verdict", "the unit has no verdict") end
  for number, attempt in ipairs(history.attempts) do check_attempt(history, number, attempt.ended, complain) end
end

-- A fault as text: its name and code.
local FAULT <const> = "^[%w_]+%.[%w_.]+ %(%-?%d+%)"

-- How often the reset hook began in an attempt.
local function resets_in(history, number)
  local count = 0
  for _, effect in ipairs(history.trail) do
    if effect.life == 1 and effect.attempt == number and effect.kind == "hook" and effect.what == "reset" then
      count = count + 1
    end
  end
  return count
end

-- Whether all was over when something went wrong on purpose.
local function ends_unrecorded(history)
  for _, injection in ipairs(history.injections) do
    if injection.effect.what == "ended" then return true end
  end
  return false
end

--- The reset hook runs before an attempt, and after one that failed. What it does then may fail as the wire does, not
-- by a mistake of its own.
function verdict.reset(history, complain)
  for number, attempt in ipairs(history.attempts) do
    local trouble = attempt.ended.reset_trouble
    if trouble and not trouble:find(FAULT) then complain("no plain Lua error", "reset: " .. trouble) end
    if attempt.ended.fault and resets_in(history, number) == 1 and not ends_unrecorded(history) then
      complain("reset", "the unit failed, and reset was not called after it")
    end
  end
end

--- What must not matter does not: the unit is what it is without it.
function verdict.same(history, complain)
  local ended, clean = history.ended, history.clean
  if not (ended and clean and ended.passed) then return end
  for _, injection in ipairs(history.injections) do
    if not injection.fault.harmless then return end
  end
  for _, key in ipairs { "serial", "fingerprint" } do
    if ended[key] ~= clean[key] then
      complain("verdict", ("PASS with %s %s, which is %s when nothing goes wrong"):format(key, tostring(ended[key]),
        tostring(clean[key])))
    end
  end
end

--- Nothing is left open, and jig itself did not fail.
function verdict.closed(history, complain)
  for name, count in pairs(history.held) do
    if count > 0 then complain("closed", ("%d %s are left when the unit is over"):format(count, name)) end
  end
  for _, attempt in ipairs(history.attempts) do
    if attempt.ports_open > 0 then complain("closed", "the port is still open when the verdict is told") end
  end
  for _, event in ipairs(history.events) do
    if event.event == "crashed" then
      complain("10 slots are islands", "jig failed: " .. event.message:match("^[^\n]*"))
    end
    if event.event == "refused" then complain("recipe", event.message) end
  end
end

return verdict
