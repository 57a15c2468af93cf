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
local source = require "jig.source"
local system = require "jig.system"
local trial = require "jig.trial"

local testing = {}

---@class jig.testing.Options
---@field recipe string           its file or folder
---@field device? function|table|string  see jig.testing.device; default: device.lua beside the recipe. A list
---  of replies stands for its firmware alone. A string is the address of a real port, and needs `real`
---@field cli? table|string       see jig.testing.cli; a string is the path of a real program, and needs `real`
---@field real? boolean           the real clock; what is played is played on it
---@field service? table          settings of the CLI, as the station file's `cli`
---@field retries? integer
---@field serial? string          that the device must have
---@field journal? boolean        false: none is kept
---@field seed? integer           of random numbers; default 1, with a real CLI by chance
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
---@field received? jig.Frame[]   messages that reached the device; nil where it is an address
---@field written? string         all bytes that it was given; the same
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

-- What each option may be.
local KNOWN <const> = {
  recipe = "string", device = "function, table or string", cli = "table or string", real = "boolean",
  service = "table", retries = "integer", serial = "string", journal = "boolean", seed = "integer",
  interrupt = "number",
}

local function fits(known, value)
  if known == "integer" then return math.type(value) == "integer" end
  return known:find(type(value), 1, true) ~= nil
end

-- What is wrong with one option; nil when nothing is.
local function mistake(key, value)
  local known = KNOWN[key]
  if not known then return ("there is no option '%s'"):format(tostring(key)) end
  if not fits(known, value) then
    local found = type(value) == "number" and tostring(value) or "a " .. type(value)
    return ("%s: expected %s %s, got %s"):format(key, known:match("^[aeiou]") and "an" or "a", known, found)
  end
  if key ~= "seed" and type(value) == "number" and value < 0 then
    return ("%s: must be 0 or more, got %s"):format(key, value)
  end
end

local function mistake_in(options)
  if type(options) ~= "table" then return "takes a table: { recipe = … }" end
  for key, value in pairs(options) do
    local found = mistake(key, value)
    if found then return found end
  end
  if not options.recipe then return "recipe: its file or folder is needed" end
  if (type(options.device) == "string" or type(options.cli) == "string") and not options.real then
    return "what is real takes real time: real = true"
  end
end

-- Bytes of device.lua, and of each file beside it, at most.
local FILE_MOST <const> = 1 << 20

-- As loadfile, which would wait for a FIFO's other end.
local function load_file(path, env)
  local text, message = source.read(path, FILE_MOST)
  if not text then return nil, message end
  return load(text:gsub("^#[^\n]*", ""), "@" .. path, "t", env)
end

-- What a spec gets, with one sentence for what there is not, and the line that asked for it.
local function require_installed(name)
  local ok, value = pcall(require, name)
  if ok then return value end
  local misused = type(name) ~= "string" and type(name) ~= "number"
  local absent = type(value) == "string" and value:find("^module '[^\n]*' not found:")
  if not absent then error(value, misused and 3 or 0) end
  error(("module '%s' not found: neither a file beside it, nor installed"):format(name), 3)
end

-- Where device.lua runs: `require` gives the files beside it, as it does in a recipe, then what a spec gets.
local function beside(folder)
  local env, loaded = setmetatable({}, { __index = _G }), {}
  function env.require(name)
    local word = type(name) == "string" and name:match("^[%w_%-][%w_%-%.]*$")
    local path = word and not word:match("^jig%f[%.\0]") and folder .. word:gsub("%.", "/") .. ".lua"
    if not path or not system.kind(path) then return (require_installed(name)) end
    if loaded[name] == nil then
      local chunk, message = load_file(path, env)
      if not chunk then error(message, 2) end
      local value = chunk(name, path)
      loaded[name] = value == nil and true or value
    end
    return loaded[name]
  end
  return env
end

--- The device that stands beside a recipe: what its device.lua returns. Raises when there is none.
---@param folder string
---@return function|table
function testing.device(folder)
  local path = folder .. "device.lua"
  if not system.kind(path) then
    error(path .. ": there is none: the option `device` says what plays it, or this file beside the recipe", 0)
  end
  local chunk, message = load_file(path, beside(folder))
  if not chunk then error(message, 0) end
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
  local refused = trial.refusal { file = file, folder = folder }
  if refused then error(refused, 0) end
  local released <close> = trial.interruptible()
  local recipe, message = loader.load(file, folder, sandbox.files(false))
  if not recipe then error(message, 0) end
  return { file = file, folder = folder, recipe = recipe }
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

-- What a device was given is known where it is played.
local function result_of(run, journal)
  local played = run.device ~= nil
  local result = setmetatable({
    passed = false, attempts = {}, events = run.events, calls = run.cli.calls, reports = {},
    received = played and run.taken or nil, written = played and table.concat(run.written) or nil,
    trail = run.trail, seconds = run.seconds, sessions = journal and journal:sessions() or {},
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
  return result
end

-- What stands beside the recipe, what a spec says, or the first with replies that the second lists.
local function device_of(given, folder)
  if given == nil then return testing.device(folder) end
  local is_list = type(given) == "table" and given.firmware == nil
  if not (is_list and system.kind(folder .. "device.lua")) then return given end
  return require("jig.testing.device").replying(testing.device(folder), given)
end

local function plan_of(options, journal)
  local plan = testing.load(options.recipe)
  for _, key in ipairs { "cli", "real", "service", "retries", "serial", "seed" } do plan[key] = options[key] end
  plan.device = device_of(options.device, plan.folder)
  if journal then plan.record, plan.journal = journal.record, journal:config() end
  return plan
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
  local wrong = mistake_in(options)
  if wrong then error("testing.run: " .. wrong, 2) end
  -- One of its own for each run: with the same seed a session has the same id.
  local journal <close> = options.journal ~= false and require("jig.testing.journal").new() or nil
  local run <close> = require("jig.testing.rig").new(plan_of(options, journal))
  if options.interrupt then
    run:after(options.interrupt, function() run:interrupt() end)
  end
  run:run()
  run:close()
  check_end(run)
  return result_of(run, journal)
end

--- Runs a recipe against a cassette (jig run --record), and says whether it does what it did. Does not yield.
-- Raises when the cassette or the recipe cannot be used. In one line of a spec: assert.replays("line4.cassette").
---@param path string
---@param options? jig.testing.ReplayOptions
---@return jig.testing.Replayed
function testing.replay(path, options)
  local ok, result = pcall(require("jig.testing.replay").run, path, options)
  if not ok then error(result, 2) end
  return result
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
