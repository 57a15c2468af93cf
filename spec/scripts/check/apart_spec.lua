local scratch = require "spec.support.scratch"
local trial = require "jig.trial"

describe("jig.check.apart", function()
  local folder
  setup(function() folder = scratch.folder() end)
  teardown(function() folder:__close() end)

  local function told_of(text)
    return trial.run("jig.check.apart", { file = folder:write("recipe.lua", text), folder = folder.path .. "/" })
  end

  it("tells of fields, of the load, and of a run, in this order", function()
    local told = told_of "local x = nothing\nreturn require('jig').recipe { name = 5 + x, nmae = 1 }"
    local first, last = told[1], told[#told]
    assert.same({ "loaded", false, true }, { first.event, first.spent, first.guessed })
    assert.is_true(first.limits.unit > 0)
    local paths = {}
    for _, one in ipairs(told) do paths[one.path or ""] = one.event end
    assert.equal("field", paths.nmae)
    assert.same({ "run", true }, { last.event, last.refused })
    assert.matches("recipe.lua:1: ", last.message, 1, true)
  end)

  it("ends what loops, with its line, and loads it once", function()
    for _, text in ipairs {
      "local x = 1\nwhile true do x = x + 1 end",
      "local function f() while true do end end\nwhile true do pcall(f) end",
      "\ncoroutine.wrap(function() while true do end end)()",
      "local x = nothing.at_all\ncoroutine.wrap(function() while true do end end)()",
    } do
      local told = told_of(text)
      assert.same({ 1, "loaded", true, false }, { #told, told[1].event, told[1].spent, told[1].guessed })
      assert.matches("recipe.lua:%d: it computed for more than 1 s", told[1].trouble)
    end
  end)
end)
