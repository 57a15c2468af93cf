local machine = require "spec.support.machine"

local MB <const> = 1 << 20

local function said(change, settings, files)
  local host = machine.new(files or { ["/var/lib/jig"] = { kind = "folder" } })
  if change then change(host) end
  return machine.check("disk", host, { journal = settings or { path = "/var/lib/jig/journal.db" } })
end

local function with(answer)
  return function(host)
    local disk = { size = 1 << 40, free = 1 << 36, nodes = 0, free_nodes = 0 }
    for key, value in pairs(answer) do disk[key] = value end
    host.disk = function() return disk end
  end
end

local function taking(seconds, message)
  return function(host) host.sync = function() return seconds, message end end
end

describe("jig doctor: disk", function()
  it("tells how long a record takes", function()
    machine.says(said(), "ok", "/var/lib/jig has room; a write is durable after 2.0 ms")
  end)

  it("fails under 64 MB, warns under 1 GB", function()
    machine.says(said(with { free = 64 * MB - 1 }), "fail", "has room for 63 MB")
    machine.says(said(with { free = 64 * MB }), "warn", "has room for 64 MB more")
    machine.says(said(with { free = 1024 * MB - 1 }), "warn", "1023 MB")
    machine.says(said(with { free = 1024 * MB }), "ok", "has room")
  end)

  it("counts files where the file system does", function()
    machine.says(said(with { nodes = 5000, free_nodes = 999 }), "fail", "999 files more")
    machine.says(said(with { nodes = 5000, free_nodes = 1000 }), "ok", "has room")
  end)

  it("warns over 50 ms, and fails when nothing can be written", function()
    machine.says(said(taking(0.05)), "ok", "50.0 ms")
    machine.says(said(taking(0.0601)), "warn", "takes 60 ms until it is durable in /var/lib/jig")
    machine.says(said(taking(nil, "Read-only file system")), "fail", "in /var/lib/jig: Read-only file system")
  end)

  it("fails for a folder that somebody named and is missing; jig's own it makes, where it may", function()
    local files = { ["/var/lib"] = { kind = "folder" } }
    machine.says(said(nil, nil, files), "fail", "/var/lib/jig is missing: mkdir -p")
    local made = { path = "/var/lib/jig/journal.db", made = true }
    machine.says(said(nil, made, files), "ok", "/var/lib has room")
    files["/var/lib"].denied = true
    machine.says(said(nil, made, files), "fail", "/var/lib may not be written by you")
  end)

  it("looks at the emergency file's folder, too", function()
    local settings = { path = "/var/lib/jig/journal.db", emergency = "/mnt/e" }
    local files = { ["/var/lib/jig"] = { kind = "folder" }, ["/mnt/e"] = { kind = "folder" } }
    machine.says(said(nil, settings, files), "ok", "/var/lib/jig has room", "ok", "/mnt/e has room")
  end)

  it("knows the folder of a path that is short", function()
    machine.says(said(nil, { path = "/journal.db" }, { ["/"] = { kind = "folder" } }), "ok", "/ has room")
    machine.says(said(function(host)
      local stat = host.stat
      host.stat = function(path) return path == "." and stat "/" or stat(path) end
    end, { path = "journal.db" }), "ok", ". has room")
  end)

  it("tells why the system does not say", function()
    machine.says(said(function(host) host.disk = function() return nil, "no disk" end end), "fail", "no disk")
  end)

  it("has nothing to say without a journal", function()
    assert.same({}, machine.check("disk", machine.new {}, {}))
    assert.same({}, machine.check("disk", machine.new {}, { journal = {} }))
  end)
end)
