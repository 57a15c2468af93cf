--- The ports of the slots: are they there, may they be opened, and does somebody else hold them? None is opened.

local locks = require "jig.doctor.locks"
local nodes = require "jig.doctor.nodes"
local owners = require "jig.doctor.owners"

-- Who holds a node: by the list of ports, where that tells it, and by locks.
local function holders(host, node)
  local list = {}
  for _, info in ipairs(host.ports() or {}) do
    local path = info.address:match("^%l+:([^?]+)")
    for _, holder in ipairs(path and (host.realpath(path) or path) == node and info.holders or {}) do
      list[#list + 1] = locks.program(host, holder.pid)
    end
  end
  if #list > 0 then return list end
  for i, pid in ipairs(locks.holders(host, node)) do list[i] = locks.program(host, pid) end
  return list
end

local function check_node(host, node, slot, say)
  local about = host.stat(node)
  local may, message = host.may(node, "rw")
  if not may then
    return say("fail", ("slot %s: %s; it belongs to group %s: usermod -a -G, or jig udev"):format(slot.name, message,
      owners.group(host, about.gid)))
  end
  local list = holders(host, node)
  if #list > 0 then
    return say("fail", ("slot %s: %s is held by %s: end that first"):format(slot.name, node, table.concat(list, ", ")))
  end
  say("ok", ("slot %s: %s is there and free"):format(slot.name, node))
end

local function check(host, about, slot, say)
  local found = nodes.of(host, slot.address)
  if not found then return end
  if #found > 1 then
    return say("fail", ("slot %s: %s fit %s: name the socket, by its path, in the station file"):format(slot.name,
      table.concat(found, ", "), slot.address))
  end
  if found[1] and host.stat(found[1]) then return check_node(host, found[1], slot, say) end
  say(about.station.watch and "ok" or "warn", ("slot %s: nothing is plugged in at %s%s"):format(slot.name, slot.address,
    about.station.watch and ": its units wait for a device" or ": jig ports lists what is"))
end

return function(host, about, say)
  for _, slot in ipairs(about.slots) do
    if slot.address then check(host, about, slot, say) end
  end
end
