--- The station file: how this station calls the CLI, and what it works on. A Lua file that returns a
-- table; it runs in the same sandbox as recipes.
--
--     return {
--       name  = "line 3",
--       slots = {
--         { name = "A", port = "serial:/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0" },
--         { name = "B", port = "tcp:10.0.0.7:7777", recipe = "../gateway" },
--       },
--       cli   = { path = "/opt/secure-factory/factory_tool", limits = { new_device = 20 } },
--     }

local budget = require "jig.budget"
local clean = require "jig.output.clean"
local sandbox = require "jig.sandbox"
local shape = require "jig.shape"
local slots = require "jig.slots"
local token_pin = require "jig.token_pin"

local station = {}

---@class jig.Station
---@field name? string      default: the machine's name
---@field slots? jig.StationSlot[]  one for each place that a device can be in
---@field slot? string      of a station with one slot: its name, as in slots; default "A"
---@field port? string      and its address
---@field cli? jig.StationCli
---@field lot? string
---@field operator? string
---@field retries? integer  further attempts after a fault marked retry; default 0
---@field stop? number      seconds after a signal in which open sessions are reported (60); the rest is left
---@field watch? boolean    run until stopped: wait for a device, run it, wait until it is gone
---@field start? "line"|"scan"  with watch, what begins a unit: a line on stdin, or a scanned serial number
---@field scanner? string   address of the scanner; default "stdin:-"
---@field journal? jig.StationJournal|false  false: no journal, and no verdict is a record
---@field trust? jig.StationTrust  signed recipes alone are run; see jig.trust

---@class jig.StationTrust
---@field keys string[]   absolute paths of PEM files: whose signatures count
---@field cli string      SHA-256 of the CLI, in hex
---@field versions? table<string, string>  nothing older is run: by the recipe's name

---@class jig.StationSlot
---@field name string       1 to 32 letters, digits and _.:-
---@field port? string      its address; without one the recipe's port is the address
---@field recipe? string    its own, from the station file's folder; default: the recipe that is run

---@class jig.StationJournal
---@field path? string       of the journal; default /var/lib/jig/journal.db
---@field emergency? string  folder of the emergency file; default PATH.d/emergency
---@field key? string        PEM file of an Ed25519 key that signs the journal's head at each clean end
---@field refusals? integer  a report that was refused so often is given up: the session is settled (5)

---@class jig.StationCli how the Secure Factory CLI is called; see session.service for the defaults
---@field path? string       default "factory_tool", looked up in PATH
---@field arguments? string[]
---@field env? table<string, string|boolean>  over the few names of jig's environment that it sees: a value; true, as
---jig has it; false, not at all
---@field cwd? string
---@field accept? integer[]  exit statuses that mean success, 1 to 64; default { 0 }
---@field limits? table<string, number>
---@field grace? number
---@field stop? number
---@field hurry? number
---@field report? table<string, boolean>
---@field token? jig.StationToken|false  false: calls pass no gate
---@field calls? integer    CLI calls of this jig at once, whatever the token; default: no limit

---@class jig.StationToken  the security token; calls of all jigs that share it queue for it (core/gate.h)
---@field name? string      default "default"
---@field width? integer    calls that it bears at once; default 1
---@field folder? string    of its lock files; default /run/lock/jig
---@field missing? jig.TokenTrouble
---@field busy? jig.TokenTrouble
---@field pin? jig.TokenPin  where the PIN comes from; and how it is refused: jig ends, for a few tries block a token
---@field tries? integer    of a new device whose CLI said that the token is busy; default 5

---@class jig.TokenPin : jig.TokenTrouble
---@field from? string      "file:/PATH", "credential:NAME" (of systemd) or "prompt"; default: jig gives no PIN
---@field by? "descriptor"|"environment"|"terminal"  how the CLI gets it; with `from`
---@field descriptor? 0|3   by "descriptor"; default 3
---@field variable? string  by "environment": its name
---@field prompt? string    by "terminal": what the CLI prints there when it asks

---@class jig.TokenTrouble  how a CLI that refuses says so; any of these
---@field statuses? integer[]
---@field patterns? string[] texts in what it prints on stderr; letters of either case

local seconds = shape.value("seconds, 0 or more", function(v) return type(v) == "number" and v >= 0 end)

-- A shape of texts that C takes, which would see no more than what stands before a NUL.
local function without_nul(check)
  return function(value, path, report)
    if type(value) ~= "string" or not value:find("\0", 1, true) then return check(value, path, report) end
    report(path, "a string without a NUL", shape.describe(value))
  end
end

local text = without_nul(shape.string)

-- Exit statuses that one setting may list.
local STATUSES_MOST <const> = 64

local statuses_array = shape.array(shape.range(0, 255))

