--- The kit with which recipes are tested: on a laptop, without hardware, on virtual time. Runs inside busted.
--
--     local testing = require "jig.testing"
--
--     it("reports a device without memory once", function()
--       local result = testing.run { recipe = "examples/thermostat", device = { { status = 0x11 } } }
--       assert.reported(result, "factory_provisioning.memory", 311)
--     end)
--
-- The recipe runs unchanged, in a slot's state of its own, with the engine's session, gate and journal. The
-- device, the CLI and the clock are played, so a time-out of 30 s takes no time.

local loader = require "jig.loader"
local locate = require "jig.locate"
local sandbox = require "jig.sandbox"

local testing = {}

---@class jig.testing.Options
---@field recipe string           its file or folder
---@field device? function|table|string  see jig.testing.device; default: device.lua beside the recipe. A string
---  is the address of a real port, and needs `real`
---@field cli? table|string       see jig.testing.cli; a string is the path of a real program, and needs `real`
---@field real? boolean           the real clock; what is played is played on it
---@field service? table          settings of the CLI, as the station file's `cli`
---@field retries? integer
---@field serial? string          that the device must have
---@field journal? boolean        false: none is kept
---@field seed? integer           of random numbers; default 1
---@field interrupt? number       seconds after which somebody presses Ctrl-C

---@class jig.testing.Result
---@field passed boolean
---@field fault? table            of a FAIL: name, code, reason, phase, line, …
---@field fingerprint? string
---@field serial? string
---@field seconds number          of the run's clock
---@field ended? table            the last attempt's event, as jig run --json has it
---@field attempts table[]        such an event for each
---@field events table[]          all of them, in order
---@field calls jig.testing.Call[]  of the CLI
---@field reports jig.testing.Call[]  those of report_error
---@field received jig.Frame[]    messages that reached the device
---@field written string          all bytes that it was given
---@field sessions table[]        what the journal says of the run's sessions
---@field trail jig.testing.Effect[]
---@field transcript fun(self, last?: integer): string

local result_meta = { __index = {}, __name = "jig.testing.Result" }

--- What happened, as text.
---@param last? integer  so many lines; default all
---@return string
function result_meta.__index:transcript(last)
  return require("jig.testing.transcript").text(self.trail, last)
end

local KNOWN <const> = {
  recipe = "string", device = "any", cli = "any", real = "boolean", service = "table", retries = "number",
  serial = "string", journal = "boolean", seed = "number", interrupt = "number",
}

local function check_options(options)
  if type(options) ~= "table" then error("testing.run takes a table: { recipe = … }", 3) end
  for key, value in pairs(options) do
    local known = KNOWN[key]
    if not known then error(("testing.run: there is no option '%s'"):format(tostring(key)), 3) end
    if known ~= "any" and type(value) ~= known then
      error(("testing.run: %s: expected a %s, got a %s"):format(key, known, type(value)), 3)
    end
  end
  if not options.recipe then error("testing.run: recipe: its file or folder is needed", 3) end
  if (type(options.device) == "string" or type(options.cli) == "string") and not options.real then
    error("testing.run: what is real takes real time: real = true", 3)
  end
end

--- The device that stands beside a recipe: what its device.lua returns. Raises when there is none.
---@param folder string
---@return function|table
function testing.device(folder)
  local path = folder .. "device.lua"
  local chunk, message = loadfile(path, "t")
  if not chunk then error(("%s\n  a device for it stands in device.lua beside the recipe"):format(message), 0) end
  local made = chunk()
  if type(made) ~= "function" and type(made) ~= "table" then
    error(path .. ": must return a device: a function or a table", 0)
  end
  return made
end

--- Loads a recipe for a run: where it is and what it says. Raises when it is refused. Does not yield.
---@param path string
---@return { file: string, folder: string, recipe: jig.Recipe }
function testing.load(path)
  local file, folder = locate(path)
  local recipe, message = loader.load(file, folder, sandbox.files(false))
  if not recipe then error(message, 0) end
  return { file = file, folder = folder, recipe = recipe }
end

-- One journal for all runs of this process: it is made once, which costs more than a run.
local kept

local function journal()
  kept = kept or require("jig.testing.journal").new()
  return kept
end

