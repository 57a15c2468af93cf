local machine = require "spec.support.machine"

local NODE <const> = "/dev/ttyUSB0"

local function said(files, about, change)
  files["/etc/group"] = "dialout:x:20:\n"
  local host = machine.new(files)
  if change then change(host) end
  about = about or {}
  about.slots = about.slots or { { name = "A", address = "serial:" .. NODE } }
  return machine.check("ports", host, about)
end

describe("jig doctor: ports", function()
  it("is content with one that is there and free", function()
    machine.says(said { [NODE] = { kind = "device" } }, "ok", "slot A: /dev/ttyUSB0 is there and free")
  end)

  it("warns when nothing is plugged in, unless units wait for a device anyway", function()
    machine.says(said {}, "warn", "slot A: nothing is plugged in at serial:/dev/ttyUSB0: jig ports lists what is")
    machine.says(said({}, { station = { watch = true } }), "ok", "its units wait for a device")
  end)

  it("fails when it may not be opened, and names its group", function()
    machine.says(said { [NODE] = { kind = "device", gid = 20, denied = true } }, "fail",
      "slot A: /dev/ttyUSB0: Permission denied; it belongs to group dialout")
  end)

  it("fails when somebody holds it: by its lock, or as the list of ports tells", function()
    local files = { [NODE] = { kind = "device", id = "1:1:1" }, ["/proc/9/comm"] = "minicom\n",
      ["/proc/8/comm"] = "screen\n", ["/proc/locks"] = "1: FLOCK  ADVISORY  WRITE 9 1:1:1 0 EOF\n" }
    machine.says(said(files), "fail", "slot A: /dev/ttyUSB0 is held by minicom (process 9): end that first")
    machine.says(said(files, nil, function(host)
      host.ports = function()
        return { { address = "serial:/dev/other", holders = { { pid = 9 } } },
          { address = "serial:" .. NODE, holders = { { pid = 8 } } } }
      end
    end), "fail", "is held by screen (process 8)")
  end)

  it("knows a port in the list that has another name there", function()
    machine.says(said({ [NODE] = { kind = "device" } }, nil, function(host)
      local real = host.realpath
      host.realpath = function(path) return path == "/dev/serial/by-id/x" and NODE or real(path) end
      host.ports = function() return { { address = "serial:/dev/serial/by-id/x", holders = { { pid = 8 } } } } end
    end), "fail", "is held by a program (process 8)")
  end)

  it("fails when several fit", function()
    machine.says(said({}, { slots = { { name = "A", address = "serial:?vid=0403" } } }, function(host)
      host.ports = function()
        return { { address = "serial:/dev/a", vid = 0x403 }, { address = "serial:/dev/b", vid = 0x403 } }
      end
    end), "fail", "slot A: /dev/a, /dev/b fit serial:?vid=0403: name the socket")
  end)

  it("has nothing to say of wires without a node, and of slots without an address", function()
    assert.same({}, said({}, { slots = { { name = "A", address = "tcp:a:1" }, { name = "B" } } }))
  end)
end)
