--- Makes every product that `jig init` offers, and tests and proves it, as its author would on the first day:
---
---     jig init NAME --transport T --framing F && cd NAME && jig test
---
---     make products                 (or: build/jig spec/bench/products.lua [part of a name, such as serial-slip]…)
---
--- A line for each: seconds of the processor, and by the clock. Exit 1 when one is not green within the limit of the
--- processor: nothing is waited for, so on a machine that does nothing else the clock says the same.

local clock = require "jig.clock"
local plan = require "jig.init.plan"
local proc = require "jig.proc"
local system = require "jig.system"

-- Seconds within which a new product is green.
local LIMIT <const> = 10

-- Seconds after which one is given up.
local PATIENCE <const> = 300

local program = assert(system.realpath(arg[-1]))

-- What children that have ended used of the processor, in seconds: fields 16 and 17 of stat, in hundredths.
local function spent()
  local file <close> = assert(io.open "/proc/self/stat")
  local fields, found = file:read("a"):match("^.*%) (.*)$"), {}
  for field in fields:gmatch("%S+") do found[#found + 1] = field end
  return (found[14] + found[15]) / 100
end

local function run(cwd, ...)
  local child <close> = assert(proc.start { program, cwd = cwd, limit = PATIENCE, ... })
  local told = assert(child:wait())
  return told.exit == 0, told.stdout .. told.stderr
end

local function is_wanted(name)
  if #arg == 0 then return true end
  for _, part in ipairs(arg) do
    if name:find(part, 1, true) then return true end
  end
  return false
end

-- Whether it is green in time; and the line.
local function try(folder, transport, framing)
  local name = transport .. "-" .. framing
  local began, used = clock.now(), spent()
  local ok, said = run(folder, "init", name, "--transport", transport, "--framing", framing)
  if ok then ok, said = run(folder .. "/" .. name, "test") end
  local took = spent() - used
  local proof = said:match("proof: [^\n]*") or said
  return ok and took <= LIMIT, ("%-4s %-15s %5.1f s of the processor, %5.1f s by the clock  %s"):format(
    ok and (took <= LIMIT and "ok" or "late") or "red", name, took, clock.now() - began, proof)
end

local function main()
  local folder = assert(proc.start { "mktemp", "-d" }:wait()).stdout:match("^[^\n]+")
  local green, count = true, 0
  for _, transport in ipairs(plan.transports) do
    for _, framing in ipairs(plan.framings) do
      if is_wanted(transport .. "-" .. framing) then
        local ok, line = try(folder, transport, framing)
        print(line)
        io.stdout:flush()
        green, count = green and ok, count + 1
      end
    end
  end
  system.remove_folder(folder)
  if count == 0 then print "no product has such a name" end
  return green and count > 0 and 0 or 1
end

os.exit(main())
