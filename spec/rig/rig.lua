--- Runs the cases in a guest: build/jig spec/rig/rig.lua [CASE...]. See README.md.

package.path = "./?.lua;" .. package.path

local clock = require "jig.clock"
local machines = require "spec.rig.machine"
local proc = require "jig.proc"
local system = require "jig.system"

-- Seconds that one file of cases may take.
local CASE <const> = os.getenv "CYCLES" and 1800 or 150

local CASES <const> = { "usb", "serial", "walk_usb", "walk_ftdi", "walk_acm", "token", "cycles" }

local build = arg[-1]:match("^(.*)/[^/]*$") or "build"
local folder = build .. "/rig" -- what QEMU is told of it: no letter in it needs a quote
local begun = clock.now()

local function say(text) print(("rig %5.1f s: %s"):format(clock.now() - begun, text)) end

local function read(path)
  local file <close> = io.open(path, "rb")
  return file and file:read("a")
end

-- A snapshot fits what was booted, and the QEMU that made it.
local function stamp()
  local version = assert(proc.start { "qemu-system-x86_64", "--version" }):wait(10).stdout
  return read(folder .. "/guest.stamp") .. version .. system.sha256("spec/rig/machine.lua")
end

local function ensure_snapshot()
  local wanted = stamp()
  if read(folder .. "/snapshot.stamp") == wanted then return end
  os.remove(folder .. "/snapshot.stamp")
  machines.snapshot(folder, say)
  local file <close> = assert(io.open(folder .. "/snapshot.stamp", "wb"))
  file:write(wanted)
  say "the guest has come up; its snapshot is made"
end

-- One file of cases in a guest of its own: what it counted.
local function run_case(name)
  local machine <close> = machines.restore(folder)
  say(("%s: the guest is there"):format(name))
  local counts
  local cycles = os.getenv "CYCLES" and "CYCLES=" .. tonumber(os.getenv "CYCLES") or ""
  local line = "chroot /job /bin/sh -c 'cd /project && HOME=/tmp %s exec build/jig test --helper %s %s'"
  line = line:format(cycles, "spec/rig/helper.lua", ("spec/rig/cases/%s.lua"):format(name))
  local status = machine:run(line, CASE, function(text)
    local passed, failed = text:match("^(%d+) passed, (%d+) failed")
    if passed then
      counts = { passed = tonumber(passed), failed = tonumber(failed) }
      counts.skipped = tonumber(text:match("(%d+) skipped") or 0)
    else
      print(text)
    end
  end)
  counts = counts or { passed = 0, failed = 1, skipped = 0 } -- a run that did not count did not end
  if status ~= 0 and counts.failed == 0 then counts.failed = 1 end
  return counts
end

ensure_snapshot()
local all = { passed = 0, failed = 0, skipped = 0 }
for _, name in ipairs(#arg > 0 and arg or CASES) do
  for key, n in pairs(run_case(name)) do all[key] = all[key] + n end
end
say "done"
print(("%d passed, %d failed%s"):format(all.passed, all.failed,
  all.skipped > 0 and (", %d skipped"):format(all.skipped) or ""))
system.exit(all.failed == 0 and all.passed > 0 and 0 or 1)
