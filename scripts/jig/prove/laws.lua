--- What must hold on every path, whatever went wrong: the laws of the engine, looked at from outside. Each is a
-- function that takes a history (jig.prove.journey) and complains.
--
-- The witness is the played world: which calls the CLI got and what the service made of them, what the device
-- received, what the journal took, what was said. Of what the engine says of itself its verdict is believed, and how
-- long a wait may take.

local cjson = require "cjson.safe"
local faults = require "jig.prove.faults"
local hex = require "jig.hex"

local laws = {}

-- Waits that end by what they wait for, which has a limit itself: a program, a commit.
local BOUND_OTHERWISE <const> = { session = true, journal = true }

-- How much later than its limit a wait may end: what is done at its end takes no virtual time.
local SLACK <const> = 1e-6

---@alias jig.prove.Complain fun(law: string, text: string, effect?: jig.testing.Effect, line?: string)

-- ---- what the service knows ----

local ORDER <const> = { new_device = 1, get_device_configuration = 2, handle_device_response = 3 }

local function heard(call)
  return call.played and call.service ~= "none" and not call.played.missing
end

-- The session as its calls made it.
local function follow(call, state, complain)
  local command, service = call.command, call.service or "done"
  local place = ORDER[command]
  if place <= state.last then
    complain("2 order", ("%s is called again in session %s"):format(command, call.session), call.effect)
  elseif place ~= state.last + 1 or (state.last > 0 and state.last_service ~= "done") then
    complain("2 order", ("%s is called although what comes before it was not done"):format(command), call.effect)
  end
  state.last, state.last_service = place, service
  if command == "new_device" then state.opened = service ~= "refused" end
  if command == "handle_device_response" and service == "done" and not call.unseen then state.finished = call.life end
end

-- Whether the journal took such an event before an effect.
local function is_recorded(history, kind, effect)
  for i = 1, effect.number - 1 do
    local earlier = history.trail[i]
    if earlier.kind == "record" and earlier.what == kind and earlier.injected ~= "killed" then return true end
  end
  return false
end

local function follow_report(call, state, complain, history)
  local service = call.service or "done"
  if not state.opened and call.life == 1 then -- a later start reports what may have been opened
    complain("1 exactly one end", "report_error for a session that was never opened", call.effect)
  elseif state.accepted == call.life or (state.accepted and is_recorded(history, "reported", call.effect)) then
    complain("1 exactly one end", "report_error again, although it was accepted", call.effect)
  elseif state.finished and state.finished == call.life then
    complain("1 exactly one end", "report_error after FINGERPRINT was read", call.effect)
  end
  if service == "done" then
    state.ended = true
    state.accepted = not call.unseen and call.life or state.accepted
  end
end

-- The sessions of a history, by id, as the service has them.
local function sessions(history, complain)
  local states = {}
  for _, call in ipairs(history.calls) do
    local state = states[call.session] or { last = 0 }
    states[call.session] = state
    if heard(call) then
      (call.command == "report_error" and follow_report or follow)(call, state, complain, history)
    end
  end
  return states
end

-- ---- the laws ----

-- Whether something went wrong on purpose that excuses a session which is left to the next start.
local function excused(history)
  for _, injection in ipairs(history.injections) do
    if injection.fault.kills or injection.fault.unreported and (injection.effect.kind ~= "call"
      or injection.effect.what == "report_error" or injection.fault.name == "token_pin") then
      return true
    end
  end
  return false
end

function laws.one_end(history, complain)
  for id, state in pairs(sessions(history, complain)) do
    local recorded = false
    for _, row in ipairs(history.sessions) do
      if row.id == id and row.fingerprint then recorded = true end
    end
    if state.opened and not state.finished and not state.ended and not recorded then
      complain("1 exactly one end", ("session %s was opened and never reported"):format(id))
    end
  end
  if history.restarts > 0 and not excused(history) then
    complain("1 exactly one end", "the session was left to the next start, although nothing hindered its report")
  end
end

