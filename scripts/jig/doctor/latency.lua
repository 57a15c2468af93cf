--- Serial adapters on USB keep bytes back for a while, 16 ms if nobody says otherwise, at each exchange of a unit.

local nodes = require "jig.doctor.nodes"

-- ms that an adapter keeps bytes back; nil where it has no such timer.
local function timer(host, node)
  local name = node:match("^/dev/([%w_]+)$")
  return name and tonumber(host.read(("/sys/class/tty/%s/device/latency_timer"):format(name)) or "")
end

return function(host, about, say)
  local fast = 0
  for _, slot in ipairs(about.slots) do
    local found = slot.address and not slot.address:find("[?&]latency=") and nodes.of(host, slot.address) or {}
    local milliseconds = found[1] and timer(host, found[1])
    if milliseconds and milliseconds > 1 then
      say("warn", ("slot %s: %s keeps bytes back for %d ms: install the rules of jig udev, which say 1; jig says so, "
        .. "too, when it opens it, and is not always let"):format(slot.name, found[1], milliseconds))
    elseif milliseconds then
      fast = fast + 1
    end
  end
  if fast > 0 then say("ok", ("%d %s bytes back for 1 ms at most"):format(fast, fast == 1 and "adapter keeps" or
    "adapters keep")) end
end
