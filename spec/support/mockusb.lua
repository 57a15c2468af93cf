--- The real libusb on USB devices that are played (spec/support/mockusb.c): what a spec needs, and what its cases do
-- inside of that world.
--
-- A case runs inside, in a jig of its own that mockusb has started. Its file is loaded there once more: what is `it`
-- for busted makes a list of cases there, and one of them is run (mockusb_inside.lua).
--
--     local mockusb = require "spec.support.mockusb"
--     local it = mockusb.cases("spec/transports/usb_real_spec.lua", it, function(why) pending(why) end)
--     it("carries bytes", function()
--       local device = mockusb.plug { echo = true }
--       local p <close> = assert(port.open(device.address))
--       …
--     end)
--
-- When it is over nothing may be left: no descriptor, no thread, nothing that the kernel holds for this process, and
-- nothing that libusb misses.

local clock = require "jig.clock"
local peer = require "spec.peer"
local port = require "jig.port"
local scratch = require "spec.support.scratch"

local mockusb = {}

local LIMIT <const> = 60
local world <const> = os.getenv "JIG_MOCKUSB" and os.getenv "UMOCKDEV_DIR"

--- Whether this is a jig with a sanitizer, which keeps memory that was freed.
mockusb.sanitized = (os.getenv("JIG_BUILD") or ""):find("san", 1, true) ~= nil

-- ---- outside ----

local build = package.searchpath("spec.peer", package.cpath):match("^(.*)/spec/peer%.so$")
local program <const> = build .. "/spec/mockusb"

local asan <const> = (os.getenv "ASAN_OPTIONS" or "") .. ":verify_asan_link_order=0"

-- Why cases cannot run; nil = they can.
local function reason()
  local file = io.open(program)
  if not file then return "mockusb was not built: there is no libumockdev-dev" end
  file:close()
end

-- As one word of an address.
local function escape(text) return (text:gsub("%W", function(c) return ("%%%02X"):format(c:byte()) end)) end

local function run_outside(file, name, pending)
  local why = reason()
  if why then return pending(why) end
  local inside <close> = assert(port.open(("exec:env JIG_MOCKUSB=1 JIG_BUILD=%s ASAN_OPTIONS=%s %s %s/jig %s %s %s")
    :format(build, asan, program, build, "spec/support/mockusb_inside.lua", file, escape(name)), { limit = LIMIT }))
  local answer, message = inside:read_until("\n", LIMIT)
  if not answer then error("the case's jig ended: " .. message, 0) end
  if answer:find "no libusb" then return pending "there is no libusb-1.0-0" end
  answer = load("return " .. answer)()
  local _, how = inside:read(1, LIMIT)
  if answer ~= "ok" then error(answer, 0) end
  if not how:find "exited with status 0" then error(how, 0) end -- what a sanitizer has found
end

--- Runs, inside, the specs of a file whose names match a pattern. What jig said at the end: "45 passed, 0 failed";
-- nil and the reason where nothing can be run. Yields.
---@return string?, string?
function mockusb.test(file, pattern)
  local why = reason()
  if why then return nil, why end
  local result = scratch.run {
    program, build .. "/jig", "test", "--filter", pattern, file,
    env = { JIG_MOCKUSB = "1", JIG_BUILD = build, ASAN_OPTIONS = asan },
  }
  return result.stdout:match "([^\n]*)\n?$", result.stdout
end

-- ---- inside ----

local ask = world and assert(io.open(world .. "/ask", "w"))
local answers = world and assert(io.open(world .. "/answer"))

