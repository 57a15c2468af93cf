-- The events of devices that umockdev makes up, as libudev tells them, in a jig of its own.

local mocked = require "spec.support.mocked"

describe("transports/udev", function()
  it("is loaded at first use", function()
    local c <close> = mocked.child "LANG=C"
    local LOADED <const> = "for line in io.lines '/proc/self/maps' do if line:find 'libudev' then return true end end "
      .. "return false"
    assert.equal("false", c:call(LOADED))
    assert.equal("1", c:call "return port.change(0)")
    assert.equal("true", c:call(LOADED))
  end)

  it("tells at once of devices that come and go, tty and usb, to all who wait", function()
    local c <close> = mocked.bench()
    for _, device in ipairs { "", "tty = 'ttyUSB0'" } do
      for _, action in ipairs { "plug { " .. device .. " }", "unplug()" } do
        assert.equal("2\ttrue", c:call([[
          local seen, told, all = port.change(0), 0, {}
          for i = 1, 2 do
            all[i] = task.spawn(function() if port.change(10, seen) == seen + 1 then told = told + 1 end end)
          end
          clock.sleep(0.03)
          local began = clock.now()
          mocked.%s
          for i = 1, 2 do all[i]:join() end
          return told, clock.now() - began < 0.15
        ]], action), action)
      end
    end
  end)
end)
