-- A station that runs unattended, as jig-station.service starts it. Copy it to /etc/jig/station.lua, owned by root, and
-- change what stands here; `jig check /etc/jig/station.lua` looks for mistakes.

-- The sockets of the hub under the bench, in the order in which they are seen from the front. `jig ports` tells what is
-- plugged in where.
local function hub(socket)
  return ("serial:/dev/serial/by-path/pci-0000:00:14.0-usb-0:2.%d:1.0-port0"):format(socket)
end

return {
  name = "line 3, station 1",
  watch = true,                                  -- run until stopped, as devices come and go
  slots = {
    { name = "1", port = hub(1), recipe = "recipes/thermostat" },   -- from this file's folder
    { name = "2", port = hub(2), recipe = "recipes/thermostat" },
  },
  retries = 1,
  stop = 60,                                     -- less than the unit's TimeoutStopSec
  journal = {
    path = "/var/lib/jig/journal.db",            -- the unit's StateDirectory
    -- key = "/etc/jig/journal.pem",             -- signs its newest event at each clean end
  },
  cli = {
    path = "/opt/secure-factory/factory_tool",
    limits = { new_device = 20, get_device_configuration = 60, handle_device_response = 60, report_error = 30 },
    token = {
      name = "line3",
      folder = "/run/lock/jig",                  -- made at each boot by jig.tmpfiles
      pin = {
        patterns = { "wrong pin" },              -- how the CLI says that it refused the PIN: then jig ends at once
        -- from = "credential:pin",              -- the unit's LoadCredential; jig gives the CLI no PIN without
        -- by = "descriptor",                    -- how the CLI gets it: see `jig help station`
      },
    },
  },
}
