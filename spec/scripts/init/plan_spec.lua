local plan = require "jig.init.plan"

describe("jig.init.plan", function()
  it("takes letters, digits, _ and - for a name, up to the longest", function()
    for _, name in ipairs { "a", "0", "_", "lamp", "Meter-2", "a_b-", ("x"):rep(plan.LONGEST) } do
      assert.equal(name, plan.check_name(name))
    end
  end)

  it("says what is wrong with another one, and what to do", function()
    for _, name in ipairs {
      "", "-", "-x", ".", "..", ".x", "a.b", "a/b", "/", "a b", "a\n", "\n", "a\0b", "ä", "$name", "a'",
    } do
      local ok, message = plan.check_name(name)
      assert.is_nil(ok)
      assert.matches("^a name is letters, digits, '_' and, not in front, '%-'", message)
    end
    local ok, message = plan.check_name(("x"):rep(plan.LONGEST + 1))
    assert.is_nil(ok)
    assert.equal("a name has at most 40 characters, this has 41: choose a shorter one", message)
  end)

  it("knows every transport and framing that it offers, and no other", function()
    for _, transport in ipairs(plan.transports) do
      for _, framing in ipairs(plan.framings) do
        local made = plan.new("lamp", transport, framing)
        assert.same({ "lamp", transport, framing }, { made.name, made.transport, made.framing })
      end
    end
    assert.error_matches(function() plan.new("lamp", "pair", "length") end, "no such transport")
    assert.error_matches(function() plan.new("lamp", "serial", "morse") end, "no such framing")
  end)

  it("offers each framing of the library", function()
    for _, framing in ipairs(plan.framings) do
      assert.is_true(pcall(require, "jig.framing." .. framing))
    end
    assert.equal(8, #plan.framings)
  end)

  describe("fill", function()
    local made = plan.new("lamp", "tcp", "slip")

    it("replaces words by what is given, else by the plan's own", function()
      assert.equal("lamp over tcp, slip; lamp's 100% and a_b",
        made:fill("$name over $transport, $framing; $name's $a_b", { a_b = "100% and a_b" }))
      assert.equal("ramp", made:fill("$name", { name = "ramp" }))
    end)

    it("does not look into what it has put in", function()
      assert.equal("$name", made:fill("$word", { word = "$name" }))
    end)

    it("raises for a word that stands for nothing", function()
      for _, word in ipairs { "other", "wire", "fill" } do
        local message = "the template's %$" .. word .. " stands for nothing"
        assert.error_matches(function() made:fill("$" .. word) end, message)
      end
    end)
  end)

  it("makes comments of lines", function()
    assert.equal("  -- a\n  -- b", plan.comment({ "a", "b" }, "  "))
  end)
end)
