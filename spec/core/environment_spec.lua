local scratch = require "spec.support.scratch"

-- The variables that a program at the end of a wire sees, sorted, when jig itself has these alone.
local function seen_with(...)
  local folder <close> = scratch.folder { ["show.lua"] = [[
    local wire <close> = assert(require "jig.port".open "exec:/usr/bin/env -0")
    for byte in function() return (wire:read(1, 10)) end do io.write(byte) end
  ]] }
  local words = { "/usr/bin/env", "-i", ... }
  table.move({ scratch.program, folder.path .. "/show.lua" }, 1, 2, #words + 1, words)
  local result = scratch.run(words)
  assert.equal(0, result.exit, result.stderr)
  local seen = {}
  for entry in result.stdout:gmatch("%Z+") do seen[#seen + 1] = entry end
  table.sort(seen)
  return seen
end

local LET_THROUGH <const> = {
  "HOME=/home/eva", "LANG=de_DE.UTF-8", "LANGUAGE=de", "LC_ALL=C", "LC_COLLATE=C", "LC_CTYPE=C.UTF-8", "LC_MESSAGES=C",
  "LC_MONETARY=C", "LC_NUMERIC=C", "LC_TIME=C", "LOGNAME=eva", "PATH=/usr/bin:/bin", "TMPDIR=/var/tmp", "TZ=UTC",
  "USER=eva",
}

local KEPT_BACK <const> = {
  "CREDENTIALS_DIRECTORY=/run/credentials/jig.service", "NOTIFY_SOCKET=/run/systemd/notify", "SSH_AUTH_SOCK=/run/agent",
  "AWS_SECRET_ACCESS_KEY=secret", "LD_LIBRARY_PATH=/nowhere", "LD_BIND_NOW=1", "LC_SECRET=secret", "LC_=x", "PATHS=x",
  "HOMEPAGE=x", "TZDIR=/x", "SHELL=/bin/sh", "TERM=xterm", "XDG_RUNTIME_DIR=/run/user/7", "JIG_MEMORY=plain",
}

describe("core/environment", function()
  it("lets through what is on its list, as it is", function()
    assert.same(LET_THROUGH, seen_with(table.unpack(LET_THROUGH)))
    assert.same({ "LANG=", "PATH=/bin:/usr/bin", "TZ=a=b c" }, seen_with("TZ=a=b c", "LANG=", "PATH=/bin:/usr/bin"))
  end)

  it("lets through nothing else", function()
    assert.same({}, seen_with(table.unpack(KEPT_BACK)))
    local all = table.move(LET_THROUGH, 1, #LET_THROUGH, #KEPT_BACK + 1, { table.unpack(KEPT_BACK) })
    assert.same(LET_THROUGH, seen_with(table.unpack(all)))
  end)

  it("lets through nothing of an environment that is empty", function()
    assert.same({}, seen_with())
  end)
end)
