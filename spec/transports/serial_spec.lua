-- libserialport itself, on a pseudo-terminal that the preloaded ptyshim dresses up as a serial
-- port. The shim must be there when a process starts, so a child holds the port.

local clock = require "jig.clock"
local peer = require "spec.peer"
local port = require "jig.port"
local wires = require "spec.support.wires"

local closing = {
  __close = function(self)
    self.holder:close()
    if self.other then self.other:close() end
  end,
}

-- A child with the shim. call(chunk) runs one line of Lua there and returns what it returned.
local function child(lines)
  local asan = (os.getenv("ASAN_OPTIONS") or "") .. ":verify_asan_link_order=0:detect_leaks=0"
  local address = ("exec:env LD_PRELOAD=%s ASAN_OPTIONS=%s JIG_PTYSHIM_LINES=%s %s %s"):format(
    wires.shim, asan, lines or "", wires.jig, "spec/support/remote.lua")
  local holder = assert(port.open(address, { limit = 5 }))
  local function call(chunk, ...)
    assert(holder:write(chunk:format(...) .. "\n", 5))
    return assert(holder:read_until("\n", 10)):sub(1, -2)
  end
  return setmetatable({ holder = holder, call = call }, closing)
end

-- A child and a pseudo-terminal; open(options) opens the port there as `p`.
local function bench(lines)
  local self = child(lines)
  self.other = assert(peer.pty(true))
  self.address = "serial:" .. self.other:path()
  function self.open(options)
    assert.equal("true",
      self.call("p = assert(port.open(%q)) return true", self.address .. (options or "")))
  end
  return self
end

