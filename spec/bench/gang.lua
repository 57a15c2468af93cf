--- Many slots in one process, each with units one after the other, with a journal or without. Usage:
--
--     jig gang.lua TOOL LINK SLOTS UNITS [JOURNAL]
--
-- LINK.1 to LINK.SLOTS are terminals of the board. Prints how many units passed, the seconds from the first
-- start to the last end, and in how many commits and events.
--
--     jig gang.lua TOOL LINK SLOTS spread=MILLISECONDS [JOURNAL]
--
-- One unit for each slot, the starts spread over so long: prints what floor.c does with as many arguments,
-- and "making", the nanoseconds and the nanoseconds of CPU that it took to make the slots' states.

local clock = require "jig.clock"
local journal = require "jig.journal"
local journaling = require "jig.commands.journaling"
local slot = require "jig.slot"
local task = require "jig.task"

local tool, link, path = arg[1], arg[2], arg[5]
local slots, spread = assert(math.tointeger(arg[3])), arg[4]:match("^spread=(%d+)$")
local units = spread and 1 or assert(math.tointeger(arg[4]))
local folder = (arg[0]:match("^(.*/)[^/]*$") or "./") .. "recipe/"

local kept
if path then
  assert(journal.open { path = path })
  assert(journal.ready())
  kept = { owner = journal.owner(), started = assert(journaling.started({}, { cli = tool }, journal.owner())) }
end

local function config(i)
  return {
    slot = tostring(i), file = folder .. (spread and "stamped.lua" or "recipe.lua"), folder = folder,
    address = ("tty:%s.%d"):format(link, i), service = { cli = tool }, count = units, retries = 0, quiet = true,
    journal = kept, lot = spread and ("%.9f"):format(spread / 1000 / slots) or nil,
  }
end

local function nanoseconds(stamps)
  local first, second = stamps:match("^(%S+) (%S+)$")
  return ("%.0f %.0f"):format(first * 1e9, second * 1e9)
end

-- Runs a slot to its end; how many units passed.
local function follow(worker, number, lines)
  local passed, times = 0, nil
  local message = worker:next()
  while message do
    if message.event == "note" then times = nanoseconds(message.text) end
    if message.event == "ended" and message.passed then
      passed = passed + 1
      if spread then lines[#lines + 1] = ("%d %s %s"):format(number, message.fingerprint, times) end
    end
    message = worker:next()
  end
  return passed
end

local began, cpu = clock.now(), os.clock()
local workers = {}
for i = 1, slots do
  workers[i] = slot.new()
  workers[i]:start("jig.worker", config(i)) -- loaded; it runs when this task waits
end
local making, making_cpu = clock.now() - began, os.clock() - cpu

local begun = clock.now()
local tasks, lines = {}, {}
for i, worker in ipairs(workers) do tasks[i] = task.spawn(follow, worker, i, lines) end
local passed = 0
for _, one in ipairs(tasks) do
  local _, count = assert(one:join())
  passed = passed + count
end
local seconds = clock.now() - begun

if spread then
  for _, line in ipairs(lines) do print(line) end
  print(("making %.0f %.0f\ntotal %.0f"):format(making * 1e9, making_cpu * 1e9, seconds * 1e9))
else
  local commits, events = 0, 0
  if path then commits, events = journal.counts() end
  print(passed, ("%.6f"):format(seconds), commits, events)
end
