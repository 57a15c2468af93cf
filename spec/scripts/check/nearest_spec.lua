local nearest = require "jig.check.nearest"

describe("jig.check.nearest", function()
  for _, case in ipairs {
    { "raed", { "read", "write" }, "read" }, { "exchnge", { "exchange", "fail" }, "exchange" },
    { "Exchange", { "exchange" }, "exchange" }, { "x", { "y" } }, { "nothing", { "exchange", "read" } },
    { "", { "a" } }, { "ab", { "ac", "aa" }, "aa" }, { ("x"):rep(61), { ("x"):rep(60) } }, { "read", {} },
  } do
    it(("of %q is %s"):format(case[1]:sub(1, 10), case[3] or "none"), function()
      assert.equal(case[3], nearest.of(case[1], case[2]))
    end)
  end

  it("takes how many letters may be wrong", function()
    assert.equal("abcdef", nearest.of("abcdxx", { "abcdef" }, 2))
    assert.is_nil(nearest.of("abcdxx", { "abcdef" }, 1))
  end)

  it("gives a sentence", function()
    assert.equal("did you mean 'read'?", nearest.advice("raed", { "read" }))
    assert.equal("there is a, b", nearest.advice("nothing", { "b", "a" }))
  end)
end)
