local proc = require "jig.proc"
local scratch = require "spec.support.scratch"
local system = require "jig.system"

-- Runs jig with a script that starts children while many descriptors are open, and prints what each found.
local SCRIPT <const> = [[
  local proc = require "jig.proc"
  local system = require "jig.system"
  local open = {}
  for i = 1, 50 do open[i] = io.open("/dev/zero") end
  local before = system.descriptors()
  for i = 1, 3 do
    local result = assert(proc.start { "/bin/sh", "-c", "ls /proc/self/fd; echo to stderr >&2" }):wait(60)
    print((result.stdout:gsub("\n", " ")), (result.stderr:gsub("\n", "")), result.exit)
  end
  print(select(3, proc.start { "/nowhere" }))
  print(system.descriptors() - before, open[50]:read(1) == "\0")
]]

-- 3 is the folder that ls reads; `given_up` descriptors were lent before.
local function expected(given_up)
  return ("0 1 2 3 \tto stderr\t0\n"):rep(3) .. ("not_found\n%d\ttrue\n"):format(-given_up)
end

-- Those of lend.c: for stdio, for what a child keeps, and /dev/null.
local LENT <const> = 3 + 5 + 1

-- Without a checker that makes children the other way.
local function traced(folder, ...)
  local words = { "strace", "-f", "-qq", "-o", folder.path .. "/trace", ... }
  words[#words + 1] = scratch.program
  words[#words + 1] = folder.path .. "/script.lua"
  local result = scratch.run(words)
  local file <close> = assert(io.open(folder.path .. "/trace"))
  return result, file:read("a")
end

local function lends()
  return not os.getenv("JIG_BUILD"):find("san", 1, true) and os.getenv("JIG_MEMORY") ~= "plain"
end

describe("lent descriptors", function()
  it("are all that a child copies", function()
    if not lends() then pending "a checker runs" end
    local folder <close> = scratch.folder { ["script.lua"] = SCRIPT }
    local result, trace = traced(folder, "-e", "trace=clone,close_range")
    assert.equal(expected(0), result.stdout, result.stderr)
    assert.truthy(trace:find("CLONE_FILES", 1, true))
    assert.truthy(trace:find("CLOSE_RANGE_UNSHARE) = 0", 1, true))
  end)

  it("are done without where the system cannot give a child a table of its own", function()
    if not lends() then pending "a checker runs" end
    local folder <close> = scratch.folder { ["script.lua"] = SCRIPT }
    local result, trace = traced(folder, "-e", "trace=clone,close_range", "-e", "inject=close_range:error=ENOSYS")
    assert.equal(expected(LENT), result.stdout, result.stderr)
    local _, shared = trace:gsub("CLONE_FILES", "")
    assert.equal(1, shared, "it is tried once")
  end)

  it("are done without where it knows no such clone", function()
    if not lends() then pending "a checker runs" end
    local folder <close> = scratch.folder { ["script.lua"] = SCRIPT }
    local result = traced(folder, "-e", "trace=clone", "-e", "inject=clone:error=EINVAL:when=1")
    assert.equal(expected(LENT), result.stdout, result.stderr)
  end)

  it("leave nothing behind in jig", function()
    local before = system.descriptors()
    for _ = 1, 20 do assert(proc.start { "/bin/true" }):wait(60) end
    assert.equal(before, system.descriptors())
  end)
end)
