--- Every wait ends, at its limit, and what is told when it ends.

local waits = {}

local LAW <const> = "4 every wait ends"

-- Waits that end by what they wait for, which has a limit itself: a program, a commit.
local BOUND_OTHERWISE <const> = { session = true, journal = true }

-- How much later than its limit a wait may end: what is done at its end takes no virtual time.
local SLACK <const> = 1e-6

-- How a run ends that does not.
local ENDLESS <const> = {
  stuck = "nothing is left that could end the run",
  busy = "something spins: no time passes any more",
  limit = "the run does not end",
}

local function check_calls(history, complain)
  for _, call in ipairs(history.calls) do
    if call.limit == math.huge then complain(LAW, call.command .. " is called without a limit", call.effect) end
  end
end

-- A wait that is not over at its limit is seen by what happens next.
local function check_each(history, complain)
  local trail = history.trail
  for i, effect in ipairs(trail) do
    local following = trail[i + 1]
    if effect.kind == "wait" and following and following.life == effect.life
      and following.at > effect.at + effect.seconds + SLACK then
      complain(LAW, ("%s waited %.3f s, its limit is %.3f s"):format(effect.what, following.at - effect.at,
        effect.seconds), effect)
    end
  end
end

--- Waits as jig has them: each with a limit, and over when it passes.
function waits.limits(history, complain)
  for what in pairs(history.unlimited) do
    if not BOUND_OTHERWISE[what] then complain(LAW, ("%s waits without a limit"):format(what)) end
  end
  local endless = ENDLESS[history.outcome]
  if endless then complain(LAW, endless) end
  check_calls(history, complain)
  check_each(history, complain)
end

-- When an exchange is over, seen by the first thing that happens behind it; a sleep is one.
local AFTER_EXCHANGE <const> = { call = true, hook = true, close = true, record = true, write = true, set = true,
  control = true }

-- When what an effect belongs to is over, seen by the first thing that happens behind it.
local function end_of(history, number, is_behind)
  local trail = history.trail
  for i = number + 1, #trail do
    if trail[i].life > 1 then break end
    if is_behind(trail[i]) then return math.min(trail[i].at, history.seconds_of_run) end
  end
  return history.seconds_of_run
end

local function is_inside(effect, limit)
  return (" " .. effect.around .. " "):find(" " .. limit .. " ", 1, true) ~= nil
end

local function is_behind_exchange(effect)
  return AFTER_EXCHANGE[effect.kind] or effect.kind == "wait" and not is_inside(effect, "exchange")
end

-- Whether no byte came since something was written.
local function is_first(history, number)
  for i = number - 1, 1, -1 do
    local kind = history.trail[i].kind
    if kind ~= "wait" then return kind == "write" end
  end
end

-- The limit that ends an exchange in which this fault happened: that of the first byte, where none came and none comes.
local function limit_of(history, injection)
  local limits, name = history.subject.recipe.limits, injection.fault.name
  local first = (name == "silence" or name == "late") and is_first(history, injection.effect.number) and limits.first
  if first and first < limits.exchange then return "first", first end
  return "exchange", limits.exchange
end

-- An answer that does not come as it should holds up an exchange no longer than the recipe's limit.
local function check_exchange(history, injection, complain)
  local effect, recipe = injection.effect, history.subject.recipe
  if not (effect.awaited and effect.in_session) or recipe.exchange then return end
  local name, limit = limit_of(history, injection)
  local seconds = end_of(history, effect.number, is_behind_exchange) - effect.at
  if seconds > limit + SLACK then
    complain(LAW, ("the exchange went on for %.3f s after the fault; limits.%s is %g s"):format(seconds, name, limit),
      effect)
  end
end

-- What is behind a hook: another, or what is waited for outside of its limit.
local function check_hook(history, effect, complain)
  local limit = history.subject.recipe.limits[effect.what]
  local seconds = end_of(history, effect.number, function(later)
    if later.kind == "wait" then return not is_inside(later, effect.what) end
    return later.kind == "hook" or later.kind == "call" or later.kind == "close" or later.kind == "record"
  end) - effect.at
  if seconds > limit + SLACK then
    complain(LAW, ("the hook took %.3f s; limits.%s is %g s"):format(seconds, effect.what, limit), effect)
  end
end

--- Waits as the recipe's limits have them, whatever jig makes of these.
function waits.spans(history, complain)
  for _, injection in ipairs(history.injections) do check_exchange(history, injection, complain) end
  for _, effect in ipairs(history.trail) do
    if effect.kind == "hook" then check_hook(history, effect, complain) end
  end
end

return waits
