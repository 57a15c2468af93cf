local machine = require "spec.support.machine"
local nodes = require "jig.doctor.nodes"

local function bus(name, vid, pid, number, serial)
  local at = "/sys/bus/usb/devices/" .. name .. "/"
  return { [at .. "idVendor"] = vid .. "\n", [at .. "idProduct"] = pid .. "\n", [at .. "busnum"] = "1\n",
    [at .. "devnum"] = number .. "\n", [at .. "serial"] = serial }
end

local function host()
  local files = { ["/dev/ttyUSB0"] = { kind = "device" }, ["/sys/bus/usb/devices/1-2:1.0/interface"] = "x" }
  for _, one in ipairs { bus("1-2", "1209", "5740", 5, "A1\n"), bus("1-3", "1209", "5742", 12, "B2\n"),
    bus("1-4", "1d50", "5740", 3, nil) } do
    for path, text in pairs(one) do files[path] = text end
  end
  local made = machine.new(files)
  made.ports = function()
    return {
      { address = "serial:/dev/ttyUSB0", vid = 0x0403, pid = 0x6001, serial = "X" },
      { address = "serial:/dev/ttyUSB1?baud=1", vid = 0x0403, pid = 0x6001, serial = "Y" },
      { address = "serial:/dev/ttyS0" }, { address = "usb:0403:6001", vid = 0x0403, pid = 0x6001 },
    }
  end
  return made
end

describe("jig.doctor.nodes", function()
  it("gives what an address fits", function()
    for address, want in pairs {
      ["serial:/dev/ttyUSB0?baud=9600"] = { "/dev/ttyUSB0" },
      ["serial:/dev/not%20there"] = { "/dev/not there" },
      ["tty:/dev/pts/9"] = { "/dev/pts/9" },
      ["serial:?vid=0403&pid=6001"] = { "/dev/ttyUSB0", "/dev/ttyUSB1" },
      ["serial:?baud=9600&vid=0403&serial=Y"] = { "/dev/ttyUSB1" },
      ["serial:?vid=10c4"] = {},
      ["usb:1209:5740"] = { "/dev/bus/usb/001/005" },
      ["usb:?vid=1209&serial=B2"] = { "/dev/bus/usb/001/012" },
      ["usb:1209:5742?path=1-3"] = { "/dev/bus/usb/001/012" },
      ["usb:1209:5742?path=1-2"] = {},
    } do
      local found = nodes.of(host(), address)
      table.sort(found)
      assert.same(want, found, address)
    end
  end)

  it("gives nil for wires that have none", function()
    for _, address in ipairs { "tcp:10.0.0.7:7777", "exec:true", "pair:x", "tls:a:1", "" } do
      assert.is_nil(nodes.of(host(), address))
    end
  end)
end)
