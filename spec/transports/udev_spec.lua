-- The events of devices that umockdev makes up, as libudev tells them, in a jig of its own.

local port = require "jig.port"
local scratch = require "spec.support.scratch"
local wires = require "spec.support.wires"

local LIMIT <const> = 20

-- A jig with words in front of it as env takes them; call(chunk) runs a line of Lua there.
local function child(words)
  local asan = (os.getenv("ASAN_OPTIONS") or "") .. ":verify_asan_link_order=0:detect_leaks=0"
  local holder = assert(port.open(("exec:env ASAN_OPTIONS=%s %s %s spec/support/remote.lua")
    :format(asan, words, wires.jig), { limit = LIMIT }))
  local function call(chunk, ...)
    assert(holder:write(chunk:format(...):gsub("%s*\n%s*", " ") .. "\n", LIMIT))
    return assert(holder:read_until("\n", LIMIT)):sub(1, -2)
  end
  return setmetatable({ call = call }, { __close = function() holder:close() end })
end

-- One that sees the devices of umockdev.
local function bench()
  local c = child "umockdev-wrapper"
  assert.equal("", c.call([[
    package.cpath = %q .. package.cpath
    mock, task, mocked = require "spec.mockdev", require "jig.task", require "spec.support.mocked"
    mock.root()
    return
  ]], wires.build .. "/?.so;"))
  return c
end

describe("transports/udev", function()
  it("is loaded at first use", function()
    local c <close> = child "LANG=C"
    local LOADED <const> = "for line in io.lines '/proc/self/maps' do if line:find 'libudev' then return true end end "
      .. "return false"
    assert.equal("false", c.call(LOADED))
    assert.equal("1", c.call "return port.change(0)")
    assert.equal("true", c.call(LOADED))
  end)

  it("tells at once of devices that come and go, tty and usb, to all who wait", function()
    local c <close> = bench()
    for _, device in ipairs { "", "tty = 'ttyUSB0'" } do
      for _, action in ipairs { "plug { " .. device .. " }", "unplug()" } do
        assert.equal("2\ttrue", c.call([[
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
