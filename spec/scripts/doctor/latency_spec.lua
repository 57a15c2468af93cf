local machine = require "spec.support.machine"

local function said(timer, address)
  return machine.check("latency", machine.new { ["/dev/ttyUSB0"] = { kind = "device" },
    ["/sys/class/tty/ttyUSB0/device/latency_timer"] = timer }, { slots = {
    { name = "A", address = address or "serial:/dev/ttyUSB0" }, { name = "B", address = "tcp:a:1" }, { name = "C" },
  } })
end

describe("jig doctor: latency", function()
  it("is content with 1 ms", function() machine.says(said "1\n", "ok", "1 adapter keeps bytes back for 1 ms") end)

  it("warns of more", function()
    machine.says(said "2\n", "warn", "slot A: /dev/ttyUSB0 keeps bytes back for 2 ms: install the rules of jig udev")
  end)

  it("has nothing to say of a port without such a timer, or whose recipe sets it", function()
    assert.same({}, said(nil))
    assert.same({}, said("16\n", "serial:/dev/ttyUSB0?latency=16"))
    assert.same({}, said("16\n", "serial:/dev/ttyUSB1"))
  end)
end)