local function statuses(value, path, report)
  statuses_array(value, path, report)
  if type(value) ~= "table" or #value >= 1 and #value <= STATUSES_MOST then return end
  report(path, ("1 to %d exit statuses"):format(STATUSES_MOST), tostring(#value))
end

local journal_record = shape.record {
  path = text,
  emergency = text,
  key = text,
  refusals = shape.range(1, 1000),
}

-- A table of settings, or false: no journal.
local function journal_shape(value, path, report)
  if value == false then return end
  if type(value) ~= "table" then return report(path, "a table, or false for no journal", shape.describe(value)) end
  journal_record(value, path, report)
end

local slot_name = shape.value("a name: 1 to 32 letters, digits and _.:-", slots.is_name)

local slot_record = shape.record({
  name = slot_name,
  port = shape.string,
  recipe = shape.string,
}, { "name" })

-- One slot at least.
local function slots_shape(value, path, report)
  if type(value) == "table" and next(value) == nil then return report(path, "at least one slot", "none") end
  shape.array(slot_record)(value, path, report)
end

local absolute = without_nul(shape.value("an absolute path", function(v)
  return type(v) == "string" and v:sub(1, 1) == "/"
end))

local texts = shape.array(text)
local trouble = shape.record { statuses = statuses, patterns = texts }

local short = shape.value("a text of 1 to 128 bytes", function(v)
  return type(v) == "string" and v ~= "" and #v <= 128 and not v:find("\0", 1, true)
end)

-- Who writes the PIN itself there finds it in no log: messages about it do not repeat it.
local function unshown(value)
  return ("a %s that is not shown"):format(type(value))
end

local function source_shape(value, path, report)
  if token_pin.parse(value) == nil then report(path, token_pin.FORMS, unshown(value)) end
end

-- Variables that mean something to every program.
local TAKEN <const> = { PATH = true, HOME = true, USER = true, LOGNAME = true, LANG = true, TZ = true, TMPDIR = true }

local pin_record = shape.record {
  statuses = statuses,
  patterns = texts,
  from = source_shape,
  by = shape.one_of { "descriptor", "environment", "terminal" },
  descriptor = shape.value("0 or 3", function(v) return v == 0 or v == 3 end),
  variable = shape.value("a name of its own: letters, digits and _", function(v)
    return type(v) == "string" and #v <= 128 and v:find("^[%a_][%w_]*$") ~= nil and not v:find("^LD_")
      and not TAKEN[v]
  end),
  prompt = short,
}

-- Which key each way of handing the PIN over needs.
local NEEDED <const> = {
  environment = { "variable", "the name of the variable" }, terminal = { "prompt", "what the CLI prints when it asks" },
}

local function pin_shape(value, path, report)
  if type(value) ~= "table" then return report(path, "a table", unshown(value)) end
  pin_record(value, path, report)
  if value.from ~= nil and value.by == nil then
    report(path .. ".by", "how the CLI gets the PIN: descriptor, environment or terminal", "nothing")
  elseif value.by ~= nil and value.from == nil then
    report(path .. ".from", "where the PIN is: " .. token_pin.FORMS, "nothing")
  end
  local needed = NEEDED[value.by]
  if needed and value[needed[1]] == nil then
    report(("%s.%s"):format(path, needed[1]), needed[2], "nothing")
  elseif value.by ~= nil and value.statuses == nil and value.patterns == nil then
    report(path .. ".patterns", "patterns or statuses, by which the CLI says that it refused the PIN: a few tries "
      .. "block a token", "neither")
  end
end

local token_record = shape.record {
  name = shape.value("a name: 1 to 64 of A-Z a-z 0-9 _ . -, and no dot at first", function(v)
    return type(v) == "string" and #v <= 64 and v:find("^[%w_-][%w_.-]*$") ~= nil
  end),
  width = shape.range(1, 1024),
  folder = absolute,
  missing = trouble,
  busy = trouble,
  pin = pin_shape,
  tries = shape.range(1, 100),
}

local function version_shape(value, path, report)
  if require("jig.manifest").is_version(value) then return end
  report(path, "1 to 4 numbers with dots", shape.describe(value))
end

local trust_record = shape.record({
  keys = shape.array(absolute),
  cli = shape.value("a SHA-256: 64 hex digits, small letters", function(v)
    return type(v) == "string" and #v == 64 and v:find("^[%da-f]*$") ~= nil
  end),
  versions = shape.map(shape.string, version_shape),
}, { "keys", "cli" })

local function trust_shape(value, path, report)
  if type(value) ~= "table" then return report(path, "a table", shape.describe(value)) end
  trust_record(value, path, report)
  if type(value.keys) == "table" and #value.keys == 0 then report(path .. ".keys", "at least one key", "none") end
end

local function token_shape(value, path, report)
  if value == false then return end
  if type(value) ~= "table" then return report(path, "a table, or false for no gate", shape.describe(value)) end
  token_record(value, path, report)
end

-- A name that an environment can hold.
local variable_name = without_nul(shape.value("the name of a variable", function(v)
  return type(v) == "string" and v ~= "" and not v:find("=", 1, true)
end))

local station_shape = shape.record {
  name = shape.string,
  slots = slots_shape,
  slot = slot_name,
  port = shape.string,
  lot = shape.string,
  operator = shape.string,
  retries = shape.range(0, 100),
  stop = seconds,
  watch = shape.boolean,
  start = shape.one_of { "line", "scan" },
  scanner = shape.string,
  journal = journal_shape,
  trust = trust_shape,
  cli = shape.record {
    path = text,
    arguments = shape.array(without_nul(shape.value("a string", function(v) return type(v) == "string" end))),
    env = shape.map(variable_name, without_nul(shape.value("a string, true or false", function(v)
      return type(v) == "string" or type(v) == "boolean"
    end))),
    cwd = text,
    accept = statuses,
    limits = shape.record {
      new_device = shape.seconds,
      get_device_configuration = shape.seconds,
      handle_device_response = shape.seconds,
      report_error = shape.seconds,
      gate = shape.seconds,
    },
    grace = seconds,
    stop = seconds,
    hurry = seconds,
    report = shape.record { refused = shape.boolean, unclear = shape.boolean, again = shape.boolean },
    token = token_shape,
    calls = shape.range(1, 1024),
  },
}

-- Tables inside tables that a station needs.
local DEEP <const> = 5

-- A variable of which jig's environment would decide what it is: the first by name, or nil.
local function open_variable(cli)
  local first
  for name, value in pairs(cli.env or {}) do
    if value == true and (not first or name < first) then first = name end
  end
  return first
end

-- Why the CLI is not pinned by that: a sentence with its place, or nil.
local function loose(path, cli)
  if (cli.path or ""):sub(1, 1) ~= "/" then
    return ("%s: trust needs cli.path, an absolute path"):format(shape.where(path, "trust", "return"))
  end
  local name = open_variable(cli)
  if not name then return end
  local at = ("cli.env[%s]"):format(name)
  return ("%s: %s is true: with trust nothing of jig's environment reaches the CLI; write its value"):format(
    shape.where(path, at, "return"), at)
end

-- What cannot be said together: a sentence with its place.
local function contradiction(path, made)
  if made.slots and (made.slot or made.port) then
    local both = made.slot and "slot" or "port"
    return ("%s: slots and %s exclude each other"):format(shape.where(path, both, "return"), both)
  end
  local cli = made.cli or {}
  local variable = ((cli.token or {}).pin or {}).variable
  if variable and (cli.env or {})[variable] ~= nil then
    return ("%s: cli.env has %s, too, which is the PIN's"):format(shape.where(path, "cli.token.pin.variable", "return"),
      variable)
  end
  return made.trust and loose(path, cli) or nil
end

-- What it threw, fit to be shown, with its file where it does not say it itself.
local function placed(thrown, path, folder)
  local said = clean(type(thrown) == "string" and thrown or "an error that has no text")
  if said:sub(1, #folder) == folder or said:sub(1, #path) == path then return said end
  return ("%s: %s"):format(path, said)
end

--- Loads and checks a station file, where its code is bounded: in a slot's state. Does not yield.
---@param path string
---@param files? table  what its files are read by; default sandbox.files()
---@return jig.Station|nil made, string? message
function station.read(path, files)
  files = files or sandbox.files()
  local folder = path:match("^(.*/)[^/]*$") or "./"
  local env = sandbox.environment(folder, {}, files)
  local chunk, message = files:load(path, env)
  if not chunk then return nil, message end
  local ok, made, spent = budget.run(folder, tostring, function()
    return shape.plain(chunk(), path .. ": station", DEEP)
  end)
  if spent then return nil, ("%s: %s"):format(spent.line or path, spent.reason) end
  if not ok then return nil, placed(made, path, folder) end
  local at, expected, got = shape.check(station_shape, made)
  if at then
    local place = shape.where(path, at, "return")
    return nil, ("%s: %s: expected %s, got %s"):format(place, at == "" and "station" or at, expected, got)
  end
  message = contradiction(path, made)
  if message then return nil, message end
  return made
end

--- Loads and checks a station file. Does not yield.
---@param path string
---@return jig.Station|nil made, string? message
function station.load(path)
  local trial = require "jig.trial" -- a slot, which loads this file, too, has no worlds
  local refused = trial.refusal { station = path }
  if refused then return nil, refused end
  local released <close> = trial.interruptible()
  return station.read(path)
end

--- Loads a station file to work by it. One that says `trust` is read once more, and that counts: each of its files by a
-- descriptor whose file, and the folders above, nobody but root may change, and over no link, which may be anybody's.
-- Does not yield.
---@param path string
---@return jig.Station|nil made, string? message
function station.open(path)
  local made, message = station.load(path)
  if not made or not made.trust then return made, message end
  local trial = require "jig.trial"
  local released <close> = trial.interruptible()
  local trust = require "jig.trust"
  local whole = trust.whole(path, require("jig.system").realpath "." or "/")
  made, message = station.read(whole, trust.files())
  if made and not made.trust then made, message = nil, whole .. ": it said trust when it was read before" end
  if made then return made end
  return nil, ("a station file that says trust is root's: %s"):format(message)
end

return station
