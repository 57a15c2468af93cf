--- jig recover: reports the sessions that earlier runs left without an end; or gives one up.

local journal = require "jig.journal"
local journaling = require "jig.commands.journaling"
local options = require "jig.commands.options"
local recovery = require "jig.recovery"

local OK <const>, USAGE <const>, STATION <const>, UNREPORTED <const> = 0, 2, 4, 6

local function parser()
  local p = options.parser("recover", "Report sessions that were left without an end.")
  p:option("--station", "Station file."):value "FILE"
  p:option("--cli", "Path of the Secure Factory CLI."):value "PATH"
  p:option("--journal", "Path of the journal."):value "PATH"
  p:flag("--dry-run", "Say what would be done, and do nothing.")
  p:flag("--now", "Try reports that failed again at once, without waiting.")
  p:option("--settle", "Session id to give up: it is never reported. Needs --reason and --operator."):value "ID"
  p:option("--reason", "Why it is given up."):value "TEXT"
  p:option("--operator", "Who gives it up."):value "NAME"
  p:flag("--json", "One JSON object per line on stdout.")
  return p
end

local function say(text)
  io.stderr:write("jig recover: ", text, "\n")
end

local function settle(o, _, settings)
  local settled, message = recovery.settle(settings.path, o.settle, o.reason, o.operator)
  if not settled then
    say(message)
    return STATION
  end
  print(("settled: session %s"):format(o.settle))
  return OK
end

local function recover(o, from, settings)
  local cli = journaling.cli(o, from)
  local found, message = journaling.find_cli(cli, from)
  local signature
  if found then signature, message = journaling.service(cli) end
  if not signature then
    say(message)
    return STATION
  end
  local service
  if not o.dry_run then -- which calls nothing, and needs no PIN
    service, message = journaling.open_service(cli)
    if not service then
      say(message)
      return STATION
    end
  end
  local output = require(o.json and "jig.output.json" or "jig.output.text").new()
  local result = recovery.run {
    path = settings.path,
    service = service,
    signature = signature,
    refusals = settings.refusals,
    unclear = (cli.report or {}).unclear,
    repeats = (cli.report or {}).again,
    now = os.time() * 1000000,
    again = o.now,
    dry_run = o.dry_run,
    say = function(event)
      event.time = o.json and os.date("!%Y-%m-%dT%H:%M:%SZ") or nil
      output:show(event)
    end,
  }
  say(("%d found, %d reported, %d settled, %d unreported; %d belong to a jig that runs"):format(result.found,
    result.reported, result.settled, result.unreported, result.busy))
  return result.unreported > 0 and UNREPORTED or OK
end

return function(words)
  local o, status = options.parse(parser(), words)
  if not o then return status end
  if (o.settle ~= nil) ~= (o.reason ~= nil) or (o.settle ~= nil) ~= (o.operator ~= nil) then
    say("--settle SID, --reason TEXT and --operator NAME go together")
    return USAGE
  end
  local from = {}
  if o.station then
    local message
    from, message = require("jig.station").open(o.station)
    if not from then
      say(message)
      return USAGE
    end
    message = from.trust and require("jig.trust").usage(o)
    if message then
      say(message)
      return USAGE
    end
  end
  local settings = journaling.settings(o, from)
  if not settings then
    say("the station file says journal = false: there is nothing to recover")
    return USAGE
  end
  local ok, message = journaling.prepare(settings)
  if not ok then
    say(message)
    return STATION
  end
  ok, message = journal.open { path = settings.path, emergency = settings.emergency, key = settings.key }
  if ok then ok, message = journal.ready() end
  if not ok then
    say(("the journal %s: %s"):format(settings.path, message))
    return STATION
  end
  return (o.settle and settle or recover)(o, from, settings)
end
