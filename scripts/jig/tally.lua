--- What a run came to: counts what its slots said, and says with which status it ends.

---@class jig.Tally
---@field units integer     that were ended, without attempts that are followed by another
---@field passed integer
---@field failed integer
---@field recipes table<string, string>  of each slot, the recipe that it ran last
---@field ended? table[]    the events of ended attempts, each with its recipe's name
local tally = {}
tally.__index = tally

--- Exit statuses of `jig run`.
tally.PASSED, tally.FAILED, tally.USAGE, tally.REFUSED = 0, 1, 2, 3
tally.STATION, tally.INTERRUPTED, tally.UNREPORTED = 4, 5, 6

-- With several reasons the first of this order applies.
local ORDER <const> = { tally.UNREPORTED, tally.STATION, tally.INTERRUPTED, tally.REFUSED, tally.FAILED }

--- Faults of the station rather than of the unit, unless a recipe gave the name.
tally.STATION_FAULTS = {
  ["cli.missing"] = true,
  ["cli.token"] = true,
  ["cli.token_missing"] = true,
  ["cli.token_busy"] = true,
  ["cli.pin"] = true,
  ["tool.journal"] = true,
}

---@param options? { watch?: boolean, keep?: boolean }  watch: to be stopped is no interruption, unless a
--- unit was at work; keep: the ended attempts, in `ended`
---@return jig.Tally
function tally.new(options)
  options = options or {}
  return setmetatable({
    units = 0, passed = 0, failed = 0, statuses = {}, recipes = {},
    watch = options.watch, ended = options.keep and {} or nil,
  }, tally)
end

--- A reason to end with a status.
---@param status integer
function tally:note(status)
  self.statuses[status] = true
end

local count = {}

function count.started(self, event)
  self.recipes[event.slot] = event.recipe
end

function count.refused(self)
  self:note(tally.REFUSED)
end

function count.crashed(self)
  self:note(tally.FAILED)
end

function count.stopping(self)
  if not self.watch then self:note(tally.INTERRUPTED) end
end

-- A unit that is not recorded has its result, but the station is not as it was told to be.
function count.cassette(self)
  self:note(tally.STATION)
end

-- An attempt that is followed by another is not the unit's end, but what it left unreported stays so.
function count.ended(self, event)
  -- What a recipe calls by such a name is its own affair.
  local name = event.fault and not event.fault.by_recipe and event.fault.name
  event.station = name and tally.STATION_FAULTS[name] or nil
  if self.ended then
    self.ended[#self.ended + 1] = setmetatable({ recipe = self.recipes[event.slot] }, { __index = event })
  end
  if name == "tool.interrupted" then self:note(tally.INTERRUPTED) end
  if event.unreported then self:note(tally.UNREPORTED) end
  if event.station then self:note(tally.STATION) end
  if event.again then return end
  self.units = self.units + 1
  if event.passed then
    self.passed = self.passed + 1
  else
    self.failed = self.failed + 1
    self:note(tally.FAILED)
  end
end

--- Takes an event of a slot into account. An `ended` one learns whether its fault is the station's.
---@param event table
function tally:count(event)
  local f = count[event.event]
  if f then f(self, event) end
end

--- The status with which the run ends.
---@return integer
function tally:status()
  for _, status in ipairs(ORDER) do
    if self.statuses[status] then return status end
  end
  return tally.PASSED
end

return tally
