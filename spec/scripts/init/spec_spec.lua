local device = require "jig.init.device"
local plan = require "jig.init.plan"
local spec = require "jig.init.spec"

-- The names of the blocks that a spec would define, run from a folder with this status.lua.
local function names(framing, status)
  local found = {}
  local env = setmetatable({
    describe = function(name, f)
      found[#found + 1] = name
      f()
    end,
    it = function(name) found[#found + 1] = name end,
    dofile = function(path)
      assert.equal("lamp/status.lua", path)
      return status
    end,
  }, { __index = _G })
  assert(load(spec.text(plan.new("lamp", "serial", framing)), "@lamp/recipe_spec.lua", "t", env))()
  return found
end

describe("jig.init.spec", function()
  it("makes a spec with an example for each status of status.lua", function()
    local found = names("length", { [7] = { "lamp.dark", code = 50 } })
    assert.equal("lamp", found[1])
    assert.equal("passes with its serial number and the fingerprint", found[2])
    assert.equal("reports status 7 (0x07) once, as lamp.dark", found[4])
    assert.equal("reports a status that is not in the map", found[5])
    assert.equal(7, #found)
  end)

  it("leaves statuses out where there are none", function()
    local found = names "raw"
    assert.equal(5, #found)
    for _, name in ipairs(found) do assert.is_nil(name:find("status", 1, true)) end
  end)

  it("expects the serial number of the played device", function()
    assert.matches(("assert.equal(%q, result.serial)"):format(device.SERIAL),
      spec.text(plan.new("lamp", "serial", "length")), 1, true)
  end)
end)
