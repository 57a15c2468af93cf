local luacheck = require "jig.check.luacheck"
local scratch = require "spec.support.scratch"
local source = require "jig.check.source"

describe("jig.check.luacheck", function()
  it("reads what the plain formatter writes of the file, and of no other", function()
    local output = "a.lua:3:7: (W211) unused variable 'x'\nb.lua:1:1: (W211) unused variable 'y'\n"
      .. "a.lua:12:1-5: rubbish\na.lua:9:2: (W542) empty if branch\n\n"
    assert.same({ { line = 3, code = "211", text = "unused variable 'x'" },
      { line = 9, code = "542", text = "empty if branch" } }, luacheck.read(output, "a.lua"))
  end)

  -- A luacheck of the spec's own, first in the PATH of a jig.
  local function check_with(body)
    local folder <close> = scratch.folder { ["recipe.lua"] = "local used <close> = nil\n" .. scratch.recipe() }
    if body then folder:tool("luacheck", body) end
    return scratch.jig { "check", folder.path, env = { PATH = folder.path } }
  end

  it("reports what is found, but for a variable that is there to be closed", function()
    local result = check_with [[
      local path = arg[#arg]
      print(path .. ":1:7: (W211) unused variable 'used'")
      print(path .. ":5:3: (W211) unused variable 'lamp'")
      os.exit(1) ]]
    assert.same({ 1, "" }, { result.exit, result.stderr })
    assert.matches("^%S+/recipe%.lua:5: unused variable 'lamp'; use it, or leave it out\n$", result.stdout)
  end)

  it("says so when it fails, and goes on", function()
    local result = check_with "os.exit(3)"
    assert.equal(0, result.exit)
    assert.matches("luacheck ended with 3", result.stderr, 1, true)
  end)

  it("is done without where it is not installed", function()
    local result = check_with()
    assert.same({ 0, "" }, { result.exit, result.stderr })
  end)

  it("reads a file's lines of things to be closed from its text", function()
    local folder <close> = scratch.folder { ["x.lua"] = "local a <close> = nil\n" }
    assert.is_truthy(source.read(folder.path .. "/x.lua"))
  end)
end)
