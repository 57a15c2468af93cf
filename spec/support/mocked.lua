--- Devices that umockdev makes up, for chunks that run under umockdev-wrapper: a /sys and /dev with USB
-- devices and adapters with a terminal, plugged in and unplugged by a call.
--
--     local bench <close> = mocked.bench()                       -- in a spec: a jig that sees them
--     bench:call [[ mocked.plug { at = "1-2", serial = "A17" } ]]   -- there

local port = require "jig.port"
local scratch = require "spec.support.scratch"

local mocked = {}

local LIMIT <const> = 120

local build = scratch.program:match "^(.*)/"

local BUS <const> = "/devices/pci0000:00/0000:00:14.0/usb1/"

local plugged = {}

local function swapped(hex) return hex:sub(3, 4) .. hex:sub(1, 2) end

local function usb_device(path, o)
  local text = {
    ("P: %s\nN: bus/usb/001/%03d\nE: DEVTYPE=usb_device\nE: SUBSYSTEM=usb\n"):format(path, o.number),
    ("E: DEVNAME=/dev/bus/usb/001/%03d\nE: BUSNUM=001\nE: DEVNUM=%03d\n"):format(o.number, o.number),
    ("A: busnum=1\nA: devnum=%d\nA: speed=480\nA: bConfigurationValue=1\n"):format(o.number),
    ("A: idVendor=%s\nA: idProduct=%s\nA: bDeviceClass=%s\n"):format(o.vid, o.pid, o.class),
  }
  for _, name in ipairs { "serial", "manufacturer", "product" } do
    if o[name] then text[#text + 1] = ("A: %s=%s\n"):format(name, o[name]) end
  end
  text[#text + 1] = ("H: descriptors=1201000200000040%s%s0001010203010902200001010080320904000002FF000000"
    .. "07058102400000" .. "07050202400000\n\n"):format(swapped(o.vid), swapped(o.pid))
  return table.concat(text)
end

local function interface(path, driver)
  return ("P: %s\nE: DEVTYPE=usb_interface\nE: SUBSYSTEM=usb\n%sA: bInterfaceNumber=00\n\n"):format(
    path, driver and ("E: DRIVER=%s\nL: driver=../../../../../../bus/usb/drivers/%s\n"):format(driver, driver) or "")
end

-- An adapter's terminal, below its interface.
local function terminal(path, name)
  return ("P: %s/%s\nE: SUBSYSTEM=usb-serial\nL: driver=../../../../../../../bus/usb-serial/drivers/ftdi_sio\n\n"
    .. "P: %s/%s/tty/%s\nE: SUBSYSTEM=tty\nE: DEVNAME=/dev/%s\nE: MAJOR=188\nE: MINOR=0\nL: device=../../../%s\n\n"
  ):format(path, name, path, name, name, name, name)
end

--- Plugs in a device, which is told as "add". Below umockdev-wrapper alone.
---@param o { at?: string, number?: integer, vid?: string, pid?: string, class?: string, serial?: string,
--  manufacturer?: string, product?: string, driver?: string, tty?: string,
--  nameless?: boolean }  at "1-2"; tty "ttyUSB0": an adapter; nameless: without a name below by-path
function mocked.plug(o)
  local mock = require "spec.mockdev"
  local full = { at = "1-2", vid = "1209", pid = "0001", class = "00", number = 2 }
  for key, value in pairs(o) do full[key] = value end
  local path = BUS .. full.at
  local device = { paths = { path }, nodes = { ("bus/usb/001/%03d"):format(full.number) } }
  local parts, paths = { usb_device(path, full) }, device.paths
  if full.tty or full.driver then
    paths[2] = ("%s/%s:1.0"):format(path, full.at)
    parts[2] = interface(paths[2], full.driver or "ftdi_sio")
  end
  if full.tty then
    paths[3] = ("%s/%s"):format(paths[2], full.tty)
    paths[4] = ("%s/tty/%s"):format(paths[3], full.tty)
    parts[3] = terminal(paths[2], full.tty)
    device.nodes[2] = full.tty
    device.nodes[3] = not full.nameless
      and ("serial/by-path/pci-0000:00:14.0-usb-0:%s:1.0-port0"):format(full.at:sub(3)) or nil
    device.master, device.slave = mock.pty()
    for i = 2, #device.nodes do mock.link(device.slave, device.nodes[i]) end
  end
  plugged[full.at] = device
  mock.add(table.concat(parts))
end

--- Unplugs it, which is told as "remove", the last part first.
---@param at? string
function mocked.unplug(at)
  local mock = require "spec.mockdev"
  local device = plugged[at or "1-2"]
  plugged[at or "1-2"] = nil
  for i = #device.paths, 1, -1 do
    mock.tell("/sys" .. device.paths[i], "remove")
    mock.remove("/sys" .. device.paths[i])
  end
  for _, node in ipairs(device.nodes) do os.remove(mock.root() .. "/dev/" .. node) end
  if device.master then mock.close_pty(device.master) end
end

--- Takes a device away or puts it back, as quickly as it can be done; the rest of it stays. Told as "remove" and "add".
---@param at string
---@param there boolean
function mocked.toggle(at, there)
  local mock = require "spec.mockdev"
  local entry = mock.root() .. "/sys/bus/usb/devices/" .. at
  assert(os.rename(there and entry .. ":away" or entry, there and entry or entry .. ":away"))
  mock.tell("/sys" .. plugged[at].paths[1], there and "add" or "remove")
end

function mocked.unplug_all()
  for at in pairs(plugged) do mocked.unplug(at) end
end

--- What is behind the terminal of an adapter.
---@param at string
---@return string path
function mocked.behind(at) return plugged[at].slave end

--- In front of a jig of another user, for whom a file that nobody may open is closed, too: of one without rights where
-- this user is root.
---@return string words
function mocked.stranger()
  local root = scratch.run({ "id", "-u" }).stdout == "0\n"
  return root and "setpriv --reuid=65534 --regid=65534 --clear-groups" or "env"
end

local methods = {}

--- Runs a chunk of Lua there, formatted when there is something to put in, and gives what it returned as one line of
-- text.
function methods:call(chunk, ...)
  if select("#", ...) > 0 then chunk = chunk:format(...) end
  assert(self.holder:write(chunk:gsub("%s*\n%s*", " ") .. "\n", LIMIT))
  return assert(self.holder:read_until("\n", LIMIT)):sub(1, -2)
end

function methods:close()
  if self.root then self:call "return mock.close()" end
  self.holder:close()
end

local metatable = { __index = methods, __close = methods.close }

--- A jig of its own, with words in front of it as env takes them. To be closed.
---@param words string
function mocked.child(words)
  local asan = (os.getenv("ASAN_OPTIONS") or "") .. ":verify_asan_link_order=0:detect_leaks=0"
  return setmetatable({ holder = assert(port.open(("exec:env ASAN_OPTIONS=%s %s %s spec/support/remote.lua")
    :format(asan, words, scratch.program), { limit = LIMIT })) }, metatable)
end

--- What a program needs in its environment to see the devices of a bench. To be started from outside: in the bench's
-- process, which has threads of umockdev's, the descriptor that tells of a child's end was found closed now and then.
---@return table<string, string>
function methods:environment()
  local preload, folder = self:call "return os.getenv 'LD_PRELOAD', os.getenv 'UMOCKDEV_DIR'":match "^(.*)\t(.*)$"
  return { LD_PRELOAD = preload, UMOCKDEV_DIR = folder,
    ASAN_OPTIONS = (os.getenv("ASAN_OPTIONS") or "") .. ":verify_asan_link_order=0:detect_leaks=0" }
end

--- Words for an exec: address that run a program with it, for one that the bench itself is to start.
---@param words string
---@return string
function methods:exec(words)
  local list = {}
  for name, value in pairs(self:environment()) do
    list[#list + 1] = ("%s=%s"):format(name, (value:gsub("[^%w%-%._~/=:]", function(c)
      return ("%%%02X"):format(c:byte())
    end)))
  end
  return ("exec:env %s %s"):format(table.concat(list, " "), words)
end

--- One that sees the devices of umockdev, of which there are none yet. `mock`, `mocked` and `task` are there.
---@param words? string  in front of it, as env takes them
function mocked.bench(words)
  local child = mocked.child((words and words .. " " or "") .. "umockdev-wrapper")
  local root = child:call([[
    package.cpath = %q .. package.cpath
    mock, task, mocked = require "spec.mockdev", require "jig.task", require "spec.support.mocked"
    return mock.root()
  ]], build .. "/?.so;")
  assert(root:match("^/"), root)
  child.root = root
  return child
end

return mocked
