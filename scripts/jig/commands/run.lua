--- jig run: provisions devices with a recipe.
--
-- The units are run by jig.worker in the slot's own state; this command makes its settings from flags and
-- the station file, shows its messages, and turns them into an exit status.

local clock = require "jig.clock"
local journal = require "jig.journal"
local journaling = require "jig.commands.journaling"
local locate = require "jig.locate"
local options = require "jig.commands.options"
local session = require "jig.session"
local slot = require "jig.slot"
local system = require "jig.system"
local task = require "jig.task"

-- Exit statuses; with several reasons the first of this order applies.
local PASSED <const>, FAILED <const>, USAGE <const>, REFUSED <const> = 0, 1, 2, 3
local STATION <const>, INTERRUPTED <const>, UNREPORTED <const> = 4, 5, 6
local ORDER <const> = { UNREPORTED, STATION, INTERRUPTED, REFUSED, FAILED }

-- Faults of the station rather than of the unit.
local STATION_FAULTS <const> = {
  ["cli.missing"] = true,
  ["cli.token"] = true,
  ["cli.token_missing"] = true,
  ["cli.token_busy"] = true,
  ["cli.pin"] = true,
  ["tool.journal"] = true,
}

-- Seconds between two looks of the terminal line.
local TICK <const> = 0.1

local function parser()
  local p = options.parser("run", "Provision devices with a recipe.")
  p:argument("recipe", "The recipe: a file, or a folder with recipe.lua.")
  p:option("--port", "Address of the device's port.")
  p:option("--station", "Station file.")
  p:option("--cli", "Path of the Secure Factory CLI.")
  p:option("--serial-number", "The serial number that the device must have.")
  p:option("--session-id", "DEVICE_SESSION_ID to use, for one unit and one attempt.")
  p:option("--count", "Units, one after the other.", "1"):convert(options.integer(1, 1000000))
  p:option("--retries", "Further attempts after a fault that allows them."):convert(options.integer(0, 100))
  p:option("--journal", "Path of the journal.")
  p:flag("--no-journal", "Keep no record: a PASS is not recorded, a power cut loses the session.")
  p:option("--again", "Make a unit again whose serial number was made; takes the reason.")
  p:option("--lot", "Lot, for the record.")
  p:option("--operator", "Operator, for the record.")
  p:flag("--json", "One JSON object per line on stdout.")
  p:option("--junit", "Write a JUnit file.")
  p:option("--trace", "Show traffic: time, direction, length, digest. --trace=payload shows bytes."):args("?")
  return p
end