-- Sends a command to the world; the words of its answer.
local function tell(...)
  ask:write(table.concat({ ... }, " "), "\n")
  ask:flush()
  local words = {}
  for word in answers:read("l"):gmatch("%S+") do words[#words + 1] = word end
  assert(table.remove(words, 1) == "ok")
  return words
end

local function to_hex(bytes) return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end
local function from_hex(hex) return (hex:gsub("%x%x", function(c) return string.char(tonumber(c, 16)) end)) end

-- The configuration that holds these interfaces, each as { number =, alt =, { endpoint, type, packet size }... }.
local function configuration(interfaces)
  local parts, numbers = {}, {}
  for _, interface in ipairs(interfaces) do
    numbers[interface.number] = true
    parts[#parts + 1] = string.pack("BBBBBBBBB", 9, 4, interface.number, interface.alt or 0, #interface, 255, 0, 0, 0)
    for _, e in ipairs(interface) do parts[#parts + 1] = string.pack("<BBBBI2B", 7, 5, e[1], e[2], e[3], 1) end
  end
  local count, all = 0, table.concat(parts)
  for _ in pairs(numbers) do count = count + 1 end
  return string.pack("<BBI2BBBBB", 9, 2, 9 + #all, count, 1, 0, 0x80, 50) .. all
end

-- Not below its hub: who looks at a device opens each folder on the way to it.
local function path_of(place) return "/sys/devices/" .. place end

-- What umockdev makes a device of.
local function description(device, path)
  local about = string.pack("<BBI2BBBBI2I2I2BBBB", 18, 1, 0x200, 0, 0, 0, 64, device.vid, device.pid, 1, 1, 2, 3, 1)
  local lines = {
    "P: " .. path:sub(5), ("N: bus/usb/001/%03d"):format(device.number),
    "E: DEVTYPE=usb_device", "E: SUBSYSTEM=usb", "E: BUSNUM=001", ("E: DEVNUM=%03d"):format(device.number),
    ("E: DEVNAME=/dev/bus/usb/001/%03d"):format(device.number),
    "A: busnum=1\\n", ("A: devnum=%d\\n"):format(device.number), "A: speed=480\\n", "A: bConfigurationValue=1\\n",
    ("A: idVendor=%04x\\n"):format(device.vid), ("A: idProduct=%04x\\n"):format(device.pid),
    ("A: serial=%s\\n"):format(device.serial),
    "H: descriptors=" .. to_hex(about .. (device.raw or configuration(device))), "",
  }
  return table.concat(lines, "\n") .. "\n"
end

local plugged = {}

---@class mockusb.device
local methods = {}

--- Plugs in a device; the same again, if it was unplugged. Fields: number on the bus (2 to 31), vid, pid, serial, place
-- ("1-2"), what `set` knows, `raw` for the bytes of its configuration, and interfaces as numbered entries.
---@return mockusb.device
function mockusb.plug(device)
  device = setmetatable(device or {}, { __index = methods })
  device.number, device.vid, device.pid = device.number or 5, device.vid or 0x1209, device.pid or 1
  device.place, device.serial = device.place or "1-" .. device.number, device.serial or "A17"
  device.packet = device.packet or 64
  if not device[1] then device[1] = { number = 0, { 0x81, 2, device.packet }, { 0x02, 2, device.packet } } end
  device.address = "usb:?path=" .. device.place
  device:plug()
  return device
end

function methods:plug()
  local path = path_of(self.place)
  self.described = self.described or to_hex(description(self, path))
  tell("plug", self.number, path, self.described)
  for _, name in ipairs { "driver", "echo", "busy", "denied", "room", "packet" } do
    if self[name] then self:set(name, self[name]) end
  end
  plugged[self.number] = self
end

--- It goes away: what is on its way ends with "shutdown", "nodev" or "proto", or never ("lost").
function methods:unplug(status)
  tell("unplug", self.number, status or "shutdown")
  plugged[self.number] = nil
end

function methods:set(name, value) tell("set", self.number, name, value == true and 1 or value or 0) end
function methods:feed(endpoint, bytes) tell("feed", self.number, ("%x"):format(endpoint), to_hex(bytes)) end
function methods:fail(endpoint, how) tell("fail", self.number, ("%x"):format(endpoint), how) end

function methods:answer(request, bytes, status)
  tell("answer", self.number, ("%x"):format(request), status or "ok", to_hex(bytes or ""))
end

--- What each transfer brought.
function methods:written()
  local all = tell("written", self.number)
  for i, word in ipairs(all) do all[i] = word == "-" and "" or from_hex(word) end
  return all
end

function methods:state()
  local state = {}
  local words = tell("state", self.number)
  for i, name in ipairs { "files", "claims", "flying", "done", "driver", "alt", "cleared", "vanish" } do
    state[name] = tonumber(words[i])
  end
  return state
end

--- Calls fn until it is true; raises after 5 s. Yields.
function mockusb.eventually(fn)
  local deadline = clock.now() + 5
  while not fn() do
    if clock.now() > deadline then error("it did not happen", 2) end
    clock.sleep(0.001)
  end
end

local function threads()
  local file <close> = assert(io.open "/proc/self/status")
  return tonumber(file:read("a"):match "\nThreads:%s+(%d+)")
end

--- What this process holds.
function mockusb.held()
  collectgarbage()
  collectgarbage()
  return { descriptors = peer.descriptors(), threads = threads() }
end

--- The memory that this process has of its own, in bytes.
---@return integer
function mockusb.memory()
  collectgarbage()
  collectgarbage()
  local file <close> = assert(io.open "/proc/self/smaps_rollup")
  local kb = 0
  for n in file:read("a"):gmatch("\nPrivate_%a+:%s+(%d+) kB") do kb = kb + tonumber(n) end
  return kb * 1024
end

-- What libusb has missed when a context or a handle was closed.
local function missed()
  local file <close> = assert(io.open(world .. "/said"))
  local all = {}
  for line in file:lines() do
    if line:find "still referenced" or line:find "left some devices open" or line:find "while transfer was still" then
      all[#all + 1] = line
    end
  end
  return all
end

-- Nothing is left of a case: in this process, in libusb, in the kernel. `allowed` is what umockdev forgets.
local function check_left(before, allowed)
  local same = require "luassert".same
  local forgotten = allowed and allowed.descriptors or 0
  before.descriptors = before.descriptors + forgotten
  same(before, mockusb.held())
  same({}, missed())
  for _, device in pairs(plugged) do
    mockusb.eventually(function() return device:state().files <= forgotten end)
    local state = device:state()
    same({ 0, 0, 0 }, { state.claims, state.flying, state.done })
  end
end

local found = {}

--- Inside: runs a case of the file that was loaded. What went wrong; "ok" when nothing did.
---@return string
function mockusb.run(name)
  local _, message, code = port.open("usb:?path=9-9", { limit = LIMIT })
  if code == "unsupported" then return "no libusb: " .. message end
  local before = mockusb.held()
  local fine, why = xpcall(found[name], debug.traceback)
  if fine then fine, why = xpcall(check_left, debug.traceback, before, why) end
  return fine and "ok" or tostring(why)
end

--- What the cases of a file are declared with: `it`, for both sides. No two may have the same name.
---@param file string  its own name
---@param it fun(name: string, body: fun())  busted's; nil inside
---@param pending fun(reason: string)  asks for busted's when it is called: which one that is depends on when
---@return fun(name: string, body: fun())
function mockusb.cases(file, it, pending)
  return function(name, body)
    assert(not found[name], "another case has this name")
    found[name] = body
    if not world then it(name, function() run_outside(file, name, pending) end) end
  end
end

return mockusb
