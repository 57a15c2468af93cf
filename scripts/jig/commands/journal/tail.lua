--- jig journal tail: the newest events, as they come.

local clean = require "jig.output.clean"
local clock = require "jig.clock"
local json = require "jig.output.json"
local moment = require "jig.commands.journal.moment"
local options = require "jig.commands.options"
local place = require "jig.commands.journal.place"
local system = require "jig.system"
local task = require "jig.task"
local words = require "jig.commands.journal.words"

-- Seconds between two looks.
local LOOK <const> = 0.5
-- Events that are fetched at once, so that a long absence is no long list.
local BATCH <const> = 1000

local NEWEST <const> = "SELECT id, time, kind, session, attempt, facts FROM event ORDER BY id DESC LIMIT ?1"
local AFTER <const> = [[
  SELECT id, time, kind, session, attempt, facts FROM event WHERE id > ?1 ORDER BY id LIMIT ?2]]

local function line(row, o)
  local facts = words.facts(row)
  if o.json then
    return json.line { id = row.id, time = moment.show(row.time), kind = row.kind,
      session = row.session ~= "" and row.session or nil, attempt = row.attempt, facts = facts }
  end
  return ("%s  %s  %s"):format(moment.show(row.time), row.session ~= "" and clean(row.session) or "-",
    words.event(row.kind, facts))
end

-- Nothing when stdout is gone: who read it has had enough.
local function show(row, o)
  return io.stdout:write(line(row, o), "\n") and io.stdout:flush()
end

local function follow(ledger, o, last)
  while clock.sleep(LOOK) do
    repeat
      local rows = place.list(ledger, AFTER, { last, BATCH })
      for _, row in ipairs(rows) do
        if not show(row, o) then return end
        last = row.id
      end
    until #rows < BATCH
  end
end

-- Ends by SIGINT or SIGTERM.
local function follow_until_told(ledger, o, last)
  system.catch_signals()
  local follower = task.spawn(follow, ledger, o, last)
  task.spawn(function()
    system.wait_signal()
    follower:interrupt()
  end)
  local ok, thrown = follower:join()
  if not ok then error(thrown, 0) end
end

local function tail(ledger, o)
  local rows = place.list(ledger, NEWEST, { o.n })
  for i = #rows, 1, -1 do
    if not show(rows[i], o) then return place.OK end
  end
  if o.follow then follow_until_told(ledger, o, rows[1] and rows[1].id or 0) end
  return place.OK
end

return function(argv)
  local p = options.parser("journal tail", "Show the newest events.")
  place.options(p)
  p:option("-n", "How many to begin with.", "10"):convert(options.integer(1, 1000000))
  p:flag("--follow", "Show those that come, until SIGINT.")
  local o, status = options.parse(p, argv)
  if not o then return status end
  return place.open("tail", o, "read", function(ledger) return tail(ledger, o) end)
end
