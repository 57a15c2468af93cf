local fault = require "jig.fault"
local serial_number = require "jig.serial_number"

local function wrong(value)
  local ok, message = pcall(serial_number.of, { serial = value })
  assert.is_false(ok)
  return message
end

describe("jig.serial_number", function()
  it("is text or a whole number of 128 bytes at most, or none", function()
    local longest = ("s"):rep(128)
    for value, text in pairs { ["T1 \u{e9}"] = "T1 \u{e9}", [17] = "17", [longest] = longest } do
      assert.equal(text, serial_number.of { serial = value })
    end
    assert.is_nil(serial_number.of {})
  end)

  it("is nothing else", function()
    local named = setmetatable({}, { __tostring = function() return "S" end })
    for value, what in pairs { [true] = "it is a boolean", [1.5] = "it is a number", [named] = "it is a table",
        [""] = "it is empty", [("s"):rep(129)] = "128 bytes at most; it has 129", ["a\0b"] = "it has other bytes",
        ["a\nb"] = "it has other bytes", ["a\127"] = "it has other bytes", ["\xff"] = "it has other bytes" } do
      local message = wrong(value)
      assert.matches("^unit.serial is the device's serial number", message)
      assert.matches(what, message, 1, true)
    end
  end)

  it("is the one that the station expects, as text", function()
    assert.equal("17", serial_number.checked({ serial = 17 }, { expected = "17" }))
    for serial, said in pairs { S2 = "S2", [5] = "5" } do
      local ok, thrown = pcall(serial_number.checked, { serial = serial }, { expected = "S1" })
      assert.is_false(ok)
      assert.is_true(fault.is(thrown))
      assert.same({ "tool.serial", ("the device says it is %s, the station expects S1"):format(said) },
        { thrown.name, thrown.reason })
    end
    local _, thrown = pcall(serial_number.checked, {}, { expected = "S1" })
    assert.equal("the device says it is nothing, the station expects S1", thrown.reason)
  end)

  it("is kept from when it is pinned, with the hook that changed it named", function()
    local unit, truth = { serial = "S1" }, {}
    serial_number.keep({ serial = {} }, truth)
    serial_number.pin(unit, truth)
    serial_number.keep(unit, truth)
    truth.hook = "finish"
    for _, serial in ipairs { "S2", false, {} } do
      unit.serial = serial
      local ok, message = pcall(serial_number.keep, unit, truth)
      assert.is_false(ok)
      assert.matches("^finish: unit.serial", message)
      assert.equal("S1", serial_number.told(unit, truth))
    end
    unit.serial = nil
    assert.matches("finish: unit.serial became nil, and the session was opened for S1",
      select(2, pcall(serial_number.keep, unit, truth)))
  end)

  it("may come once where there was none", function()
    local unit, truth = {}, {}
    serial_number.pin(unit, truth)
    serial_number.keep(unit, truth)
    unit.serial = "S1"
    assert.is_nil(serial_number.told(unit, truth))
    serial_number.keep(unit, truth)
    unit.serial = "S2"
    assert.is_false((pcall(serial_number.keep, unit, truth)))
    assert.equal("S1", serial_number.told(unit, truth))
  end)

  it("is told before it is pinned as far as it is one", function()
    assert.equal("S1", serial_number.told({ serial = "S1" }, {}))
    assert.is_nil(serial_number.told({ serial = {} }, {}))
  end)
end)
