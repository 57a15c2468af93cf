--- What the service may see of a unit: its sessions, each with its order and its one end, and who calls when.

local catalogue = require "jig.fault".catalogue

local service = {}

-- What a later start reports of a session that was left.
local ORPHANED <const> = catalogue["tool.orphaned"]

-- How much later than its limit a program may end: what is done at its end takes no virtual time.
local SLACK <const> = 1e-6

local ORDER <const> = { new_device = 1, get_device_configuration = 2, handle_device_response = 3 }

local function heard(call)
  return call.played and call.service ~= "none" and not call.played.missing
end

-- The session as its calls made it.
local function follow(call, state, complain)
  local command, known = call.command, call.service or "done"
  local place = ORDER[command]
  if place <= state.last then
    complain("2 order", ("%s is called again in session %s"):format(command, call.session), call.effect)
  elseif place ~= state.last + 1 or (state.last > 0 and state.last_service ~= "done") then
    complain("2 order", ("%s is called although what comes before it was not done"):format(command), call.effect)
  end
  state.last, state.last_service = place, known
  if command == "new_device" then state.opened = known ~= "refused" end
  if command == "handle_device_response" and known == "done" and not call.unseen then state.finished = call.life end
end

-- Whether the journal took such an event of a session before an effect.
local function is_recorded(history, kind, call)
  for i = 1, call.effect.number - 1 do
    local earlier = history.trail[i]
    if earlier.kind == "record" and earlier.what == kind and earlier.session == call.session
      and earlier.injected ~= "killed" then
      return true
    end
  end
  return false
end

local function follow_report(call, state, complain, history)
  local known = call.service or "done"
  if not state.opened and call.life == 1 then -- a later start reports what may have been opened
    complain("1 exactly one end", "report_error for a session that was never opened", call.effect)
  elseif state.accepted == call.life or (state.accepted and is_recorded(history, "reported", call)) then
    complain("1 exactly one end", "report_error again, although it was accepted", call.effect)
  elseif state.finished and state.finished == call.life then
    complain("1 exactly one end", "report_error after FINGERPRINT was read", call.effect)
  end
  if known == "done" then
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

-- Events of the journal without which it does not know that a session has ended, whatever the service has.
local ENDS <const> = { reporting = true, reported = true, finished = true }

-- Whether something went wrong on purpose that excuses a session which is left to the next start: to be reported, or
-- only to be written into the journal, whose events stand in the emergency file from the first on that it refused.
local function excused(history, to_be_reported)
  for _, injection in ipairs(history.injections) do
    local fault, effect = injection.fault, injection.effect
    local what = fault.unreported and effect.what
    if fault.kills or what == "report_error" or fault.name == "token_pin" then return true end
    if what and effect.kind == "record" and (ENDS[what] or not to_be_reported) then return true end
  end
  return false
end

local function calls_later(history)
  for _, call in ipairs(history.calls) do
    if call.life > 1 then return true end
  end
  return false
end

function service.one_end(history, complain)
  for id, state in pairs(sessions(history, complain)) do
    local recorded = false
    for _, row in ipairs(history.sessions) do
      if row.id == id and row.fingerprint then recorded = true end
    end
    if state.opened and not state.finished and not state.ended and not recorded then
      complain("1 exactly one end", ("session %s was opened and never reported"):format(id))
    end
  end
  if history.restarts > 0 and not excused(history, calls_later(history)) then
    complain("1 exactly one end", "the session was left to the next start, although nothing hindered its report")
  end
end

-- How the attempt of a session ended.
local function end_of(history, session)
  for _, attempt in ipairs(history.attempts) do
    if attempt.ended.session == session then return attempt.ended end
  end
end

-- What a report has to say: the verdict, or that jig was gone.
local function due(history, call)
  if call.life > 1 then return { code = ORPHANED[1], reason = ORPHANED[2] }, "the station stopped, which is" end
  local ended = end_of(history, call.session)
  return ended and ended.fault, "the verdict is"
end

-- A reason as the CLI gets it: one line of so many bytes.
local REASON <const> = 200

local function check_report(history, call, complain)
  local made, what = due(history, call)
  if not made then return end
  if call.code ~= made.code then
    complain("1 exactly one end", ("the report says code %s; %s %d"):format(call.code, what, made.code), call.effect)
  end
  local plain = #made.reason <= REASON and not made.reason:find("[^\32-\126]")
  if (call.reason or "") == "" then
    complain("1 exactly one end", "a report without a reason", call.effect)
  elseif plain and call.reason ~= made.reason then
    complain("1 exactly one end", ("the report says '%s'; %s '%s'"):format(call.reason, what, made.reason), call.effect)
  end
