local machine = require "spec.support.machine"

local RULE <const> = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="0403", ATTRS{idProduct}=="6001", '

local function said(files, change)
  files["/etc/group"] = "dialout:x:20:\nplugdev:x:46:\n"
  local host = machine.new(files)
  if change then change(host) end
  return machine.check("udev", host, { file = "/s.lua", slots = {
    { name = "A", address = "serial:?vid=0403&pid=6001" }, { name = "B", address = "tcp:10.0.0.7:7" },
  } })
end

local function with(text)
  return { ["/etc/udev/rules.d/70-jig.rules"] = text }
end

describe("jig doctor: udev", function()
  it("is content with a rule that gives the device to a group of ours", function()
    machine.says(said(with(RULE .. 'GROUP="dialout", MODE="0660"')), "ok", "rules give all devices to you: 1")
  end)

  it("warns without, and says how to make one", function()
    for _, text in ipairs { "", "# " .. RULE .. 'GROUP="dialout"', RULE .. 'SYMLINK+="lamp"',
      'ATTRS{idVendor}=="0403", ATTRS{idProduct}=="6015", GROUP="dialout"', 'SUBSYSTEM=="tty", GROUP="dialout"' } do
      machine.says(said(with(text)), "warn", "no udev rule gives 0403:6001 (slot A) to a group: "
        .. "jig udev --station /s.lua > /etc/udev/rules.d/70-jig.rules")
    end
  end)

  it("fails when the group is not ours, unless we are root", function()
    local files = with(RULE .. 'GROUP="plugdev"')
    machine.says(said(files), "fail", "to group plugdev, which you are not in: usermod -a -G plugdev USER")
    local function root(host) host.identity = function() return { uid = 0, groups = { 0 } } end end
    machine.says(said(files, root), "ok", "rules give")
  end)

  it("knows that a seat is no service, and that a mode may be everybody's", function()
    machine.says(said(with(RULE .. 'TAG+="uaccess"')), "warn", "to who sits at the screen, and to no service")
    machine.says(said(with(RULE .. 'MODE="0666"')), "ok", "rules give")
  end)

  it("reads all folders, the last rule counts, and of files of one name that in /etc", function()
    local files = { ["/lib/udev/rules.d/60-a.rules"] = RULE .. 'GROUP="plugdev"',
      ["/run/udev/rules.d/70-b.rules"] = RULE .. 'GROUP="dialout"' }
    machine.says(said(files), "ok", "rules give")
    files["/etc/udev/rules.d/70-b.rules"] = ""
    machine.says(said(files), "fail", "plugdev")
  end)

  it("says how to make rules of a recipe alone", function()
    local recipe = { name = "lamp", port = { "usb", "1209:5740" } }
    machine.says(machine.check("udev", machine.new {}, { recipes = { { file = "/r/recipe.lua", recipe = recipe } } }),
      "warn", "gives 1209:5740 (lamp) to a group: jig udev /r/recipe.lua > ")
  end)

  it("has nothing to say where no device is on USB", function()
    assert.same({}, machine.check("udev", machine.new {}, { slots = { { name = "B", address = "tcp:10.0.0.7:7" } } }))
  end)
end)
