--- Where the journal of a command is, and what it says of this station's run: from flags and the station
-- file.
--
-- The journal: `--journal PATH`; else the station file's `journal`; else /var/lib/jig/journal.db with a
-- station file and $XDG_STATE_HOME/jig/journal.db (~/.local/state) without. `journal = false` and
-- --no-journal: none, and the verdict says so.

local digest = require "jig.digest"
local hex = require "jig.hex"
local session = require "jig.session"
local system = require "jig.system"
local version = require "jig.version"

local journaling = {}

-- How often a report may be refused before the session is given up: see jig.recovery.
local REFUSALS <const> = 5

-- nil where there is no home.
local function default_path(with_station)
  if with_station then return "/var/lib/jig/journal.db" end
  local state, home = os.getenv("XDG_STATE_HOME"), os.getenv("HOME")
  if state and state:sub(1, 1) == "/" then return state .. "/jig/journal.db" end
  return home and home ~= "" and home .. "/.local/state/jig/journal.db" or nil
end

-- A journal's locks are beside it, so it has one name only: that behind a link, also before it is made.
local function one_name(path)
  if not path or path == "" then return path end
  return system.realpath(path) or system.place(path) or path
end

--- The settings of the journal, or nil when there is to be none.
---@param o table          options of the command: journal, no_journal, station
---@param station table    the station file
---@return { path?: string, emergency?: string, key?: string, refusals: integer, made?: boolean }|nil
function journaling.settings(o, station)
  local given = station.journal
  if o.no_journal or (given == false and not o.journal) then return nil end
  given = given or {}
  local path = o.journal or given.path
  return {
    path = one_name(path or default_path(o.station ~= nil)),
    emergency = given.emergency,
    key = given.key,
    refusals = given.refusals or REFUSALS,
    made = path == nil, -- its folder is jig's own to make
  }
end

--- Makes the folder of a journal that nobody named. To be called before it is opened.
---@return true|nil, string? message
function journaling.prepare(settings)
  if not settings.path then return nil, "there is no HOME to keep a journal in: name one with --journal PATH" end
  if not settings.made then return true end
  return system.make_folder((settings.path:match("^(.*)/[^/]*$")))
end

local function environment_names(env)
  local names = {}
  for name in pairs(env or {}) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function libraries()
  local parts = {}
  for i = 2, #version do
    parts[i - 1] = version[i].name .. " " .. version[i].version
  end
  return table.concat(parts, ", ")
end

-- The token that calls queue for. People without a station file have a folder of their own for its locks.
local function token_settings(o, given)
  if given == false then return false end
  local token = {}
  for key, value in pairs(given or {}) do token[key] = value end
  local runtime = os.getenv("XDG_RUNTIME_DIR")
  local own = not o.station and runtime and runtime:sub(1, 1) == "/"
  token.name = token.name or "default"
  token.folder = token.folder or own and runtime .. "/jig" or "/run/lock/jig"
  return token
end

--- The service as these settings describe it. It holds the gate of its token: a command keeps it to its end. The PIN is
--- read first, or asked for.
---@param cli table  of journaling.cli
---@return userdata|nil, string? message
function journaling.open_service(cli)
  local kept, trouble = require("jig.token_pin").keep(cli.token)
  if not kept then return nil, trouble end
  local service, message = session.service(cli)
  if service then return service end
  return nil, message .. "\n  let the jigs of this host write there (mkdir -p -m 2775, chgrp), or name another folder: "
    .. "cli = { token = { folder = … } } in the station file; token = false does without a gate"
end

--- How the CLI is called at this station: the options of session.service; flags go first.
---@param o table        cli: its path
---@param station table
---@return table
function journaling.cli(o, station)
  local cli = {}
  for key, value in pairs(station.cli or {}) do
    if key ~= "path" then cli[key] = value end
  end
  cli.cli = o.cli or (station.cli or {}).path or "factory_tool"
  cli.token = token_settings(o, cli.token)
  return cli
end

--- Finds the CLI, and pins it where the station says `trust`. Changes the settings by that.
---@param cli table  of journaling.cli
---@param station table
---@return true|nil found, string? message
function journaling.find_cli(cli, station)
  if station.trust then
    local ok, message = require("jig.trust").pin(cli, station.trust)
    return ok, message and "the Secure Factory CLI is refused: " .. message
  end
  local path, message = system.program(cli.cli)
  if not path then
    return nil, ("the Secure Factory CLI cannot be started: %s\n  name it with --cli PATH, or cli.path in the station "
      .. "file"):format(message)
  end
  cli.cli = path
  return true
end

--- Which service a session was opened at: the CLI's path and contents, its fixed arguments, and the names
-- of the environment that is set for it. A session is reported through the same one only.
---@param cli table  the station's settings of the CLI, with cli = its path
---@return string|nil hex, string sha256_or_message
function journaling.service(cli)
  local sum, message = cli.pinned and hex.decode(cli.pinned), nil
  if not sum then sum, message = system.sha256(cli.cli) end
  if not sum then return nil, message end
  local parts = { system.realpath(cli.cli) or cli.cli, hex.encode(sum) }
  table.move(cli.arguments or {}, 1, #(cli.arguments or {}), #parts + 1, parts)
  parts[#parts + 1] = ""
  local names = environment_names(cli.env)
  table.move(names, 1, #names, #parts + 1, parts)
  local text = string.pack("!1" .. ("s4"):rep(#parts), table.unpack(parts))
  return hex.encode(digest.sha256(text)), hex.encode(sum)
end

--- The journal knows a session by its id and attempt: the next attempt of an id that was given. One that
-- is without an end bars it: whoever reports that would report the new one.
---@param path string  of the journal
---@param id string
---@return integer|nil attempt, string? message
function journaling.next_attempt(path, id)
  local from <close> = assert(require("jig.ledger").open(path))
  local latest = 0
  for row in from:rows("SELECT attempt, ended, state FROM session WHERE id = ?1", id) do
    if not row.ended then return nil, ("session %s cannot be opened again: it is still %s"):format(id, row.state) end
    latest = math.max(latest, row.attempt)
  end
  return latest + 1
end

-- JSON has no empty array for Lua's empty table.
local function some(list)
  return list and #list > 0 and list or nil
end

--- What the event "started" says of the station (core/ledger.h).
---@param station table
---@param cli table     the settings of the CLI, with cli = its path
---@param owner string  of the journal
---@return table|nil facts, string? message
function journaling.started(station, cli, owner)
  local service, sha256 = journaling.service(cli)
  if not service then return nil, sha256 end
  return {
    owner = owner, station = station.name or system.hostname(), jig = version[1].version, libraries = libraries(),
    cli = system.realpath(cli.cli), cli_sha256 = sha256, arguments = some(cli.arguments),
    environment = some(environment_names(cli.env)),
    service = service,
  }
end

return journaling
