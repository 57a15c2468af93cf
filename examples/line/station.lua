-- A line with eight slots and three products, named after where they are: slots 1 to 4 are a fixture for
-- thermostats, 5 and 6 stand on the network, 7 and 8 take meters.
--
--     jig run --station examples/line/station.lua --watch
--
-- `make demo` runs it on simulated devices: there each slot's address is given by --slot.

-- The sockets of the hub under the bench, in the order in which they are seen from the front.
local function hub(socket)
  return ("serial:/dev/serial/by-path/pci-0000:00:14.0-usb-0:2.%d:1.0-port0"):format(socket)
end

return {
  name = "line 3",
  slots = {
    { name = "1", port = hub(1), recipe = "../thermostat" },
    { name = "2", port = hub(2), recipe = "../thermostat" },
    { name = "3", port = hub(3), recipe = "../thermostat" },
    { name = "4", port = hub(4), recipe = "../thermostat" },
    { name = "5", port = "tcp:10.0.3.5:7777", recipe = "../gateway" },
    { name = "6", port = "tcp:10.0.3.6:7777", recipe = "../gateway" },
    { name = "7", port = hub(7), recipe = "../meter" },
    { name = "8", port = hub(8), recipe = "../meter" },
  },
  retries = 1,
  cli = {
    path = "/opt/secure-factory/factory_tool",
    limits = { new_device = 20, report_error = 30 },
  },
}
