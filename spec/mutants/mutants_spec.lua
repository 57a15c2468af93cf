local mistakes = require "spec.support.mistakes"
local mutants = require "spec.mutants.list"

describe("the list of mutants", function()
  it("replaces what stands in the source once, by something else", function()
    for _, mutant in ipairs(mutants) do
      assert.equal(1, mistakes.occurrences(mistakes.read(mutant.file), mutant.from), mutant.name)
      assert.not_equal(mutant.from, mutant.to, mutant.name)
    end
  end)

  it("has thirty mistakes at least, half of them in the engine, each under a name of its own", function()
    local engine, names = 0, {}
    for _, mutant in ipairs(mutants) do
      assert.is_nil(names[mutant.name], mutant.name)
      names[mutant.name] = true
      if not mutant.file:find("^examples/") then engine = engine + 1 end
    end
    assert.is_true(#mutants >= 30)
    assert.is_true(engine >= 15)
  end)

  it("names laws that the proof has, and breaks each kind of them", function()
    local source, broken = "", {}
    for _, file in ipairs { "faults", "laws/device", "laws/record", "laws/service", "laws/unseen", "laws/verdict",
      "laws/waits" } do
      source = source .. mistakes.read("scripts/jig/prove/" .. file .. ".lua")
    end
    for _, mutant in ipairs(mutants) do
      assert.is_true(mistakes.occurrences(source, ('"%s"'):format(mutant.law)) > 0, mutant.law)
      broken[mutant.law] = true
    end
    for _, law in ipairs {
      "1 exactly one end", "2 order", "3 nothing is handed over twice", "4 every wait ends", "5 PASS means recorded",
      "6 nothing is lost", "7 opaque and unseen", "8 a PIN is not tried again",
      "9 one token, one caller", "the fault has a mapped code", "no plain Lua error", "closed", "verdict", "retry",
      "10 slots are islands",
    } do
      assert.is_true(broken[law], law)
    end
  end)

  it("names the recipe's line where the mistake is in one", function()
    local lines = 0
    for _, mutant in ipairs(mutants) do
      if mutant.line then
        lines = lines + 1
        assert.truthy(mutant.to:find(mutant.line, 1, true), mutant.name)
      end
    end
    assert.is_true(lines >= 5)
  end)
end)
