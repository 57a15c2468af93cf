--- Kills jig everywhere. See README.md. Usage, from the repository's root:
--
--     build/jig spec/kill/kill.lua [EVERY]     (make kill-all)
--
-- EVERY: only each so-many-th point (1). The exit status is 1 when anything was found.

package.path = "./?.lua;" .. package.path

local clock = require "jig.clock"
local harness = require "spec.kill.harness"

-- Deaths at a time; how often something is tried that may turn out otherwise, for threads do not always
-- take the same turns.
local WIDTH <const>, TRIES <const> = 2, 40
local EVERY <const> = math.tointeger(tonumber(arg[1] or "1"))

local total = { points = 0, deaths = 0, troubles = 0 }

local function say(...)
  io.stdout:write(string.format(...), "\n")
  io.stdout:flush()
end

local function trouble(...)
  total.troubles = total.troubles + 1
  say("  TROUBLE %s", string.format(...))
end

-- The numbers of the points, and one behind the last.
local function numbers_of(points)
  local numbers = {}
  for number = 1, #points + 1, EVERY do numbers[#numbers + 1] = number end
  return numbers
end

local function tell(number, death)
  local point, at = death.point, "behind the last"
  if point then at = ("%s %s %s"):format(point.thread, point.name, point.target) end
  for _, text in ipairs(death.troubles) do trouble("%d, %s: %s", number, at, text) end
end

-- How often each call was made, as one text.
local function key(names)
  local parts = {}
  for name, times in pairs(names) do parts[#parts + 1] = name .. " " .. times end
  table.sort(parts)
  return table.concat(parts, ", ")
end

-- A trace of which strace shows the same.
local function agreed(what, scenario, corpse)
  local traces, shown, last = {}, {}, nil
  local bench <close> = harness.bench(scenario)
  for _ = 1, TRIES do
    local points = bench:trace(corpse)
    last = { key(harness.names(points)), key(bench:strace(corpse)) }
    traces[last[1]], shown[last[2]] = points, true
    for text, found in pairs(traces) do
      if shown[text] then return found end
    end
  end
  trouble("%s: the tracer and strace differ:\n    %s\n    %s", what, last[1], last[2])
  return traces[last[1]]
end

-- A run that ends before a point is tried again. Whether it died.
local function die(bench, number, last, options)
  local tries = 0
  repeat
    local death = bench:kill(number, options)
    tell(number, death)
    tries = tries + 1
    if death.point then return true end
  until number > last or tries == TRIES
  return false
end

-- Dies at all points of a run, or of the recovery of a corpse; and once more behind each start of the CLI.
local function die_everywhere(what, scenario, corpse, corpses)
  local start, killed, points = clock.now(), 0, agreed(what, scenario, corpse)
  harness.spread(WIDTH, scenario, numbers_of(points), function(bench, number)
    if die(bench, number, #points, { corpse = corpse, corpses = corpses }) then killed = killed + 1 end
  end)
  local starts = harness.starts(points)
  harness.spread(WIDTH, scenario, starts, function(bench, number)
    die(bench, number, #points, { corpse = corpse, behind = true })
  end)
  total.points, total.deaths = total.points + #points, total.deaths + killed
  say("%-52s %4d points %4d deaths, %d with the CLI at work %6.1f s", what, #points, killed, #starts,
    clock.now() - start)
  if EVERY == 1 and killed ~= #points then trouble("%s: %d points and %d deaths", what, #points, killed) end
end

local function main()
  local start, corpses <close> = clock.now(), harness.corpses()
  for _, scenario in ipairs(harness.scenarios) do die_everywhere(scenario.name, scenario, nil, corpses) end
  local found = {}
  for _, corpse in ipairs(corpses) do
    found[corpse.state] = true
    die_everywhere(("recovery: %s, at the service %s"):format(corpse.state, corpse.service), corpse.scenario, corpse)
  end
  for _, state in ipairs(harness.STATES) do
    if not found[state] then trouble("no death left a session %s", state) end
  end
  say("%d points, %d deaths, %d troubles, %.0f s", total.points, total.deaths, total.troubles, clock.now() - start)
end

main()
os.exit(total.troubles == 0)
