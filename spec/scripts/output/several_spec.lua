-- That the verdict is the same whatever is shown: spec/scripts/commands/test_spec.lua.

local scratch = require "spec.support.scratch"

local SHOWN <const> = [[
  local several = require "jig.output.several"
  local tally = { passed = 0, failed = 0 }
  package.preload["outputs"] = function() return several({ %s }, tally) end
  os.exit = function() error("over", 0) end
  _G.arg = { [0] = "jig", "--output", "outputs", "lamp_spec.lua" }
  pcall(load("require 'busted.runner' { standalone = false }", "@jig test"))
  print(tally.begun, tally.ended, tally.passed, tally.failed)
]]

local function run(outputs, spec)
  local folder <close> = scratch.folder { ["lamp_spec.lua"] = spec, ["run.lua"] = SHOWN:format(outputs) }
  return scratch.jig { "./run.lua", cwd = folder.path }.stdout
end

describe("jig.output.several", function()
  it("tallies tests and what fails outside of them", function()
    assert.equal("true\ttrue\t2\t3\n", run("", [[
      it("a", function() end) it("b", function() end) pending("c")
      it("d", function() error "x" end) it("e", function() assert.is_true(false) end)
      describe("f", function() setup(function() error "x" end) it("g", function() end) end)
    ]]))
  end)

  it("shows a run in several ways", function()
    assert.equal("ok 1 - a\n1..1\n1 passed, 0 failed\ntrue\ttrue\t1\t0\n",
      run('{ name = "TAP" }, { name = "jig.output.specs", to = io.stdout }', 'it("a", function() end)'))
  end)

  it("does not end the run when an output cannot show its end", function()
    assert.equal("true\tnil\t0\t0\n",
      run('{ name = "jig.output.specs_junit", path = "/nowhere/x" }', 'it("a", function() end)'))
  end)
end)
