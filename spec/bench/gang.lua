--- Many slots in one process, each with units one after the other, with a journal or without: how many units
-- a second, and in how many commits. Usage:
--
--     jig gang.lua TOOL LINK SLOTS UNITS [JOURNAL]
--
-- LINK.1 to LINK.SLOTS are terminals of the board. Prints: units, seconds, commits, events.

local clock = require "jig.clock"
local journal = require "jig.journal"
local journaling = require "jig.commands.journaling"
local slot = require "jig.slot"
local task = require "jig.task"

local tool, link, path = arg[1], arg[2], arg[5]
local slots, units = assert(math.tointeger(arg[3])), assert(math.tointeger(arg[4]))
local folder = (arg[0]:match("^(.*/)[^/]*$") or "./") .. "recipe/"

local kept
if path then
  assert(journal.open { path = path })
  assert(journal.ready())
  kept = { owner = journal.owner(), started = assert(journaling.started({}, { cli = tool }, journal.owner())) }
end

local function config(i)
  return {
    slot = ("S%d"):format(i), file = folder .. "recipe.lua", folder = folder, address = ("tty:%s.%d"):format(link, i),
    service = { cli = tool }, count = units, retries = 0, quiet = true, journal = kept,
  }
end

-- Runs a slot to its end; how many units passed.
local function follow(worker)
  local passed = 0
  local message = worker:next()
  while message do
    if message.event == "ended" and message.passed then passed = passed + 1 end
    message = worker:next()
  end
  return passed
end

local workers = {}
for i = 1, slots do workers[i] = slot.new() end
local begun = clock.now()
local tasks = {}
for i, worker in ipairs(workers) do
  worker:start("jig.worker", config(i))
  tasks[i] = task.spawn(follow, worker)
end
local passed = 0
for _, one in ipairs(tasks) do
  local _, count = assert(one:join())
  passed = passed + count
end
local seconds = clock.now() - begun
local commits, events = 0, 0
if path then commits, events = journal.counts() end
print(passed, ("%.6f"):format(seconds), commits, events)
