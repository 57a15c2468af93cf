--- What cases ask of the machine's side, over the guest's second serial port: a line each, answered by "ok" or
-- "error …".
--
--     ftdi plug echo            QEMU's USB serial adapter; what the guest sends comes back
--     ftdi plug device WORD…    the simulator's device is at its other end, started with these words
--     ftdi unplug               as a hand does it: QEMU takes the adapter off its bus

local port = require "jig.port"
local task = require "jig.task"

local host = {}

-- Seconds.
local PATIENCE <const> = 10

-- ---- what is at the other end of the adapter ----

-- A pseudo-terminal whose bytes come back. Reading never waits for writing: QEMU, and the guest with it, stands still
-- while nobody takes what it writes.
local function echo(machine)
  local told = machine:qmp("chardev-add", { id = "ftdi", backend = { type = "pty", data = {} } })
  local wire = assert(port.open("tty:" .. told.pty))
  local waiting, writing = {}, false
  local function write_all()
    while #waiting > 0 do
      local bytes = table.concat(waiting)
      waiting = {}
      if not wire:write(bytes) then return end
    end
    writing = false
  end
  task.spawn(function()
    for bytes in function() return wire:read_some() end do
      waiting[#waiting + 1] = bytes
      if not writing then
        writing = true
        task.spawn(write_all)
      end
    end
  end)
  return wire
end

local function simulator(machine, build, words)
  local encoded = {}
  for i, word in ipairs(words) do
    encoded[i] = word:gsub("[^%w%-%._~/]", function(c) return ("%%%02X"):format(c:byte()) end)
  end
  local device = assert(port.open(("exec:%s/device --listen tcp:0 %s?stderr=inherit"):format(build,
    table.concat(encoded, " "))))
  local number = assert(device:read_until("\n", PATIENCE)):match("^ready tcp:127.0.0.1:(%d+)")
  machine:qmp("chardev-add", { id = "ftdi", backend = { type = "socket", data = {
    addr = { type = "inet", data = { host = "127.0.0.1", port = number } }, server = false,
  } } })
  return device
end

local services = {}

function services.ftdi(state, verb, kind, ...)
  local machine = state.machine
  if verb == "plug" then
    local make = kind == "echo" and echo or simulator
    state.ftdi = make(machine, state.build, { ... })
    machine:qmp("device_add", {
      driver = "usb-serial", id = "ftdi", chardev = "ftdi", bus = "hc.0", serial = "RIGFTDI1",
    })
  else
    machine:qmp("device_del", { id = "ftdi" })
    machine:event("DEVICE_DELETED", function(data) return data.device == "ftdi" end)
    machine:qmp("chardev-remove", { id = "ftdi" })
    state.ftdi:close()
  end
end

local function serve(state, line)
  local words = {}
  for word in line:gmatch("%S+") do words[#words + 1] = word end
  local service = services[words[1]]
  if not service then return "error what is that?" end
  local ok, message = pcall(service, state, table.unpack(words, 2))
  return ok and "ok" or "error " .. tostring(message):gsub("%s+", " ")
end

--- Serves a machine's requests until it is closed.
---@param machine rig.Machine
---@param build string  the folder of the programs
function host.serve(machine, build)
  local state = { machine = machine, build = build }
  task.spawn(function()
    while true do
      local line = machine.requests:read_until("\n")
      if not line then return end
      machine.requests:write(serve(state, line) .. "\n", PATIENCE)
    end
  end)
end

return host
