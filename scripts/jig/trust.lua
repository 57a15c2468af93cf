--- A station that says `trust` runs signed recipes alone, and nothing that is said from outside changes what it
--- pins: its station file, CLI, gate, journal and scripts.

local bundle = require "jig.bundle"
local clean = require "jig.output.clean"
local guard = require "jig.guard"
local hex = require "jig.hex"
local ledger = require "jig.ledger"
local manifest = require "jig.manifest"

local trust = {}

--- The user besides root to whom what a station trusts may belong: 0, which is root, so that there is none.
trust.owner = 0

-- Reasons that are told of one folder.
local REASONS <const> = 5

-- Where the CLI finds programs that it starts itself.
local PATH <const> = "/usr/local/bin:/usr/bin:/bin"

-- Options by which a command line would change what is pinned, as they are written there.
local PINNED <const> = {
  { "cli", "--cli" }, { "journal", "--journal" }, { "no_journal", "--no-journal" },
  { "record_payload", "--record-payload" },
}

-- Variables that change what is run, by what they begin with: of jig, the dynamic linker, Lua, the libraries.
local PREFIXES <const> = { "^JIG_", "^LD_", "^LUA_", "^OPENSSL_", "^GCONV_", "^GLIBC_", "^LOCPATH$" }

-- The first of the addresses on the command line that runs a program: that is for the station file to say.
local function program_of(o)
  for _, option in ipairs { "port", "scanner" } do
    if (o[option] or ""):find("exec:", 1, true) then return "--" .. option end
  end
  for _, word in ipairs(o.slot or {}) do
    if word:find("exec:", 1, true) then return "--slot" end
  end
end

--- A path from "/" on, by its text alone: no link is resolved, so that one can be refused. ".." goes up from the
--- working directory, which has none; behind a name, which may be a link's, it stays, and jig.guard refuses it.
---@param path string
---@param here string  the working directory, as system.realpath gives it
---@return string
function trust.whole(path, here)
  local parts, named = {}, path:sub(1, 1) == "/"
  for part in (named and "" or here):gmatch("[^/]+") do parts[#parts + 1] = part end
  for part in path:gmatch("[^/]+") do
    if part == ".." and not named then
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1], named = part, true
    end
  end
  return "/" .. table.concat(parts, "/")
end

--- What on the command line, or in the environment, would change what a station pins: a sentence that names it; nil
-- when nothing would.
---@param o table        options of the command
---@param payload? boolean  traffic is to be shown with its bytes
---@return string?
function trust.usage(o, payload)
  local form = "the station file says trust: %s cannot change it"
  for _, option in ipairs(PINNED) do
    if o[option[1]] then return form:format(option[2]) end
  end
  if payload then return form:format("--trace=payload") end
  local program = program_of(o)
  if program then return ("the station file says trust: %s cannot name a program (exec:) to run"):format(program) end
  local names = guard.variables()
  table.sort(names)
  for _, name in ipairs(names) do
    for _, prefix in ipairs(PREFIXES) do
      if name:find(prefix) then return form:format("the variable " .. name) end
    end
  end
end

--- Files of the station that nobody else may change, in the place of jig.sandbox.files().
---@return table files
function trust.files()
  local methods = {}
  function methods.load(_, path, env)
    local text, message = guard.read(path, trust.owner)
    if not text then return nil, message end
    return load(text, "@" .. path, "t", env)
  end
  return setmetatable({}, { __index = methods })
end

local function read_keys(paths)
  local keys = {}
  for i, path in ipairs(paths) do
    local pem, message = guard.read(path, trust.owner)
    if not pem then return nil, message end
    keys[i] = { name = path, pem = pem }
  end
  return keys
end

local function version_trouble(sealed, least)
  if not least or not manifest.is_older(sealed.version, least) then return end
  return ("version %s is older than %s, the least that the station file lets in"):format(sealed.version, least)
end

-- The first reasons, for one line; `jig verify` tells all.
local function some_of(reasons)
  local more = #reasons - REASONS
  local text = table.concat(reasons, "; ", 1, math.min(#reasons, REASONS))
  return clean(more > 0 and ("%s; and %d more"):format(text, more) or text)
end

-- One folder's recipe, checked; nil, message.
local function seal(place, keys, from)
  local found, reasons = bundle.verify(place.folder, keys)
  local trouble = reasons and some_of(reasons)
    or version_trouble(found.sealed, (from.versions or {})[found.sealed.name])
    or not found.sealed.texts[place.file:sub(#place.folder + 1)] and place.file .. " is no file of it"
  if trouble then return nil, ("the recipe in %s is refused: %s"):format(place.folder, trouble) end
  return found.sealed
end

--- Checks the recipe of each slot and puts what is run of it into its place: `sealed`.
---@param list jig.SlotPlace[]
---@param from jig.StationTrust
---@return true|nil done, string? message
function trust.seal(list, from)
  local keys, message = read_keys(from.keys)
  if not keys then return nil, message end
  local known = {}
  for _, place in ipairs(list) do
    local sealed = known[place.file]
    if not sealed then sealed, message = seal(place, keys, from) end
    if not sealed then return nil, message end
    known[place.file], place.sealed = sealed, sealed
  end
  return true
end

--- Pins the CLI: what has that SHA-256 now is what is run from now on. Changes how it is called (the settings of
-- session.service): nothing of jig's environment reaches it.
---@param cli table  of jig.commands.journaling
---@param from jig.StationTrust
---@return true|nil done, string? message
function trust.pin(cli, from)
  local sum, message = guard.pin(cli.cli, trust.owner)
  if not sum then return nil, message end
  if hex.encode(sum) ~= from.cli then
    return nil, ("%s is not what the station file trusts: its SHA-256 is %s"):format(cli.cli, hex.encode(sum))
  end
  local env = { PATH = PATH }
  for name, value in pairs(cli.env or {}) do env[name] = value end
  cli.env, cli.pinned = env, hex.encode(sum)
  return true
end

local OF_LOT <const> = "SELECT DISTINCT version FROM run WHERE lot = ?1 AND recipe = ?2"

-- The newest version of a recipe that a lot was made with; nil when it was with none that can be compared.
local function newest(from, lot, recipe)
  local found
  for row in from:rows(OF_LOT, lot, recipe) do
    if manifest.is_version(row.version) and (not found or manifest.is_older(found, row.version)) then
      found = row.version
    end
  end
  return found
end

--- Whether a recipe is older than one of its name that this lot was made with, by the journal.
---@param path string  of the journal
---@param lot? string
---@param list jig.SlotPlace[]
---@return string? message
function trust.lot_trouble(path, lot, list)
  if not lot then return end
  local from <close> = assert(ledger.open(path))
  local known = {}
  for _, place in ipairs(list) do
    local sealed = place.sealed
    if known[sealed.name] == nil then known[sealed.name] = newest(from, lot, sealed.name) or false end
    local latest = known[sealed.name]
    if latest and manifest.is_older(sealed.version, latest) then
      return ("the recipe in %s is refused: version %s is older than %s, with which lot %s was made"):format(
        place.folder, sealed.version, latest, lot)
    end
  end
end

return trust
