--- Who holds the lock of a file, by /proc/locks: looked up, so that no lock is taken to find out.

local locks = {}

--- The program of a process: "jig (process 123)".
---@param host jig.doctor.Host
---@param pid integer
---@return string
function locks.program(host, pid)
  local name = (host.read(("/proc/%d/comm"):format(pid)) or ""):match("^[^\n]+")
  return ("%s (process %d)"):format(name or "a program", pid)
end

--- The processes that hold a lock of flock(2) on a file; those of other users are seen, too.
---@param host jig.doctor.Host
---@param path string
---@return integer[]
function locks.holders(host, path)
  local found, about = {}, host.stat(path)
  if not about then return found end
  for line in (host.read "/proc/locks" or ""):gmatch("[^\n]+") do
    local pid, id = line:match("^%d+: FLOCK +%S+ +%S+ +(%d+) (%S+) ")
    if pid and id == about.id then found[#found + 1] = math.tointeger(tonumber(pid)) end
  end
  return found
end

return locks
