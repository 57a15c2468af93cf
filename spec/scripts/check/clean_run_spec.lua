local check = require "jig.check"
local scratch = require "spec.support.scratch"

local DEVICE <const> = "return { { payload = 'key' }, { payload = 'done' } }"

describe("jig.check.clean_run", function()
  local function findings_of(recipe, device)
    local folder <close> = scratch.folder { ["recipe.lua"] = recipe, ["device.lua"] = device }
    local list = {}
    for i, finding in ipairs(check.recipe(folder.path, { luacheck = false }).findings) do
      list[i] = check.text(finding):gsub("^[^:]*/", "")
    end
    return list
  end

  it("says nothing when the run passes", function()
    assert.same({}, findings_of(scratch.recipe(), DEVICE))
  end)

  it("says with what it ended, and on which line", function()
    local found = findings_of(scratch.recipe "  prepare = function(unit) unit.port:expect('no', 3) end,", DEVICE)
    assert.equal(1, #found)
    assert.matches("^recipe%.lua:14: the run without any fault fails with connectivity%.timeout %(104%): ", found[1])
  end)

  it("says what the device answered", function()
    local found = findings_of(scratch.recipe(), "return { { status = 5 } }")
    assert.matches("fails with lamp.dark (50): dark", found[1], 1, true)
  end)

  it("says which law is broken, though it passes", function()
    local found = findings_of(scratch.recipe [[
  run = function(unit)
    local init = unit:new_device()
    local next_one = unit:get_device_configuration(unit:exchange(init))
    unit:log(require("jig.hex").encode(next_one.payload))
    unit:handle_device_response(unit:exchange(next_one))
  end,]], DEVICE)
    assert.matches("breaks a law", table.concat(found, "\n"), 1, true)
  end)

  it("says what is wrong with the device", function()
    for device, message in pairs {
      ["return 5"] = "must return a device", ["error 'broken'"] = "device.lua:1: the run without any fault: broken",
      ["return function() error('broken') end"] = "broken",
    } do
      assert.matches(message, table.concat(findings_of(scratch.recipe(), device), "\n"), 1, true)
    end
  end)

  it("is left out when it is asked to be, and when a run would refuse the recipe", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe(), ["device.lua"] = "error 'broken'" }
    assert.same({}, check.recipe(folder.path, { luacheck = false, run = false }).findings)
    folder:write("recipe.lua", scratch.recipe "  statsu = 5,")
    assert.equal(1, #check.recipe(folder.path, { luacheck = false }).findings)
  end)
end)
