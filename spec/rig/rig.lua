--- Runs the cases in a guest: build/jig spec/rig/rig.lua [CASE...]. See README.md.

package.path = "./?.lua;" .. package.path

local clock = require "jig.clock"
local machines = require "spec.rig.machine"
local proc = require "jig.proc"
local system = require "jig.system"
local task = require "jig.task"

-- How often devices come and go in cases/cycles.lua; nil: as often as it says.
local CYCLES <const> = tonumber(os.getenv "CYCLES" or "")

-- Seconds of this machine's that one file of cases may take.
local CASE <const> = CYCLES and 1800 or 300

-- Guests at a time: their clocks do not see each other.
local GUESTS <const> = 2

-- Those that take long first.
local CASES <const> = { "cycles", "walk_acm", "walk_usb", "walk_ftdi", "token", "usb", "serial", "ports" }

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

-- One file of cases in a guest of its own: what it counted, and what it said besides. With one arena what memory a
-- process holds does not hang on which thread of libusb's was quicker.
local function run_case(name)
  local machine <close> = machines.restore(folder)
  local cycles = CYCLES and "CYCLES=" .. CYCLES or ""
  local line = "chroot /job /bin/sh -c 'cd /project && %s %s exec build/jig test --helper %s %s'"
  line = line:format("HOME=/tmp MALLOC_ARENA_MAX=1", cycles, "spec/rig/helper.lua",
    ("spec/rig/cases/%s.lua"):format(name))
  local counts, said
  local status = machine:run(line, CASE, function(text)
    local passed, failed = text:match("^(%d+) passed, (%d+) failed")
    if passed then
      counts = { passed = tonumber(passed), failed = tonumber(failed) }
      counts.skipped = tonumber(text:match("(%d+) skipped") or 0)
    elseif text ~= "" then
      said = (said or "") .. text .. "\n"
    end
  end)
  counts = counts or { passed = 0, failed = 1, skipped = 0 } -- a run that did not count did not end
  if status ~= 0 and counts.failed == 0 then counts.failed = 1 end
  return counts, said
end

local all = { passed = 0, failed = 0, skipped = 0 }

-- Takes cases from the list until it is empty.
local function work(names)
  while #names > 0 do
    local name = table.remove(names, 1)
    local ok, counts, said = pcall(run_case, name)
    if not ok then counts, said = { failed = 1, passed = 0, skipped = 0 }, tostring(counts) .. "\n" end
    for key, n in pairs(counts) do all[key] = all[key] + n end
    say(("%s: %d passed, %d failed"):format(name, counts.passed, counts.failed))
    io.write(said or "")
    io.flush()
  end
end

ensure_snapshot()
local names, workers = #arg > 0 and table.move(arg, 1, #arg, 1, {}) or CASES, {}
for i = 1, GUESTS do workers[i] = task.spawn(work, names) end
for _, worker in ipairs(workers) do assert(worker:join()) end
print(("%d passed, %d failed%s"):format(all.passed, all.failed,
  all.skipped > 0 and (", %d skipped"):format(all.skipped) or ""))
system.exit(all.failed == 0 and all.passed > 0 and 0 or 1)
