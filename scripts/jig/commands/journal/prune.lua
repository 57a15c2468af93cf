--- jig journal prune: removes old events, or says which it would remove.

local journal = require "jig.journal"
local json = require "jig.output.json"
local moment = require "jig.commands.journal.moment"
local options = require "jig.commands.options"
local place = require "jig.commands.journal.place"
local system = require "jig.system"

local function tell(o, removed, events, through)
  if o.json then
    print(json.line { removed = removed, events = events, through = through, before = moment.show(o.before) })
  elseif events == 0 then
    print("nothing to remove: no event is older, or what is older has not ended")
  elseif removed then
    print(("removed: %d events, through event %d; serial numbers and fingerprints that were made are kept"):format(
      events, through))
  else
    print(("would remove: %d events, through event %d; --yes removes them"):format(events, through))
  end
  return place.OK
end

-- The time before which events may go. A jig that runs may have no unit at work just now, and its next ones are of the
-- run that it told of when it began.
local function bound(ledger, path, before)
  for _, owner in ipairs(system.files(path .. ".d/owners") or {}) do
    local lock <close>, _, code = journal.take(path .. ".d", owner)
    if not lock and code ~= "invalid" then
      local run = place.row(ledger, "SELECT min(started) AS started FROM run WHERE owner = ?1", { owner })
      before = math.min(before, run.started or before)
    end
  end
  return before
end

local function prune(ledger, path, o)
  o.before = bound(ledger, path, o.before)
  local events, through, code = ledger:prunable(o.before)
  if not events then place.fail(through, code) end
  if not o.yes or events == 0 then return tell(o, false, events, through) end
  local removed, message, why = ledger:prune(o.before)
  if not removed then place.fail(message, why) end
  return tell(o, removed > 0, removed, through)
end

return function(argv)
  local p = options.parser("journal prune", "Remove events of sessions and units that have ended.")
  place.options(p)
  p:option("--before", "Those before this date, date and time (UTC), or age."):value "WHEN":convert(moment.parse)
  p:flag("--yes", "Remove them; without it, say what would be removed.")
  local o, status = options.parse(p, argv)
  if not o then return status end
  if not o.before then
    place.say("prune", "say which events: --before DATE")
    return place.USAGE
  end
  return place.open("prune", o, o.yes and "write" or "read", function(ledger, path) return prune(ledger, path, o) end)
end