-- The report carries what the verdict says.
function laws.report_agrees(history, complain)
  local ended = history.ended
  for _, call in ipairs(history.calls) do
    if call.command == "report_error" and call.life == 1 and ended and ended.fault then
      if call.code ~= ended.fault.code then
        complain("1 exactly one end", ("the report says code %s, the verdict %d"):format(call.code,
          ended.fault.code), call.effect)
      end
      if (call.reason or "") == "" then complain("1 exactly one end", "a report without a reason", call.effect) end
    end
  end
end

-- What the unit says it owes is what the service still waits for.
function laws.owed(history, complain)
  local ended = history.ended
  if not ended or not ended.session then return end
  local accepted, opened = false, false
  for _, call in ipairs(history.calls) do
    if call.perhaps and call.life == 1 then return end
    if call.life == 1 and heard(call) and not call.unseen then
      if call.command == "new_device" then opened = call.service ~= "refused" end
      if call.command == "report_error" and (call.service or "done") == "done" then accepted = true end
    end
  end
  if ended.unreported and accepted then
    complain("1 exactly one end", "the unit says that its report is owed, although it was accepted")
  elseif opened and not accepted and not ended.unreported and not ended.fingerprint then
    complain("1 exactly one end", "the unit says that nothing is owed, although its session is open")
  end
end

function laws.once(history, complain)
  local counts = {}
  for _, frame in ipairs(history.taken) do
    local payload = frame.payload
    if history.served[payload] then
      counts[payload] = (counts[payload] or 0) + 1
      if counts[payload] == 2 then complain("3 nothing is handed over twice", "the device received a message twice") end
    end
  end
end

-- Faults by which another answer than the device's own is handed on, where the framing cannot tell.
local ALTERS <const> = { corrupt = true, short = true, junk = true, duplicate = true }

local function altered(history)
  for _, injection in ipairs(history.injections) do
    local name, kind = injection.fault.name, injection.effect.kind
    if (ALTERS[name] or kind == "wait") and not history.subject.traits.check then return true end
  end
  return false
end

-- How many messages the device had when it got this one; nil when it never did.
local function place_of(history, payload)
  for i, frame in ipairs(history.taken) do
    if frame.payload == payload then return i end
  end
end

-- Which message of the service each response belongs to.
local ANSWERS <const> = { get_device_configuration = "new_device", handle_device_response = "get_device_configuration" }

-- What is handed to the service is the device's answer to that message, and no other.
function laws.answers(history, complain)
  if altered(history) then return end
  for _, call in ipairs(history.calls) do
    local before = ANSWERS[call.command]
    local place = before and place_of(history, history.usual[before].payload)
    local found = not place
    for _, answer in ipairs(history.answers) do
      if answer.taken == place and answer.payload == call.response then found = true end
    end
    if not found then
      complain("2 order", ("what %s hands over is not the device's answer to %s"):format(call.command, before),
        call.effect)
    end
  end
end

-- A few tries block a token.
function laws.pin(history, complain)
  local refused
  for _, call in ipairs(history.calls) do
    if refused and refused.life == call.life then
      complain("8 a PIN is not tried again", call.command .. " is called after the PIN was refused", call.effect)
    end
    if call.played and call.pin_refused then refused = call end
  end
end

local function check_calls_end(history, complain)
  for _, call in ipairs(history.calls) do
    if call.limit == math.huge then
      complain("4 every wait ends", call.command .. " is called without a limit", call.effect)
    end
  end
end

-- A wait that is not over at its limit is seen by what happens next.
local function check_waits_end(history, complain)
  local trail = history.trail
  for i, effect in ipairs(trail) do
    local following = trail[i + 1]
    if effect.kind == "wait" and following and following.life == effect.life
      and following.at > effect.at + effect.seconds + SLACK then
      complain("4 every wait ends", ("%s waited %.3f s, its limit is %.3f s"):format(effect.what,
        following.at - effect.at, effect.seconds), effect)
    end
  end
end

