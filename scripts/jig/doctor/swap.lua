--- Memory that is swapped out stands on the disk: is there swap that is not encrypted?

-- Whether what is swapped to cannot be read from a disk: memory (zram), or a device of cryptsetup's.
local function is_safe(host, name)
  local device = name:match("^/dev/([^/]+)$")
  if not device then return false end
  if device:find("^zram") then return true end
  local uuid = host.read(("/sys/class/block/%s/dm/uuid"):format(device))
  return uuid ~= nil and uuid:find("^CRYPT%-") ~= nil
end

return function(host, _, say)
  local text = host.read "/proc/swaps"
  if not text then return say("warn", "/proc/swaps cannot be read: whether memory is swapped out is not known") end
  local open, count = {}, 0
  for name in text:gmatch("\n(/%S+)") do
    count = count + 1
    name = host.realpath(name) or name
    if not is_safe(host, name) then open[#open + 1] = name end
  end
  if #open > 0 then
    return say("warn", ("what is in memory, payloads and PIN with it, may be written to %s, which is not encrypted "
      .. "itself: swapoff, or swap on a device of cryptsetup's"):format(table.concat(open, ", ")))
  end
  say("ok", count == 0 and "there is no swap" or "all swap is encrypted or in memory")
end