-- What is still there when a run is over, as a sentence; nil when there is nothing.
local function leak(held)
  local parts = {}
  for _, name in ipairs { "ports", "programs", "timers", "tasks", "sessions", "appends", "descriptors" } do
    if held[name] > 0 then parts[#parts + 1] = ("%d %s"):format(held[name], name) end
  end
  if #parts > 0 then return "the run is over and still holds " .. table.concat(parts, ", ") end
end

-- How a run ended, when that is no end for it.
local WRONG <const> = {
  stuck = "the run waits for ever: nothing is left that could end it",
  limit = "the run does not end: it was given up",
  busy = "the run spins: something is told again and again, and no time passes",
}

local function check_end(run)
  local trouble = WRONG[run.outcome] or leak(run.held)
  for _, event in ipairs(run.events) do
    if event.event == "crashed" then trouble = "jig failed: " .. event.message end
    if event.event == "refused" then trouble = event.message end
  end
  if not trouble then return end
  error(("%s\n%s"):format(trouble, require("jig.testing.transcript").text(run.trail, 20)), 0)
end

local function sessions_of(options, calls)
  local list, seen = {}, {}
  if options.journal == false then return list end
  for _, call in ipairs(calls) do
    if not seen[call.session] then
      seen[call.session] = true
      table.move(journal():sessions(call.session), 1, 64, #list + 1, list)
    end
  end
  return list
end

local function result_of(run, options)
  local result = setmetatable({
    passed = false, attempts = {}, events = run.events, calls = run.cli and run.cli.calls or {}, reports = {},
    received = run.taken, written = table.concat(run.written), trail = run.trail, seconds = run.seconds,
  }, result_meta)
  for _, event in ipairs(run.events) do
    if event.event == "ended" then table.insert(result.attempts, event) end
  end
  for _, call in ipairs(result.calls) do
    if call.command == "report_error" then table.insert(result.reports, call) end
  end
  local ended = result.attempts[#result.attempts]
  result.ended = ended
  for _, key in ipairs { "passed", "fault", "fingerprint", "serial" } do
    result[key] = ended and ended[key]
  end
  result.sessions = sessions_of(options, result.calls)
  return result
end

--- Runs a recipe with a device and a CLI that are played, and gives what became of it. Does not yield. Raises
-- when the recipe is refused, when the device's or the CLI's code raises, when the run does not end, and when
-- it leaves a port, task, timer or program behind.
---
---     local result = testing.run { recipe = "examples/meter", cli = { new_device = { exit = 3 } } }
---     assert.failed(result, "cli.refused")
---@param options jig.testing.Options
---@return jig.testing.Result
function testing.run(options)
  check_options(options)
  local plan = testing.load(options.recipe)
  for _, key in ipairs { "cli", "real", "service", "retries", "serial", "seed" } do plan[key] = options[key] end
  plan.device = options.device or testing.device(plan.folder)
  if options.journal ~= false then
    plan.record, plan.journal = journal().record, journal():config()
  end
  local run <close> = require("jig.testing.rig").new(plan)
  if options.interrupt then
    run.world:after(options.interrupt, function() run:interrupt() end)
  end
  run:run()
  run:close()
  check_end(run)
  return result_of(run, options)
end

---@class jig.FramingChecks
---@field junk? boolean    the framing finds a frame behind junk; default f.traits.resync
---@field check? boolean   it notices damage; default f.traits.check
---@field empty? boolean   it carries an empty payload; default f.traits.empty
---@field silence? boolean  only silence ends its frames; default f.traits.silence
---@field size? integer    all its payloads have this size; default f.traits.size
---@field text? boolean    it refuses payloads that read as text; default f.traits.text
---@field max? integer     its longest payload; default f.max
---@field oversize? { host?: string, device?: string }  bytes that announce a frame over max, as
---  each end would send them

--- Checks that a framing keeps its contract (jig.framing.common) in both directions: defines the
-- `describe` and `it` blocks of a busted spec. What the framing cannot do is said by its traits, or
-- by options for a framing without any. Deterministic; memory is measured, time is not.
---
---     local testing = require "jig.testing"
---     testing.framing(require "jig.framing.slip" { header = "B command" })
---@param f jig.Framing
---@param options? jig.FramingChecks
function testing.framing(f, options)
  -- Not a tail call, so that a mistake in the options shows the spec's line.
  local check = require "jig.framing.contract"
  check(f, options)
end

-- Inside busted there are assertions, too.
if package.loaded["luassert"] then require "jig.testing.assertions" end

return testing
