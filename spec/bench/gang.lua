--- Many slots in one process, each with units one after the other, with a journal or without. Usage:
--
--     jig gang.lua TOOL LINK SLOTS UNITS [JOURNAL]
--
-- LINK.1 to LINK.SLOTS are terminals of the board. Prints how many units passed, the seconds from the first
-- start to the last end, and in how many commits and events.
--
--     jig gang.lua TOOL LINK SLOTS spread=MILLISECONDS [JOURNAL]
--
-- One unit for each slot. The slots are watched, with a start trigger, as at a station with many: each has
-- loaded the recipe and waits, and the starts are spread over so long. Prints what floor.c does with as many
-- arguments, and "making", the nanoseconds and the nanoseconds of CPU until all were waiting.

local clock = require "jig.clock"
local journal = require "jig.journal"
local journaling = require "jig.commands.journaling"
local slot = require "jig.slot"
local task = require "jig.task"

local tool, link, path = arg[1], arg[2], arg[5]
local slots, spread = assert(math.tointeger(arg[3])), arg[4]:match("^spread=(%d+)$")
local units = spread and 1 or assert(math.tointeger(arg[4]))
local folder = (arg[0]:match("^(.*/)[^/]*$") or "./") .. "recipe/"

local service = { cli = tool, env = { TOOL_MS = true } } -- the milliseconds of a call, which gangs.lua sets

local kept
if path then
  assert(journal.open { path = path })
  assert(journal.ready())
  kept = { owner = journal.owner(), started = assert(journaling.started({}, service, journal.owner())) }
end

local function config(i)
  return {
    slot = tostring(i), file = folder .. (spread and "stamped.lua" or "recipe.lua"), folder = folder,
    address = ("tty:%s.%d"):format(link, i), service = service, count = units, retries = 0, quiet = true,
    journal = kept, watch = spread ~= nil, start = spread ~= nil,
  }
end

local function nanoseconds(stamps)
  local first, second = stamps:match("^(%S+) (%S+)$")
  return ("%.0f %.0f"):format(first * 1e9, second * 1e9)
end

-- Runs a slot to its end; how many units passed.
local function follow(worker)
  local passed = 0
  for message in function() return (worker:next()) end do
    if message.event == "ended" and message.passed then passed = passed + 1 end
  end
  return passed
end

local function await(worker, event, thing)
  local times, message
  repeat
    message = assert(worker:next())
    if message.event == "note" then times = nanoseconds(message.text) end
  until message.event == event and message["for"] == thing
  return message, times
end

-- Starts a waiting slot when its turn has come and follows its unit; the line that says what became of it.
local function follow_one(worker, number)
  local turn = (number - 1) * spread / 1000 / slots
  if turn > 0 then clock.sleep(turn) end
  worker:send {}
  local ended, times = await(worker, "ended")
  return ("%d %s %s"):format(number, ended.passed and ended.fingerprint or "failed", times)
end

-- Runs f(worker, number) for all slots at once; what each gave.
local function for_each(workers, f)
  local tasks, results = {}, {}
  for i, worker in ipairs(workers) do tasks[i] = task.spawn(f, worker, i) end
  for i, one in ipairs(tasks) do
    local _
    _, results[i] = assert(one:join())
  end
  return results
end

local began, cpu = clock.now(), os.clock()
local workers = {}
for i = 1, slots do
  workers[i] = slot.new()
  workers[i]:start("jig.worker", config(i))
end
if spread then for_each(workers, function(worker) return await(worker, "waiting", "start") end) end
local making, making_cpu = clock.now() - began, os.clock() - cpu

local begun = clock.now()
local results = for_each(workers, spread and follow_one or follow)
local seconds = clock.now() - begun

if spread then
  print(table.concat(results, "\n"))
  print(("making %.0f %.0f\ntotal %.0f"):format(making * 1e9, making_cpu * 1e9, seconds * 1e9))
else
  local passed, commits, events = 0, 0, 0
  for _, count in ipairs(results) do passed = passed + count end
  if path then commits, events = journal.counts() end
  print(passed, ("%.6f"):format(seconds), commits, events)
end
