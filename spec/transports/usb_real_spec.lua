-- The real libusb on devices that are played to it as the kernel would show them (spec/support/mockusb.c). After each
-- case the descriptors, the threads and what the kernel holds for the process must be as before.

local clock = require "jig.clock"
local mockusb = require "spec.support.mockusb"
local peer = require "spec.peer"
local port = require "jig.port"
local task = require "jig.task"

local spec = it
local it = mockusb.cases("spec/transports/usb_real_spec.lua", it, function(why) pending(why) end)

local BULK <const>, INTERRUPT <const> = 2, 3
local LIMIT <const> = 20
local SHORT <const> = 0.01

local function open(address) return assert(port.open(address, { limit = LIMIT })) end

-- Why an address is not opened.
local function refused(address, code)
  local p, message, got = port.open(address, { limit = LIMIT })
  assert.same({ nil, code }, { p, got }, tostring(message))
  return message
end

-- The message of a call that fails.
local function failed(code, nothing, message, got)
  assert.same({ nil, code }, { nothing, got }, tostring(message))
  return message
end

-- A value that differs at every place of a long text.
local function long(n)
  local parts = {}
  for i = 1, n // 4 do parts[i] = string.pack("<I4", i * 2654435761 % 0x100000000) end
  return table.concat(parts)
end

-- Lets the tasks that were just spawned run until they wait.
local function let_run() clock.sleep(0.001) end

