local clock = require "jig.clock"
local port = require "jig.port"
local scratch = require "spec.support.scratch"

local made = 0

-- A pair with faults on our side: the bad end and the good end.
local function wire(options)
  made = made + 1
  local bad = assert(port.open(("fault:%s:pair:fault%d"):format(options, made)))
  return bad, assert(port.open("pair:fault" .. made))
end

-- What comes out of the good end when `bytes` go into the bad one in pieces.
local function sent(options, bytes, piece)
  local bad <close>, good = wire(options)
  for at = 1, #bytes, piece do assert(bad:write(bytes:sub(at, at + piece - 1), 5)) end
  return good:discard()
end

local function received(options, bytes, piece)
  local bad <close>, good = wire(options)
  local parts = {}
  for at = 1, #bytes, piece do
    good:write(bytes:sub(at, at + piece - 1), 5)
    parts[#parts + 1] = bad:discard()
  end
  return table.concat(parts)
end

local directions = { sent = sent, received = received }

local function count_bits(byte)
  local n = 0
  while byte > 0 do
    n = n + byte % 2
    byte = byte // 2
  end
  return n
end

local text = ("0123456789"):rep(1000)

describe("transports/fault", function()
  for name, carry in pairs(directions) do
    describe("on bytes " .. name, function()
      it("does the same again for the same seed, however the bytes are cut", function()
        local options = "seed=7,loss=0.1,corrupt=0.1"
        local first = carry(options, text, 10000)
        assert.is_true(first ~= text)
        for _, piece in ipairs { 1000, 97, 13 } do
          assert.is_true(first == carry(options, text, piece))
        end
        assert.is_true(first == carry(options .. ",split=3", text, 10000))
        assert.is_false(first == carry("seed=8,loss=0.1,corrupt=0.1", text, 10000))
      end)

      it("loses about as many as it was asked to", function()
        assert.equal(text, carry("loss=0", text, 10000))
        assert.equal("", carry("loss=1", text, 10000))
        local left = #carry("seed=1,loss=0.25", text, 10000)
        assert.is_true(left > 7300 and left < 7700)
      end)

      it("corrupts one bit of a byte and leaves the number of bytes alone", function()
        local got = carry("corrupt=1", text, 10000)
        assert.equal(#text, #got)
        for i = 1, #text do assert.equal(1, count_bits(got:byte(i) ~ text:byte(i))) end
        local changed = 0
        got = carry("seed=3,corrupt=0.01", text, 10000)
        for i = 1, #text do
          if got:byte(i) ~= text:byte(i) then changed = changed + 1 end
        end
        assert.is_true(changed > 60 and changed < 140)
      end)
    end)
  end

  it("does not do the same in both directions", function()
    assert.is_false(sent("seed=7,loss=0.1", text, 10000) == received("seed=7,loss=0.1", text, 10000))
  end)

  it("splits reads into pieces of at most that size, and loses nothing", function()
    for most = 1, 4 do
      local bad <close>, good = wire("split=" .. most)
      good:write(text)
      local got, sizes = {}, {}
      for i = 1, 2000 do
        got[i] = bad:read_some(5)
        sizes[#got[i]] = true
      end
      assert.equal(most, #sizes)
      got = table.concat(got)
      assert.equal(text:sub(1, #got), got)
    end
  end)

  it("delays input by the time it was asked to", function()
    local bad <close>, good = wire("delay=0.05")
    local from = clock.now()
    good:write("late")
    assert.equal("timeout", select(3, bad:read(4, 0.02)))
    assert.equal("late", bad:read(4, 5))
    assert.is_true(clock.now() - from >= 0.05)
  end)

  it("cuts the wire after so many bytes, both directions counted", function()
    local bad <close>, good = wire("cut=10")
    bad:write("1234")
    good:write("56789abc")
    assert.equal("1234", good:read(4, 5))
    assert.equal("56789a", bad:read(6, 5))
    local got, message, code = bad:read(1, 5)
    assert.same({ nil, "lost" }, { got, code })
    assert.matches("cut after 10 bytes", message)
    assert.equal("lost", select(3, bad:write("x", 5)))
    assert.equal("lost", select(3, good:read(1, 5)))
  end)

  it("writes up to the cut and no further", function()
    local bad <close>, good = wire("cut=3")
    assert.equal("lost", select(3, bad:write("12345", 5)))
    assert.equal("123", good:read(3, 5))
    assert.equal("lost", select(3, good:read(1, 5)))
  end)

  it("is cut from the start with cut=0", function()
    local bad <close> = wire("cut=0")
    assert.equal("lost", select(3, bad:read(1, 5)))
  end)

  it("passes on why the other wire did not open", function()
    if scratch.valgrind then pending "posix_spawn tells no errors under valgrind" end
    local cases = {
      { "fault::exec:no-such-program-here", "not_found" },
      { "fault:seed=1:tcp:127.0.0.1:1", "refused" },
      { "fault::carrier-pigeon:home", "invalid" },
      { "fault::pair:a?b=c", "invalid" },
    }
    for _, case in ipairs(cases) do
      local p, message, code = port.open(case[1], { limit = 5 })
      assert.same({ nil, case[2] }, { p, code })
      assert.is_string(message)
    end
  end)

  it("refuses options that it does not know or cannot read, by name", function()
    for _, option in ipairs { "drop=1", "loss=2", "loss=-1", "loss=nan", "loss=0x1", "loss=", "loss=1e9",
      "corrupt=.", "split=-1", "split=4097", "delay=inf", "cut=x", "seed=-1" } do
      local p, message, code = port.open("fault:" .. option .. ":pair:options")
      assert.same({ nil, "invalid" }, { p, code })
      assert.matches(option:match("^%l+"), message)
    end
  end)
end)
