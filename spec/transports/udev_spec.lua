-- The events of devices that umockdev makes up, as libudev tells them, in a jig of its own.

local mocked = require "spec.support.mocked"
local scratch = require "spec.support.scratch"

-- Under a sanitizer what was freed is kept for a while.
local SANITIZED <const> = (os.getenv("JIG_BUILD") or ""):find("/san", 1, true) ~= nil

describe("transports/udev", function()
  it("is loaded at first use", function()
    local c <close> = mocked.child "LANG=C"
    local LOADED <const> = "for line in io.lines '/proc/self/maps' do if line:find 'libudev' then return true end end "
      .. "return false"
    assert.equal("false", c:call(LOADED))
    assert.equal("1", c:call "return port.change(0)")
    assert.equal("true", c:call(LOADED))
  end)

  it("is nothing to wait for when nobody waits", function()
    local folder <close> = scratch.folder()
    local script = folder:write("wait.lua", [[
      local port = require "jig.port"
      collectgarbage "stop"
      port.change(0.01)
      port.open("pair:udev"):read(1)
    ]])
    assert.matches("would wait for ever", scratch.run({ scratch.program, script, limit = 20 }).stderr)
  end)

  it("tells at once of devices that come and go, tty and usb, to all who wait", function()
    local c <close> = mocked.bench()
    for _, device in ipairs { "", "tty = 'ttyUSB0'" } do
      for _, action in ipairs { "plug { " .. device .. " }", "unplug()" } do
        assert.equal("2\ttrue", c:call([[
          local seen, told, all = port.change(0), 0, {}
          for i = 1, 2 do
            all[i] = task.spawn(function() if port.change(10, seen) > seen then told = told + 1 end end)
          end
          clock.sleep(0.03)
          local began = clock.now()
          mocked.%s
          for i = 1, 2 do all[i]:join() end
          return told, clock.now() - began < 5
        ]], action), action)
      end
    end
  end)

  it("counts for who asks without waiting", function()
    local c <close> = mocked.bench()
    assert.equal("true", c:call [[
      local seen = port.change(0)
      mocked.plug {}
      local limit = clock.now() + 10
      while port.change(0, seen) == seen and clock.now() < limit do end
      return port.change(0, seen) > seen
    ]])
  end)

  -- umockdev ends the process when more than ten events wait.
  it("tells of a burst once or twice", function()
    local c <close> = mocked.bench()
    assert.equal("true", c:call [[
      mocked.plug {}
      local seen = port.change(0.05, port.change(0))
      for i = 1, 8 do mock.tell("/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2", "change") end
      local after = port.change(0.05, port.change(20, seen))
      return after - seen == 1 or after - seen == 2
    ]])
  end)

  it("passes over devices of other kinds", function()
    local c <close> = mocked.bench()
    assert.equal("true\ttrue", c:call [[
      mock.add "P: /devices/virtual/net/lamp0\nE: SUBSYSTEM=net\n\n"
      local seen = port.change(0)
      mock.tell("/sys/devices/virtual/net/lamp0", "change")
      local other = port.change(0.05, seen)
      mocked.plug {}
      return other == seen, port.change(20, seen) > seen
    ]])
  end)

  it("takes events that were lost for a change", function()
    local c <close> = mocked.bench("strace -qq -o /dev/null -e trace=recvmsg -e inject=recvmsg:error=ENOBUFS:when=1")
    assert.equal("1\tfalse", c:call [[
      mock.add "P: /devices/virtual/net/lamp0\nE: SUBSYSTEM=net\n\n"
      local seen = port.change(0)
      mock.tell("/sys/devices/virtual/net/lamp0", "change")
      local after = port.change(20, seen)
      return after - seen, port.change(0.05, after) ~= after
    ]])
  end)

  it("says why it cannot be had, and has jig look at intervals", function()
    local folder <close> = scratch.folder()
    folder:write("libudev.so.1", "")
    local c <close> = mocked.child("LD_LIBRARY_PATH=" .. folder.path)
    assert.equal("1\t2\ttrue", c:call [[
      local began, seen = clock.now(), port.change(0)
      return seen, port.change(20, seen), clock.now() - began >= 0.2
    ]])
  end)

  it("has nothing left behind after 1,000 devices have come and gone", function()
    local c <close> = mocked.bench()
    c:call [[
      lfs, running, looks = require "lfs", true, 0
      function held()
        collectgarbage() collectgarbage()
        local n = 0
        for _ in lfs.dir "/proc/self/fd" do n = n + 1 end
        for line in io.lines "/proc/self/status" do rss = tonumber(line:match "^VmRSS:%s*(%d+)") or rss end
        return n, collectgarbage "count", rss
      end
      function watch()
        local seen = port.change(0)
        while running do
          seen = port.change(20, seen)
          port.present "usb:1209:0001"
          looks = looks + 1
        end
      end
      function cycle(times)
        local seen = port.change(0)
        for i = 1, times do
          mocked.toggle("1-2", false)
          mocked.toggle("1-2", true)
          if i % 4 == 0 then seen = port.change(20, seen) end
        end
      end
      mocked.plug {}
      watching = {}
      for slot = 1, 8 do watching[slot] = task.spawn(watch) end
      cycle(40)
      return
    ]]
    local files, memory, rss, looks, joined = c:call([[
      local files, memory, rss = held()
      looks = 0
      cycle(1000)
      local files_after, memory_after, rss_after = held()
      local seen = looks
      running = false
      mocked.toggle("1-2", false)
      for slot = 1, 8 do assert(watching[slot]:join(20)) end
      mocked.toggle("1-2", true)
      return files_after - files, memory_after - memory, rss_after - rss, seen, #watching
    ]]):match("^(%S+)\t(%S+)\t(%S+)\t(%S+)\t(%S+)$")
    assert.same({ "0", "8" }, { files, joined })
    assert.is_true(tonumber(memory) < 20, memory) -- kB
    assert.is_true(SANITIZED or tonumber(rss) < 500, rss)
    assert.is_true(tonumber(looks) >= 8 * 200, looks)
  end)
end)
