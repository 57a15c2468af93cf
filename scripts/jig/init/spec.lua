--- The text of a new product's recipe_spec.lua.

local device = require "jig.init.device"

local SPEC <const> = [[
-- What becomes of a unit, without hardware and in no time: device, CLI and clock are played. `jig test` runs this, then
-- the proof, which finds the failures that nobody thought of. Here stands what this product in particular must do.

local testing = require "jig.testing"

local FOLDER <const> = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
$status
describe("$name", function()
  it("passes with its serial number and the fingerprint", function()
    local result = testing.run { recipe = FOLDER, cli = { handle_device_response = { fingerprint = "e603eb9d" } } }
    assert.passed(result, "e603eb9d")
    assert.equal("$serial", result.serial)
  end)

  it("gives the device both messages, once", function()
    assert.equal(2, #testing.run { recipe = FOLDER }.received)
  end)
$each_status
  it("reports a device that falls silent, once", function()
    for _, replies in ipairs { {}, { { payload = "the first answer alone" } } } do
      local result = testing.run { recipe = FOLDER, device = replies }
      assert.reported(result, "connectivity.timeout", 104)
      assert.equal("exchange", result.fault.limit)
    end
  end)

  it("opens no session where no serial number can be read", function()
    local result = testing.run { recipe = FOLDER, device = function() end }
    assert.failed(result, "connectivity.timeout")
    assert.equal(0, #result.calls)
  end)
end)
]]

local STATUS <const> = [[
local STATUS <const> = dofile(FOLDER .. "status.lua")
]]

-- The replies are those to the first message and to the second.
local EACH_STATUS <const> = [[

  for value, entry in pairs(STATUS) do
    it(("reports status %d (0x%02x) once, as %s"):format(value, value, entry[1]), function()
      for _, replies in ipairs { { { status = value } }, { { payload = "an answer" }, { status = value } } } do
        assert.reported(testing.run { recipe = FOLDER, device = replies }, entry[1], entry.code)
      end
    end)
  end

  it("reports a status that is not in the map", function()
    local unknown = 1
    while STATUS[unknown] do unknown = unknown + 1 end
    assert.reported(testing.run { recipe = FOLDER, device = { { status = unknown } } }, "firmware.unknown_status", 203)
  end)
]]

---@param made jig.init.Plan
---@return string
local function text(made)
  local has_status = made.frame.statuses ~= nil
  return made:fill(SPEC, {
    serial = device.SERIAL, status = has_status and STATUS or "", each_status = has_status and EACH_STATUS or "",
  })
end

return { text = text }
