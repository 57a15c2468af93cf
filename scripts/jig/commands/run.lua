--- jig run: provisions devices with a recipe, at one slot or at many at once.
--
-- The units are run by jig.worker in each slot's own state (jig.gang); this command makes its settings from
-- flags and the station file, shows its messages, and turns them into an exit status.

local clock = require "jig.clock"
local gang = require "jig.gang"
local gate = require "jig.gate"
local journal = require "jig.journal"
local journaling = require "jig.commands.journaling"
local options = require "jig.commands.options"
local session = require "jig.session"
local slots = require "jig.slots"
local system = require "jig.system"
local tally = require "jig.tally"
local task = require "jig.task"

-- Descriptors that jig needs whatever the slots: standard ones, loop, journal, recipe files, those lent to
-- children.
local OWN_DESCRIPTORS <const> = 64

-- Seconds that a station which is stopped gives to reporting what is open.
local STOP <const> = 60

-- Seconds between two looks of the terminal line.
local TICK <const> = 0.1

local function parser()
  local p = options.parser("run", "Provision devices with a recipe.")
  p:argument("recipe", "The recipe: a file, or a folder with recipe.lua; default: this one. Slots may have their own.")
    :args("?"):recipe()
  p:option("--port", "Address of the device's port, for one slot."):value "ADDRESS"
  p:option("--slot", "One more slot, or another address for one of the station.")
    :value "NAME=ADDRESS":repeated()
  p:option("--station", "Station file."):value "FILE"
  p:option("--cli", "Path of the Secure Factory CLI."):value "PATH"
  p:option("--serial-number", "The serial number that the device must have."):value "SERIAL"
  p:option("--session-id", "DEVICE_SESSION_ID to use, for one unit and one attempt."):value "ID"
  p:option("--count", "Units, one after the other, at each slot; default 1.")
    :value "N":convert(options.integer(1, 1000000))
  p:flag("--watch", "Until stopped: wait for a device, run it, wait until it is gone.")
  p:option("--start", "With --watch, what begins a unit: line (on stdin), or scan (its serial number).")
    :choices { "line", "scan" }
  p:option("--scanner", "Address of the scanner that --start listens to; default stdin:- (a keyboard wedge).")
    :value "ADDRESS"
  p:option("--retries", "Further attempts after a fault that allows them."):value "N":convert(options.integer(0, 100))
  p:option("--journal", "Path of the journal."):value "PATH"
  p:flag("--no-journal", "Keep no record: a PASS is not recorded, a power cut loses the session.")
  p:option("--again", "Make a unit again whose serial number was made; takes the reason."):value "REASON"
  p:option("--lot", "Lot, for the record."):value "LOT"
  p:option("--operator", "Operator, for the record."):value "NAME"
  p:flag("--json", "One JSON object per line on stdout.")
  p:option("--junit", "Write a JUnit file."):value "FILE"
  p:option("--record", "Write a cassette of each unit, for jig replay: a file, with %slot and %number in its name.")
    :value "FILE"
  p:flag("--record-payload", "With --record: the bytes of every message, too.")
  p:option("--trace", "Show traffic: time, direction, length, digest. --trace=payload shows bytes.")
    :value "payload":args("?")
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
  return tally.USAGE
end

local function check_usage(o, trace)
  if trace and trace ~= "digest" and trace ~= "payload" then
    return "--trace takes nothing or =payload"
  end
  local one = (o.count or 1) == 1 and (o.retries or 0) == 0
  if o.session_id and not one then
    return "--session-id is for one unit and one attempt: it cannot go with --count or --retries"
  end
  if o.journal and o.no_journal then return "--journal and --no-journal exclude each other" end
  if o.again and o.no_journal then return "--again needs a journal" end
  if o.record_payload and not o.record then return "--record-payload needs --record" end
  if o.serial_number and (o.count or 1) > 1 then
    return "--serial-number is for one unit: it cannot go with --count"
  end
end

-- How units begin: { start?, scanner }, or nil when the slots are not watched. nil, message when flags and
-- station do not fit.
local function watching(o, from)
  local watch, start = o.watch or from.watch, o.start or from.start
  if start and not watch then return nil, "--start needs --watch" end
  if not watch then return nil end
  for _, flag in ipairs { "count", "session_id", "serial_number" } do
    if o[flag] then return nil, ("--watch and --%s exclude each other"):format((flag:gsub("_", "-"))) end
  end
  if o.junit then return nil, "--watch and --junit exclude each other: jig journal export writes such a file" end
  return { start = start, scanner = o.scanner or from.scanner or "stdin:-" }
end

-- A recipe that was named, and that no slot would run.
local function check_recipe(o, list)
  if not o.recipe or o.implied then return end
  for _, place in ipairs(list) do
    if not place.own then return end
  end
  return ("%s would not be run: each slot has a recipe of its own in the station file: leave it out"):format(o.recipe)
end