function laws.waits(history, complain)
  for what in pairs(history.unlimited) do
    if not BOUND_OTHERWISE[what] then complain("4 every wait ends", ("%s waits without a limit"):format(what)) end
  end
  if history.outcome == "stuck" then complain("4 every wait ends", "nothing is left that could end the run") end
  if history.outcome == "busy" then complain("4 every wait ends", "something spins: no time passes any more") end
  if history.outcome == "limit" then complain("4 every wait ends", "the run does not end") end
  check_calls_end(history, complain)
  check_waits_end(history, complain)
end

-- What is durable before a call that cannot be taken back.
local INTENTS <const> = { new_device = "opening", handle_device_response = "finishing", report_error = "reporting" }

-- Whether an event was taken in this life before an effect: by the journal, or, of a report, by the emergency file.
local function was_taken(history, kind, effect)
  for i = effect.number - 1, 1, -1 do
    local earlier = history.trail[i]
    if earlier.life ~= effect.life then return false end
    if earlier.kind == "record" and earlier.what == kind then
      return earlier.injected ~= "refused" or kind == "reporting"
    end
  end
  return false
end

function laws.intent(history, complain)
  for _, call in ipairs(history.calls) do
    local kind = INTENTS[call.command]
    if kind and not was_taken(history, kind, call.effect) then
      complain("6 nothing is lost", ("%s is called and '%s' was not recorded before"):format(call.command, kind),
        call.effect)
    end
  end
end

-- PASS stands on a fingerprint that the service gave and the journal has.
function laws.recorded(history, complain)
  local ended = history.ended
  if not (ended and ended.passed) then return end
  local kept
  for _, row in ipairs(history.sessions) do
    if row.id == ended.session and row.fingerprint == ended.fingerprint then kept = row end
  end
  if not kept then complain("5 PASS means recorded", "PASS, and the journal has no such fingerprint") end
  if not history.recorded_before then
    complain("5 PASS means recorded", "PASS was shown before its record was written")
  end
  if not history.fingerprints[ended.fingerprint] then
    complain("1 exactly one end", "PASS with a fingerprint that the CLI did not print")
  end
end

function laws.journal_ends(history, complain)
  for _, row in ipairs(history.unended) do
    complain("6 nothing is lost", ("the journal still has session %s as %s"):format(row.id, row.state))
  end
end

-- The forms in which bytes could stand in a text. Kept: it is the same few messages on every path.
local forms = setmetatable({}, { __index = function(self, bytes)
  local digits = hex.encode(bytes)
  local list = { bytes, digits, digits:upper(), (cjson.encode(bytes) or '""'):sub(2, -2) }
  self[bytes] = list
  return list
end })

local function stands_in(text, secret)
  for _, form in ipairs(forms[secret]) do
    if text:find(form, 1, true) then return true end
  end
  return false
end

-- The recipe's line at which it was said, where that is known.
local function line_of(history, secret)
  for i, text in ipairs(history.said) do
    if stands_in(text, secret) then return history.said_lines[i] end
  end
end

