--- A program that crashes may leave its memory on the disk. Jig itself leaves none while it has a service
-- (core/dumps.h), and its CLI has the limit 0, which a pattern that names a program does not heed.

-- Heeds it, and then keeps a line in the log alone.
local KNOWN <const> = "systemd-coredump"

return function(host, _, say)
  local pattern = (host.read "/proc/sys/kernel/core_pattern" or ""):match("^|([^\n]*)")
  if pattern and not pattern:find(KNOWN, 1, true) then
    return say("warn", ("jig leaves no core, but the kernel hands the memory of a CLI that crashes, responses and PIN "
      .. "with it, to '%s': sysctl kernel.core_pattern=core"):format(pattern))
  end
  say("ok", "core dumps are off, of jig from its first session on and of the CLI")
end
