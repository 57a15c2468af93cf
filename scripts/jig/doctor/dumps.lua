--- A program that crashes may leave its memory on the disk: are core dumps off?

-- Takes cores of programs that may have none, and then keeps a line in the log alone.
local KNOWN <const> = "systemd-coredump"

local ADVICE <const> = "ulimit -c 0 before jig, or LimitCORE=0 in the unit"

return function(host, _, say)
  local soft = (host.read "/proc/self/limits" or ""):match("Max core file size +(%S+)")
  local pattern = (host.read "/proc/sys/kernel/core_pattern" or ""):match("^[^\n]*") or ""
  if not soft then return say("warn", "/proc/self/limits cannot be read: whether cores are dumped is not known") end
  if soft ~= "0" then
    return say("warn", ("a program that crashes leaves its memory, payloads and PIN with it, in '%s' (ulimit -c is "
      .. "%s): %s"):format(pattern, soft, ADVICE))
  end
  if pattern:sub(1, 1) == "|" and not pattern:find(KNOWN, 1, true) then
    return say("warn", ("core dumps are off, but the kernel hands the memory of what crashes to '%s' all the same: "
      .. "sysctl kernel.core_pattern=core"):format(pattern:sub(2)))
  end
  say("ok", "core dumps are off")
end
