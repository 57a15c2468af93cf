--- The vendor's CLI takes responses of devices as arguments, and those stand in the process list: who can look there?

local owners = require "jig.doctor.owners"

-- Users of people have numbers from here on; 65534 is nobody.
local PEOPLE <const>, NOBODY <const> = 1000, 65534

-- Values of /proc's option hidepid that hide the processes of others.
local HIDDEN <const> = { ["1"] = true, ["2"] = true, ["4"] = true, noaccess = true, invisible = true,
  ptraceable = true }

-- How /proc hides processes; nil when it does not. The last mount of it is the one that is seen.
local function hidden(host)
  local found
  for options in (host.read "/proc/self/mounts" or ""):gmatch("%S+ /proc proc (%S+)") do
    found = ("," .. options):match(",hidepid=(%w+)") or "0"
  end
  return HIDDEN[found] and found
end

-- Names of the people, but for who asks, that have processes here.
local function others(host)
  local me, names, seen = host.identity().uid, {}, {}
  for _, name in ipairs(host.list "/proc" or {}) do
    local about = name:find("^%d+$") and host.stat("/proc/" .. name)
    local uid = about and about.uid
    if uid and uid >= PEOPLE and uid ~= NOBODY and uid ~= me and not seen[uid] then
      seen[uid] = true
      names[#names + 1] = owners.user(host, uid)
    end
  end
  table.sort(names)
  return names
end

-- Whether systemd started this process itself, and not a program that is in a service of somebody's session.
local function is_service(host)
  local pid = (host.read "/proc/self/stat" or ""):match("^%d+")
  return pid ~= nil and host.getenv "SYSTEMD_EXEC_PID" == pid
end

return function(host, _, say)
  local how = hidden(host)
  if how and is_service(host) then
    return say("ok", "a service may have a /proc of its own (ProtectProc=), which hides nothing from people: run jig "
      .. "doctor in a shell, too")
  end
  if how then
    return say("ok", ("arguments of the CLI, responses of devices among them, are hidden from other users (hidepid=%s)")
      :format(how))
  end
  local names = others(host)
  if #names == 0 then
    return say("ok", "nobody else is logged in; who logs in can read the CLI's arguments, responses of devices among "
      .. "them, in the process list: mount /proc with hidepid=2 to hide them")
  end
  say("warn", ("%s can read the CLI's arguments, responses of devices among them, in the process list: mount /proc "
    .. "with hidepid=2, or keep people off this machine"):format(table.concat(names, ", ")))
end
