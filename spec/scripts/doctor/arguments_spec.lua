local machine = require "spec.support.machine"

local PLAIN <const> = "proc /proc proc rw,relatime 0 0\n"

local function told(mounts, more)
  local files = { ["/proc/self/mounts"] = mounts, ["/etc/passwd"] = "root:x:0:0:::\neva:x:1002:1002:::\n" }
  for path, uid in pairs(more or {}) do files[path] = { kind = "folder", uid = uid } end
  return machine.new(files)
end

local function said(host)
  return machine.check("arguments", host, {})
end

describe("jig doctor: arguments", function()
  it("says who else is logged in and can read them", function()
    local host = told(PLAIN, { ["/proc/10"] = 1002, ["/proc/11"] = 1002, ["/proc/12"] = 1003 })
    local list = said(host)
    machine.says(list, "warn", "can read the CLI's arguments")
    assert.matches("^warn eva, user 1003 can", list[1])
  end)

  it("takes no daemon, no root, nobody and not itself for somebody else", function()
    local host = told(PLAIN, { ["/proc/1"] = 0, ["/proc/2"] = 999, ["/proc/3"] = 65534, ["/proc/4"] = 1001,
      ["/proc/sys"] = 1002 })
    machine.says(said(host), "ok", "nobody else is logged in; who logs in can read")
  end)

  it("begins to count people at 1000", function()
    machine.says(said(told(PLAIN, { ["/proc/5"] = 1000 })), "warn", "user 1000")
  end)

  it("knows each way in which /proc hides processes, and that the last mount counts", function()
    for _, way in ipairs { "1", "2", "4", "invisible", "noaccess", "ptraceable" } do
      local host = told(PLAIN .. "proc /proc proc rw,hidepid=" .. way .. ",gid=4 0 0\n", { ["/proc/10"] = 1002 })
      machine.says(said(host), "ok", "hidepid=" .. way)
    end
    for _, mounts in ipairs { "proc /proc proc rw,hidepid=2 0 0\n" .. PLAIN, "proc /proc proc rw,hidepid=0 0 0\n",
      "proc /chroot/proc proc rw,hidepid=2 0 0\n" .. PLAIN } do
      machine.says(said(told(mounts, { ["/proc/10"] = 1002 })), "warn", "eva")
    end
  end)

  it("does not take a service's own /proc for everybody's", function()
    for pid, want in pairs { ["71"] = "run jig doctor in a shell", ["70"] = "are hidden from other users" } do
      local host = machine.new { ["/proc/self/mounts"] = "proc /proc proc rw,hidepid=invisible 0 0\n",
        ["/proc/self/stat"] = "71 (jig) R 1 71\n" }
      host.getenv = function(name) return name == "SYSTEMD_EXEC_PID" and pid or nil end
      machine.says(said(host), "ok", want)
    end
  end)
end)
