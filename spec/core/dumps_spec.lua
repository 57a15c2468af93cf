-- Core dumps: off as soon as a process may hold a payload, and only then.

local scratch = require "spec.support.scratch"

-- What a command prints that may have cores where the specs may. Not by jig.proc: its children may have none.
local function shell(command)
  local pipe <close> = assert(io.popen("ulimit -c unlimited 2>/dev/null; " .. command))
  return pipe:read("a")
end

-- What a script says of its dumps: whether it may be dumped, its soft limit, whether the hard one is as it was.
local function said(body)
  local folder <close> = scratch.folder()
  local script = folder:write("try.lua", ([[
package.cpath = %q
local core = require "spec.core"
local _, _, before = core.dumps()
%s
local dumpable, soft, hard = core.dumps()
print(dumpable, soft == 0, hard == before)]]):format(package.cpath, body))
  return (shell(("exec %s %s 2>&1"):format(scratch.program, script)):gsub("\t", " "):gsub("\n", ""))
end

describe("core/dumps", function()
  it("leaves no limit and no right to dump this process", function()
    assert.equal("false true true", said "core.dumps_off() core.dumps_off()")
  end)

  it("is asked for by a service, whose sessions hold payloads", function()
    assert.equal("false true true", said "require('jig.session').service { cli = '/bin/true' }")
  end)

  it("is not asked for by a world, in which all is played", function()
    if scratch.checked then return pending "a sanitizer turns them off by itself" end
    if shell "ulimit -c" ~= "unlimited\n" then return pending "these specs may have no cores" end
    assert.equal("true false true", said [[
      assert(require "jig.testing".run { recipe = "examples/thermostat" }.passed)]])
  end)

  it("does not hold for a program that this one starts", function()
    local dumpable = said [[
      core.dumps_off()
      local owner = require("jig.proc").start({ "stat", "-c", "%u", "/proc/self/environ" }):wait(60).stdout
      assert(owner == require("jig.proc").start({ "id", "-u" }):wait(60).stdout)]]
    assert.equal("false true true", dumpable)
  end)
end)
