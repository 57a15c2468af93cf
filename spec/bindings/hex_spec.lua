-- What is computed: spec/core/hex_spec.lua.

local hex = require "jig.hex"

describe("bindings/hex", function()
  it("gives bytes or text alone when all is well", function()
    assert.equal(1, select("#", hex.encode("\1")))
    assert.equal(1, select("#", hex.decode("01")))
  end)

  it("gives nil, message, code and the position when text is no hex", function()
    local cases = {
      { "0g", 2 }, { "g0", 1 }, { "0", 2 }, { "000", 4 }, { "00 00", 3 }, { "\0\0", 1 }, { "00\n", 3 },
    }
    for _, case in ipairs(cases) do
      local results = table.pack(hex.decode(case[1]))
      assert.equal(4, results.n)
      assert.same({ nil, "invalid", case[2] }, { results[1], results[3], results[4] })
      assert.is_string(results[2])
    end
  end)

  it("raises for everything but strings, numbers too", function()
    for _, f in pairs(hex) do
      for _, value in ipairs { 12, 1.5, true, {}, print } do
        assert.is_false(pcall(f, value))
      end
      assert.is_false(pcall(f))
    end
  end)

  it("carries a megabyte", function()
    local bytes = ("\0\xFF\x7Fz"):rep(1 << 18)
    assert.is_true(hex.decode(hex.encode(bytes)) == bytes)
  end)
end)
