local scratch = require "spec.support.scratch"

local function output(spec)
  local folder <close> = scratch.folder { ["lamp_spec.lua"] = spec }
  return scratch.jig { "test", "--tap", "lamp_spec.lua", cwd = folder.path }.stdout
end

describe("jig.output.specs_tap", function()
  it("has a point per test, and the plan last", function()
    assert.equal("TAP version 13\nok 1 - a\nok 2 - b\n1..2\n", output 'it("a", function() end) it("b", function() end)')
    assert.equal("TAP version 13\n1..0\n", output "")
  end)

  it("says where and why a test failed, each line a comment", function()
    assert.equal("TAP version 13\nnot ok 1 - lamp is lit\n# lamp_spec.lua:2\n# lamp_spec.lua:3: it is\n# dark\n1..1\n",
      output 'describe("lamp", function()\nit("is lit", function()\nassert(false, "it is\\ndark") end) end)')
    assert.matches("not ok 1 %- a\n# lamp_spec.lua:1\n# .-\n#   code = 5\n# }\n1%.%.1\n$",
      output 'it("a", function() error { code = 5 } end)')
  end)

  it("marks what was skipped, with its reason", function()
    assert.equal("TAP version 13\nok 1 - a # SKIP lamp_spec.lua:1: no bulb\nok 2 - b # SKIP\n1..2\n",
      output 'it("a", function() pending("no bulb") end) pending("b")')
  end)

  it("has a point for what fails outside of a test", function()
    assert.matches("^TAP version 13\nnot ok 1 %- lamp_spec.lua\n# .*\n1%.%.1\n$", output "it(")
    assert.matches("\nnot ok 1 %- a setup\n# .*boom\n1%.%.1\n$",
      output 'describe("a", function() setup(function() error "boom" end) it("b", function() end) end)')
  end)

  it("lets no name end its line, or begin a directive", function()
    assert.equal("TAP version 13\nok 1 - a?not ok 7 \\# TODO\n1..1\n",
      output 'it("a\\nnot ok 7 # TODO", function() end)')
  end)
end)
