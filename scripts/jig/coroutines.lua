--- The coroutine library for scripts that run as tasks.
--
-- A wait inside a coroutine that a script made itself must reach the scheduler, not the script's own
-- resume. What waits yields one private value (task.yielded): resume and wrap hand it upwards and go
-- back in when the wait is over, so the script sees only its own yields. The same goes for the yield by
-- which a slot's task is made to give way to others (coroutine.forced): see bindings/budget.h.

local native = require "jig.coroutine"
local task = require "jig.task"

local create, yield, status, running = coroutine.create, coroutine.yield, coroutine.status, coroutine.running
local resume, close = native.resume, native.close

local waiting, forced = task.yielded, native.forced

-- Coroutines made here; a yield outside of them would end up in the scheduler.
local made = setmetatable({}, { __mode = "k" })

local coroutines = {
  status = status,
  running = running,
  close = close,
  isyieldable = coroutine.isyieldable,
}

local function pass(co, ok, first, ...)
  if ok and (first == waiting or first == forced) and status(co) == "suspended" then
    yield(first)
    return pass(co, resume(co))
  end
  return ok, first, ...
end

local function hand_on(ok, ...)
  if ok then return ... end
  error(..., 0)
end

-- The call is protected so that <close> variables run while it unwinds, by Lua's ordinary rules. In a
-- coroutine that died they would run inside the hook that ended it, where nothing ends them.
function coroutines.create(f)
  if type(f) ~= "function" then
    error(("bad argument #1 to 'create' (function expected, got %s)"):format(type(f)), 2)
  end
  local co = create(function(...) return hand_on(pcall(f, ...)) end)
  made[co] = true
  return co
end

function coroutines.resume(co, ...)
  return pass(co, resume(co, ...))
end

local function unwrap(co, ok, ...)
  if ok then return ... end
  local message = ...
  if status(co) == "dead" then close(co) end
  error(message, 0)
end

function coroutines.wrap(f)
  local co = coroutines.create(f)
  return function(...)
    return unwrap(co, coroutines.resume(co, ...))
  end
end

function coroutines.yield(...)
  if not made[running()] then
    error("coroutine.yield outside of any coroutine that the script made", 2)
  end
  return yield(...)
end

return coroutines
