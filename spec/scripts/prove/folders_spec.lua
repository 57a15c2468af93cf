local folders = require "jig.prove.folders"
local proofs = require "spec.support.proofs"
local scratch = require "spec.support.scratch"

-- One fault at a time is enough to see what is shown.
local QUICK <const> = { singles = true }

local function sink()
  local parts = {}
  return { write = function(_, ...) for _, part in ipairs { ... } do parts[#parts + 1] = part end end },
    function() return table.concat(parts) end
end

describe("jig.prove.folders", function()
  it("are those with a recipe and a device", function()
    local whole <close> = proofs.folder()
    local bare <close> = scratch.folder { ["recipe.lua"] = proofs.RECIPE }
    assert.same({ whole.path }, folders.among { whole.path .. "//", bare.path, "spec", "nowhere",
      whole.path .. "/recipe.lua" })
  end)

  it("are proven, with a line for each", function()
    local folder <close> = proofs.folder()
    local out, text = sink()
    assert.is_true(folders.prove({ folder.path }, out, QUICK))
    assert.truthy(text():find("^proof: lamp 0: %d+ effects, %d+ paths with one fault, %d+ with two: no violation\n$"))
  end)

  it("are not sound with a violation, which is shown", function()
    local folder <close> = proofs.folder { device = proofs.DEVICE:gsub("0x11", "0x11, 0x12") }
    local out, text = sink()
    assert.is_false(folders.prove({ folder.path }, out, QUICK))
    assert.truthy(text():find("VIOLATION %d+:status_0x12: law the fault has a mapped code"), text())
  end)

  it("are not sound when the recipe or the device is refused, and the next is proven all the same", function()
    local broken <close> = proofs.folder { device = "return 7" }
    local whole <close> = proofs.folder()
    local out, text = sink()
    assert.is_false(folders.prove({ broken.path, whole.path }, out, QUICK))
    assert.truthy(text():find("must return a device", 1, true))
    assert.truthy(text():find("no violation", 1, true))
  end)
end)
