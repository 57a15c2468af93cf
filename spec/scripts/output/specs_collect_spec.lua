local scratch = require "spec.support.scratch"
local specs_stream = require "jig.output.specs_stream"

-- As an output that collects tells it.
local function cases_of(spec)
  local folder <close> = scratch.folder { ["lamp_spec.lua"] = spec }
  return (specs_stream.read(scratch.jig { "test", "--output", "jig.output.specs_stream", "lamp_spec.lua",
    cwd = folder.path }.stdout))
end

describe("jig.output.specs_collect", function()
  it("has a test's place, its full name and what became of it", function()
    local cases = cases_of 'describe("lamp", function()\nit("is lit", function() assert(false, "dark") end)\nend)'
    assert.equal(1, #cases)
    local case = cases[1]
    assert.same({ "lamp_spec.lua", 2, "lamp is lit", "failure", "lamp_spec.lua:2: dark" },
      { case.file, case.line // 1 | 0, case.name, case.tag, case.message })
  end)

  it("has what fails outside of tests, once", function()
    for _, text in ipairs { 'error("boom", 0)', "assert.equal(1, 2)" } do
      local spec = 'describe("a", function() setup(function() %s end) it("x", function() end) end)'
      local cases = cases_of(spec:format(text))
      assert.same({ 1, "error", "a setup" }, { #cases, cases[1].tag, cases[1].name })
    end
  end)

  it("has thrown values that are no text", function()
    assert.matches("code = 5", cases_of 'it("a", function() error { code = 5 } end)'[1].message, 1, true)
  end)
end)