function laws.unseen(history, complain)
  local text = table.concat(history.said, "\n") .. "\n" .. table.concat(history.facts, "\n")
  for secret in pairs(history.secrets) do
    if stands_in(text, secret) then
      complain("7 opaque and unseen", ("a message of %d bytes stands in what was said or recorded"):format(#secret),
        nil, line_of(history, secret))
    end
  end
end

-- One call at a time: the next begins when the one before has ended.
function laws.one_caller(history, complain)
  local last
  for _, call in ipairs(history.calls) do
    local over = last and last.life == call.life and last.played and last.at
      + math.min(last.played.missing and 0 or last.played.after or 0, last.limit)
    if over and call.at < over - SLACK then
      complain("9 one token, one caller", ("%s begins while %s runs"):format(call.command, last.command), call.effect)
    end
    last = call
  end
end

local function is_own(name)
  local family = name:match("^[^.]*")
  return family ~= "tool" and family ~= "cli" and name ~= "firmware.unknown_status"
end

-- Whether a verdict is among those that these faults allow.
local function is_allowed(history, name)
  for _, injection in ipairs(history.injections) do
    for _, allowed in ipairs(injection.allowed) do
      if allowed == name or (allowed == "own" and is_own(name)) then return true end
    end
  end
  return #history.injections == 0 and name == "passed"
end

local function verdict_of(history)
  local ended = history.ended
  return ended and (ended.passed and "passed" or ended.fault.name)
end

local function expected(history)
  local list = {}
  for _, injection in ipairs(history.injections) do
    for _, name in ipairs(injection.allowed) do list[#list + 1] = name end
  end
  return #list > 0 and table.concat(list, ", ") or "passed"
end

-- The verdict says what went wrong, by a code that is mapped.
function laws.verdict(history, complain)
  local name = verdict_of(history)
  if not name then
    if not history.killed then complain("verdict", "the unit has no verdict") end
    return
  end
  if name == "tool.recipe" then
    local made = history.ended.fault
    local told = not made.line or made.reason:find(made.line, 1, true)
    complain("no plain Lua error", told and made.reason or ("%s: %s"):format(made.line, made.reason))
  elseif not is_allowed(history, name) then
    complain("mapped code", ("the verdict is %s; expected %s"):format(name, expected(history)))
  end
  for _, injection in ipairs(history.injections) do
    local code = injection.fault.code
    if code and name == injection.allowed[1] and history.ended.fault.code ~= code then
      complain("mapped code", ("%s has code %d; the map says %d"):format(name, history.ended.fault.code, code))
    end
  end
end

-- A fault as text: its name and code.
local FAULT <const> = "^[%w_]+%.[%w_.]+ %(%-?%d+%)"

-- What the reset hook does after a failure may fail as the wire does, not by a mistake of its own.
function laws.reset(history, complain)
  local trouble = history.ended and history.ended.reset_trouble
  if trouble and not trouble:find(FAULT) then complain("no plain Lua error", "reset: " .. trouble) end
end

-- What must not matter does not: the unit is what it is without it.
function laws.same(history, complain)
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

function laws.closed(history, complain)
  for name, count in pairs(history.held) do
    if count > 0 then complain("closed", ("%d %s are left when the unit is over"):format(count, name)) end
  end
  if history.ended and history.ports_open > 0 then
    complain("closed", "the port is still open when the verdict is told")
  end
  for _, event in ipairs(history.events) do
    if event.event == "crashed" then
      complain("10 slots are islands", "jig failed: " .. event.message:match("^[^\n]*"))
    end
    if event.event == "refused" then complain("recipe", event.message) end
  end
end

-- A path means something only when its faults happened.
local function check_injected(history, complain)
  local all = true
  for _, injection in ipairs(history.injections) do
    if not injection.effect then
      complain("injected", ("the run has no effect %d: the fault did not happen"):format(injection.at))
      all = false
    end
  end
  return all
end

-- A device that may answer statuses answers them where jig looks for them.
function laws.statuses(history, complain)
  if not (history.subject.statuses and #history.injections == 0) then return end
  for _, effect in ipairs(history.trail) do
    if faults.carries_status(effect, history.subject) then return end
  end
  complain("mapped code", "the device may answer statuses, and no answer has a field 'status'")
end

-- In the order in which complaints are shown.
local ALL <const> = {
  "verdict", "reset", "same", "one_end", "report_agrees", "owed", "once", "answers", "pin", "waits",
  "intent", "recorded", "journal_ends", "unseen", "one_caller", "closed", "statuses",
}

--- Checks a history against every law.
---@param history table
---@return { law: string, text: string, effect?: jig.testing.Effect, line?: string }[] violations
function laws.check(history)
  local violations = {}
  local function complain(law, text, effect, line)
    violations[#violations + 1] = { law = law, text = text, effect = effect, line = line or effect and effect.line }
  end
  if check_injected(history, complain) then
    for _, name in ipairs(ALL) do laws[name](history, complain) end
  end
  return violations
end

return laws
