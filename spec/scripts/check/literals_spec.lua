local literals = require "jig.check.literals"

describe("jig.check.literals", function()
  it("finds nothing in patterns that Lua takes", function()
    for _, text in ipairs { "", "SN=(%w+)\r\n", "[]]", "[^]]", "[%]]", "%b()", "%f[%w]x", "(a(b))", "%(", "[(]" } do
      assert.is_nil(literals.pattern(text), text)
    end
  end)

  it("says why a text is no pattern", function()
    for text, why in pairs {
      ["SN=(%w+"] = "misses )", ["a)"] = "has a ) without (", ["[a"] = "misses ]", ["[]"] = "misses ]",
      ["a%"] = "ends with %",
      ["%b("] = "misses arguments of %b", ["%fx"] = "misses [ behind %f", ["%f[x"] = "misses ]",
    } do
      assert.equal(why, literals.pattern(text), text)
    end
  end)

  it("says why a text is no format", function()
    for _, text in ipairs { "", ">I2 B", "z", "s2", "<i4", "c10" } do assert.is_nil(literals.format(text), text) end
    assert.equal("invalid format option 'Q'", literals.format(">I2 Q"))
    assert.equal("invalid format option 'Y'", literals.format(">Y"))
  end)
end)
