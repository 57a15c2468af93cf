local clock = require "jig.clock"
local port = require "jig.port"
local tap = require "jig.shell.tap"
local task = require "jig.task"

local made = 0

-- A tap on one end of a wire, the other end, and what the sink was told.
local function open()
  made = made + 1
  local address = "pair:tap" .. made
  local told = {}
  local one = tap.new(assert(port.open(address)), function(event) told[#told + 1] = event end)
  return one, assert(port.open(address)), told
end

describe("jig.shell.tap", function()
  it("tells what passes before whoever asked for it has it", function()
    local one, other, told = open()
    other:write("abc")
    assert.equal("ab", one:read(2))
    assert.same({ { kind = "in", bytes = "abc" } }, told)
    assert.equal("c", one:read_some())
    assert.is_true(one:write("xy"))
    assert.is_true(one:write(""))
    assert.same({ kind = "out", bytes = "xy" }, told[2])
    assert.equal("xy", other:read(2))
    assert.equal(2, #told)
    one:close()
  end)

  it("has control requests where the wire has them, and what is known of the device", function()
    local asked
    local handle = {
      control = function(_, request)
        asked = request
        if request.request == 1 then return "told" end
        return nil, "gone", "lost"
      end,
      about = function() return { serial = "S1" } end,
      close = function() end,
    }
    local told = {}
    local one = tap.new(handle, function(event) told[#told + 1] = event.kind end)
    local request = { request_type = 0xC0, request = 1 }
    assert.equal("told", one:control(request))
    assert.equal(request, asked)
    assert.same({ serial = "S1" }, one:about())
    assert.same({ nil, "gone", "lost" }, { one:control { request = 2 } })
    assert.same({ "lost" }, told)
    assert.equal("lost", select(3, one:control(request)))
    one:close()
    assert.same({}, one:about())
  end)

  it("tells of nothing that cannot be written", function()
    local one, _, told = open()
    for _, bad in ipairs { 5, {}, true } do
      assert.error_matches(function() one:write(bad) end, "expected a string, got " .. type(bad))
    end
    assert.same({}, told)
    one:close()
  end)

  it("reads as a port does: exactly, some, up to a delimiter, again", function()
    local one, other = open()
    other:write("one\r\ntwo\r\nthree")
    assert.equal("one\r\n", one:read_until("\r\n"))
    assert.is_true(one:unread("x"))
    assert.equal("xtw", one:read_some(nil, 3))
    assert.equal("", one:read(0))
    assert.same({ nil, "limit" }, { (select(1, one:read_until("?", 1, 4))), (select(3, one:read_until("?", 1, 4))) })
    assert.equal("o\r\nthree", one:discard())
    assert.has_error(function() one:read_until("") end, "the delimiter is empty")
    one:close()
    other:close()
  end)

  it("keeps what had come when the limit passes, and names the limit", function()
    local one, other = open()
    other:write("ab")
    local bytes, message, code, limit = one:read(3, 0.01)
    assert.same({ nil, "timeout", "read" }, { bytes, code, limit })
    assert.matches("0.01 s", message, 1, true)
    assert.equal("ab", one:read(2))
    one:close()
  end)

  it("keeps what nobody has read while it is looked at: the latest 64 KiB", function()
    local one, other, told = open()
    other:write("AB")
    assert.is_true(one:fetch(1))
    assert.equal("AB", one:read(2))
    one:unread("x" .. ("y"):rep(65535) .. "z")
    one:trim()
    assert.equal(65536, #one:discard())
    assert.equal(1, #told)
    one:close()
  end)

  it("tells once that the wire is gone, and says to each call how to get it again", function()
    local one, other, told = open()
    other:close()
    assert.same({ nil, "lost" }, { one:read(1), (select(3, one:read(1))) })
    for _, name in ipairs { "read_some", "drain", "discard", "fetch" } do
      local ok, message, code = one[name](one)
      assert.same({ nil, "lost" }, { ok, code })
      assert.matches("open() opens it again", message, 1, true)
    end
    assert.same({ nil, "lost" }, { one:write("x"), (select(3, one:write("x"))) })
    assert.same({ nil, "lost" }, { one:set("dtr", true), (select(3, one:set("dtr", true))) })
    assert.equal(1, #told)
    assert.equal("lost", told[1].kind)
    one:close()
    assert.same({ 0, 0 }, { one:counts() })
  end)

  it("loses nothing when who looks at it is stopped", function()
    local one, other, told = open()
    local watching = task.spawn(function()
      while one:fetch() do end
    end)
    clock.sleep(0.001)
    watching:interrupt()
    watching:join()
    other:write("late")
    assert.equal("late", one:read(4, 5))
    assert.equal(1, #told)
    one:close()
  end)
end)
