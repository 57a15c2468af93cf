local devices = require "jig.udev.devices"
local scratch = require "spec.support.scratch"

describe("jig.udev.devices", function()
  it("reads what an address says of a USB device", function()
    for address, want in pairs {
      ["serial:?baud=115200&vid=0403&pid=6001"] = { wire = "serial", vid = 0x0403, pid = 0x6001 },
      ["serial:/dev/x?vid=0403"] = { wire = "serial", vid = 0x0403 },
      ["usb:1209:5740"] = { wire = "usb", vid = 0x1209, pid = 0x5740 },
      ["usb:1209:F?interface=0"] = { wire = "usb", vid = 0x1209, pid = 0xf },
      ["usb:?interface=0&pid=5740&vid=1209"] = { wire = "usb", vid = 0x1209, pid = 0x5740 },
    } do
      assert.same(want, devices.of_address(address), address)
    end
    for _, address in ipairs { "serial:/dev/ttyUSB0", "serial:?pid=6001", "usb:", "tcp:10.0.0.7:7777?vid=0403", "",
      "usb:12090:5740", "serial:?xvid=0403", "pair:x" } do
      assert.is_nil(devices.of_address(address), address)
    end
  end)

  it("names each device once, the recipes' first, with the modes that they switch to", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = "local M <const> = 0x5742 return M:reopen { pid = M }" }
    local about = {
      slots = { { name = "A", address = "usb:1209:5740" }, { name = "B", address = "usb:1209:5741" }, { name = "C" },
        { name = "D", address = "tcp:a:1" } },
      recipes = {
        { file = folder.path .. "/recipe.lua", recipe = { name = "token", port = { "usb", "1209:5740" } } },
        { file = "/nowhere/recipe.lua", recipe = { name = "lamp", port = { "serial", match = { vid = 0x403 } } } },
        { file = "/nowhere/bad.lua", trouble = "x" },
        { file = "/nowhere/far.lua", recipe = { name = "far", port = "tcp:a:1" } },
      },
    }
    assert.same({
      { wire = "usb", vid = 0x1209, pid = 0x5740, name = "token" },
      { wire = "usb", vid = 0x1209, pid = 0x5742, name = "token", mode = true },
      { wire = "serial", vid = 0x0403, name = "lamp" },
      { wire = "usb", vid = 0x1209, pid = 0x5741, name = "slot B" },
    }, devices.of(about))
  end)
end)
