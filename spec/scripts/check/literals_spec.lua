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

  it("says why a text is no format of string.format", function()
    for _, text in ipairs { "", "100%%", "%5.2f%%", "%-10s|%+d %#x %q", "%c%i%a%p" } do
      assert.is_nil(literals.directives(text), text)
    end
    for text, why in pairs {
      ["5%"] = "ends with %", ["%y"] = "has an invalid directive '%y'",
      ["%d % of it"] = "has an invalid directive '% o'", ["%100d"] = "has an invalid directive '%100d'",
    } do
      assert.equal(why, literals.directives(text), text)
    end
  end)

  it("counts the values that it takes", function()
    for text, count in pairs { [""] = 0, ["100%%"] = 0, ["%d%%"] = 1, ["%%%s %-5d"] = 2 } do
      assert.equal(count, literals.values(text), text)
    end
  end)
end)