-- argparse's optional argument would swallow the recipe: --trace alone is taken out first.
local function split_trace(words)
  local rest, trace = {}, nil
  for i, word in ipairs(words) do
    if word == "--trace" then
      trace = "digest"
    elseif word:match("^%-%-trace=") then
      trace = word:match("^%-%-trace=(.*)")
    else
      rest[#rest + 1] = words[i]
    end
  end
  return rest, trace
end

local function usage(message)
  io.stderr:write("jig run: ", message, "\n")
  return USAGE
end

local function check_usage(o, trace)
  if trace and trace ~= "digest" and trace ~= "payload" then
    return "--trace takes nothing or =payload"
  end
  local one = o.count == 1 and (o.retries or 0) == 0
  if o.session_id and not one then
    return "--session-id is for one unit and one attempt: it cannot go with --count or --retries"
  end
  if o.journal and o.no_journal then return "--journal and --no-journal exclude each other" end
  if o.again and o.no_journal then return "--again needs a journal" end
  if o.serial_number and o.count > 1 then
    return "--serial-number is for one unit: it cannot go with --count"
  end
end

-- The settings of jig.worker from flags and station file; flags go first.
local function make_config(o, from)
  local file, folder = locate(o.recipe)
  return {
    slot = from.slot or "A",
    file = file,
    folder = folder,
    address = o.port or from.port,
    service = journaling.cli(o, from),
    count = o.count,
    retries = o.retries or from.retries or 0,
    serial = o.serial_number,
    session_id = o.session_id,
    lot = o.lot or from.lot,
    operator = o.operator or from.operator,
  }
end

local function now()
  return os.date("!%Y-%m-%dT%H:%M:%SZ")
end

---@class jig.Tally
local tally = {}
tally.__index = tally

local function new_tally()
  return setmetatable({ units = 0, passed = 0, failed = 0, statuses = {}, ended = {} }, tally)
end

function tally:count(event)
  if event.event == "refused" or event.event == "crashed" then
    self.statuses[event.event == "refused" and REFUSED or FAILED] = true
  elseif event.event == "ended" then
    event.station = event.fault and STATION_FAULTS[event.fault.name] or nil
    self.ended[#self.ended + 1] = event
    if event.unreported then self.statuses[UNREPORTED] = true end
    if event.station then self.statuses[STATION] = true end
    if event.again then return end
    self.units = self.units + 1
    if event.passed then self.passed = self.passed + 1 else self.failed = self.failed + 1 end
    if not event.passed then self.statuses[FAILED] = true end
  elseif event.event == "stopping" then
    self.statuses[INTERRUPTED] = true
  elseif event.event == "started" then
    self.recipe = event.recipe
  end
end

function tally:status()
  for _, status in ipairs(ORDER) do
    if self.statuses[status] then return status end
  end
  return PASSED
end

-- Interrupts the worker for each signal. Gives a function that says whether there was one.
local function heed_signals(worker, handle)
  local times = 0
  task.spawn(function()
    while system.wait_signal() do
      times = times + 1
      handle { event = "stopping", times = times }
      worker:interrupt()
    end
  end)
  return function() return times > 0 end
end

local function follow(worker, handle)
  local event = worker:next()
  while event do
    handle(event)
    event = worker:next()
  end
end

-- What the worker needs to know of the journal: see jig.record.
local function journal_config(o, from, config)
  local owner = journal.owner()
  local started, message = journaling.started(from, config.service, owner)
  if not started then return nil, message end
  return { owner = owner, started = started, again = o.again }
end

-- Opens the journal, which goes on in its own thread. nil, message when it cannot be.
local function open_journal(settings)
  local ok, message = journaling.prepare(settings)
  if ok then ok, message = journal.open { path = settings.path, emergency = settings.emergency, key = settings.key } end
  return ok, message
end

-- Sessions that earlier processes left behind, before any unit. How many are still unreported. Those of
-- jigs that run are nothing to tell here.
local function recover(config, settings, handle, stopped)
  if journal.unended() == 0 then return 0 end
  return require("jig.recovery").run({
    path = settings.path,
    service = session.service(config.service),
    signature = config.journal.started.service,
    refusals = settings.refusals,
    unclear = (config.service.report or {}).unclear,
    repeats = (config.service.report or {}).again,
    now = os.time() * 1000000,
    stopped = stopped,
    say = function(event)
      if event.outcome ~= "busy" then handle(event) end
    end,
  }).unreported
end

-- Waits until the journal is open, then recovers. nil, message when no unit may begin.
local function begin(config, settings, handle, counted, stopped)
  if not settings then return true end
  local ok, message = journal.ready()
  if not ok then
    return nil, ("the journal %s: %s\n  no unit is begun without a journal; --no-journal does without"):format(
      settings.path, message)
  end
  if recover(config, settings, handle, stopped) > 0 then counted.statuses[UNREPORTED] = true end
  if not config.session_id then return true end
  config.journal.first_attempt, message = journaling.next_attempt(settings.path, config.session_id)
  return config.journal.first_attempt ~= nil, message
end

local function run(o, config, settings)
  local output = require(o.json and "jig.output.json" or "jig.output.text").new()
  local counted = new_tally()
  local function handle(event)
    if o.json then event.time = now() end
    counted:count(event)
    output:show(event)
  end
  config.quiet = not (o.json or output.columns) -- nobody looks at phases
  system.catch_signals()
  local worker <close> = slot.new()
  local stopped = heed_signals(worker, handle)
  local ready, message = begin(config, settings, handle, counted, stopped)
  if not ready then
    counted.statuses[STATION] = true
    return counted:status(), counted, message
  end
  local goes_on = not stopped()
  if goes_on then worker:start("jig.worker", config) end
  if output.columns then
    task.spawn(function()
      while clock.sleep(TICK) do output:tick() end
    end)
  end
  if goes_on then follow(worker, handle) end
  worker:close()
  if session.unreported() > 0 then counted.statuses[UNREPORTED] = true end
  local status = counted:status()
  handle { event = "summary", units = counted.units, passed = counted.passed, failed = counted.failed,
    exit = status }
  return status, counted
end

return function(words)
  local rest, trace = split_trace(words)
  local o, status = options.parse(parser(), rest)
  if not o then return status end
  local wrong = check_usage(o, trace)
  if wrong then return usage(wrong) end
  local from = {}
  if o.station then
    local message
    from, message = require("jig.station").load(o.station)
    if not from then return usage(message) end
  end
  local config = make_config(o, from)
  if o.session_id and config.retries > 0 then return usage("--session-id cannot go with retries") end
  local path, message = system.program(config.service.cli)
  if not path then
    io.stderr:write("jig run: the Secure Factory CLI cannot be started: ", message,
      "\n  name it with --cli PATH, or cli.path in the station file\n")
    return STATION
  end
  config.service.cli = path
  local service <const>, refused = journaling.open_service(config.service) -- it lasts as long as this function
  if not service then
    io.stderr:write("jig run: ", refused, "\n")
    return STATION
  end
  local settings = journaling.settings(o, from)
  if settings then
    local ok
    ok, message = open_journal(settings)
    if ok then
      config.journal, message = journal_config(o, from, config)
    end
    if not config.journal then
      io.stderr:write("jig run: ", message, "\n")
      return STATION
    end
  end
  if trace then system.log("trace", trace == "payload") end
  if trace == "payload" then
    io.stderr:write("jig: WARNING: --trace=payload shows the bytes of every message\n")
  end
  local exit, counted, trouble = run(o, config, settings)
  if trouble then
    io.stderr:write("jig run: ", trouble, "\n")
    return exit
  end
  if o.junit then
    local ok, why = require("jig.output.junit").write(o.junit, counted.recipe or config.file, counted.ended)
    if not ok then
      io.stderr:write("jig run: ", why, "\n")
      return exit == PASSED and FAILED or exit
    end
  end
  return exit
end
