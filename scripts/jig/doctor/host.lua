--- The machine as the checks of `jig doctor` see it: each question is a function, so that a spec can answer them all.
--- None of them changes anything, opens a device or calls the CLI.

local hex = require "jig.hex"
local machine = require "jig.host"
local ledger = require "jig.ledger"
local pin = require "jig.pin"
local port = require "jig.port"
local system = require "jig.system"

-- Bytes of a file that are read.
local MOST <const> = 1 << 20

-- An account of a journal: how many events it has, with holes that pruning left; the time of the newest (microseconds
-- of UTC); and the sessions that are without an end. In no time, however long it is.
local function read_journal(path)
  local from <close>, message, code = ledger.open(path)
  if not from then return nil, message, code end
  local ok, made = pcall(function()
    local about = { open = {} }
    about.events = 0
    for row in from:rows "SELECT min(id) AS first FROM event" do about.first = row.first end
    for row in from:rows "SELECT id, time FROM event ORDER BY id DESC LIMIT 1" do
      about.events, about.newest = row.id - about.first + 1, row.time
    end
    for row in from:rows "SELECT id, attempt, owner FROM session WHERE ended IS NULL ORDER BY event" do
      about.open[#about.open + 1] = row
    end
    return about
  end)
  if not ok then return nil, tostring(made), "system" end
  return made
end

local function verify_journal(path, key)
  local from <close>, message, code = ledger.open(path)
  if not from then return nil, message, code end
  return from:verify(key)
end

---@class jig.doctor.Stat
---@field kind "file"|"folder"|"device"|"socket"|"other"
---@field mode integer  the twelve bits of permission
---@field uid integer
---@field gid integer
---@field size integer
---@field id string     as /proc/locks names the file

---@class jig.doctor.Host  what fails gives nil, message, code
---@field stat fun(path: string): jig.doctor.Stat?, string?, string?
---@field may fun(path: string, how: string): true?, string?, string?  letters of "rwx"
---@field list fun(path: string): string[]?, string?, string?
---@field disk fun(path: string): { size: integer, free: integer, nodes: integer, free_nodes: integer }?, string?
---@field sync fun(folder: string): number?, string?, string?  seconds of a synced write
---@field lock fun(folder: string): true?, string?, string?    files can be made and locked there
---@field clock fun(): { synchronised: boolean, off: number }?, string?, string?
---@field identity fun(): { uid: integer, groups: integer[] }
---@field now fun(): integer  seconds of UTC
---@field realpath fun(path: string): string?, string?, string?
---@field program fun(name: string): string?, string?, string?
---@field ports fun(): table[]?, string?, string?                 as jig.port.list
---@field journal fun(path: string): { events: integer, newest?: integer, open: table[] }?, string?, string?
---@field verify fun(path: string, key?: string): { sound: boolean, text: string, events: integer }?, string?, string?
---@field getenv fun(name: string): string?
---@field read fun(path: string): string?, string?
---@field pin fun(path: string, shared: boolean): true?, string?, string?  a PIN can be read there
---@field sha256 fun(path: string): string?, string?
---@field seal fun(one: jig.SurveyRecipe, from: jig.StationTrust): true?, string?  a run lets that recipe in
local host = {
  stat = machine.stat,
  may = machine.may,
  list = machine.list,
  disk = machine.disk,
  sync = machine.sync,
  lock = machine.lock,
  clock = machine.clock,
  identity = machine.identity,
  now = os.time,
  getenv = os.getenv,
  realpath = system.realpath,
  program = system.program,
  ports = port.list,
  journal = read_journal,
  verify = verify_journal,
}

--- The text of a file, up to a megabyte; nil and why not.
---@param path string
---@return string|nil, string?
function host.read(path)
  local file <close>, message = io.open(path, "rb")
  if not file then return nil, message end
  local text, trouble = file:read(MOST)
  if trouble then return nil, trouble end
  return text or ""
end

--- Whether a PIN can be read from a file: see pin.read.
---@param path string
---@param shared boolean
---@return true|nil, string?, string?
function host.pin(path, shared)
  local kept, message, code = pin.read(path, shared)
  pin.forget()
  return kept, message, code
end

--- Whether a run of a station that says trust lets a recipe in; nil and why not.
---@param one jig.SurveyRecipe
---@param from jig.StationTrust
---@return true|nil, string?
function host.seal(one, from)
  return require("jig.trust").seal({ { file = one.file, folder = one.folder } }, from)
end

--- The SHA-256 of a file in hex; nil and why not.
---@param path string
---@return string|nil, string?
function host.sha256(path)
  local sum, message = system.sha256(path)
  if not sum then return nil, message end
  return hex.encode(sum)
end

return host
