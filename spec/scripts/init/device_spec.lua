local device = require "jig.init.device"
local plan = require "jig.init.plan"
local recipe = require "jig.init.recipe"
local scratch = require "spec.support.scratch"
local testing = require "jig.testing"

-- The device of a plan, loaded, beside the status.lua with these statuses or its own.
local function load(transport, framing, status)
  local made = plan.new("lamp", transport, framing)
  local folder <close> = scratch.folder { ["device.lua"] = device.text(made) }
  local text = status or recipe.status(made)
  if text then folder:write("status.lua", text) end
  return testing.device(folder.path .. "/")
end

describe("jig.init.device", function()
  it("says its serial number when it starts, which the recipe's pattern finds", function()
    for _, transport in ipairs(plan.transports) do
      assert.equal(device.SERIAL, load(transport, "length").banner:match("^SN=(%w+)\r\n$"))
    end
  end)

  it("is restarted by a line where the recipe restarts it", function()
    assert.equal("dtr", load("serial", "length").reset)
    for _, transport in ipairs { "tty", "tcp", "exec" } do assert.is_nil(load(transport, "length").reset) end
  end)

  it("may answer what stands in status.lua, in order", function()
    assert.same({ 1, 2, 0x11, 0x12 }, load("serial", "length").statuses)
    assert.same({ 3, 0x101, 0x102, 0x112 }, load("serial", "ftcd").statuses)
    assert.same({ 7, 9 }, load("serial", "slip", "return { [9] = {}, [7] = {} }").statuses)
  end)

  it("has no statuses where no answer has one", function()
    assert.is_nil(load("serial", "raw").statuses)
  end)
end)
