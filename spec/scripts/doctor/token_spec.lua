local machine = require "spec.support.machine"

local FOLDER <const> = "/run/lock/jig"

local function said(files, change, token)
  local host = machine.new(files)
  if change then change(host) end
  return machine.check("token", host, { cli = { token = token or { name = "default", folder = FOLDER } } })
end

local function folder(more)
  local at = { kind = "folder", mode = 1533 } -- 02775
  for key, value in pairs(more or {}) do at[key] = value end
  return { [FOLDER] = at }
end

describe("jig doctor: token", function()
  it("is content with a folder that takes locks", function()
    machine.says(said(folder()), "ok", "token 'default' is free")
  end)

  it("tells who has it, at whichever seat", function()
    local files = folder()
    files[FOLDER .. "/default.0"], files[FOLDER .. "/default.1"] = { id = "1:1:1" }, { id = "1:1:2" }
    files["/proc/locks"] = "1: FLOCK  ADVISORY  WRITE 12 1:1:2 0 EOF\n"
    files["/proc/12/comm"] = "jig\n"
    local wide = { name = "default", folder = FOLDER, width = 2 }
    machine.says(said(files, nil, wide), "ok", "is used by jig (process 12)")
    machine.says(said(files), "ok", "token 'default' is free")
  end)

  it("leaves a missing folder to the first run, where that may make it", function()
    machine.says(said { ["/run/lock"] = { kind = "folder" } }, "ok", "is made by the first run")
    machine.says(said { ["/run/lock"] = { kind = "folder", denied = true } }, "fail",
      "/run/lock may not be written by you: mkdir -p -m 2775")
  end)

  it("fails for a folder that is none, is everybody's, is not ours, or takes no locks", function()
    machine.says(said { [FOLDER] = "" }, "fail", "is no folder")
    machine.says(said(folder { mode = 1023 }), "fail", "may be written by everybody, who could hold the token")
    machine.says(said(folder { denied = true }), "fail", "cannot be used: /run/lock/jig: Permission denied")
    machine.says(said(folder(), function(host)
      host.lock = function() return nil, "no locks available", "system" end
    end), "fail", "takes no locks: no locks available")
  end)

  it("says what token = false means", function()
    machine.says(machine.check("token", machine.new {}, { cli = { token = false } }), "ok", "token = false")
  end)
end)
