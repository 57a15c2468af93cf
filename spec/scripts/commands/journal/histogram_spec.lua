local histogram = require "jig.commands.journal.histogram"

describe("jig.commands.journal.histogram", function()
  it("has no quantile while it is empty", function()
    assert.is_nil(histogram.new():quantile(0.5))
  end)

  it("knows zero", function()
    local h = histogram.new()
    for _ = 1, 3 do h:add(0) end
    h:add(1000000)
    assert.equal(0, h:quantile(0.5))
    assert(h:quantile(1) > 0.99)
  end)

  it("is at most 1 % off, from a microsecond to a year", function()
    local us = 1
    while us < 31536000000000 do
      local h = histogram.new()
      h:add(us)
      local error = h:quantile(0.5) * 1e6 / us
      assert(error > 0.99 and error < 1.0101, ("%g: %g"):format(us, error))
      us = us * 1.0137
    end
  end)

  it("agrees with sorting", function()
    local h, list, seed = histogram.new(), {}, 7
    for i = 1, 1001 do
      seed = (seed * 1103515245 + 12345) % 2147483648
      list[i] = seed % 5000000 + 1
      h:add(list[i])
    end
    table.sort(list)
    for _, part in ipairs { 0, 0.01, 0.5, 0.95, 1 } do
      local exact = list[math.max(1, math.ceil(part * #list))]
      local error = h:quantile(part) * 1e6 / exact
      assert(error > 0.99 and error < 1.0101, ("%g: %g"):format(part, error))
    end
    assert.equal(1001, h.count)
  end)
end)
