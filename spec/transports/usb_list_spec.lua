-- The USB devices that are listed, and who holds them: in a /sys that umockdev makes up.

local cjson = require "cjson.safe"
local mocked = require "spec.support.mocked"
local scratch = require "spec.support.scratch"

-- Under a sanitizer what was freed is kept for a while.
local SANITIZED <const> = (os.getenv("JIG_BUILD") or ""):find("/san", 1, true) ~= nil

-- Lists without memory: each collects the garbage again and again, which a sanitizer makes ten times slower.
local ROUNDS <const> = SANITIZED and 12 or 50

-- What port.list gives for devices whose address begins so.
local function list(bench, prefix)
  local text = bench:call([[
    local found = {}
    for _, info in ipairs(port.list()) do
      if info.address:find(%q, 1, true) == 1 then found[#found + 1] = info end
    end
    return #found == 0 and "[]" or require("cjson.safe").encode(found)
  ]], prefix)
  return assert(cjson.decode(text), text)
end

describe("transports/usb_list", function()
  it("is empty where nothing is", function()
    local bench <close> = mocked.bench()
    assert.same({}, list(bench, "usb:"))
  end)

  it("says of each what the kernel knows, and can be opened by it", function()
    local bench <close> = mocked.bench()
    bench:call [[
      mocked.plug { at = "1-10", number = 4 }
      mocked.plug { at = "1-2.3", number = 3, vid = "0403", pid = "6001", serial = "A17", manufacturer = "ACME",
        product = "Probe", driver = "usbtmc" }
    ]]
    assert.same({
      { address = "usb:?path=1-2.3", path = "1-2.3", name = "/dev/bus/usb/001/003", vid = 0x0403, pid = 0x6001,
        serial = "A17", manufacturer = "ACME", product = "Probe", driver = "usbtmc" },
      { address = "usb:?path=1-10", path = "1-10", name = "/dev/bus/usb/001/004", vid = 0x1209, pid = 1 },
    }, list(bench, "usb:"))
    assert.equal("true", bench:call "return port.present 'usb:?path=1-2.3'")
  end)

  it("leaves out hubs and the roots of buses", function()
    local bench <close> = mocked.bench()
    bench:call [[
      mocked.plug { at = "1-1", class = "09" }
      mocked.plug { at = "1-2", class = "ff", number = 3 }
    ]]
    local found = list(bench, "usb:")
    assert.same({ 1, "1-2" }, { #found, found[1].path })
  end)

  it("leaves out one of which only a part is there any more", function()
    local bench <close> = mocked.bench()
    bench:call "mocked.plug { at = '1-2' }"
    bench:call "os.remove(mock.root() .. '/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/idVendor') return"
    assert.same({}, list(bench, "usb:"))
  end)

  it("shows no text of a device that could do harm, and no more than 379 bytes of it", function()
    local bench <close> = mocked.bench()
    local cases = {
      { "plain", "plain" },
      { "Gerät 5 Ω 测试 🛠", "Gerät 5 Ω 测试 🛠" },
      { "a\27[2Jb\7\127", "a?[2Jb??" },
      { "\xC2\x9B2J", "?2J" }, -- a control of one character that terminals know
      { "abc\u{202E}txt", "abc?txt" },
      { "zero\u{200B}width\u{FEFF}", "zero?width?" },
      { "\xFF\xC3(\x80\xED\xA0\x80\xC0\xAF\xF5\x80", "??(????????" },
      { ("測"):rep(126), ("測"):rep(126) },
      { ("é"):rep(200), ("é"):rep(189) .. "?" },
      { ("x"):rep(400), ("x"):rep(379) },
    }
    for _, case in ipairs(cases) do
      bench:call([[
        mocked.plug { serial = "" }
        local file = io.open(mock.root() .. "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/serial", "w")
        file:write(%q, "\n")
        file:close()
        return
      ]], case[1])
      assert.equal(case[2], list(bench, "usb:")[1].serial)
      bench:call "mocked.unplug_all() return"
    end
  end)

  it("says who holds a device, each program once", function()
    local bench <close> = mocked.bench()
    bench:call [[
      mocked.plug { number = 2 } held = {}
      for i = 1, 3 do held[i] = io.open "/dev/bus/usb/001/002" end
      return
    ]]
    local held = list(bench, "usb:")[1].held_by
    assert.equal(1, #held)
    assert.equal("jig", held[1].program)
    assert.equal(held[1].pid, math.tointeger(bench:call "return io.open('/proc/self/stat'):read('n')"))
    bench:call "for i = 1, 3 do held[i]:close() end return"
    assert.is_nil(list(bench, "usb:")[1].held_by)
  end)

  it("gives everything back when there is no memory for the list", function()
    local folder <close> = scratch.folder { ["crowded.lua"] = ([[
      local port, slot = require "jig.port", require "jig.slot"
      return function()
        local kept, failed, before, after = {}, 0, 0, 0
        local file = assert(io.open "/proc/self/statm")
        file:setvbuf "no" -- it is read anew
        local function size()
          file:seek "set"
          return file:read "n" * 4
        end
        local bytes
        local function keep() kept[#kept + 1] = ("x"):rep(bytes) end
        for shift = 16, 8, -8 do
          bytes = 1 << shift
          while pcall(keep) do end
        end
        repeat kept[#kept] = nil until pcall(port.list)
        for _ = 1, 2 do keep() end -- not enough for the last device
        for i = 1, %d do
          if not pcall(port.list) then failed = failed + 1 end
          if i == 10 then before = size() end
        end
        after = size()
        kept = nil
        slot.emit { failed = failed, grown = after - before }
      end
    ]]):format(ROUNDS) }
    local bench <close> = mocked.bench("JIG_PATH=" .. folder.path)
    bench:call [[
      for i = 1, 8 do
        mocked.plug { at = "1-" .. i, number = i, serial = ("s"):rep(300), product = ("p"):rep(300) }
      end
      held = assert(io.open '/dev/bus/usb/001/001')
      return
    ]]
    -- On a slow machine, and under a sanitizer, it takes more than the second of a slot.
    local failed, grown = bench:call([[
      local slot = require "jig.slot"
      require "jig.budget".limit(60)
      local worker <close> = slot.new(4 << 20)
      worker:start "crowded"
      local message = worker:next(100)
      return message.failed or message.message, message.grown
    ]]):match "^(.*)\t(.*)$"
    assert.equal(tostring(ROUNDS), failed)
    assert.is_true(SANITIZED or tonumber(grown) < 300, grown) -- kB; one list holds 32
  end)

  it("looks at no file outside of /dev that a program holds, since that may wait for a server", function()
    local bench <close> = mocked.bench()
    bench:call [[
      mocked.plug { number = 2 }
      os.execute("ln " .. mock.root() .. "/dev/bus/usb/001/002 " .. mock.root() .. "/elsewhere")
      held = assert(io.open(mock.root() .. "/elsewhere"))
      return
    ]]
    assert.is_nil(list(bench, "usb:")[1].held_by)
    bench:call "held:close() held = assert(io.open '/dev/bus/usb/001/002') return"
    assert.equal(1, #list(bench, "usb:")[1].held_by)
  end)
end)
