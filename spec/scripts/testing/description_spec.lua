local description = require "jig.testing.description"

local function refusal(settings)
  local ok, message = pcall(description.check, settings)
  assert.is_false(ok)
  return message
end

describe("jig.testing.description", function()
  it("takes what a device may say of itself", function()
    description.check {}
    description.check {
      firmware = print, reset = "dtr", banner = "x", latency = 1, statuses = {}, cli = {}, control = print,
      usb = { vid = 0, pid = 65535, serial = "" }, wires = { [1] = {}, [8] = { framing = {} } },
    }
  end)

  it("names a setting that there is not, and a value that is none", function()
    local cases = {
      { { baner = "x" }, "it has no 'baner'" },
      { { control = true }, "the device's control: expected a function, got a boolean" },
      { { usb = 1 }, "the device's usb: expected { vid =, pid =, serial = }" },
      { { usb = { vid = "1209" } }, "got vid = a string" },
      { { usb = { pid = 1.5 } }, "got pid = a number" },
      { { usb = { path = "1-2" } }, "got path = a string" },
      { { wires = 3 }, "the device's wires: expected { [interface] = { framing = … } }" },
      { { wires = { [0] = {} } }, "with interfaces from 1 to 8" },
      { { wires = { [9] = {} } }, "with interfaces from 1 to 8" },
      { { wires = { x = {} } }, "with interfaces from 1 to 8" },
      { { wires = { 1 } }, "with interfaces from 1 to 8" },
      { { cli = { nonsense = {} } }, "the device's cli" },
    }
    for _, case in ipairs(cases) do assert.matches(case[2], refusal(case[1]), 1, true) end
  end)
end)
