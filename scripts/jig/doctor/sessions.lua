--- Sessions that earlier runs left without an end: each must still be reported.

local locks = require "jig.doctor.locks"

-- How many belong to a jig that is gone, and how many to one that runs: its owner's file is locked.
local function count(host, path, list)
  local left, busy = 0, 0
  for _, session in ipairs(list) do
    local owner = session.owner and ("%s.d/owners/%s"):format(path, session.owner)
    if owner and #locks.holders(host, owner) > 0 then
      busy = busy + 1
    else
      left = left + 1
    end
  end
  return left, busy
end

return function(host, about, say)
  local path = about.journal and about.journal.path
  local journal = path and host.stat(path) and host.journal(path)
  if not journal then return end
  local left, busy = count(host, path, journal.open)
  if left > 0 then
    return say("warn", ("%d %s not reported: the next jig run does it, or now jig recover%s"):format(left,
      left == 1 and "session is" or "sessions are", about.file and " --station " .. about.file or ""))
  end
  say("ok", busy == 0 and "all sessions have an end" or ("%d %s at work in a jig that runs"):format(busy,
    busy == 1 and "session is" or "sessions are"))
end