describe("transports/usb with the real libusb", function()
  if spec then
    spec("is a wire like all others", function()
      local passed, why = mockusb.test("spec/transports/contract_spec.lua", "usb")
      if not passed then return pending(why) end
      assert.is_true(tonumber(passed:match "^(%d+) passed, 0 failed$" or 0) >= 45, why)
    end)
  end

  describe("reads", function()
    it("short packets, whole ones and, without a sign of them, those of zero bytes", function()
      local device = mockusb.plug()
      local p <close> = open(device.address)
      local all = {}
      for _, n in ipairs { 1, 63, 64, 0, 0, 64, 2, 0, 64, 64, 0 } do
        all[#all + 1] = string.char(#all):rep(n)
        device:feed(0x81, all[#all])
      end
      all = table.concat(all)
      assert.equal(all, p:read(#all, LIMIT))
      failed("timeout", p:read(1, SHORT))
      device:feed(0x81, "x")
      assert.equal("x", p:read(1, LIMIT))
    end)

    it("64 kB that come back while they are written", function()
      local device = mockusb.plug { echo = true }
      local p <close> = open(device.address)
      local bytes = long(65536)
      local writer = task.spawn(function() return p:write(bytes, LIMIT) end)
      assert.is_true(p:read(#bytes, LIMIT) == bytes)
      assert.same({ true, true }, { writer:join(LIMIT) })
    end)

    it("from a device that hangs until the limit, and what it says later", function()
      local device = mockusb.plug()
      local p <close> = open(device.address)
      device:fail(0x81, "hang")
      device:feed(0x81, "late")
      failed("timeout", p:read(1, SHORT))
      device:fail(0x81, "go")
      assert.equal("late", p:read(4, LIMIT))
    end)

    it("on after a stall, which is told once though all transfers end with it, and cleared", function()
      local device = mockusb.plug()
      local p <close> = open(device.address)
      device:feed(0x81, "before")
      assert.equal("before", p:read(6, LIMIT))
      device:fail(0x81, "stall")
      device:feed(0x81, "after")
      assert.matches("stalled endpoint 81", failed("refused", p:read(1, LIMIT)))
      assert.equal(0, device:state().cleared)
      assert.equal("after", p:read(5, LIMIT))
      assert.equal(1, device:state().cleared)
    end)

    it("on after babble, of which nothing is handed out", function()
      local device = mockusb.plug()
      local p <close> = open(device.address)
      device:feed(0x81, ("x"):rep(65))
      device:feed(0x81, "after")
      assert.matches("more than a packet of 64 bytes at endpoint 81", failed("limit", p:read(1, LIMIT)))
      assert.equal("after", p:read(5, LIMIT))
    end)

    it("interrupt endpoints as well", function()
      local device = mockusb.plug { { number = 0, { 0x83, INTERRUPT, 8 }, { 0x04, INTERRUPT, 8 } } }
      local p <close> = open(device.address)
      device:feed(0x83, "status")
      assert.equal("status", p:read(6, LIMIT))
      assert.is_true(p:write("ok", LIMIT))
      assert.is_true(p:drain(LIMIT))
      assert.same({ "ok" }, device:written())
    end)
  end)

  describe("writes", function()
    it("pieces, and a packet of zero bytes if told so", function()
      local device = mockusb.plug()
      for query, pieces in pairs { [""] = { 16384, 64 }, ["&zlp=1"] = { 16384, 64, 0 } } do
        local p <close> = open(device.address .. query)
        assert.is_true(p:write(long(16448), LIMIT))
        assert.is_true(p:drain(LIMIT))
        local written = device:written()
        assert.equal(long(16448), table.concat(written))
        for i, piece in ipairs(written) do written[i] = #piece end
        assert.same(pieces, written)
      end
    end)

    it("to a device that hangs until the limit", function()
      local device = mockusb.plug()
      local p <close> = open(device.address)
      device:fail(0x02, "hang")
      failed("timeout", p:write(("x"):rep(1 << 20), SHORT))
      failed("timeout", p:drain(SHORT))
      assert.equal(8 + 4, device:state().flying)
      device:fail(0x02, "go")
      assert.is_true(p:drain(LIMIT))
    end)

    it("on after a stall, which is told once", function()
      local device = mockusb.plug()
      local p <close> = open(device.address)
      device:fail(0x02, "stall")
      assert.is_true(p:write(("x"):rep(40000), LIMIT))
      assert.matches("stalled endpoint 02", failed("refused", p:drain(LIMIT)))
      assert.is_true(p:write("again", LIMIT))
      assert.is_true(p:drain(LIMIT))
      assert.same({ "again" }, device:written())
      assert.equal(1, device:state().cleared)
    end)
  end)

  describe("sends control requests", function()
    it("that are answered, refused, babbled at or left hanging", function()
      local device = mockusb.plug()
      local p <close> = open(device.address)
      device:answer(0x42, "JIG1")
      device:answer(1, "longer")
      device:answer(2, "", "hang")
      local function ask(request, limit)
        return p:control { request_type = 0xC0, request = request, length = 4, limit = limit or LIMIT }
      end
      assert.equal("JIG1", ask(0x42))
      assert.matches("refuses control request c0/09", failed("refused", ask(9)))
      assert.matches("more than 4 bytes", failed("limit", ask(1)))
      failed("timeout", ask(2, SHORT))
      assert.equal("JIG1", ask(0x42))
    end)

    it("that bring bytes", function()
      local device = mockusb.plug()
      local p <close> = open(device.address)
      device:answer(0xFE)
      assert.is_true(p:control { request_type = 0x41, request = 0xFE, value = 0x1234, index = 1, data = "ab\0" })
      assert.same({ "\x41\xFE\x34\x12\1\0\3\0ab\0" }, device:written())
    end)
  end)

  describe("is lost when it is unplugged", function()
    for _, status in ipairs { "shutdown", "nodev", "proto", "lost" } do
      it("with transfers on their way, whatever becomes of them: " .. status, function()
        local device = mockusb.plug()
        local p = open(device.address)
        device:fail(0x02, "hang")
        device:answer(1, "", "hang")
        local waiting = {
          task.spawn(function() return select(3, p:read(1, LIMIT)) end),
          task.spawn(function() return select(3, p:write(("x"):rep(1 << 20), LIMIT)) end),
          task.spawn(function() return select(3, p:control { request_type = 0x40, request = 1 }) end),
        }
        let_run()
        assert.equal(8 + 4 + 1, device:state().flying)
        local from = clock.now()
        device:unplug(status)
        for _, waiter in ipairs(waiting) do assert.same({ true, "lost" }, { waiter:join(LIMIT) }) end
        assert.is_true(clock.now() - from < 5)
        local message = failed("lost", p:read(1, LIMIT))
        assert.matches(status == "proto" and "the bus failed" or "was unplugged", message)
        assert.same({ nil, message, "lost" }, { p:write("x", LIMIT) })
        assert.same({ nil, message, "lost" }, { p:drain(LIMIT) })
        assert.same({ nil, message, "lost" }, { p:control { request_type = 0x40, request = 1 } })
        p:close()
      end)
    end

    it("before it is used, after its last bytes, and costs no time while nobody closes it", function()
      local device = mockusb.plug()
      local p <close> = open(device.address)
      device:feed(0x81, "last")
      device:unplug()
      assert.equal("last", p:read(4, LIMIT))
      failed("lost", p:read(1, LIMIT))
      local cpu = peer.cpu()
      clock.sleep(0.05)
      assert.is_true(peer.cpu() - cpu < 0.03)
    end)

    it("while its bus already fails", function()
      local device = mockusb.plug()
      local p <close> = open(device.address)
      device:fail(0x81, "crc")
      assert.matches("the bus failed", failed("lost", p:read(1, LIMIT)))
      device:unplug()
      failed("lost", p:write("x", LIMIT))
    end)

    it("at each single call to the kernel", function()
      local device = mockusb.plug { echo = true, driver = true }
      local function use()
        local p, _, code = port.open(device.address .. "&alt=0", { limit = LIMIT })
        if not p then return code end
        local request = { request_type = 0xC0, request = 1, length = 3, limit = LIMIT }
        device:answer(1, "yes")
        local steps = {
          function() return p:write("hello", LIMIT) end, function() return p:drain(LIMIT) end,
          function() return p:read(5, LIMIT) end, function() return p:control(request) end,
        }
        for _, step in ipairs(steps) do
          local done
          done, _, code = step()
          if not done then break end
        end
        p:close()
        return code
      end
      local calls = 0
      repeat
        calls = calls + 1
        device:set("vanish", calls)
        local code = use()
        local reached = device:state().vanish == 0
        if reached and code then assert.equal("lost", code, "call " .. calls) end
        if not reached then assert.is_nil(code) end
        device:unplug()
        device:plug()
      until not reached
      assert.is_true(calls > 30, calls .. " calls only")
    end)

    it("with both of its interfaces, which are two ports", function()
      local device = mockusb.plug {
        { number = 0, { 0x81, BULK, 64 }, { 0x02, BULK, 64 } }, { number = 1, { 0x83, INTERRUPT, 8 } },
      }
      local data <close> = open(device.address .. "&interface=0")
      local status <close> = open(device.address .. "&interface=1")
      device:feed(0x83, "ready")
      assert.equal("ready", status:read(5, LIMIT))
      assert.is_true(data:write("x", LIMIT))
      device:unplug()
      failed("lost", status:read(1, LIMIT))
      failed("lost", data:read(1, LIMIT))
    end)

    it("and is another's no more than that: the one beside it goes on", function()
      local a = mockusb.plug { number = 5, echo = true }
      local b = mockusb.plug { number = 6, echo = true }
      local pa <close> = open(a.address)
      local pb <close> = open(b.address)
      a:unplug()
      failed("lost", pa:read(1, LIMIT))
      assert.is_true(pb:write("hello", LIMIT))
      assert.equal("hello", pb:read(5, LIMIT))
    end)

    it("and found again when it is plugged in again, also while the lost one is still open", function()
      local device = mockusb.plug { echo = true }
      local lost <close> = open(device.address)
      device:unplug()
      refused(device.address, "not_found")
      assert.is_false(port.present(device.address))
      device:plug()
      assert.is_true(port.present(device.address))
      local p <close> = open(device.address)
      failed("lost", lost:read(1, LIMIT))
      assert.is_true(p:write("hello", LIMIT))
      assert.equal("hello", p:read(5, LIMIT))
    end)

    it("in the middle of being closed", function()
      local device = mockusb.plug()
      local p = open(device.address)
      device:fail(0x02, "hang")
      assert.is_true(p:write("x", LIMIT))
      device:unplug "lost"
      p:close()
    end)
  end)

  describe("opens", function()
    it("one of two that are the same by its socket; by their ids both are refused, and listed", function()
      local a = mockusb.plug { number = 5, serial = "same" }
      mockusb.plug { number = 7, pid = 2, serial = "hub", place = "1-3" }
      local b = mockusb.plug { number = 6, place = "1-3.1", serial = "same", echo = true }
      for _, address in ipairs { "usb:1209:0001", "usb:?serial=same" } do
        local message = refused(address, "invalid")
        assert.matches("2 devices fit the address: path=1-", message, 1, true)
        for _, place in ipairs { "1-5", "1-3.1" } do
          assert.matches(("path=%s (1209:0001, serial same)"):format(place), message, 1, true)
        end
      end
      local p <close> = open "usb:1209:0001?path=1-3.1"
      assert.same({ 0, 1 }, { a:state().files, b:state().files })
      assert.is_true(p:write("hello", LIMIT))
      assert.equal("hello", p:read(5, LIMIT))
    end)

    it("an interface that is there, and says which are", function()
      local device = mockusb.plug {
        { number = 0, { 0x81, BULK, 64 }, { 0x02, BULK, 64 } },
        { number = 1, { 0x83, BULK, 64 }, { 0x04, BULK, 64 } },
        { number = 1, alt = 1, { 0x85, BULK, 64 }, { 0x06, BULK, 64 } },
      }
      assert.matches("say which interface: interface=0 read=81 bulk write=02 bulk; interface=1 alt=0 read=83",
        refused(device.address, "invalid"), 1, true)
      assert.matches("no such interface: interface=0", refused(device.address .. "&interface=2", "invalid"), 1, true)
      assert.matches("no such endpoint", refused(device.address .. "&interface=0&read=83", "invalid"), 1, true)
      assert.equal(0, device:state().files)
      local p <close> = open(device.address .. "&interface=1&alt=1")
      assert.equal(1, device:state().alt)
      device:feed(0x85, "alt")
      assert.equal("alt", p:read(3, LIMIT))
    end)

    it("the one with the longest serial number that there can be", function()
      local euro = "\xE2\x82\xAC" -- three bytes of UTF-8, as the kernel writes one of the 126 characters
      local device = mockusb.plug { serial = euro:rep(126) }
      mockusb.plug { number = 6, serial = euro:rep(125) }
      local p <close> = open("usb:?serial=" .. ("%E2%82%AC"):rep(126))
      assert.equal(1, device:state().files)
      assert.is_truthy(p)
    end)

    it("no endpoint for bytes that has the number of the one for control requests", function()
      local device = mockusb.plug {
        { number = 0, { 0x80, BULK, 64 }, { 0x00, BULK, 64 }, { 0x81, BULK, 64 }, { 0x02, BULK, 64 } },
        { number = 1, { 0x80, BULK, 64 }, { 0x00, BULK, 64 } },
      }
      assert.matches("no such endpoint", refused(device.address .. "&interface=0&read=80", "invalid"), 1, true)
      local p <close> = open(device.address)
      device:feed(0x81, "in")
      assert.equal("in", p:read(2, LIMIT))
    end)

    it("when it may: denied, then granted", function()
      local device = mockusb.plug { denied = true, echo = true }
      local message = refused(device.address, "denied")
      assert.matches("no permission for /dev/bus/usb/001/005: let a udev rule give it", message, 1, true)
      device:set("denied", false)
      local p <close> = open(device.address)
      assert.is_true(p:write("hello", LIMIT))
      assert.equal("hello", p:read(5, LIMIT))
      return { descriptors = 1 } -- umockdev keeps one for a node that could not be opened
    end)

    it("with the kernel's driver out of the way until it is closed", function()
      local device = mockusb.plug { driver = true }
      local p = open(device.address)
      assert.same({ -1, 1 }, { device:state().driver, device:state().claims })
      p:close()
      assert.equal(1, device:state().driver)
    end)

    it("once, and not what another program has", function()
      local device = mockusb.plug()
      do
        local p <close> = open(device.address)
        assert.is_truthy(p)
        assert.matches("in use", refused(device.address, "busy"))
      end
      device:set("busy", true)
      assert.matches("in use", refused(device.address, "busy"))
      device:set("busy", false)
      local p <close> = open(device.address)
      assert.is_truthy(p)
    end)

    it("nothing when the kernel has no memory for a transfer, and with less than eight when it has for some", function()
      local device = mockusb.plug { room = 0 }
      assert.matches("usbfs_memory_mb", refused(device.address, "memory"))
      device:set("room", 3)
      local p <close> = open(device.address)
      assert.equal(3, device:state().flying)
      for i = 1, 30 do device:feed(0x81, string.char(i)) end
      for i = 1, 30 do assert.equal(string.char(i), p:read(1, LIMIT)) end
      device:set("room", -1)
      device:feed(0x81, "x")
      assert.equal("x", p:read(1, LIMIT))
      assert.equal(8, device:state().flying)
    end)
  end)

  it("gives back all that still is on its way when it is closed", function()
    local device = mockusb.plug()
    local p = open(device.address)
    device:fail(0x02, "hang")
    device:answer(1, "", "hang")
    assert.is_true(p:write("x", LIMIT))
    local asked = task.spawn(function() return select(3, p:control { request_type = 0x40, request = 1 }) end)
    let_run()
    assert.equal(8 + 1 + 1, device:state().flying)
    p:close()
    assert.same({ true, "closed" }, { asked:join(LIMIT) })
  end)

  it("keeps nothing of 1,000 times that a device is plugged in, opened, used, and unplugged", function()
    local device = mockusb.plug {
      { number = 0, { 0x81, BULK, 64 }, { 0x02, BULK, 64 } }, { number = 1, { 0x03, BULK, 64 } },
    }
    local ways = { "shutdown", "nodev", "proto", "lost" }
    local function read(p) return select(3, p:read(1, LIMIT)) end
    local function drain(p) return select(3, p:drain(LIMIT)) end
    local function cycle(i)
      local reads = i % 4 == 0 -- eight transfers are on their way then, and one when it writes
      local p = open(device.address .. "&interface=" .. (reads and 0 or 1))
      device:fail(0x03, "hang")
      if not reads then assert(p:write("x", LIMIT)) end
      local waiter = task.spawn(reads and read or drain, p)
      device:unplug(ways[i // 4 % 4 + 1])
      assert.same({ true, "lost" }, { waiter:join(LIMIT) })
      p:close()
      device:plug()
    end
    for i = 1, 100 do cycle(i) end
    local held, memory = mockusb.held(), mockusb.memory()
    for i = 1, 900 do cycle(i) end
    assert.same(held, mockusb.held())
    local grown = mockusb.sanitized and 0 or mockusb.memory() - memory -- there what leaks is told at the end
    assert.is_true(grown < 256 * 1024, ("grown by %d bytes"):format(grown))
  end)
end)