-- What cannot be said of several slots at once.
local function check_slots(o, list)
  if o.record then
    local several = o.watching ~= nil or (o.count or 1) > 1
    local place = require "jig.cassette.place"
    local wrong = place.mistake(o.record, #list, several)
    if wrong then return wrong end
    local only = place.only(o.record)
    if only and system.kind(only) then
      return ("--record: %s exists already, and a recording overwrites nothing: choose another name"):format(only)
    end
  end
  if #list == 1 then return end
  if o.session_id then return "--session-id is for one unit: it cannot go with several slots" end
  if o.serial_number then return "--serial-number is for one unit: it cannot go with several slots" end
end

-- The settings of jig.worker that all slots share, from flags and station file; flags go first.
local function make_config(o, from)
  return {
    service = journaling.cli(o, from),
    count = o.count or 1,
    watch = o.watching ~= nil,
    start = o.watching and o.watching.start,
    retries = o.retries or from.retries or 0,
    serial = o.serial_number,
    session_id = o.session_id,
    lot = o.lot or from.lot,
    operator = o.operator or from.operator,
    recording = o.record and { file = o.record, keep = o.record_payload } or nil,
  }
end

-- Those of each slot.
local function slot_configs(config, list)
  local configs = {}
  for i, place in ipairs(list) do
    local made = { slot = place.name, file = place.file, folder = place.folder, address = place.address,
      sealed = place.sealed }
    for key, value in pairs(config) do made[key] = value end
    configs[i] = made
  end
  return configs
end

local function now()
  return os.date("!%Y-%m-%dT%H:%M:%SZ")
end

-- What is not reported so long after the first signal is left to the next start.
local function leave_later(units, handle, seconds)
  task.spawn(function()
    clock.sleep(seconds)
    gate.shut(("jig was stopped %g s ago"):format(seconds))
    handle { event = "leaving", seconds = seconds }
    units:interrupt()
  end)
end

-- Stops the units for each signal. Gives a function that says whether there was one.
local function heed_signals(units, handle, seconds)
  local times = 0
  task.spawn(function()
    while system.wait_signal() do
      times = times + 1
      handle { event = "stopping", times = times }
      units:interrupt()
      if times == 1 then leave_later(units, handle, seconds) end
    end
  end)
  return function() return times > 0 end
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

-- Waits until the journal is open, then recovers. nil, message, status when no unit may begin.
local function begin(config, list, settings, handle, counted, stopped)
  if not settings then return true end
  local ok, message = journal.ready()
  if not ok then
    return nil, ("the journal %s: %s\n  no unit is begun without a journal; --no-journal does without"):format(
      settings.path, message), tally.STATION
  end
  message = list[1].sealed and require("jig.trust").lot_trouble(settings.path, config.lot, list)
  if message then return nil, message, tally.REFUSED end
  if recover(config, settings, handle, stopped) > 0 then counted:note(tally.UNREPORTED) end
  if not config.session_id then return true end
  config.journal.first_attempt, message = journaling.next_attempt(settings.path, config.session_id)
  return config.journal.first_attempt ~= nil, message, tally.STATION
end

-- Slots hold descriptors: nil and a message when there may not be enough of them.
local function check_descriptors(o, list)
  local limit, each = system.descriptor_limit()
  local needed = #list * (each + (o.record and 1 or 0)) + OWN_DESCRIPTORS
  if needed <= limit then return true end
  return nil, ("%d slots may need %d descriptors, and this process may have %d\n  raise the hard limit: ulimit -Hn, "
    .. "LimitNOFILE= of a systemd unit, or /etc/security/limits.conf"):format(#list, needed, limit)
end

-- JSON lines; a live table, where people look at a terminal and there is more than a unit to see; or text.
local function new_output(o, list)
  if o.json then return require("jig.output.json").new() end
  local live = (#list > 1 or o.watching) and not o.trace and system.terminal(1) and system.terminal(2)
  if not live then return require("jig.output.text").new() end
  local names = {}
  for i, place in ipairs(list) do names[i] = place.name end
  return require("jig.output.screen").new { slots = names, places = gate.places }
end

-- The screen's clock.
local function keep_ticking(output)
  if not output.columns then return end
  task.spawn(function()
    while clock.sleep(TICK) do output:tick() end
  end)
end

-- A PIN that was refused stops the whole station: what other slots would try could block the token.
-- A recipe that only says so stops nobody else.
local function heed_pin(units, handle)
  local halted = false
  return function(event)
    local made = event.event == "ended" and event.fault
    if halted or not made or made.name ~= "cli.pin" or made.by_recipe then return end
    halted = true
    handle { event = "halted", reason = made.reason }
    units:interrupt()
  end
end

-- Whether lines are over as they may be: the end of stdin. A scanner that is not there, or is lost, is trouble.
local function is_their_end(scanner, code)
  return code == "lost" and scanner:find("^stdin:") ~= nil
end

-- Starts slots as lines come in. Gives what is to see every event.
local function heed_starts(o, units, handle, counted)
  if not (o.watching and o.watching.start) then return function() end end
  local begin_units = require("jig.trigger").new(o.watching.start,
    function(name, message)
      if not units:send(name, message) then
        handle { event = "note", slot = name, text = "its memory is full: it is not started" }
      end
    end,
    function(text) handle { event = "note", text = text } end)
  task.spawn(function()
    local message, code = begin_units:listen(o.watching.scanner)
    if not is_their_end(o.watching.scanner, code) then counted:note(tally.STATION) end
    handle { event = "note", text = "no unit is started any more: " .. message }
    units:send_all { last = true }
  end)
  return function(event)
    if event.event == "waiting" and event["for"] == "start" then begin_units:wait(event.slot) end
  end
end

local function run(o, config, list, settings)
  local output <close> = new_output(o, list)
  local counted = tally.new { watch = config.watch, keep = o.junit ~= nil }
  local heed = {}
  local function handle(event)
    if o.json then event.time = now() end
    counted:count(event)
    output:show(event)
    for _, f in ipairs(heed) do f(event) end
  end
  config.quiet = not (o.json or output.columns) -- nobody looks at phases
  system.catch_signals()
  local units = gang.new(handle)
  local stopped = heed_signals(units, handle, o.stop)
  local ready, message, why = begin(config, list, settings, handle, counted, stopped)
  if not ready then
    counted:note(why)
    return counted:status(), counted, message
  end
  keep_ticking(output)
  heed[1], heed[2] = heed_pin(units, handle), heed_starts(o, units, handle, counted)
  units:run(slot_configs(config, list))
  local open = session.unreported()
  if open > 0 then
    counted:note(tally.UNREPORTED)
    handle { event = "unreported", sessions = open, kept = settings and true or nil }
  end
  local status = counted:status()
  handle { event = "summary", units = counted.units, passed = counted.passed, failed = counted.failed,
    exit = status }
  return status, counted
end

-- Opens the journal as the flags and the station say. False: there is to be none; nil, message when it
-- cannot be.
local function prepare_journal(o, from, config)
  local settings = journaling.settings(o, from)
  if not settings then return false end
  local ok, message = open_journal(settings)
  if ok then config.journal, message = journal_config(o, from, config) end
  if not config.journal then return nil, message end
  return settings
end

local function say(message)
  io.stderr:write("jig run: ", message, "\n")
end

-- Turns on what --trace asks for.
local function begin_trace(trace)
  if not trace then return end
  system.log("trace", trace == "payload")
  if trace == "payload" then
    io.stderr:write("jig: WARNING: --trace=payload shows the bytes of every message\n")
  end
end

local function warn_of_payloads(o)
  if o.record_payload then
    io.stderr:write("jig: WARNING: --record-payload writes the bytes of every message into the cassette\n")
  end
end

local function write_junit(path, counted, list, exit)
  local name = list[1].file
  for _, recipe in pairs(counted.recipes) do name = recipe end
  local ok, why = require("jig.output.junit").write(path, name, counted.ended)
  if ok then return exit end
  say(why)
  return exit == tally.PASSED and tally.FAILED or exit
end

-- Flags and station file, checked: options, station, slots; nil and the exit status.
local function read_settings(words)
  local rest, trace = split_trace(words)
  local o, status = options.parse(parser(), rest)
  if not o then return nil, status end
  local wrong = check_usage(o, trace)
  if wrong then return nil, usage(wrong) end
  local from, message = {}, nil
  if o.station then from, message = require("jig.station").open(o.station) end
  if not from then return nil, usage(message) end
  wrong = from.trust and require("jig.trust").usage(o, trace == "payload")
  if wrong then return nil, usage(wrong) end
  local list
  list, message = slots.of(o, from)
  if not list then return nil, usage(message) end
  o.watching, message = watching(o, from)
  wrong = message or check_recipe(o, list) or check_slots(o, list)
  if wrong then return nil, usage(wrong) end
  o.trace, o.stop = trace, from.stop or STOP
  return o, from, list
end

-- Looks at what is run before anything of it is: the recipes, where they must be signed, and the CLI. nil, message and
-- the exit status when it is refused.
local function look_at_programs(config, from, list)
  local trust = from.trust and require "jig.trust"
  if trust then
    local sealed, refused = trust.seal(list, from.trust)
    if not sealed then return nil, refused, tally.REFUSED end
  end
  local found, message = journaling.find_cli(config.service, from)
  return found, message, tally.STATION
end

return function(words)
  local o, from, list = read_settings(words)
  if not o then return from end
  local config = make_config(o, from)
  if o.session_id and config.retries > 0 then return usage("--session-id cannot go with retries") end
  local found, message, why = look_at_programs(config, from, list)
  if not found then
    say(message)
    return why
  end
  local enough
  enough, message = check_descriptors(o, list)
  if not enough then
    say(message)
    return tally.STATION
  end
  local service <const>, refused = journaling.open_service(config.service) -- it lasts as long as this function
  if not service then
    say(refused)
    return tally.STATION
  end
  local settings
  settings, message = prepare_journal(o, from, config)
  if settings == nil then
    say(message)
    return tally.STATION
  end
  begin_trace(o.trace)
  warn_of_payloads(o)
  local exit, counted, trouble = run(o, config, list, settings)
  if trouble then
    say(trouble)
    return exit
  end
  return o.junit and write_junit(o.junit, counted, list, exit) or exit
end
