local cjson = require "cjson.safe"
local mocked = require "spec.support.mocked"
local port = require "jig.port"
local scratch = require "spec.support.scratch"

describe("jig ports", function()
  it("lists one port a line, its address first, as jig.port does", function()
    local list = assert(port.list())
    local result = scratch.jig { "ports" }
    assert.equal(0, result.exit)
    local lines = {}
    for line in result.stdout:gmatch("[^\n]+") do lines[#lines + 1] = line end
    assert.equal(#list, #lines)
    for i, info in ipairs(list) do
      assert.equal(1, (lines[i]:find(info.address, 1, true)))
    end
    assert.equal(#list == 0 and "no devices found\n" or "", result.stderr)
  end)

  it("lists them as JSON, one object a line", function()
    local list = assert(port.list())
    local result = scratch.jig { "ports", "--json" }
    assert.same({ 0, "" }, { result.exit, result.stderr })
    local n = 0
    for line in result.stdout:gmatch("[^\n]+") do
      n = n + 1
      assert.equal(list[n].address, assert(cjson.decode(line)).address)
    end
    assert.equal(#list, n)
  end)

  describe("in this process", function()
    local command = require "jig.commands.ports"
    local real_list = port.list

    after_each(function()
      port.list = real_list
    end)

    it("shows what is known of a device, and lets no text of it move the cursor", function()
      port.list = function()
        return {
          { address = "serial:/dev/ttyUSB0", name = "ttyUSB0", vid = 0x0403, pid = 0x6001, serial = "A1",
            manufacturer = "F\27[2J", product = "UART" },
          { address = "serial:/dev/serial/by-path/x", name = "ttyS0", description = "port", driver = "ftdi\27_sio",
            held_by = { { pid = 12, program = "pi\7com" }, { pid = 345 } } },
        }
      end
      assert.same({
        "serial:/dev/ttyUSB0  0403:6001  A1  F?[2J  UART\n"
          .. "serial:/dev/serial/by-path/x  ttyS0  port  driver ftdi?_sio  held by pi?com (12), ? (345)\n", "", 0,
      }, { scratch.capture(command, {}) })
    end)

    it("ends with 1 when the system gives no list", function()
      port.list = function() return nil, "no list", "system" end
      assert.same({ "", "jig ports: no list\n", 1 }, { scratch.capture(command, {}) })
    end)
  end)

  describe("--watch", function()
    -- jig ports --watch in a jig that sees umockdev's devices; next() gives its next line.
    local function watching(words)
      local bench = mocked.bench()
      bench:call("mocked.plug { at = '1-2', serial = 'A17' } return")
      assert.equal("true", bench:call("wire = assert(port.open(%q, { limit = 20 })) return true",
        bench:exec(("%s ports --watch%s"):format(scratch.program, words))))
      return bench, function() return (bench:call "return (wire:read_until('\\n', 20):gsub('\\n', ''))") end
    end

    it("shows what is there, then what comes and goes, until it is interrupted", function()
      local bench <close>, next_line = watching ""
      assert.equal("+ usb:?path=1-2  /dev/bus/usb/001/002  1209:0001  A17", next_line())
      bench:call "mocked.plug { at = '1-3', number = 3, tty = 'ttyUSB0', driver = 'ftdi_sio' } return"
      local patterns = {
        "^%+ serial:/dev/serial/by%-path/pci.*  /dev/ttyUSB0  1209:0001  .*driver ftdi_sio$",
        "^%+ usb:%?path=1%-3  /dev/bus/usb/001/003  1209:0001", -- a driver comes when it has been there for a while
      }
      -- umockdev makes a terminal in steps: one that is seen before it is whole goes, and comes as it is
      for _ = 1, 4 do
        local line = next_line()
        for i = #patterns, 1, -1 do
          if line:find(patterns[i]) then table.remove(patterns, i) end
        end
        if #patterns == 0 then break end
      end
      assert.same({}, patterns)
      bench:call "mocked.unplug '1-2' return"
      assert.equal("- usb:?path=1-2  /dev/bus/usb/001/002  1209:0001  A17", next_line())
      bench:call [[
        for _, info in ipairs(port.list()) do assert(info.path == "1-3") end
        mocked.plug { at = "1-2", serial = "A18" }
        return
      ]]
      assert.matches("^%+ usb:%?path=1%-2 .* A18$", next_line())
    end)

    it("tells the same as JSON", function()
      local bench <close>, next_line = watching " --json"
      local device = { address = "usb:?path=1-2", path = "1-2", name = "/dev/bus/usb/001/002", vid = 0x1209, pid = 1,
        serial = "A17", event = "plugged" }
      assert.same(device, cjson.decode(next_line()))
      bench:call "mocked.unplug() return"
      device.event = "unplugged"
      assert.same(device, cjson.decode(next_line()))
    end)

    it("ends with 0 at SIGINT and SIGTERM", function()
      local folder <close> = scratch.folder()
      local script = folder:write("watch.sh", ("%s ports --watch & echo pid $!; wait $!; echo exit $?\n"):format(
        scratch.program))
      for _, signal in ipairs { "INT", "TERM" } do
        local bench <close> = mocked.bench()
        local both = bench:call([[
          mocked.plug {}
          wire = assert(port.open(%q, { limit = 20 }))
          local both = wire:read_until("\n", 20) .. wire:read_until("\n", 20)
          pid = both:match "pid (%%d+)"
          return (both:gsub("\n", " "))
        ]], bench:exec("sh " .. script))
        assert.matches("+ usb:?path=1-2", both, 1, true)
        assert.equal("exit 0", bench:call(
          "os.execute('kill -%s ' .. pid) return (wire:read_until('\\n', 20):gsub('\\n', ''))", signal))
      end
    end)
  end)

  it("ends with 2 for wrong usage", function()
    assert.equal(2, scratch.jig { "ports", "x" }.exit)
  end)
end)