end

-- The report carries what the verdict says.
function service.report_agrees(history, complain)
  for _, call in ipairs(history.calls) do
    if call.command == "report_error" then check_report(history, call, complain) end
  end
end

-- What is known of a session at the end of its attempt: whether it was opened and its report accepted; nil when
-- nobody can say.
local function outcome_of(history, session)
  local opened, accepted = false, false
  for _, call in ipairs(history.calls) do
    if call.session == session and call.life == 1 then
      if call.perhaps then return nil end
      if heard(call) and not call.unseen then
        if call.command == "new_device" then opened = call.service ~= "refused" end
        if call.command == "report_error" and (call.service or "done") == "done" then accepted = true end
      end
    end
  end
  return opened, accepted
end

-- What the unit says it owes is what the service still waits for.
function service.owed(history, complain)
  for _, attempt in ipairs(history.attempts) do
    local ended = attempt.ended
    local opened, accepted
    if ended.session then opened, accepted = outcome_of(history, ended.session) end
    if ended.unreported and accepted then
      complain("1 exactly one end", "the unit says that its report is owed, although it was accepted")
    elseif opened and not accepted and not ended.unreported and not ended.fingerprint then
      complain("1 exactly one end", "the unit says that nothing is owed, although its session is open")
    end
  end
end

-- Faults after which the same would happen again, or a token be blocked.
local function is_final(name)
  return name:find("^cli%.token") or name == "cli.pin" or name == "tool.interrupted"
end

-- Whether the recipe's map marks what went wrong on purpose.
local function is_marked(history, made)
  for _, injection in ipairs(history.injections) do
    if injection.fault.retry and injection.allowed[1] == made.name then return true end
  end
  return made.retry
end

-- Why a unit may not be tried again after an attempt; nil when it may.
local function hindrance(history, ended)
  local made = ended.fault
  if not made then return "it passed" end
  if not is_marked(history, made) then return ("%s is not marked retry"):format(made.name) end
  if is_final(made.name) then return "after " .. made.name end
  if ended.fingerprint then return "it has a FINGERPRINT" end
  local opened, accepted
  if ended.session then opened, accepted = outcome_of(history, ended.session) end
  if ended.unreported or opened and not accepted then return "its report was not accepted" end
end

-- Whether something went wrong on purpose that may keep a unit from being tried again.
local function stopped(history)
  for _, injection in ipairs(history.injections) do
    local name = injection.fault.name
    if injection.fault.kills or name == "interrupt" or name == "token_pin" or injection.effect.kind == "record" then
      return true
    end
  end
  return false
end

function service.retry(history, complain)
  for i, attempt in ipairs(history.attempts) do
    local why = hindrance(history, attempt.ended)
    if why and history.attempts[i + 1] then
      complain("retry", "the unit is tried again, although " .. why)
    elseif not why and i == 1 and #history.attempts == 1 and not stopped(history) then
      complain("retry", ("the unit is not tried again, although %s is marked retry"):format(attempt.ended.fault.name))
    end
  end
end

-- A few tries block a token.
function service.pin(history, complain)
  local refused
  for _, call in ipairs(history.calls) do
    if refused and refused.life == call.life then
      complain("8 a PIN is not tried again", call.command .. " is called after the PIN was refused", call.effect)
    end
    if call.played and call.pin_refused then refused = call end
  end
end

-- When somebody pressed Ctrl-C; never, mostly.
local function interrupted_at(history)
  for _, injection in ipairs(history.injections) do
    if injection.fault.name == "interrupt" then return injection.effect.at end
  end
  return math.huge
end

-- When a call's program is gone: at its limit, or some seconds after Ctrl-C, it is told to end, and after the grace it
-- is made to.
local function over_at(history, call)
  local play = call.played
  if play.missing then return call.at end
  local told = math.min(call.limit, math.max(0, interrupted_at(history) - call.at) + history.stop)
  local after = play.after or 0
  if after < told then return call.at + after end
  return call.at + told + (play.deaf and history.grace or 0)
end

-- One call at a time: the next begins when the one before has ended.
function service.one_caller(history, complain)
  local last
  for _, call in ipairs(history.calls) do
    local over = last and last.life == call.life and last.played and over_at(history, last)
    if over and call.at < over - SLACK then
      complain("9 one token, one caller", ("%s begins while %s runs"):format(call.command, last.command), call.effect)
    end
    last = call
  end
end

return service
