--- The system's clock: times stand in every record. Is it kept right, and not behind the newest record?

local MICROSECONDS <const> = 1000000

-- systemd-timesyncd makes this file once it has set the clock.
local SET <const> = "/run/systemd/timesync/synchronized"

local function date(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)
end

local function newest(host, about)
  local path = about.journal and about.journal.path
  local journal = path and host.stat(path) and host.journal(path)
  return journal and journal.newest and journal.newest // MICROSECONDS
end

return function(host, about, say)
  local now, last = host.now(), newest(host, about)
  if last and last > now then
    return say("fail", ("it is %s, and the newest record is of %s: set the clock before a unit is recorded"):format(
      date(now), date(last)))
  end
  local clock = host.clock()
  if clock and clock.synchronised then
    return say("ok", ("it is %s, and kept right within %.3g s"):format(date(now), clock.off))
  end
  if host.stat(SET) then return say("ok", ("it is %s, and was set by systemd-timesyncd"):format(date(now))) end
  say("warn", ("it is %s; %s: timedatectl set-ntp true, or install chrony"):format(date(now),
    clock and "nothing keeps the clock right" or "whether something keeps the clock right may not be asked here"))
end