describe("transports/serial", function()
  it("opens at 115200, 8N1, raw, unless told otherwise", function()
    local b <close> = bench()
    b.open()
    assert.same({
      baud = 115200, bits = 8, two_stop = false, parity = false, odd = false, rtscts = false,
      xonxoff = false, echo = false, canonical = false, mapped = false,
    }, b.other:line())
  end)

  it("opens at other speeds, with a name of their own or without", function()
    local b <close> = bench()
    for _, baud in ipairs { 9600, 921600, 3000000, 250000 } do
      b.open("?baud=" .. baud)
      assert.equal(baud, b.other:line().baud)
      b.call("p:close()")
    end
  end)

  it("takes stop bits and flow control", function()
    local b <close> = bench()
    local cases = {
      { "?stop=2", "two_stop" }, { "?flow=rtscts", "rtscts" }, { "?flow=xonxoff", "xonxoff" },
    }
    for _, case in ipairs(cases) do
      b.open(case[1])
      assert.is_true(b.other:line()[case[2]])
      b.call("p:close()")
    end
  end)

  it("changes the speed while it is open", function()
    local b <close> = bench()
    b.open()
    assert.equal("true", b.call("return p:set('baud', 921600)"))
    assert.equal(921600, b.other:line().baud)
  end)

  it("carries bytes both ways", function()
    local b <close> = bench()
    b.open()
    local all = {}
    for i = 0, 255 do all[i + 1] = string.char(i) end
    all = table.concat(all)
    wires.write(b.other, all)
    assert.equal("true", b.call("got = p:read(256, 5) return p:write(got, 5)"))
    assert.equal(all, wires.read(b.other, 256))
    assert.equal("true", b.call("return p:drain(5)"))
  end)

  it("waits when there is nothing, instead of taking that for the end", function()
    local b <close> = bench()
    b.open()
    assert.matches("^nil\t.*\ttimeout", b.call("return p:read(1, 0.02)"))
    wires.write(b.other, "x")
    assert.equal("x", b.call("return p:read(1, 5)"))
  end)

  it("lets the other side see DTR, RTS and break", function()
    local path = os.tmpname()
    local b <close> = bench(path)
    local steps = {
      { "dtr", "false", "dtr=0 rts=1 break=0" },
      { "rts", "false", "dtr=0 rts=0 break=0" },
      { "dtr", "true", "dtr=1 rts=0 break=0" },
      { "break", "true", "dtr=1 rts=0 break=1" },
      { "break", "false", "dtr=1 rts=0 break=0" },
      { "rts", "true", "dtr=1 rts=1 break=0" },
    }
    b.open()
    local wanted = {}
    for i, step in ipairs(steps) do
      assert.equal("true", b.call("return p:set(%q, %s)", step[1], step[2]))
      wanted[i] = b.other:path() .. " " .. step[3] .. "\n"
    end
    local file = assert(io.open(path))
    assert.equal(table.concat(wanted), file:read("a"))
    file:close()
    os.remove(path)
  end)

  it("opens with DTR and RTS low when told so", function()
    local path = os.tmpname()
    local b <close> = bench(path)
    b.open("?dtr=off&rts=off")
    local last
    for line in io.lines(path) do last = line end
    assert.equal(b.other:path() .. " dtr=0 rts=0 break=0", last)
    os.remove(path)
  end)

  it("keeps a second process out until it is closed, before that one changes a setting", function()
    local b <close> = bench()
    b.open("?baud=9600")
    local second <close> = child()
    local answer = second.call("return port.open(%q)", b.address .. "?baud=19200")
    assert.matches("^nil\t.*in use by another process\tbusy$", answer)
    assert.equal(9600, b.other:line().baud)
    assert.equal("busy", select(3, port.open("tty:" .. b.other:path())))
    b.call("p:close()")
    assert.equal("true", second.call("p = assert(port.open(%q)) return true", b.address))
  end)

  it("is free again when the process that held it was killed", function()
    local b <close> = bench()
    b.open()
    local pid = b.call("local f = io.open('/proc/self/stat') return f:read('n')")
    peer.kill(math.tointeger(tonumber(pid)))
    assert.equal("lost", select(3, b.holder:read(1, 5)))
    local second <close> = child()
    assert.equal("true", second.call("p = assert(port.open(%q)) return true", b.address))
  end)

  it("notices within 50 ms that it was unplugged, without spinning before or after", function()
    local b <close> = bench()
    b.open()
    b.holder:write("cpu = os.clock() _, _, code = p:read(1, 5) "
      .. "at = clock.now() clock.sleep(0.2) return code, at, os.clock() - cpu\n", 5)
    clock.sleep(0.2)
    local unplugged = clock.now()
    b.other:close()
    local code, at, cpu = b.holder:read_until("\n", 5):match("(%S+)\t(%S+)\t(%S+)")
    assert.equal("lost", code)
    assert.is_true(tonumber(at) >= unplugged and tonumber(at) - unplugged < 0.05)
    assert.is_true(tonumber(cpu) < 0.05)
    assert.matches("lost$", b.call("return p:read(1, 5)"))
    assert.matches("lost$", b.call("return p:write('x', 5)"))
    assert.equal("", b.call("p:close()"))
  end)

  it("discards what waits", function()
    local b <close> = bench()
    b.open()
    wires.write(b.other, "old")
    assert.equal("old", b.call("p:unread(p:read(3, 5)) return p:discard()"))
    wires.write(b.other, "new")
    assert.equal("new", b.call("return p:read(3, 5)"))
  end)

  it("says what it cannot do", function()
    local b <close> = bench()
    local cases = {
      { "?bits=7", "device" }, -- a pseudo-terminal has 8
      { "?bits=9", "bits" },
      { "?flow=rtscts&rts=on", "RTS" },
      { "?dtr=up", "dtr" },
      { "?latency=0", "latency" },
      { "?colour=red", "colour" },
      { "?vid=0403", "vid" },
      { " /dev/pts/0", "PATH" },
    }
    for _, case in ipairs(cases) do
      local answer = b.call("return port.open(%q)", b.address .. case[1])
      assert.matches("^nil\t", answer)
      assert.matches(case[2], answer, 1, true)
    end
    b.open("?flow=rtscts")
    assert.matches("unsupported$", b.call("return p:set('rts', true)"))
    assert.matches("unsupported$", b.call("return p:set('latency', 1)"))
    assert.matches("unsupported$", b.call("return p:set('colour', 1)"))
    assert.matches("unsupported$", b.call("return p:set('baud', 0)"))
  end)

  it("says when there is no device, or none that it may open", function()
    local b <close> = bench()
    local cases = {
      { "serial:/dev/ttyNOTHERE", "not_found" },
      { "serial:/dev/null", "unsupported" },
      { "tty:" .. b.other:path(), nil },
    }
    for _, case in ipairs(cases) do
      local p <close>, message, code = port.open(case[1])
      assert.equal(case[2], code)
      assert.is_true(p ~= nil or #message > 0)
    end
    for address, why in pairs {
      ["serial:?baud=9600"] = "no device is named", ["serial:/dev/ttyS0?vid=0403"] = "must be serial:PATH, or",
      ["serial:/dev/ttyS0 /dev/ttyS1"] = "must be serial:PATH",
    } do
      local p, message, code = port.open(address)
      assert.same({ nil, "invalid" }, { p, code })
      assert.matches(why, message, 1, true)
    end
    -- without the shim libserialport does not know a pseudo-terminal
    local p, message, code = port.open(b.address)
    assert.same({ nil, "unsupported" }, { p, code })
    assert.matches("tty:" .. b.other:path(), message, 1, true)
  end)

  it("lists devices as addresses", function()
    for _, device in ipairs(assert(port.list())) do
      assert.matches("^serial:/dev/", device.address)
      assert.matches("^/dev/", device.name)
    end
  end)
end)
