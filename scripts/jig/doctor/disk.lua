--- The disk of the journal: is there room, and how long does a record take until it is durable?

local owners = require "jig.doctor.owners"

-- Bytes: a record takes some kilobytes.
local LEAST <const>, LITTLE <const> = 64 << 20, 1 << 30
-- Files that can still be made.
local NODES <const> = 1000
-- Seconds of a synced write: five of them are in each unit.
local SLOW <const> = 0.05

local function folder_of(path)
  return path:match("^(.+)/[^/]*$") or (path:sub(1, 1) == "/" and "/" or ".")
end

local function check_room(host, folder, say)
  local disk, message = host.disk(folder)
  if not disk then return say("fail", message) end
  local megabytes = disk.free // (1 << 20)
  if disk.free < LEAST or disk.nodes > 0 and disk.free_nodes < NODES then
    return say("fail", ("%s has room for %d MB and %d files more: make room, or no unit is begun"):format(folder,
      megabytes, disk.free_nodes))
  end
  if disk.free < LITTLE then
    return say("warn", ("%s has room for %d MB more: make room, or prune the journal"):format(folder, megabytes))
  end
  return true
end

local function check_speed(host, folder, say)
  local seconds, message = host.sync(folder)
  if not seconds then
    return say("fail", ("nothing can be written in %s: %s; chown it to who runs jig, or look at the disk"):format(
      folder, message))
  end
  if seconds > SLOW then
    return say("warn", ("a write takes %.0f ms until it is durable in %s, and five are in each unit: a disk with a "
      .. "faster fsync, or one that does nothing else"):format(seconds * 1000, folder))
  end
  return seconds
end

local function check(host, folder, made, say)
  local there = owners.nearest(host, folder)
  if there ~= folder then
    if not made then return say("fail", ("%s is missing: mkdir -p, chown to who runs jig"):format(folder)) end
    if not host.may(there, "wx") then
      return say("fail", ("%s is missing, and %s may not be written by you: mkdir -p, chown"):format(folder, there))
    end
  end
  local room = check_room(host, there, say)
  local seconds = room and check_speed(host, there, say)
  if seconds then say("ok", ("%s has room; a write is durable after %.1f ms"):format(there, seconds * 1000)) end
end

return function(host, about, say)
  local settings = about.journal
  if not settings or not settings.path then return end
  check(host, folder_of(settings.path), settings.made, say)
  if settings.emergency and host.stat(settings.emergency) then check(host, settings.emergency, true, say) end
end
