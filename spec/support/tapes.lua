-- Cassettes made on virtual time: a recipe, a device and a CLI that are played, and the lines that were recorded.
--
--     local lines = tapes.record { recipe = "examples/thermostat" }
--     local path = tapes.write(folder, "a.cassette", lines)

local format = require "jig.cassette.format"
local journal = require "jig.testing.journal"
local rig = require "jig.testing.rig"
local tape = require "jig.cassette.tape"
local testing = require "jig.testing"

local tapes = {}

--- Records a unit. Gives the lines, and all that the worker said.
---@param options table  recipe (path); device, cli, retries, service; recording (as of the worker); interrupt
---@return string[] lines, table[] events
function tapes.record(options)
  local plan = testing.load(options.recipe)
  plan.device = options.device or testing.device(plan.folder)
  plan.cli = options.cli
  local kept <close> = journal.new()
  plan.record = kept.record
  local run <close> = rig.new(plan)
  if options.interrupt then run:after(options.interrupt, function() run:interrupt() end) end
  local service = { cli = "factory_tool", token = false }
  for key, value in pairs(options.service or {}) do service[key] = value end
  run.outcome = run:work("jig.worker", {
    slot = "A", file = plan.file, folder = plan.folder, address = "stage:device", count = 1, service = service,
    retries = options.retries or 0, journal = kept:config(), recording = options.recording or {},
  })
  assert(run.outcome == "ended", run.outcome)
  local lines = {}
  for _, event in ipairs(run.events) do
    if event.event == "crashed" then error(event.message) end
    if event.event == "tape" then lines[#lines + 1] = event.line end
  end
  return lines, run.events
end

--- The text of a cassette with these lines, sealed.
---@param lines string[]
---@return string
function tapes.text(lines)
  local body = format.VERSION .. "\n" .. table.concat(lines, "\n") .. "\n"
  return body .. tape.seal(body)
end

--- Writes one into a folder of scratch. Gives its path.
function tapes.write(folder, name, lines)
  return folder:write(name, tapes.text(lines))
end

--- The lines without their times, the ids of sessions and what framings make of frames.
---@param lines string[]
---@return string
function tapes.steps(lines)
  local list = {}
  for i, line in ipairs(lines) do
    list[i] = line:gsub("^%d+%.%d+ ", ""):gsub(" session=%S+", ""):gsub(" wired=%x+", "")
  end
  return table.concat(list, "\n")
end

return tapes
