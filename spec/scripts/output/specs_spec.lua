local scratch = require "spec.support.scratch"

local function output(spec)
  local folder <close> = scratch.folder { ["lamp_spec.lua"] = spec }
  return scratch.jig { "test", "lamp_spec.lua", cwd = folder.path }.stdout
end

describe("jig.output.specs", function()
  it("shows nothing but the count of what passed", function()
    assert.equal("2 passed, 0 failed\n", output 'it("a", function() end) it("b", function() end)')
  end)

  it("shows a failure with its place, its full name and its message, indented", function()
    assert.equal("FAILED: lamp_spec.lua:2: lamp when dark is lit\n"
      .. "    lamp_spec.lua:3: it is\n    dark\n0 passed, 1 failed\n",
      output('describe("lamp", function() describe("when dark", function()\nit("is lit", function()\n'
        .. 'assert(false, "it is\\ndark") end) end) end)'))
  end)

  it("shows an error with its place and what was thrown, also when that is no text", function()
    local text = output '\nit("is lit", function() error { code = 5 } end)'
    assert.matches("^ERROR: lamp_spec%.lua:2: is lit\n    .-{\n      code = 5\n    }\n0 passed, 1 failed\n$", text)
    assert.equal(1, select(2, text:gsub("ERROR", "")))
    text = output 'it("is lit", function() error() end)'
    assert.matches("^ERROR: lamp_spec%.lua:1: is lit\n    lamp_spec.lua:1: Nil error\n", text)
  end)

  it("shows an error outside of a spec once", function()
    local text = output 'describe("lamp", function() setup(function() error "boom" end) it("a", function() end) end)'
    assert.equal(1, select(2, text:gsub("boom", "")))
    assert.matches("1 failed\n$", text)
  end)

  it("shows what was skipped, with its reason", function()
    assert.equal("skipped: lamp: lamp_spec.lua:1: no bulb\n1 passed, 0 failed, 1 skipped\n",
      output 'it("a", function() end) it("lamp", function() pending("no bulb") end)')
    assert.equal("skipped: lamp\n0 passed, 0 failed, 1 skipped\n", output 'pending("lamp")')
  end)
end)
