local clock = require "jig.clock"
local fault = require "jig.fault"
local port = require "jig.port"
local task = require "jig.task"
local wire = require "jig.wire"

local SHORT <const> = 0.005
local LONG <const> = 60

local numbers = 0

-- An open wire and the other end of it, where all limits are long.
local function open(limits, options)
  numbers = numbers + 1
  local address = "pair:wire_spec" .. numbers
  local all = { open = LONG, ready = LONG, read = LONG, write = LONG }
  for name, seconds in pairs(limits or {}) do all[name] = seconds end
  return wire.open(address, "A", all, options), assert(port.open(address))
end

-- The fault that f(...) throws.
local function thrown_by(f, ...)
  local ok, thrown = pcall(f, ...)
  assert.is_false(ok)
  assert.is_true(fault.is(thrown), tostring(thrown))
  return thrown
end

describe("jig.wire", function()
  it("throws connectivity.not_found, open or timeout when it cannot be opened", function()
    local limits = { open = 0 }
    local cases = {
      { "tty:/dev/none", "connectivity.not_found" },
      { "tty:/dev/null", "connectivity.open" },
      { "nonsense", "connectivity.open" },
      { "tcp:127.0.0.1:1", "connectivity.timeout" },
    }
    for _, case in ipairs(cases) do
      local made = thrown_by(wire.open, case[1], "A", limits)
      assert.equal(case[2], made.name, tostring(made))
      assert.is_string(made.reason)
    end
    assert.matches("'open'", thrown_by(wire.open, "tcp:127.0.0.1:1", "A", limits).reason)
  end)

  it("paces its writes as it is told", function()
    local w <close>, other = open(nil, { chunk = 2, gap = 0.005 })
    local from = clock.now()
    w:write "abcdef"
    assert.equal("abcdef", other:read(6, LONG))
    assert.is_true(clock.now() - from >= 0.01)
  end)

  it("reads what was sent, in every way", function()
    local w <close>, other = open()
    other:write "abcdef\nrest"
    assert.equal("ab", w:read(2))
    assert.equal("cdef\n", w:read_until "\n")
    w:unread "X"
    assert.equal("Xre", w:read_some(nil, 3))
    assert.equal("st", w:read_some())
    assert.equal("", w:read(0))
    assert.equal("", w:discard())
    other:write "old"
    assert.equal("old", w:read_some())
    w:unread "old"
    assert.equal("old", w:discard())
    w:write "out"
    assert.equal("out", other:read(3, LONG))
    w:drain()
    assert.same({ 14, 3 }, { w:counts() })
  end)

  it("throws connectivity.timeout when the recipe's limit passes, or one of the call", function()
    local w <close>, other = open { read = SHORT, ready = SHORT, write = SHORT }
    local full = ("x"):rep(65536)
    w:write(full)
    local calls = {
      { "read", 1 }, { "read_some" }, { "read_until", "\n" }, { "expect", "x" }, { "write", "x" }, { "drain" },
    }
    for _, call in ipairs(calls) do
      assert.equal("connectivity.timeout", thrown_by(w[call[1]], w, table.unpack(call, 2)).name, call[1])
    end
    w.limits = { read = LONG, ready = LONG, write = LONG }
    local own = {
      { "read", 1, SHORT }, { "read_some", SHORT }, { "read_until", "\n", SHORT }, { "expect", "x", SHORT },
      { "write", "x", SHORT }, { "drain", SHORT },
    }
    for _, call in ipairs(own) do
      assert.equal("connectivity.timeout", thrown_by(w[call[1]], w, table.unpack(call, 2)).name, call[1])
    end
    assert.equal(full, other:read(#full, LONG))
  end)

  it("throws connectivity.lost when the other side has gone", function()
    local w <close>, other = open()
    other:close()
    local calls = { { "read", 1 }, { "read_some" }, { "read_until", "\n" }, { "expect", "x" }, { "write", "x" } }
    for _, call in ipairs(calls) do
      assert.equal("connectivity.lost", thrown_by(w[call[1]], w, table.unpack(call, 2)).name, call[1])
    end
  end)

  it("throws tool.limit when the unit's limit passes first", function()
    local w <close>, other = open()
    local limit <close> = task.limit("unit", SHORT)
    assert.equal("tool.limit", thrown_by(w.read, w, 1).name)
    assert.equal("tool.limit", thrown_by(w.expect, w, "x").name)
    other:close()
  end)

  it("throws connectivity.corrupt when no delimiter comes in so many bytes", function()
    local w <close>, other = open()
    other:write(("x"):rep(20))
    assert.equal("connectivity.corrupt", thrown_by(w.read_until, w, "\n", nil, 10).name)
    assert.equal(("x"):rep(20), w:read(20))
  end)

  describe("expect", function()
    it("gives the captures, or the match, and leaves what follows", function()
      local w <close>, other = open()
      other:write "boot\r\nSN=A17\r\nV=2;ready\r\nrest"
      assert.equal("A17", w:expect "SN=(%w+)\r\n")
      assert.same({ "V", "2" }, { w:expect "(%w)=(%d);" })
      assert.equal("ready\r\n", w:expect "ready\r\n")
      assert.equal("rest", w:read(4))
    end)

    it("does not care how the text is cut", function()
      local text = "boot\r\nSN=A17\r\nrest"
      for at = 1, #text - 1 do
        local w <close>, other = open()
        local writer = task.spawn(function()
          other:write(text:sub(1, at))
          clock.sleep(0)
          other:write(text:sub(at + 1))
        end)
        assert.equal("A17", w:expect "SN=(%w+)\r\n")
        assert.equal("rest", w:read(4))
        writer:join(LONG)
      end
    end)

    it("names the pattern, what had come and its limit, and leaves the input as it was", function()
      local w <close>, other = open { ready = SHORT }
      other:write "boot"
      local made = thrown_by(w.expect, w, "SN=")
      assert.matches('expected text matching "SN=" in 4 bytes: ', made.reason, 1, true)
      assert.matches("'ready' of 0.005 s", made.reason, 1, true)
      local lines = thrown_by(w.expect, w, 'SN="(%w+)"\r\n\t\\')
      assert.matches([[expected text matching "SN=\"(%w+)\"\r\n\t\\" in 4 bytes: ]], lines.reason, 1, true)
      assert.equal("boot", w:read(4))
    end)

    it("gives up after 64 kB without a match, and drops none of it", function()
      local w <close>, other = open()
      local writer = task.spawn(function() other:write(("x"):rep(65537)) end)
      local made = thrown_by(w.expect, w, "SN=")
      assert.equal("connectivity.corrupt", made.name)
      assert.matches("in 65537 bytes: too much text without it", made.reason, 1, true)
      assert.equal(("x"):rep(65537), w:read(65537))
      writer:join(LONG)
    end)
  end)

  it("throws connectivity.open for a line that the transport has not", function()
    local w <close>, other = open()
    assert.equal("connectivity.open", thrown_by(w.set, w, "dtr", true).name)
    assert.equal("connectivity.open", thrown_by(w.pulse, w, "dtr", 0).name)
    other:close()
  end)

  it("asks the device beside its bytes", function()
    local asked, answer
    local handle = { control = function(_, request)
      asked = request
      return table.unpack(answer, 1, 4)
    end }
    local w = wire.open("any", "A", { read = 7 }, nil, function() return handle end)
    answer = { "yes" }
    assert.equal("yes", w:control { request_type = 0xC0, request = 1, length = 3 })
    assert.same({ request_type = 0xC0, request = 1, length = 3, limit = 7 }, asked)
    answer = { true }
    assert.is_true(w:control { request_type = 0x40, request = 1, limit = 2 })
    assert.equal(2, asked.limit)
    local cases = {
      unsupported = "connectivity.open", refused = "firmware.unknown_command", timeout = "connectivity.timeout",
      lost = "connectivity.lost", limit = "connectivity.corrupt", interrupted = "tool.interrupted",
    }
    for code, name in pairs(cases) do
      answer = { nil, "why", code, code == "timeout" and "control" or nil }
      local made = thrown_by(w.control, w, { request_type = 0xC0, request = 1 })
      assert.same({ name, "why" }, { made.name, made.reason })
    end
  end)

  it("throws connectivity.open for control requests where there are none", function()
    local w <close>, other = open()
    assert.equal("connectivity.open", thrown_by(w.control, w, { request_type = 0xC0, request = 1 }).name)
    other:close()
  end)

  -- A wire whose lines are known by what was set, in order.
  local function lines()
    local sets = {}
    local handle = { set = function(_, name, value)
      sets[#sets + 1] = name .. "=" .. tostring(value)
      return true
    end }
    return wire.open("any", "A", {}, nil, function() return handle end), sets
  end

  it("pulses a line to its other value and back, from what it was set to", function()
    local w, sets = lines()
    w:pulse("dtr", 0)
    w:pulse("break", 0)
    w:set("rts", false)
    w:pulse("rts", 0)
    assert.same({ "dtr=false", "dtr=true", "break=true", "break=false", "rts=false", "rts=true", "rts=false" }, sets)
  end)

  it("gives a line back when the time of a pulse is cut short", function()
    local w, sets = lines()
    local pulsing = task.spawn(w.pulse, w, "dtr", LONG)
    while #sets == 0 do task.turn() end
    pulsing:interrupt()
    local ok, thrown = pulsing:join(LONG)
    assert.same({ false, "tool.interrupted" }, { ok, thrown.name })
    assert.same({ "dtr=false", "dtr=true" }, sets)
  end)

  it("bounds what is written until the bound is closed", function()
    local w <close>, other = open()
    do
      local bound <close> = wire.bound(w, 3)
      assert.is_table(bound)
      w:write "ab"
      w:write "c"
      local made = thrown_by(w.write, w, "d")
      assert.equal("connectivity.lost", made.name)
      assert.matches("blocks were sent again too often", made.reason)
    end
    w:write "ef"
    assert.equal("abcef", other:read(5, LONG))
  end)

  it("goes on with the bound around another when that is closed", function()
    local w <close>, other = open()
    local outer <close> = wire.bound(w, 3)
    assert.is_table(outer)
    w:write "ab"
    do
      local inner <close> = wire.bound(w, 5)
      assert.is_table(inner)
      w:write "cdefg"
    end
    w:write "h"
    assert.matches("blocks were sent again too often", thrown_by(w.write, w, "i").reason)
    assert.equal("abcdefgh", other:read(8, LONG))
  end)

  it("is bounded whatever other bound is closed meanwhile", function()
    local w <close>, other = open()
    local early = wire.bound(w, 5) -- as in a coroutine that was left
    local bound <close> = wire.bound(w, 3)
    assert.is_table(bound)
    getmetatable(early).__close(early)
    getmetatable(early).__close(early)
    w:write "abc"
    assert.matches("blocks were sent again too often", thrown_by(w.write, w, "d").reason)
    other:close()
  end)

  it("shows a recipe its methods and nothing of what stands behind them", function()
    local w <close>, other = open()
    for _, name in ipairs { "open", "close", "bound", "handle", "tap", "methods", "limits", "lines", "budget" } do
      assert.is_nil(w[name], name)
    end
    assert.is_nil(next(w))
    assert.is_false(getmetatable(w))
    other:close()
  end)

  it("refuses what is called wrongly, with the line that did", function()
    local w <close>, other = open()
    other:close()
    for message, call in pairs {
      ["it is port:write(…), with a colon"] = function() wire.write("x") end,
      ["it is port:drain(…), with a colon"] = function() wire.drain() end,
      ["port:write: expected a string, got number"] = function() wire.write(w, 5) end,
      ["port:read: expected a number, got nil"] = function() wire.read(w) end,
      ["it is port:read(…), with a colon"] = function() wire.read({ handle = {} }, 1) end,
    } do
      local ok, thrown = pcall(call)
      assert.is_false(ok)
      assert.matches("^spec/scripts/wire_spec.lua:%d+: ", thrown)
      assert.matches(message, thrown, 1, true)
    end
  end)
end)
