local machine = require "spec.support.machine"

local function said(pattern)
  return machine.check("dumps", machine.new { ["/proc/sys/kernel/core_pattern"] = pattern }, {})
end

describe("jig doctor: dumps", function()
  it("is content where a limit of 0 is heeded, for jig sees to that itself", function()
    for _, pattern in ipairs { "core\n", "/tmp/core.%p\n", "|/lib/systemd/systemd-coredump %P\n" } do
      machine.says(said(pattern), "ok", "core dumps are off, of jig from its first session on and of the CLI")
    end
    machine.says(said(nil), "ok", "core dumps are off")
  end)

  it("warns of a program that gets the CLI's memory whatever its limit is", function()
    machine.says(said "|/usr/share/apport/apport %p\n", "warn", "to '/usr/share/apport/apport %p': sysctl")
  end)
end)
