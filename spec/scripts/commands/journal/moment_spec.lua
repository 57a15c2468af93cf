local moment = require "jig.commands.journal.moment"

describe("jig.commands.journal.moment", function()
  -- Each: a text, and its time in us.
  local times = {
    { "1970-01-01", 0 },
    { "2000-02-29", 951782400000000 },
    { "2026-03-01", 1772323200000000 },
    { "2026-03-01T00:00", 1772323200000000 },
    { "2026-03-01 00:00:01", 1772323201000000 },
    { "2026-03-01T23:59:59.5Z", 1772409599500000 },
    { "2026-03-01T00:00:00.000001Z", 1772323200000001 },
    { "2026-12-31", 1798675200000000 },
    { "9999-12-31", 253402214400000000 },
  }
  for _, time in ipairs(times) do
    it("reads " .. time[1], function() assert.equal(time[2], moment.parse(time[1])) end)
  end

  for unit, seconds in pairs { s = 1, m = 60, h = 3600, d = 86400, w = 604800 } do
    it("reads an age in " .. unit, function()
      local before = os.time()
      local got = moment.parse("3" .. unit) // 1000000 + 3 * seconds
      assert.equal("integer", math.type(got))
      assert(got >= before and got <= os.time(), got)
    end)
  end

  for _, text in ipairs {
    "", "today", "2026", "2026-3-1", "2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-01-00",
    "2026-03-01T24:00", "2026-03-01T12", "2026-03-01T12:60", "2026-03-01T12:00:60", "2026-03-01T12:00:00.",
    "2026-03-01T12:00:00.1234567", "2026-03-01T12:00+01:00", "2026-03-01x", "3y", "-3d", "3 d", "1234567890d", "h",
  } do
    it(("does not take '%s'"):format(text), function()
      local us, message = moment.parse(text)
      assert.is_nil(us)
      assert.matches(("got '%s'"):format(text), message, 1, true)
    end)
  end

  it("shows milliseconds, also before 1970", function()
    assert.equal("2026-03-01T00:00:01.234Z", moment.show(1772323201234999))
    assert.equal("1969-12-31T23:59:59.999Z", moment.show(-1))
  end)

  it("shows what it reads", function()
    for us = 0, 4102444800000000, 86400000000 * 37 + 3601001000 do
      assert.equal(us // 1000 * 1000, moment.parse(moment.show(us)))
    end
  end)

  it("gives seconds", function()
    assert.equal(0.42, moment.seconds(420000))
    assert.is_nil(moment.seconds(nil))
  end)
end)
