local scratch = require "spec.support.scratch"

describe("jig journal", function()
  it("tells its verbs", function()
    for _, word in ipairs { "--help", "-h" } do
      local result = scratch.jig { "journal", word }
      assert.same({ 0, "" }, { result.exit, result.stderr })
      for _, verb in ipairs { "list", "show", "tail", "export", "stats", "verify", "sign", "prune" } do
        assert.matches("\n  " .. verb .. " +%l", result.stdout)
      end
    end
  end)

  it("ends with 2 without a verb and for another one", function()
    local result = scratch.jig { "journal" }
    assert.same({ 2, "" }, { result.exit, result.stdout })
    result = scratch.jig { "journal", "burn" }
    assert.same({ 2, "" }, { result.exit, result.stdout })
    assert.matches("^jig journal: 'burn' is no verb of it\nusage: jig journal VERB", result.stderr)
  end)

  for _, verb in ipairs { "list", "show", "tail", "export", "stats", "verify", "sign", "prune" } do
    it(verb .. " has help, and ends with 2 for what it does not know", function()
      local result = scratch.jig { "journal", verb, "--help" }
      assert.same({ 0, "" }, { result.exit, result.stderr })
      assert.matches("^Usage: jig journal " .. verb, result.stdout)
      result = scratch.jig { "journal", verb, "--burn" }
      assert.same({ 2, "" }, { result.exit, result.stdout })
    end)
  end
end)
