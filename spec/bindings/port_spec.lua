-- What every wire does: spec/transports/contract_spec.lua; the port itself: spec/core/port_spec.lua.

local clock = require "jig.clock"
local peer = require "spec.peer"
local port = require "jig.port"
local scratch = require "spec.support.scratch"
local task = require "jig.task"
local wires = require "spec.support.wires"

local SHORT <const> = 0.005
local LONG <const> = 60
local CAP <const> = 1 << 20

local numbers = 0

-- Runs body(a, b) with the two ends of a wire in memory.
local function wired(body, options)
  numbers = numbers + 1
  local address = "pair:port_spec" .. numbers
  local a <close> = assert(port.open(address, options))
  local b <close> = assert(port.open(address))
  body(a, b)
end

describe("jig.port", function()
  describe("open", function()
    it("says why it could not", function()
      if scratch.valgrind then pending "posix_spawn tells no errors under valgrind" end
      local cases = {
        { "", "invalid" },
        { "nonsense", "invalid" },
        { "no:such", "invalid", "no transport is called 'no'" },
        { "tty:/dev/none", "not_found" },
        { "tcp:127.0.0.1:1", "refused" },
        { "tcp:127.0.0.1", "invalid" },
        { "exec:/no/such/program", "not_found" },
        { "pair:x?no=1", "invalid", "option 'no'" },
      }
      local before = peer.descriptors()
      for _, case in ipairs(cases) do
        local p, message, code = port.open(case[1], { limit = LONG })
        assert.same({ nil, case[2] }, { p, code }, message)
        assert.matches(case[3] or "", message, 1, true)
      end
      assert.equal(before, peer.descriptors())
    end)

    it("ends at its limit", function()
      local p, message, code, limit = port.open("tcp:127.0.0.1:1", { limit = 0 })
      assert.same({ nil, "timeout", "open" }, { p, code, limit }, message)
    end)

    it("raises for wrong options, by name", function()
      local bad = {
        { { speed = 1 }, "unknown option 'speed'" },
        { { limit = -1 }, "0 or more" },
        { { limit = 0 / 0 }, "0 or more" },
        { { gap = -1 }, "0 or more" },
        { { chunk = -1 }, "0 or more" },
        { { chunk = 1.5 }, "integer" },
        { { name = {} }, "string expected" },
        { 7, "table expected" },
      }
      for _, case in ipairs(bad) do
        local ok, message = pcall(port.open, "pair:bad", case[1])
        assert.is_false(ok)
        assert.matches(case[2], message, 1, true)
      end
      assert.is_false(pcall(port.open))
    end)

    it("shows its name", function()
      wired(function(a, b)
        assert.equal("port (A)", tostring(a))
        assert.matches("^port %(pair:port_spec%d+%)$", tostring(b))
        a:close()
        assert.equal("port (closed)", tostring(a))
      end, { name = "A" })
    end)
  end)

  describe("reading", function()
    it("gives exactly as many bytes as asked, and leaves the rest", function()
      wired(function(a, b)
        b:write "abcdef"
        assert.equal("", a:read(0))
        assert.equal("a", a:read(1, LONG))
        assert.equal("bcd", a:read(3, LONG))
        assert.equal("ef", a:read_some(LONG))
      end)
    end)

    it("fails without taking anything", function()
      wired(function(a, b)
        b:write "abc"
        for _ = 1, 3 do
          local bytes, message, code, limit = a:read(4, SHORT)
          assert.same({ nil, "timeout", "read" }, { bytes, code, limit })
          assert.equal("port:read: the limit 'read' of 0.005 s passed", message)
          bytes, message, code = a:read_until("x", SHORT)
          assert.same({ nil, "timeout" }, { bytes, code }, message)
        end
        assert.equal("abc", a:read(3, LONG))
      end)
    end)

    it("gives what is there with a limit of 0", function()
      wired(function(a, b)
        assert.equal("timeout", select(3, a:read(1, 0)))
        b:write "x"
        clock.sleep(0.001)
        assert.equal("x", a:read(1, 0))
      end)
    end)

    it("gives some bytes, at most as many as asked", function()
      wired(function(a, b)
        b:write "abcdef"
        assert.equal("ab", a:read_some(LONG, 2))
        assert.equal("cdef", a:read_some(LONG))
      end)
    end)

    it("gives bytes up to and with a delimiter, wherever they were cut", function()
      local text = "one\r\n\r\ntwo\r\r\nrest"
      for at = 0, #text do
        wired(function(a, b)
          local writer = task.spawn(function()
            b:write(text:sub(1, at))
            clock.sleep(0.001)
            b:write(text:sub(at + 1))
          end)
          assert.equal("one\r\n", a:read_until("\r\n", LONG))
          assert.equal("\r\n", a:read_until("\r\n", LONG))
          assert.equal("two\r\r\n", a:read_until("\r\n", LONG))
          assert.equal("rest", a:read(4, LONG))
          assert.is_true(writer:join(LONG))
        end)
      end
    end)

    it("takes any bytes as the delimiter", function()
      for _, delimiter in ipairs { "\0", "\xFF", "%", ".", "\0\0", "aab" } do
        wired(function(a, b)
          b:write("aa" .. delimiter .. "z")
          assert.equal("aa" .. delimiter, a:read_until(delimiter, LONG))
        end)
      end
    end)

    it("gives up on a delimiter after so many bytes, at once, and leaves them", function()
      for _, pieces in ipairs { { "0123456789a" }, { "0123456789", "a" }, { "01234", "56789", "ab" } } do
        wired(function(a, b)
          local writer = task.spawn(function()
            for _, piece in ipairs(pieces) do
              b:write(piece)
              clock.sleep(0.001)
            end
          end)
          local bytes, message, code = a:read_until("\n", LONG, 10)
          assert.same({ nil, "limit" }, { bytes, code })
          assert.equal("port:read_until: no delimiter in the first 10 bytes", message)
          assert.is_true(writer:join(LONG))
          local text = table.concat(pieces)
          assert.equal(text, a:read(#text, LONG))
        end)
      end
    end)

    it("raises for what it cannot give", function()
      wired(function(a)
        for _, n in ipairs { -1, CAP + 1, 1.5, "x" } do assert.is_false(pcall(a.read, a, n)) end
        for _, max in ipairs { 0, -1 } do
          assert.is_false(pcall(a.read_some, a, 1, max))
          assert.is_false(pcall(a.read_until, a, "x", 1, max))
        end
        assert.is_false(pcall(a.read_until, a, ""))
        assert.is_false(pcall(a.read_until, a))
        for _, limit in ipairs { -1, 0 / 0, "x" } do assert.is_false(pcall(a.read, a, 1, limit)) end
      end)
    end)

    it("puts bytes back in front, as far as they fit", function()
      wired(function(a, b)
        b:write "cd"
        clock.sleep(0.001)
        assert.is_true(a:unread "b")
        assert.is_true(a:unread "a")
        assert.is_true(a:unread "")
        assert.equal("abcd", a:read(4, LONG))
        local full = ("x"):rep(CAP)
        assert.is_true(a:unread(full))
        local ok, _, code = a:unread "y"
        assert.same({ nil, "limit" }, { ok, code })
        assert.is_true(a:read(CAP, LONG) == full)
      end)
    end)

    it("drops what waits, and gives it", function()
      wired(function(a, b)
        assert.equal("", a:discard())
        b:write "abc"
        a:unread "x"
        clock.sleep(0.001)
        assert.equal("xabc", a:discard())
        assert.equal("timeout", select(3, a:read(1, 0)))
        b:write "d"
        assert.equal("d", a:read(1, LONG))
      end)
    end)
  end)

  describe("writing", function()
    it("nothing is done at once", function()
      wired(function(a) assert.is_true(a:write("", 0)) end)
    end)

    it("raises for what is no string", function()
      wired(function(a)
        for _, value in ipairs { {}, true } do assert.is_false(pcall(a.write, a, value)) end
        assert.is_false(pcall(a.write, a, "x", -1))
        assert.is_false(pcall(a.drain, a, -1))
      end)
    end)
  end)

  it("refuses a setting that the wire has not", function()
    wired(function(a)
      local ok, message, code = a:set("dtr", true)
      assert.same({ nil, "unsupported" }, { ok, code })
      assert.matches("dtr", message)
      assert.is_false(pcall(a.set, a, "baud", 1.5))
      assert.is_false(pcall(a.set, a))
    end)
  end)

  it("can be used again after a wait that raised", function()
    wired(function(a, b)
      for _ = 1, 3 do
        assert.is_false(pcall(table.sort, { 1, 2 }, function() a:read(1) end))
      end
      local writer = task.spawn(function() b:write "x" end)
      assert.equal("x", a:read(1, LONG))
      assert.is_true(writer:join())
    end)
  end)

  describe("close", function()
    it("may come twice; everything else then raises", function()
      wired(function(a)
        a:close()
        a:close()
        for _, call in ipairs {
          function() a:read(1) end, function() a:read_some() end, function() a:read_until "x" end,
          function() a:write "x" end, function() a:drain() end, function() a:unread "x" end,
          function() a:discard() end, function() a:set("dtr", true) end, function() a:counts() end,
        } do
          local ok, message = pcall(call)
          assert.is_false(ok)
          assert.matches("attempt to use a closed port", message)
        end
      end)
    end)

    it("is closed to who waits and was ready already, but not yet resumed", function()
      wired(function(a, b)
        local reader = task.spawn(function() return select(3, a:read(2, LONG)) end)
        clock.sleep(0.001)
        local closer = task.spawn(function()
          b:write "x"
          clock.sleep(0)
          a:close()
        end)
        assert.is_true(closer:join(LONG))
        assert.same({ true, "closed" }, { reader:join(LONG) })
      end)
    end)

    it("is done by the collector, and leaves no descriptor", function()
      local before = peer.descriptors()
      do
        assert(port.open("exec:cat", { limit = LONG }))
      end
      collectgarbage()
      collectgarbage()
      wires.eventually(function() return peer.descriptors() == before end)
    end)
  end)

  it("tells whether a device is there, without opening it", function()
    assert.same({ true, false }, { port.present "tty:/dev/null", port.present "tty:/nowhere" })
    assert.same({ true, false }, { port.present "serial:/dev/null", port.present "serial:/nowhere" })
    assert.is_false(port.present "serial:?vid=ffff&pid=ffff&serial=nobody")
  end)

  local untold = {
    { "tcp:127.0.0.1:1", "unsupported", "tcp: only opening it tells" },
    { "serial:?", "invalid", "" },
    { "serial:?vid=xyz", "invalid", "vid is 'xyz'" },
    { "bird:x", "invalid", "no transport is called 'bird'" },
    { "", "invalid", "" },
  }
  for _, case in ipairs(untold) do
    it(("says why that cannot be told of '%s'"):format(case[1]), function()
      local there, message, code = port.present(case[1])
      assert.same({ nil, case[2] }, { there, code })
      assert.matches(case[3], message, 1, true)
    end)
  end

  it("lists its transports and the devices that are there", function()
    local schemes = {}
    for _, entry in ipairs(port.schemes()) do
      schemes[entry.scheme] = entry.summary
      assert.is_string(entry.summary)
    end
    for _, scheme in ipairs { "serial", "usb", "tty", "tcp", "exec", "pair", "stdin", "fault" } do
      assert.is_string(schemes[scheme])
    end
    for _, device in ipairs(assert(port.list())) do
      assert.is_string(device.address)
      assert.is_string(device.name)
    end
  end)
end)
