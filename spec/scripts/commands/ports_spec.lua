local cjson = require "cjson.safe"
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
          { address = "serial:/dev/serial/by-path/x", name = "ttyS0", description = "port" },
        }
      end
      assert.same({
        "serial:/dev/ttyUSB0  0403:6001  A1  F?[2J  UART\nserial:/dev/serial/by-path/x  ttyS0  port\n", "", 0,
      }, { scratch.capture(command, {}) })
    end)

    it("ends with 1 when the system gives no list", function()
      port.list = function() return nil, "no list", "system" end
      assert.same({ "", "jig ports: no list\n", 1 }, { scratch.capture(command, {}) })
    end)
  end)

  it("ends with 2 for wrong usage", function()
    assert.equal(2, scratch.jig { "ports", "x" }.exit)
  end)
end)
