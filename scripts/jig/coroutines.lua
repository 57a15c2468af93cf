--- The coroutine library for scripts that run as tasks.
--
-- A wait inside a coroutine that a script made itself must reach the scheduler, not the script's own
-- resume. What waits yields one private value (task.yielded): resume and wrap hand it upwards and go
-- back in when the wait is over, so the script sees only its own yields.

local task = require "jig.task"

local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local status, running, close = coroutine.status, coroutine.running, coroutine.close

local waiting = task.yielded

-- Coroutines made here; a yield outside of them would end up in the scheduler.
local made = setmetatable({}, { __mode = "k" })

local coroutines = {
  status = status,
  running = running,
  close = close,
  isyieldable = coroutine.isyieldable,
}

local function pass(co, ok, first, ...)
  if ok and first == waiting and status(co) == "suspended" then
    yield(waiting)
    return pass(co, resume(co))
  end
  return ok, first, ...
end

function coroutines.create(f)
  local co = create(f)
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
