local meta = require "jig.init.meta"
local scratch = require "spec.support.scratch"
local system = require "jig.system"

describe("jig.init.meta", function()
  it("finds the definition files of an installed jig and of a tree of sources", function()
    for name, expected in pairs {
      ["share/jig/meta/jig.lua"] = "/share/jig/meta",
      ["scripts/meta/jig.lua"] = "/scripts/meta",
    } do
      local at <close> = scratch.folder { ["bin/jig"] = "", [name] = "" }
      assert.equal(system.realpath(at.path) .. expected, meta(at.path .. "/bin/jig"))
    end
  end)

  it("prefers those that are installed", function()
    local at <close> = scratch.folder { ["bin/jig"] = "", ["share/jig/meta/a"] = "", ["scripts/meta/a"] = "" }
    assert.equal(system.realpath(at.path) .. "/share/jig/meta", meta(at.path .. "/bin/jig"))
  end)

  it("follows a link to the program", function()
    local at <close> = scratch.folder { ["opt/bin/jig"] = "", ["opt/share/jig/meta/a"] = "", ["bin/x"] = "" }
    scratch.run { "ln", "-s", "../opt/bin/jig", at.path .. "/bin/jig" }
    assert.equal(system.realpath(at.path) .. "/opt/share/jig/meta", meta(at.path .. "/bin/jig"))
  end)

  it("finds none where there is none", function()
    local at <close> = scratch.folder { ["bin/jig"] = "", ["share/jig/meta"] = "a file" }
    assert.is_nil(meta(at.path .. "/bin/jig"))
    assert.is_nil(meta(at.path .. "/bin/other"))
  end)

  it("asks the program that runs", function()
    assert.is_true(meta() == meta(scratch.program))
  end)
end)
