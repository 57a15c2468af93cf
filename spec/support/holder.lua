-- A process that holds what spec.journal gives, until it is killed:
--
--     jig spec/support/holder.lua BUILD owner FOLDER        prints the owner's id
--     jig spec/support/holder.lua BUILD inherited FOLDER    and the process id of a child that has its lock
--     jig spec/support/holder.lua BUILD recovers FOLDER ID  takes an owner over
--     jig spec/support/holder.lua BUILD emergency FOLDER    writes two entries, prints the file's path
--     jig spec/support/holder.lua BUILD seat FOLDER TOKEN   holds a seat of a token
--     jig spec/support/holder.lua BUILD cli FOLDER TOKEN SECONDS [PROGRAM...]
--                                                           and prints the process id of a CLI that works there,
--                                                           which should end within these seconds
--     jig spec/support/holder.lua BUILD journal PATH        appends sessions, prints the durable ones
--
-- Its own process id is the first word of the first line.

local build, what, where, id, seconds = table.unpack(arg)
package.cpath = build .. "/?.so;" .. package.cpath
package.path = "./?.lua;" .. package.path

local clock = require "jig.clock"
local told = require "spec.support.told"
local journal = require "spec.journal"

local stat = assert(io.open "/proc/self/stat")
local pid = stat:read("n")
stat:close()

local function say(...)
  io.stdout:write(table.concat({ pid, ... }, " "), "\n")
  io.stdout:flush()
end

local holds = {}

function holds.owner() say((assert(journal.owner(where)):about())) end

function holds.recovers() say((assert(journal.owner(where, id)):about())) end

function holds.inherited()
  local loop = require "spec.loop"
  local name, _, fd = assert(journal.owner(where)):about()
  local l = loop.new()
  local child = assert(l:child({ "/bin/sleep", "60", kept = fd }, print))
  say(name, child:pid())
end

-- Its passage, in a loop.
local function take_seat()
  local l = require("spec.loop").new()
  local gate = assert(l:gate { folder = where, token = id })
  local passage, code = gate:enter({}, print)
  assert(code == "ok", code)
  return passage, l
end

function holds.seat()
  take_seat()
  say()
end

function holds.cli()
  local passage, l = take_seat()
  local words = { table.unpack(arg, 6) }
  if #words == 0 then words = { "/bin/sleep", "60" } end
  local _, _, seat = passage:about()
  words.kept = seat
  local child = assert(l:child(words, print))
  passage:calls(child:pid(), tonumber(seconds))
  say(child:pid())
end

function holds.emergency()
  local e = assert(journal.emergency(where))
  assert(e:append(told.event("finished", "s1", { fingerprint = "f1" }, 1000)))
  assert(e:append(told.event("finished", "s2", { fingerprint = "f2" }, 1001)))
  say((e:about()))
end

-- Each session's events one by one; a line for each that is durable.
function holds.journal()
  local j = assert(journal.open { path = where })
  for i = 1, 100000 do
    for _, event in ipairs(told.session(("%d-%d"):format(pid, i), j:about().owner)) do
      local n = j:append(event)
      while not j:outcome(n) do j:step() end
      local outcome = j:outcome(n)
      if outcome.kept ~= "journal" then
        say("failed", outcome.code, outcome.text)
        return
      end
      say(event.session, event.kind)
    end
  end
end

holds[what]()
clock.sleep(60)
