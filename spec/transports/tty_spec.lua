local peer = require "spec.peer"
local port = require "jig.port"
local wires = require "spec.support.wires"

-- A pseudo-terminal whose other side sees what jig sets.
local function line(options)
  local other = assert(peer.pty(true))
  local p = assert(port.open("tty:" .. other:path() .. (options or ""), { limit = 5 }))
  return p, other
end

describe("transports/tty", function()
  it("is raw, 8N1 at 115200 unless told otherwise", function()
    local p <close>, other = line()
    assert.same({
      baud = 115200, bits = 8, two_stop = false, parity = false, odd = false, rtscts = false,
      xonxoff = false, echo = false, canonical = false, mapped = false,
    }, other:line())
    p:close()
  end)

  it("takes any speed, with a name of its own or without", function()
    for _, baud in ipairs { 50, 9600, 921600, 4000000, 250000, 12345 } do
      local p <close>, other = line("?baud=" .. baud)
      assert.equal(baud, other:line().baud)
      p:close()
    end
  end)

  it("takes two stop bits and both kinds of flow control", function()
    local cases = {
      { "?stop=2", "two_stop" }, { "?flow=rtscts", "rtscts" }, { "?flow=xonxoff", "xonxoff" },
    }
    for _, case in ipairs(cases) do
      local p <close>, other = line(case[1])
      assert.is_true(other:line()[case[2]])
      p:close()
    end
  end)

  it("refuses options that it does not know or cannot read, by name", function()
    local other <close> = assert(peer.pty(true))
    local cases = {
      "speed=9600", "baud=fast", "baud=0", "baud=-1", "bits=4", "bits=9", "stop=3", "parity=maybe",
      "flow=yes", "dtr=on",
    }
    for _, option in ipairs(cases) do
      local p, message, code = port.open("tty:" .. other:path() .. "?" .. option)
      assert.same({ nil, "invalid" }, { p, code })
      assert.matches(option:match("^%l+"), message)
    end
  end)

  it("refuses what is not there and what is no terminal", function()
    local cases = {
      { "tty:/dev/pts/none", "not_found" },
      { "tty:/dev/null", "unsupported" },
      { "tty:/dev/pts/0 /dev/pts/1", "invalid" },
    }
    for _, case in ipairs(cases) do
      local p, message, code = port.open(case[1])
      assert.same({ nil, case[2] }, { p, code })
      assert.is_string(message)
    end
  end)

  it("keeps everybody else out until it is closed", function()
    local p <close>, other = line("?baud=9600")
    local second, message, code = port.open("tty:" .. other:path() .. "?baud=19200")
    assert.same({ nil, "busy" }, { second, code })
    assert.matches("in use", message)
    assert.equal(9600, other:line().baud)
    p:close()
    local third <close> = assert(port.open("tty:" .. other:path()))
    third:close()
  end)

  it("puts the settings back that it found", function()
    local p <close>, other = line("?baud=57600&stop=2")
    p:close()
    local before = other:line()
    local q <close> = assert(port.open("tty:" .. other:path() .. "?baud=9600"))
    assert.not_same(before, other:line())
    q:close()
    assert.same(before, other:line())
  end)

  it("shows DTR low as a hang-up and DTR high as the speed", function()
    local p <close>, other = line("?baud=9600")
    assert.is_true(p:set("dtr", false))
    assert.equal(0, other:line().baud)
    assert.is_true(p:set("dtr", true))
    assert.equal(9600, other:line().baud)
  end)

  it("changes the speed, and not before DTR is high again", function()
    local p <close>, other = line("?baud=9600")
    assert.is_true(p:set("baud", 19200))
    assert.equal(19200, other:line().baud)
    p:set("dtr", false)
    assert.is_true(p:set("baud", 38400))
    assert.equal(0, other:line().baud)
    p:set("dtr", true)
    assert.equal(38400, other:line().baud)
    local ok, _, code = p:set("baud", 0)
    assert.same({ nil, "invalid" }, { ok, code })
    assert.equal(38400, other:line().baud)
  end)

  it("says that a pseudo-terminal has no RTS and no break", function()
    local p <close>, other = line()
    for _, name in ipairs { "rts", "break" } do
      local ok, message, code = p:set(name, true)
      assert.same({ nil, "unsupported" }, { ok, code })
      assert.matches(name, message)
    end
    other:close()
  end)

  it("notices within 50 ms that the other side is gone, without spinning", function()
    local clock = require "jig.clock"
    local task = require "jig.task"
    local p <close>, other = line()
    local reader = task.spawn(function()
      local _, _, code = p:read(1, 5)
      return code, clock.now()
    end)
    clock.sleep(0.01)
    local from, cpu = clock.now(), peer.cpu()
    other:close()
    local _, code, at = reader:join(5)
    assert.equal("lost", code)
    assert.is_true(at - from < 0.05)
    clock.sleep(0.1)
    assert.is_true(peer.cpu() - cpu < 0.05)
  end)

  it("delivers input that came before it was told to discard, and none after", function()
    local p <close>, other = line()
    wires.write(other, "old")
    p:unread(p:read(3, 5))
    assert.equal("old", p:discard())
    wires.write(other, "new")
    assert.equal("new", p:read(3, 5))
  end)
end)
