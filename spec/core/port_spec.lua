-- What core/port adds to every wire. What holds for each kind of wire is in
-- spec/transports/contract_spec.lua.

local clock = require "jig.clock"
local peer = require "spec.peer"
local port = require "jig.port"
local task = require "jig.task"

local INPUT_CAP = 1 << 20

local made = 0

-- Two ports joined in memory; the options are the first one's.
local function pair(options)
  made = made + 1
  local name = "pair:port" .. made
  return assert(port.open(name, options)), assert(port.open(name))
end

describe("core/port", function()
  it("writes at most a chunk at once and is silent for the gap after each", function()
    local a <close>, b = pair { chunk = 3, gap = 0.02 }
    local arrived, from = {}, clock.now()
    local reader = task.spawn(function()
      local got = ""
      while #got < 8 do
        local bytes = assert(b:read_some(5))
        arrived[#arrived + 1] = { bytes, clock.now() }
        got = got .. bytes
      end
    end)
    assert.is_true(a:write("12345678", 5))
    assert(reader:join(5))
    assert.same({ "123", "456", "78" }, { arrived[1][1], arrived[2][1], arrived[3][1] })
    assert.is_true(arrived[2][2] - from >= 0.019)
    assert.is_true(arrived[3][2] - from >= 0.039)
  end)

  it("keeps the gap between writes, too", function()
    local a <close>, b = pair { chunk = 8, gap = 0.03 }
    local from = clock.now()
    for _ = 1, 3 do a:write("x", 5) end
    assert.is_true(clock.now() - from >= 0.06)
    assert.equal("xxx", b:read(3, 5))
  end)

  it("sleeps through a gap, also when the wire could take more", function()
    collectgarbage()
    collectgarbage("stop") -- its time is not the port's
    -- full at the second chunk, so that the descriptor is watched when the later gaps begin
    local p <close> = assert(port.open("exec:sh -c sleep%200.25;cat%20>/dev/null",
      { chunk = 1 << 20, gap = 0.1 }))
    local from, cpu = clock.now(), peer.cpu()
    local ok = p:write(("x"):rep(1 << 20), 10)
    local took, used = clock.now() - from, peer.cpu() - cpu
    collectgarbage("restart")
    assert.is_true(ok)
    assert.is_true(took >= 0.099) -- one gap at least
    assert.is_true(used < took / 2, used .. " s") -- spinning would use it all
  end)

  it("reports a limit that ends within a gap", function()
    local a <close>, b = pair { chunk = 1, gap = 10 }
    local ok, _, code = a:write("12", 0.01)
    assert.same({ nil, "timeout" }, { ok, code })
    assert.equal("1", b:read(1, 5))
  end)

  it("does not pace unless told to", function()
    local a <close>, b = pair()
    a:write(("x"):rep(1000), 5)
    assert.equal(1000, #b:read_some(5))
  end)

  it("holds 1 MiB of input and says so when more would be needed", function()
    local a <close>, b = pair()
    local writer = task.spawn(function() return b:write(("x"):rep(INPUT_CAP + 1), 100) end)
    local got, message, code = a:read_until("\n", 100, 2 * INPUT_CAP)
    assert.same({ nil, "limit" }, { got, code })
    assert.matches(tostring(INPUT_CAP), message)
    assert.equal(INPUT_CAP, #a:read(INPUT_CAP, 5))
    assert.equal("x", a:read(1, 5))
    assert.same({ true, true }, { writer:join(5) })
  end)

  it("puts bytes back in front of those that wait", function()
    local a <close>, b = pair()
    b:write("cd", 5)
    assert.equal("c", a:read(1, 5))
    a:unread("abc")
    assert.equal("abcd", a:read(4, 5))
  end)

  it("tells a reader and a writer that wait at the same time", function()
    local a <close>, b = pair()
    assert.equal("timeout", select(3, a:write(("x"):rep(1 << 20), 0)))
    local writer = task.spawn(function() return a:write("y", 5) end)
    local reader = task.spawn(function() return a:read(1, 5) end)
    clock.sleep(0.001)
    b:write("z", 5)
    assert.equal(65536, #b:read(65536, 5))
    assert.same({ true, "z" }, { reader:join(5) })
    assert.same({ true, true }, { writer:join(5) })
  end)

  it("does not spin while input waits that nobody asks for", function()
    local a <close>, b = pair()
    b:write("x", 5)
    assert.equal("x", a:read(1, 5))
    assert.equal("timeout", select(3, a:read(1, 0.001)))
    b:write("y", 5)
    local cpu = peer.cpu()
    clock.sleep(0.1)
    assert.is_true(peer.cpu() - cpu < 0.05)
    assert.equal("y", a:read(1, 5))
  end)
end)
