local clock = require "jig.clock"
local peer = require "spec.peer"
local port = require "jig.port"
local wires = require "spec.support.wires"

-- An open connection and its other side.
local function connect(host)
  local listener <close> = assert(peer.listen())
  local p = assert(port.open(("tcp:%s:%d"):format(host or "127.0.0.1", listener:port()),
    { limit = 5 }))
  local other = wires.try(listener.accept, listener)
  return p, other
end

describe("transports/tcp", function()
  it("connects to a number and to a name", function()
    for _, host in ipairs { "127.0.0.1", "localhost" } do
      local p <close>, other = connect(host)
      wires.write(other, "hello")
      assert.equal("hello", p:read(5, 5))
      p:write("world", 5)
      assert.equal("world", wires.read(other, 5))
    end
  end)

  it("tells a refusal from a host that is not there", function()
    local listener <close> = assert(peer.listen())
    local number = listener:port()
    listener:close()
    local cases = {
      { "tcp:127.0.0.1:" .. number, "refused", "refuses connections to port " .. number },
      { "tcp:localhost:" .. number, "refused", "localhost" },
      { "tcp:name.invalid:1", "not_found", "name.invalid" },
    }
    for _, case in ipairs(cases) do
      local p, message, code = port.open(case[1], { limit = 5 })
      assert.same({ nil, case[2] }, { p, code })
      assert.matches(case[3], message, 1, true)
    end
  end)

  it("refuses addresses that are not host:port, and options", function()
    for _, rest in ipairs { "host", "host:0", "host:65536", "host:http", ":1", "a:1 b:2",
      "127.0.0.1:1?nodelay=1" } do
      local p, message, code = port.open("tcp:" .. rest)
      assert.same({ nil, "invalid" }, { p, code })
      assert.is_string(message)
    end
  end)

  it("may be given up while it looks up or connects", function()
    for _, host in ipairs { "localhost", "127.0.0.1" } do
      local listener <close> = assert(peer.listen())
      local p, _, code = port.open(("tcp:%s:%d"):format(host, listener:port()), { limit = 0 })
      if p then
        p:close()
      else
        assert.equal("timeout", code)
      end
      clock.sleep(0.05) -- what was under way ends now, and must find nobody
    end
  end)

  it("reads what came before the other side closed, then is lost", function()
    local p <close>, other = connect()
    wires.write(other, "last words")
    other:close()
    assert.equal("last", p:read(4, 5))
    local got, message, code = p:read(7, 5)
    assert.same({ nil, "lost" }, { got, code })
    assert.matches("closed the connection", message)
    assert.equal(" words", p:read(6, 5))
    assert.equal("lost", select(3, p:read(1, 5)))
  end)

  it("reads what came before a write found out that the wire is lost", function()
    local p <close>, other = connect()
    wires.write(other, "bye")
    wires.eventually(function()
      p:unread(assert(p:read_some(5)))
      return true
    end)
    other:reset()
    local code
    wires.eventually(function()
      code = select(3, p:write("x", 5))
      return code
    end)
    assert.equal("lost", code)
    assert.equal("bye", p:read(3, 5))
    assert.equal("lost", select(3, p:read(1, 5)))
  end)

  it("takes a reset as lost", function()
    local p <close>, other = connect()
    other:reset()
    local got, _, code = p:read(1, 5)
    assert.same({ nil, "lost" }, { got, code })
  end)

  it("drains when the other side has everything", function()
    local p <close>, other = connect()
    assert.is_true(p:write(("x"):rep(1000), 5))
    assert.is_true(p:drain(5))
    assert.equal(1000, #wires.read(other, 1000))
  end)

  it("says at the limit that the other side does not take everything", function()
    local p <close>, other = connect()
    p:write(("x"):rep(16 << 20), 0.05)
    local ok, _, code = p:drain(0.05)
    assert.same({ nil, "timeout" }, { ok, code })
    other:close()
  end)
end)
