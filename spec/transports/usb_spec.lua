-- jig on a libusb that is played (spec/support/fakeusb.c), which counts all that could be left behind; and
-- the real one, on a machine of which nothing is assumed. The real one on devices that are played: usb_real_spec.lua.

local clock = require "jig.clock"
local port = require "jig.port"
local scratch = require "spec.support.scratch"
local task = require "jig.task"
local usb = require "spec.fakeusb"
local wires = require "spec.support.wires"

local BULK <const>, INTERRUPT <const> = 2, 3
local LIMIT <const> = 20
local SHORT <const> = 0.01

local NOTHING <const> = { configs = 0, contexts = 0, flying = 0, handles = 0, lists = 0, refs = 0, transfers = 0 }

local plugged = {}
local next_port = 0

-- Plugs in a device at 1-8.N, which is gone when the test ends.
local function plug(device)
  device = device or {}
  next_port = next_port % 200 + 1
  device.path = device.path or { 8, next_port }
  if not device[1] then device[1] = { number = 0, { 0x81, BULK, 64 }, { 0x02, BULK, 64 } } end
  local id = usb.plug(device)
  plugged[#plugged + 1] = id
  return id, "usb:?path=1-" .. table.concat(device.path, ".")
end

local function open(address, options)
  return assert(port.open(address, options or { limit = LIMIT }))
end

-- A device and its open port.
local function bench(device, query)
  local id, address = plug(device)
  return id, open(address .. (query or ""))
end

-- Why an address is not opened.
local function refused(address, code)
  local p, message, got = port.open(address, { limit = LIMIT })
  assert.same({ nil, code }, { p, got }, tostring(message))
  return message
end

-- A jig of its own, with words in front of it as env takes them; call(chunk) runs a line of Lua there.
local function child(words)
  local asan = (os.getenv("ASAN_OPTIONS") or "") .. ":verify_asan_link_order=0:detect_leaks=0"
  local holder = assert(port.open(("exec:env ASAN_OPTIONS=%s %s %s spec/support/remote.lua")
    :format(asan, words, wires.jig), { limit = LIMIT }))
  local function call(chunk, ...)
    assert(holder:write(chunk:format(...) .. "\n", LIMIT))
    return assert(holder:read_until("\n", LIMIT)):sub(1, -2)
  end
  return setmetatable({ call = call }, { __close = function() holder:close() end })
end

-- Two bytes of hex in the other order.
local function swapped(hex, at) return hex:sub(at + 2, at + 3) .. hex:sub(at, at + 1) end

-- A device for umockdev: its place below the bus, its number, ids, serial number, configuration.
local function described(place, number, ids, serial, configuration)
  return ([[
P: /devices/pci0000:00/0000:00:14.0/usb1%s
N: bus/usb/001/%03d
E: DEVTYPE=usb_device
E: SUBSYSTEM=usb
E: DEVNAME=/dev/bus/usb/001/%03d
E: BUSNUM=001
E: DEVNUM=%03d
A: busnum=1
A: devnum=%d
A: speed=480
A: bConfigurationValue=1
A: idVendor=%s
A: idProduct=%s
A: serial=%s
H: descriptors=1201000200000040%s0001010203010902200001010080320904000002%s

]]):format(place, number, number, number, number, swapped(ids, 1), swapped(ids, 5), serial, ids,
    configuration)
end

local VENDOR <const> = "FF0000000705810200020007050202000200"
local DEVICES <const> = described("", 1, "6B1D0200", "root", VENDOR)
  .. described("/1-2", 5, "09120100", "A17", VENDOR)
  .. described("/1-3", 6, "09120200", "hub", VENDOR:sub(3))
  .. described("/1-3/1-3.1", 7, "09120100", "A18", VENDOR:sub(5))

describe("transports/usb", function()
  after_each(function()
    collectgarbage()
    collectgarbage()
    for _, id in ipairs(plugged) do usb.unplug(id) end
    plugged = {}
    assert.same(NOTHING, usb.counts())
  end)

  describe("finds the device", function()
    local addresses = {
      "usb:1209:0ABC", "usb:1209:abc", "usb:?vid=1209&pid=0abc", "usb:?pid=abc", "usb:?path=1-3.4",
      "usb:1209:0abc?path=1-3.4",
    }
    for _, address in ipairs(addresses) do
      it(address, function()
        local id = plug { vid = 0x1209, pid = 0x0abc, path = { 3, 4 }, echo = true }
        plug { vid = 0x1209, pid = 0x0abd }
        plug { vid = 0x1208, pid = 0x0abe }
        local p <close> = open(address)
        p:write("x", LIMIT)
        assert.equal("x", p:read(1, LIMIT))
        assert.same({ "x" }, usb.written(id))
      end)
    end

    it("unless none fits", function()
      plug { vid = 1, pid = 2 }
      assert.matches("none of 1 devices", refused("usb:0001:0003", "not_found"))
      assert.matches("none", refused("usb:?path=1-3", "not_found"))
      assert.matches("none", refused("usb:0001:0002?serial=A17", "not_found"))
    end)

    it("unless two fit, and says which", function()
      plug { vid = 0x1209, pid = 1, path = { 3 } }
      plug { vid = 0x1209, pid = 1, path = { 4, 1 } }
      plug { vid = 0x1209, pid = 2, path = { 5 } }
      local message = refused("usb:1209:0001", "invalid")
      assert.matches("2 devices fit the address: path=1-3 (1209:0001), path=1-4.1 (1209:0001)", message, 1, true)
      local p <close> = open "usb:1209:0001?path=1-4.1"
      assert.is_true(p:write("x", LIMIT))
    end)

    it("by its serial number, which the kernel knows", function()
      local folder <close> = scratch.folder()
      local hostile = "\27[2J" .. ("s"):rep(300)
      for name, serial in pairs { ["1-1"] = "A17\n", ["1-2"] = "A18\n", ["1-3"] = hostile } do
        scratch.run { "mkdir", folder.path .. "/" .. name }
        folder:write(name .. "/serial", serial)
      end
      local c <close> = child(("LD_PRELOAD=%s/spec/fakeusb.so JIG_FAKEUSB_SYS=%s"):format(wires.build, folder.path))
      c.call("package.cpath = %q usb = require 'spec.fakeusb'", wires.build .. "/?.so")
      for i = 1, 3 do
        c.call("usb.plug { vid = 7, pid = 7, path = { %d }, { number = 0, { 0x81, 2, 64 }, { 2, 2, 64 } } }", i)
      end
      assert.equal("true", c.call "p = assert(port.open 'usb:0007:0007?serial=A18') return p:write 'x'")
      assert.equal("0\t1", c.call "p:drain() return #usb.written(1), #usb.written(2)")
    end)
  end)

  -- A device that leaves its socket and comes back as something else: in the kernel's files, and on the bus.
  describe("of a device that leaves and comes back", function()
    local SETTINGS <const> = "{ number = 0, { 0x81, 2, 64 }, { 2, 2, 64 } }, { number = 1, { 0x83, 3, 8 } }"

    -- Has it come back, and `meanwhile` happen a while after the wait for it has begun.
    local REOPEN <const> = "local waits = task.spawn(pcall, wires.reopen, truth, { pid = 0x5742 }) clock.sleep(0.001) "
      .. "%s local _, ok, thrown = waits:join(20) "
      .. "return ok, ok and truth.address or thrown.name, not ok and thrown.reason or nil"

    -- A token at 1-4, open, then unplugged and back with a serial number; the child has what is done with it.
    local function back_with(folder, serial)
      local c = child(("LD_PRELOAD=%s/spec/fakeusb.so JIG_FAKEUSB_SYS=%s"):format(wires.build, folder.path))
      local function plug_in(pid, number)
        for name, text in pairs { idVendor = "1209", idProduct = pid, serial = number } do
          folder:write("1-4/" .. name, text .. "\n")
        end
        c.call("id = usb.plug { vid = 0x1209, pid = 0x%s, path = { 4 }, %s }", pid, SETTINGS)
      end
      c.call("package.cpath = %q usb, wires = require 'spec.fakeusb', require 'jig.wires'", wires.build .. "/?.so")
      c.call "task = require 'jig.task'"
      c.call "truth = { slot = 'A', recipe = { limits = { open = 5, reopen = 20, read = 5, write = 5 } } }"
      plug_in("5740", "T1")
      c.call "wires.connect(truth, 'usb:1209:5740?interface=0')"
      assert.equal("T1\t1-4", c.call "local about = truth.handle:about() return about.serial, about.path")
      c.call "usb.unplug(id)"
      plug_in("5742", serial)
      return c
    end

    local function check_left(c)
      assert.equal("0\t0", c.call "wires.disconnect(truth) local n = usb.counts() return n.handles, n.transfers")
    end

    it("goes on with it at the same socket, with all of its interfaces", function()
      local folder <close> = scratch.folder { ["1-4/serial"] = "" }
      local c <close> = back_with(folder, "T1")
      assert.equal("true\tusb:?vid=1209&interface=0&pid=5742&path=1-4\tnil", c.call(REOPEN, ""))
      assert.equal("x", c.call "usb.feed(id, 0x81, 'x') return truth.port:read(1)")
      assert.equal("ev", c.call(
        "local events = wires.open(truth, { interface = 1 }) usb.feed(id, 0x83, 'ev') return events:read(2)"))
      check_left(c)
    end)

    it("names both serial numbers when it is another one", function()
      local folder <close> = scratch.folder { ["1-4/serial"] = "" }
      local c <close> = back_with(folder, "T2")
      assert.equal("false\ttool.serial\tA: another device came back: it is T2, and the one that left was T1",
        c.call(REOPEN, ""))
      check_left(c)
    end)

    it("waits for permission as it waits for the device", function()
      local folder <close> = scratch.folder { ["1-4/serial"] = "" }
      local c <close> = back_with(folder, "T1")
      c.call "usb.set(id, 'denied', true)"
      assert.equal("true", c.call(REOPEN, "usb.set(id, 'denied', false)"):match "^true")
      check_left(c)
    end)
  end)

  describe("refuses an address", function()
    local cases = {
      { "usb:x", "VID:PID" }, { "usb:1209", "VID:PID" }, { "usb:12090:1", "VID:PID" }, { "usb:1209:", "VID:PID" },
      { "usb::1", "VID:PID" }, { "usb:1209:00011", "VID:PID" }, { "usb:1209:1 2", "VID:PID" },
      { "usb:1209:1?vid=1209", "VID:PID" }, { "usb:?vid=12090", "vid" }, { "usb:?vid=0x1", "vid" },
      { "usb:?pid=", "pid" }, { "usb:?zlp=1", "which device" }, { "usb:1209:1?zlp=2", "zlp" },
      { "usb:1209:1?interface=256", "interface" }, { "usb:1209:1?alt=-1", "alt" }, { "usb:1209:1?read=181", "read" },
      { "usb:1209:1?write=g", "write" }, { "usb:1209:1?baud=9600", "baud" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function() assert.matches(case[2], refused(case[1], "invalid"), 1, true) end)
    end
  end)

  describe("takes the endpoints", function()
    local vendor = { number = 0, { 0x81, BULK, 64 }, { 0x02, BULK, 64 } }
    local acm = { number = 1, { 0x83, INTERRUPT, 8 } }
    local data = { number = 2, { 0x84, BULK, 64 }, { 0x05, BULK, 64 } }
    local two = { number = 3, { 0x81, BULK, 64 }, { 0x82, BULK, 64 }, { 0x03, INTERRUPT, 8 }, { 0x04, INTERRUPT, 8 } }
    local hid = { number = 4, { 0x81, INTERRUPT, 8 }, { 0x02, INTERRUPT, 8 }, { 0x86, 1, 64 } }

    local good = {
      { { vendor }, "", 0x81, 0x02 },
      { { acm, data }, "", 0x84, 0x05 },
      { { data, acm }, "", 0x84, 0x05 },
      { { vendor, data }, "&interface=2", 0x84, 0x05 },
      { { two }, "&read=82&write=04", 0x82, 0x04 },
      { { hid }, "", 0x81, 0x02 },
      { { vendor, { number = 0, alt = 1, { 0x87, BULK, 64 }, { 0x06, BULK, 64 } } }, "&alt=1", 0x87, 0x06 },
    }
    for i, case in ipairs(good) do
      it("that are meant, " .. i, function()
        local id, p <close> = bench(table.move(case[1], 1, 9, 1, {}), case[2])
        usb.feed(id, case[3], "in")
        assert.equal("in", p:read(2, LIMIT))
        usb.fail(id, case[4], "stall")
        p:write("out", LIMIT)
        assert.matches(("endpoint %02x"):format(case[4]), select(2, p:drain(LIMIT)))
        assert.equal(tonumber(case[2]:match "alt=(%d)" or 0), usb.state(id).alt)
      end)
    end

    local bad = {
      { { vendor, data }, "", "say which interface: interface=0 read=81 bulk write=02 bulk; interface=2 read=84" },
      { { vendor }, "&interface=1", "no such interface: interface=0 read=81" },
      { { vendor }, "&alt=1", "no such interface: interface=0" },
      { { two }, "&write=03", "interface 3 has several endpoints to read from, say which: read=81 bulk read=82 bulk" },
      { { two }, "&read=81", "several endpoints to write to, say which" },
      { { vendor }, "&read=82", "interface 0 has no such endpoint, but: read=81 bulk write=02 bulk" },
      { { vendor }, "&read=02", "no such endpoint" },
      { { hid }, "&read=86", "no such endpoint" },
      { { { number = 0, { 0x81, BULK, 0 } } }, "", "0 bytes" },
    }
    for i, case in ipairs(bad) do
      it("or says what there is, " .. i, function()
        local _, address = plug(table.move(case[1], 1, 9, 1, {}))
        assert.matches(case[3], refused(address .. case[2], "invalid"), 1, true)
      end)
    end

    it("and says what a direction without one cannot do", function()
      local _, p <close> = bench { { number = 5 } }
      for _, answer in ipairs { { p:read(1, LIMIT) }, { p:write("x", LIMIT) } } do
        assert.equal("unsupported", answer[3])
        assert.matches("interface 5 has no", answer[2])
      end
    end)

    it("of a device that is configured", function()
      local _, address = plug { unconfigured = true }
      assert.matches("not configured", refused(address, "invalid"))
    end)
  end)

  describe("opens", function()
    it("with the kernel's driver out of the way until it is closed", function()
      local id, address = plug { driver = true }
      local p = open(address)
      assert.same({ 0, 1 }, { usb.state(id).driver, usb.state(id).claimed })
      p:close()
      assert.same({ 1, 0 }, { usb.state(id).driver, usb.state(id).claimed })
    end)

    it("once", function()
      local _, address = plug()
      do
        local p <close> = open(address)
        assert.is_truthy(p)
        assert.matches("in use", refused(address, "busy"))
      end
      local p <close> = open(address)
      assert.is_truthy(p)
    end)

    it("when it may: denied, then granted", function()
      local id, address = plug()
      usb.set(id, "denied", true)
      assert.matches("/dev/bus/usb/001/" .. ("%03d"):format(id), refused(address, "denied"), 1, true)
      usb.set(id, "denied", false)
      local p <close> = open(address)
      assert.is_truthy(p)
    end)

    it("nothing where there is no USB", function()
      usb.without(true)
      local p, message, code = port.open "usb:1209:0001"
      local there = port.present "usb:1209:0001"
      usb.without(false)
      assert.same({ nil, "not_found", false }, { p, code, there })
      assert.matches("no USB", message)
    end)
  end)

  describe("loads libusb", function()
    local LOADED <const> = "for line in io.lines '/proc/self/maps' do if line:find 'libusb.1' then return true end end "
      .. "return false"

    it("at first use, and finds nothing where nothing is", function()
      local c <close> = child "LANG=C"
      assert.equal("false", c.call(LOADED))
      assert.matches("invalid$", c.call "return port.open 'usb:'")
      assert.equal("false", c.call(LOADED))
      assert.matches("^nil\tusb: .*\tnot_found$", c.call "return port.open 'usb:?path=1-250'")
      assert.equal("true", c.call(LOADED))
    end)

    -- The real one reads a /sys and descriptors that umockdev makes up. What it does with the devices themselves:
    -- usb_real_spec.lua.
    it("and finds by it what the kernel knows", function()
      local folder <close> = scratch.folder { devices = DEVICES }
      local c <close> = child(("umockdev-run --device %s/devices --"):format(folder.path))
      local cases = {
        { "usb:1209:0001", "2 devices fit the address: path=1-" },
        { "usb:1209:0001", "path=1-2 (1209:0001, serial A17)" },
        { "usb:1209:0001", "path=1-3.1 (1209:0001, serial A18)" },
        { "usb:1209:0001?serial=A19", "none of 4 devices" },
        { "usb:?serial=A17&interface=3", "no such interface: interface=0 read=81 bulk write=02 bulk" },
        { "usb:?path=1-2&read=01", "interface 0 has no such endpoint" },
        { "usb:?path=1-3.1&read=81", "interface 0 has no such endpoint, but: no endpoint" }, -- cut short
        { "usb:?path=1-3", "what the device says of its interfaces is damaged" },
        { "usb:?path=1-2", "cannot claim the interface" },
      }
      for _, case in ipairs(cases) do
        assert.matches(case[2], c.call("return port.open(%q)", case[1]), 1, true)
      end
      assert.equal("true", c.call "return port.present 'usb:?serial=A17'")
      assert.equal("false", c.call "return port.present 'usb:?path=1-3.2'")
    end)

    it("not to tell whether a device is there", function()
      local folder <close> = scratch.folder { devices = DEVICES }
      local c <close> = child(("umockdev-run --device %s/devices --"):format(folder.path))
      local cases = {
        ["usb:1209:0001"] = "true", ["usb:1209:0003"] = "false", ["usb:1208:0001"] = "false",
        ["usb:?serial=A17"] = "true", ["usb:?serial=A1"] = "false", ["usb:?path=1-3.1"] = "true",
        ["usb:?path=1-3.2"] = "false", ["usb:?path=1-2&serial=A18"] = "false", ["usb:?path=usb1"] = "true",
      }
      for address, there in pairs(cases) do
        assert.equal(there, c.call("return port.present(%q)", address), address)
      end
      assert.matches("invalid$", c.call "return port.present 'usb:'")
      assert.equal("false", c.call(LOADED))
    end)

    it("and takes descriptors that are cut short anywhere", function()
      local devices = { described("", 1, "6B1D0200", "root", VENDOR) }
      for i = 0, #VENDOR // 2 do
        devices[i + 2] = described("/1-" .. i + 1, i + 2, "09120100", i, VENDOR:sub(1, 2 * i))
      end
      local folder <close> = scratch.folder { devices = table.concat(devices) }
      local c <close> = child(("umockdev-run --device %s/devices --"):format(folder.path))
      for i = 0, #VENDOR // 2 do
        local answer = c.call("return port.open 'usb:?serial=%d'", i)
        assert.matches(i == #VENDOR // 2 and "cannot claim" or "^nil\tusb:", answer)
      end
    end)

    it("or names the package that is missing", function()
      local folder <close> = scratch.folder()
      folder:write("libusb-1.0.so.0", "")
      local c <close> = child("LD_LIBRARY_PATH=" .. folder.path)
      local answer = c.call "return port.open 'usb:1209:0001'"
      assert.matches("install the package libusb-1.0-0", answer, 1, true)
      assert.matches("unsupported$", answer)
    end)
  end)

  describe("reads", function()
    it("what came, in order, across packets of every length", function()
      local id, p <close> = bench()
      local all = {}
      for i = 0, 200 do
        all[#all + 1] = string.char(i):rep(i)
        usb.feed(id, 0x81, all[#all])
      end
      all = table.concat(all)
      assert.equal(all, p:read(#all, LIMIT))
      assert.equal("timeout", select(3, p:read(1, SHORT)))
    end)

    it("a whole packet at once, without a short one after it", function()
      local id, p <close> = bench()
      usb.feed(id, 0x81, ("x"):rep(128))
      assert.equal(128, #p:read(128, LIMIT))
    end)

    it("past any number of packets of zero bytes", function()
      local id, p <close> = bench()
      for _ = 1, 40 do usb.feed(id, 0x81, "") end
      usb.feed(id, 0x81, "x")
      assert.equal("x", p:read(1, LIMIT))
    end)

    it("nothing more than its transfers hold while nobody reads", function()
      local id, p <close> = bench()
      for i = 1, 30 do usb.feed(id, 0x81, string.char(i)) end
      wires.eventually(function() return usb.state(id).waiting == 22 end)
      clock.sleep(SHORT)
      assert.equal(22, usb.state(id).waiting)
      for i = 1, 30 do assert.equal(string.char(i), p:read(1, LIMIT)) end
    end)

    it("on after a stall, which is told once and cleared", function()
      local id, p <close> = bench()
      usb.feed(id, 0x81, "before")
      assert.equal("before", p:read(6, LIMIT))
      usb.fail(id, 0x81, "stall")
      local bytes, message, code = p:read(1, LIMIT)
      assert.same({ nil, "refused" }, { bytes, code })
      assert.matches("stalled endpoint 81", message)
      assert.equal(0, usb.state(id).cleared)
      usb.feed(id, 0x81, "after")
      assert.equal("after", p:read(5, LIMIT))
      assert.equal(1, usb.state(id).cleared)
    end)

    it("on after a stall in which all its transfers ended, which is told once, too", function()
      local id, p <close> = bench()
      usb.set(id, "stalls_all", true)
      usb.fail(id, 0x81, "stall")
      assert.equal("refused", select(3, p:read(1, LIMIT)))
      usb.feed(id, 0x81, "after")
      assert.equal("after", p:read(5, LIMIT))
      assert.equal(1, usb.state(id).cleared)
    end)

    it("on after babble, whose bytes are lost", function()
      local id, p <close> = bench()
      usb.fail(id, 0x81, "overflow")
      local bytes, message, code = p:read(1, LIMIT)
      assert.same({ nil, "limit" }, { bytes, code })
      assert.matches("more than a packet of 64 bytes at endpoint 81", message)
      usb.feed(id, 0x81, "after")
      assert.equal("after", p:read(5, LIMIT))
    end)

    it("until its limit from a device that hangs", function()
      local id, p <close> = bench()
      usb.fail(id, 0x81, "hang")
      assert.equal("timeout", select(3, p:read(1, SHORT)))
      usb.fail(id, 0x81)
      usb.feed(id, 0x81, "late")
      assert.equal("late", p:read(4, LIMIT))
    end)
  end)

  describe("writes", function()
    it("pieces of whole packets", function()
      local id, p <close> = bench()
      local bytes = ("0123456789abcdef"):rep(3000)
      assert.is_true(p:write(bytes, LIMIT))
      assert.is_true(p:drain(LIMIT))
      local pieces = usb.written(id)
      assert.same({ 16384, 16384, 15232 }, { #pieces[1], #pieces[2], #pieces[3] })
      assert.equal(bytes, table.concat(pieces))
    end)

    it("pieces of whole packets of an odd size", function()
      local id, p <close> = bench { { number = 0, { 0x81, INTERRUPT, 20 }, { 0x02, INTERRUPT, 20 } } }
      p:write(("x"):rep(16400), LIMIT)
      p:drain(LIMIT)
      local pieces = usb.written(id)
      assert.same({ 16380, 20 }, { #pieces[1], #pieces[2] })
    end)

    it("a packet of zero bytes after what fills its packets, if told so", function()
      local cases = {
        { "", 64, { 64 } }, { "&zlp=0", 64, { 64 } }, { "&zlp=1", 63, { 63 } }, { "&zlp=1", 64, { 64, 0 } },
        { "&zlp=1", 65, { 65 } }, { "&zlp=1", 16384, { 16384, 0 } }, { "&zlp=1", 32768, { 16384, 16384, 0 } },
        { "&zlp=1", 16385, { 16384, 1 } },
      }
      for _, case in ipairs(cases) do
        local id, p <close> = bench(nil, case[1])
        p:write(("x"):rep(case[2]), LIMIT)
        p:drain(LIMIT)
        local lengths = {}
        for i, piece in ipairs(usb.written(id)) do lengths[i] = #piece end
        assert.same(case[3], lengths)
      end
    end)

    it("no more than four pieces ahead of a device that hangs", function()
      local id, p <close> = bench()
      usb.fail(id, 0x02, "hang")
      assert.equal("timeout", select(3, p:write(("x"):rep(1 << 20), SHORT)))
      assert.equal(8 + 4, usb.counts().flying)
      assert.equal(4 * 16384, select(2, p:counts()))
      assert.equal("timeout", select(3, p:drain(SHORT)))
      usb.fail(id, 0x02)
      assert.is_true(p:drain(LIMIT))
    end)

    for _, how in ipairs { "write", "drain", "read" } do
      it("on after a stall, which the next " .. how .. " tells, once", function()
        local id, p <close> = bench()
        usb.fail(id, 0x02, "stall")
        p:write(("x"):rep(40000), LIMIT)
        wires.eventually(function() return usb.counts().flying == 8 end)
        local ways = {
          write = function() return p:write("y", LIMIT) end,
          drain = function() return p:drain(LIMIT) end,
          read = function() return p:read(1, LIMIT) end,
        }
        local fine, message, code = ways[how]()
        assert.same({ nil, "refused" }, { fine, code })
        assert.matches("stalled endpoint 02", message)
        assert.is_true(p:write("again", LIMIT))
        assert.is_true(p:drain(LIMIT))
        assert.same({ "again" }, usb.written(id))
        assert.equal(1, usb.state(id).cleared)
      end)
    end

    it("and tells a reader who waits that it was stalled", function()
      local id, p <close> = bench()
      usb.fail(id, 0x02, "stall")
      local reader = task.spawn(function() return select(3, p:read(1, LIMIT)) end)
      clock.sleep(0.001)
      p:write("x", LIMIT)
      assert.same({ true, "refused" }, { reader:join(LIMIT) })
    end)
  end)

  describe("is lost when it is unplugged", function()
    for _, status in ipairs { "no_device", "error" } do
      it("with transfers on their way: " .. status, function()
        local id, p = bench()
        usb.fail(id, 0x02, "hang")
        p:write(("x"):rep(40000), LIMIT)
        usb.answer(id, 1, "", "hang")
        local waiting = {
          task.spawn(function() return select(3, p:read(1, LIMIT)) end),
          task.spawn(function() return select(3, p:write(("x"):rep(1 << 20), LIMIT)) end),
          task.spawn(function() return select(3, p:control { request_type = 0x40, request = 1 }) end),
        }
        clock.sleep(0.001)
        usb.unplug(id, status)
        for _, waiter in ipairs(waiting) do assert.same({ true, "lost" }, { waiter:join(LIMIT) }) end
        local nothing, message, code = p:read(1, LIMIT)
        assert.same({ nil, "lost" }, { nothing, code })
        assert.matches(status == "error" and "the bus failed" or "was unplugged", message)
        assert.same({ nil, message, "lost" }, { p:write("x", LIMIT) })
        assert.same({ nil, message, "lost" }, { p:drain(LIMIT) })
        assert.same({ nil, message, "lost" }, { p:control { request_type = 0x40, request = 1 } })
        p:close()
        assert.same(NOTHING, usb.counts())
      end)

      it("before it is used again: " .. status, function()
        local id, p = bench()
        usb.feed(id, 0x81, "last")
        wires.eventually(function() return usb.state(id).waiting == 0 end)
        usb.unplug(id, status)
        assert.equal("last", p:read(4, LIMIT))
        assert.equal("lost", select(3, p:read(1, LIMIT)))
        p:close()
        assert.same(NOTHING, usb.counts())
      end)
    end

    it("without keeping the loop busy", function()
      local id, p <close> = bench()
      usb.unplug(id)
      assert.equal("lost", select(3, p:read(1, LIMIT)))
      local cpu = os.clock()
      clock.sleep(0.05)
      assert.is_true(os.clock() - cpu < 0.03)
    end)
  end)

  it("takes all transfers back when it is closed", function()
    local id, p = bench()
    usb.fail(id, 0x02, "hang")
    usb.answer(id, 1, "", "hang")
    p:write("x", LIMIT)
    assert.equal("timeout", select(3, p:control { request_type = 0x40, request = 1, limit = 0 }))
    assert.is_true(usb.counts().flying >= 9)
    p:close()
    assert.same(NOTHING, usb.counts())
  end)

  describe("sends control requests", function()
    it("that ask", function()
      local id, p <close> = bench()
      usb.answer(id, 0x42, "JIG1\0\xFF")
      for n, answer in pairs { [0] = "", "J", "JI", [6] = "JIG1\0\xFF", [7] = "JIG1\0\xFF", [4096] = "JIG1\0\xFF" } do
        assert.equal(answer, p:control { request_type = 0xC0, request = 0x42, length = n })
      end
      assert.equal("", p:control { request_type = 0xC0, request = 0x42 })
    end)

    it("that tell", function()
      local id, p <close> = bench()
      usb.answer(id, 0xFE)
      local most = ("x"):rep(4096)
      assert.is_true(p:control { request_type = 0x41, request = 0xFE, value = 0x1234, index = 0xABCD, data = "ab\0" })
      assert.is_true(p:control { request_type = 0x41, request = 0xFE })
      assert.is_true(p:control { request_type = 0x41, request = 0xFE, data = most, value = 0xFFFF })
      assert.same({
        "\x41\xFE\x34\x12\xCD\xAB\3\0ab\0", "\x41\xFE\0\0\0\0\0\0", "\x41\xFE\xFF\xFF\0\0\0\x10" .. most,
      }, usb.written(id))
    end)

    it("while bytes come and go, also through a fault wire", function()
      local id, address = plug { echo = true }
      local p <close> = open("fault:split=7:" .. address)
      usb.answer(id, 1, "yes")
      local reader = task.spawn(function() return p:read(3000, LIMIT) end)
      local writer = task.spawn(function() return p:write(("x"):rep(3000), LIMIT) end)
      local request = { request_type = 0xC0, request = 1, length = 3, limit = LIMIT }
      for _ = 1, 20 do assert.equal("yes", p:control(request)) end
      assert.same({ true, ("x"):rep(3000) }, { reader:join(LIMIT) })
      assert.same({ true, true }, { writer:join(LIMIT) })
    end)

    it("and says how they failed, and goes on", function()
      local id, p <close> = bench()
      usb.answer(id, 1, "", "overflow")
      usb.answer(id, 2, "", "hang")
      usb.answer(id, 3, "ok")
      local cases = {
        { 9, "refused", "refuses control request c0/09" },
        { 1, "limit", "control request c0/01 with more than 2 bytes" },
        { 2, "timeout", "'control'" },
      }
      for _, case in ipairs(cases) do
        local answer, message, code = p:control { request_type = 0xC0, request = case[1], length = 2, limit = SHORT }
        assert.same({ nil, case[2] }, { answer, code })
        assert.matches(case[3], message, 1, true)
        assert.equal("ok", p:control { request_type = 0xC0, request = 3, length = 2, limit = LIMIT })
      end
    end)

    it("one at a time", function()
      local id, p <close> = bench()
      usb.answer(id, 1, "", "hang")
      local first = task.spawn(function() return select(3, p:control { request_type = 0x40, request = 1 }) end)
      clock.sleep(0.001)
      assert.has_error(function() p:control { request_type = 0x40, request = 1 } end)
      p:close()
      assert.same({ true, "closed" }, { first:join(LIMIT) })
    end)

    it("and raises for what makes no sense", function()
      local _, p <close> = bench()
      local cases = {
        { "number expected", {} }, { "request_type must be 0 to 255", { request_type = 256, request = 1 } },
        { "request must be 0 to 255", { request_type = 0xC0, request = -1 } },
        { "value must be", { request_type = 0xC0, request = 1, value = 65536 } },
        { "index must be", { request_type = 0xC0, request = 1, index = -1 } },
        { "length must be 0 to 4096", { request_type = 0xC0, request = 1, length = 4097 } },
        { "so give length", { request_type = 0xC0, request = 1, data = "x" } },
        { "give data", { request_type = 0x40, request = 1, length = 1 } },
        { "4096 bytes at most", { request_type = 0x40, request = 1, data = ("x"):rep(4097) } },
        { "limit must be 0 or more", { request_type = 0x40, request = 1, limit = -1 } },
        { "colour", { request_type = 0x40, request = 1, colour = 1 } },
      }
      for _, case in ipairs(cases) do
        local fine, message = pcall(p.control, p, case[2])
        assert.is_false(fine)
        assert.matches(case[1], message, 1, true)
      end
    end)
  end)

  -- the last one: what libusb does not give back is not counted down
  it("is closed though libusb gives nothing back", function()
    local id, p = bench()
    usb.set(id, "stuck", true)
    p:close()
    local counts = usb.counts()
    assert.same({ 0, 0, 8 }, { counts.handles, counts.contexts, counts.transfers })
    usb.forget()
  end)
end)
