-- What the programs that jig runs at a station see of its environment: the Secure Factory CLI and the program at the
-- end of a wire. jig's own is full of what is not theirs. core/environment.h has the list, and its spec.

local scratch = require "spec.support.scratch"
local station = require "spec.support.station"

local OWN <const> = {
  "PATH=/usr/bin:/bin", "HOME=/home/eva", "LANG=C.UTF-8", "TZ=UTC",
  "CREDENTIALS_DIRECTORY=/run/credentials/jig.service", "NOTIFY_SOCKET=/run/systemd/notify", "LD_BIND_NOW=1",
  "AWS_SECRET_ACCESS_KEY=secret", "SSH_AUTH_SOCK=/run/agent", "AGENT=/run/agent", "TERM=xterm",
}
local FEW <const> = { "HOME=/home/eva", "LANG=C.UTF-8", "PATH=/usr/bin:/bin", "TZ=UTC" }

-- The variables in the text of an `environ`, sorted.
local function entries(text)
  local found = {}
  for entry in text:gmatch("%Z+") do found[#found + 1] = entry end
  table.sort(found)
  return found
end

describe("the environment of what jig runs", function()
  local place

  -- Runs a recipe whose wire and CLI write down what they see; `env` is the text of cli.env. Gives both.
  local function run(env)
    local cli = place:write("cli", "#!/bin/sh\ncat /proc/$$/environ >" .. place.path .. "/cli.seen\nexit 1\n", true)
    local wire = place:write("wire", ("#!/bin/sh\ncat /proc/$$/environ >%s/wire.seen\necho up\nexec cat\n"):format(
      place.path), true)
    local recipe = place:write("recipe.lua", scratch.recipe [[
      prepare = function(unit) unit.port:expect "up\n" unit.serial = "1" end,]])
    local settings = place:write("station.lua", ("return { cli = { path = %q, env = %s, token = false } }"):format(
      cli, env or "nil"))
    local words = { "/usr/bin/env", "-i", table.unpack(OWN) }
    table.move({ station.jig, "run", recipe, "--station", settings, "--no-journal", "--port", "exec:" .. wire }, 1, 8,
      #words + 1, words)
    local result = scratch.run(words)
    assert.matches("new_device: exit status 1", result.stdout .. result.stderr, 1, true)
    return entries(station.read(place.path .. "/cli.seen")), entries(station.read(place.path .. "/wire.seen"))
  end

  before_each(function() place = station.place() end)
  after_each(function() place:close() end)

  it("is a few names, to the CLI and to the wire", function()
    local cli, wire = run()
    assert.same(FEW, cli)
    assert.same(FEW, wire)
  end)

  it("is to the CLI what cli.env makes of it, and to the wire the same few", function()
    local cli, wire = run [[{
      PIN_FILE = "/x y", HOME = "/var/lib/cli", AGENT = true, NOBODYS = true, LANG = false, TZ = true,
    }]]
    assert.same({ "AGENT=/run/agent", "HOME=/var/lib/cli", "PATH=/usr/bin:/bin", "PIN_FILE=/x y", "TZ=UTC" }, cli)
    assert.same(FEW, wire)
  end)

  it("is what env sets in an address that runs a program by it", function()
    local words = { "/usr/bin/env", "-i", table.unpack(OWN) }
    local script = place:write("show.lua", [[
      local wire <close> = assert(require "jig.port".open "exec:/usr/bin/env -u HOME A=b%20c /usr/bin/env -0")
      for byte in function() return (wire:read(1, 10)) end do io.write(byte) end
    ]])
    table.move({ station.jig, script }, 1, 2, #words + 1, words)
    assert.same({ "A=b c", "LANG=C.UTF-8", "PATH=/usr/bin:/bin", "TZ=UTC" }, entries(scratch.run(words).stdout))
  end)
end)
