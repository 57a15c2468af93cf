-- Some of the deaths that `make kill-all` dies in full: the same scenarios, a fixed slice of their points.

local harness = require "spec.kill.harness"
local scratch = require "spec.support.scratch"

-- Deaths at a time; each so-many-th point.
local WIDTH <const>, STEP <const> = 2, 80

-- Calls behind which one dies in any case: then more is durable, or called.
local EDGES <const> = { fdatasync = true, clone = true }

-- A jig under a sanitizer is not the binary that is shipped, and its leak check traces too.
local sanitized = scratch.run({ "nm", "-D", scratch.program }).stdout:find("__asan_init", 1, true) ~= nil

local function slice(points)
  local numbers = {}
  for number = 1, #points + 1 do
    local before = points[number - 1]
    if number % STEP == 0 or number > #points or before and EDGES[before.name] then numbers[#numbers + 1] = number end
  end
  return numbers
end

-- Dies at a slice of a run's points, or of the recovery of a corpse; and behind each start of the CLI.
local function die(scenario, corpse, corpses)
  local troubles = {}
  local function kill(bench, number, behind)
    local death = bench:kill(number, { corpse = corpse, corpses = not behind and corpses or nil, behind = behind })
    for _, text in ipairs(death.troubles) do troubles[#troubles + 1] = ("at point %d: %s"):format(number, text) end
  end
  local bench <close> = harness.bench(scenario)
  local points = bench:trace(corpse)
  harness.spread(WIDTH, scenario, slice(points), kill)
  harness.spread(WIDTH, scenario, harness.starts(points), function(own, number) kill(own, number, true) end)
  assert.same({}, troubles)
end

describe("a killed jig", function()
  if sanitized then return end

  local corpses

  setup(function() corpses = harness.corpses() end)
  teardown(function() corpses:close() end)

  for _, scenario in ipairs(harness.scenarios) do
    it("loses nothing of " .. scenario.name, function() die(scenario, nil, corpses) end)
  end

  it("loses nothing when its recovery is killed", function()
    local seen = {}
    for _, corpse in ipairs(corpses) do
      if not seen[corpse.state] then die(corpse.scenario, corpse) end
      seen[corpse.state] = true
    end
    assert.is_true(seen.opening and seen.finishing and seen.reporting)
  end)
end)
