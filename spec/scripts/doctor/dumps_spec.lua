local machine = require "spec.support.machine"

local LIMITS <const> = "Limit                     Soft Limit           Hard Limit           Units\n"
  .. "Max core file size        %s                    unlimited            bytes\n"

local function said(soft, pattern)
  return machine.check("dumps", machine.new {
    ["/proc/self/limits"] = soft and LIMITS:format(soft), ["/proc/sys/kernel/core_pattern"] = pattern,
  }, {})
end

describe("jig doctor: dumps", function()
  it("warns of dumps that are on, and says where they would be", function()
    machine.says(said("unlimited", "/tmp/core.%p\n"), "warn", "in '/tmp/core.%p' (ulimit -c is unlimited): ulimit -c 0")
    machine.says(said("1", "core"), "warn", "ulimit -c is 1")
  end)

  it("is content where they are off", function()
    machine.says(said("0", "core\n"), "ok", "core dumps are off")
    machine.says(said("0", nil), "ok", "core dumps are off")
  end)

  it("knows that a program gets them whatever the limit is, and that systemd's does not keep them", function()
    machine.says(said("0", "|/usr/share/apport/apport %p\n"), "warn", "to '/usr/share/apport/apport %p' all the same")
    machine.says(said("0", "|/lib/systemd/systemd-coredump %P\n"), "ok", "core dumps are off")
  end)

  it("says so when it cannot know", function() machine.says(said(nil, "core"), "warn", "cannot be read") end)
end)
