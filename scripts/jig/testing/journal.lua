--- A journal for tests and proofs: in memory, its locks and its emergency file in a folder of its own, lent to one
-- world after another, and gone when it is closed.

local hex = require "jig.hex"
local ledger = require "jig.ledger"
local system = require "jig.system"
local world = require "jig.world"

local journal = {}

---@class jig.testing.Journal
---@field folder string
---@field path string       under which it is in memory: ledger.open(path, "shared")
---@field record userdata   of jig.world
---@field runs integer      how many began
local methods = {}
local meta = { __index = methods, __name = "jig.testing.journal" }

-- Where nothing is written to a disk.
local MEMORY <const> = "/dev/shm"

local ROWS <const> = "SELECT session.*, unit.result, unit.fault, unit.code "
  .. "FROM session LEFT JOIN unit ON unit.id = session.unit "
local OF_SOME <const> = ROWS .. "WHERE session.id IN (?1, ?2) ORDER BY session.id, attempt"
local OF_ALL <const> = ROWS .. "ORDER BY session.event"

-- What sessions are opened through: the same in every run, so that recovery reports them.
journal.SERVICE = "a CLI that is played"

local function make_folder()
  local process = (system.realpath "/proc/self" or ""):match("%d+$") or "x"
  local name = ("/jig-%s-%s"):format(process, hex.encode(system.random(8)))
  for _, base in ipairs { MEMORY, os.getenv("TMPDIR") or "/tmp" } do
    local place = system.realpath(base) -- what is shared in memory has a path from the root
    if place and system.make_folder(place .. name) then return place .. name end
  end
  error("no folder for a test's journal can be made in /dev/shm, $TMPDIR or /tmp", 0)
end

--- Makes an empty one. Does not yield.
---@return jig.testing.Journal
function journal.new()
  local folder = make_folder()
  local path = folder .. "/journal.db"
  local record, message = world.record(path, true)
  if not record then
    system.remove_folder(folder)
    error("a test's journal cannot be opened: " .. message, 0)
  end
  return setmetatable({
    folder = folder, path = path, record = record, reader = assert(ledger.open(path, "shared")), runs = 0,
  }, meta)
end

--- What the worker of one more run is to know of it (jig.record). Serial numbers may come again.
---@return table
function methods:config()
  self.runs = self.runs + 1
  return {
    owner = self.record:owner(),
    run = ("%s-%d"):format(self.record:owner(), self.runs),
    started = { service = journal.SERVICE, owner = self.record:owner() },
    again = "a test",
  }
end

--- As if this process had been killed and another had been started.
function methods:succeed()
  assert(self.record:succeed())
end

--- What it says of one session or two, or of all of them: a table per attempt.
---@param session? string
---@param other? string
---@return { id: string, attempt: integer, state: string, ended?: integer, fingerprint?: string, result?: string,
--  fault?: string, code?: integer }[]  the last three are of its unit
function methods:sessions(session, other)
  local list = {}
  local sql = session and OF_SOME or OF_ALL
  for row in self.reader:rows(sql, table.unpack(session and { session, other or session } or {})) do
    list[#list + 1] = row
  end
  return list
end

--- Of such sessions those that have no end, and those whose unit has none: after a run that ended well none is.
---@param sessions table[]
---@return table[]
function journal.unended(sessions)
  local list = {}
  for _, row in ipairs(sessions) do
    if not row.ended or (row.state == "finished" and not row.result) then list[#list + 1] = row end
  end
  return list
end

--- Twice is harmless.
function methods:close()
  if not self.record then return end
  self.reader:close()
  self.record:close()
  self.record = nil
  system.remove_folder(self.folder)
end

meta.__close = methods.close
meta.__gc = methods.close

return journal
