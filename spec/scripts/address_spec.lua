local address = require "jig.address"

describe("jig.address", function()
  local cases = {
    { "usb:1209:5740", { pid = 0x5742 }, "usb:?vid=1209&pid=5742" },
    { "usb:1209:5740?path=1-2.3", { interface = 1 }, "usb:?vid=1209&pid=5740&path=1-2.3&interface=1" },
    { "usb:?path=1-2&pid=1&serial=A", { pid = "00ff", vid = 0x1 }, "usb:?path=1-2&serial=A&pid=00ff&vid=0001" },
    { "usb:?path=1-2", { read = 0x82, write = 2 }, "usb:?path=1-2&read=82&write=02" },
    { "stage:device", { interface = 1 }, "stage:device?interface=1" },
    { "stage:device?interface=1", { interface = 2 }, "stage:device?interface=2" },
    { "serial:/dev/x?baud=9600", { baud = 115200, flow = "a&b" }, "serial:/dev/x?baud=115200&flow=a%26b" },
    { "fault:seed=1,loss=0.5:usb:1209:1", { pid = 2 }, "fault:seed=1,loss=0.5:usb:?vid=1209&pid=0002" },
    { "tcp:h:1", {}, "tcp:h:1" },
    { "usb:?zlp=1&z=2", { zlp = true }, "usb:?z=2&zlp=true" },
  }
  for _, case in ipairs(cases) do
    it(("puts options into %s, which is then %s"):format(case[1], case[3]), function()
      assert.equal(case[3], address.with(case[1], case[2]))
    end)
  end

  it("says whether an option is there", function()
    assert.is_true(address.has("usb:1209:5740", "vid"))
    assert.is_true(address.has("usb:?a=1&path=1-2", "path"))
    assert.is_false(address.has("usb:?apath=1-2", "path"))
    assert.is_false(address.has("stage:device", "path"))
  end)

  it("adds options behind its own", function()
    assert.equal("tty:/dev/x?a=1&b=%20%26", address.add("tty:/dev/x", { { "a", "1" }, { "b", " &" } }))
    assert.equal("a%3Fb", address.encode "a?b")
  end)
end)
