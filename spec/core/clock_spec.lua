local loop = require "spec.loop"

local FOREVER <const> = math.maxinteger

describe("core/clock", function()
  it("adds seconds to a time", function()
    local cases = {
      { 0, 0, 0 },
      { 5, 0, 5 },
      { 5, 1, 1000000005 },
      { 7, 0.25, 250000007 },
      { 0, 1e-9, 1 },
      { 1000, 3600, 3600000001000 },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[3], loop.after(case[1], case[2]))
    end
  end)

  it("adds nothing for negative seconds and for what is no number", function()
    for _, seconds in ipairs { -1, -math.huge, -0.0, 0 / 0 } do
      assert.equal(42, loop.after(42, seconds))
    end
  end)

  it("ends at for ever, and never goes past it", function()
    for _, seconds in ipairs { math.huge, 1e300, 1e10, 9223372037.0 } do
      assert.equal(FOREVER, loop.after(0, seconds))
      assert.equal(FOREVER, loop.after(FOREVER, seconds))
      assert.equal(FOREVER, loop.after(1234567890123, seconds))
    end
    -- close to the end, where a double is coarser than a nanosecond
    for from = FOREVER - 5000000000, FOREVER - 1, 99999989 do
      local left = (FOREVER - from) / 1e9
      for step = -4, 4 do
        local at = loop.after(from, left * (1 + step * 1e-16))
        assert.is_true(at > from)
      end
    end
    for _, from in ipairs { 1, 12345678901, 1 << 40, 1 << 50, 1 << 55 } do
      local left = (FOREVER - from) / 1e9
      for step = -4, 4 do
        assert.is_true(loop.after(from, left * (1 + step * 1.2e-16)) > from)
      end
    end
  end)

  it("moves only forwards, only when it is simulated, and never to for ever", function()
    assert.equal(10, loop.advance(5, 10, true))
    assert.equal(5, loop.advance(5, 4, true))
    assert.equal(5, loop.advance(5, FOREVER, true))
    assert.equal(5, loop.advance(5, 10, false))
  end)

  it("never runs backwards when it is real", function()
    local l = loop.new()
    local last = l:now()
    for _ = 1, 1000 do
      local now = l:now()
      assert.is_true(now >= last)
      last = now
    end
    l:free()
  end)
end)
