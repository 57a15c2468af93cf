--- What stands of each slot and of all units, as events tell it: what a screen shows. Texts are made plain here.

local width = require "jig.output.width"

---@class jig.ScreenBoard
---@field rows jig.ScreenRow[]  in the station's order
---@field totals { units: integer, passed: integer, failed: integer, active: integer }
---@field serial_width integer
local board = {}
board.__index = board

local function add(self, slot)
  local row = { name = slot, slot = width.plain(slot), phase = "waiting", active = false }
  self.rows[#self.rows + 1], self.by_slot[slot] = row, row
  return row
end

---@param slots string[]  names, in order
---@return jig.ScreenBoard
function board.new(slots)
  local self = setmetatable({
    rows = {}, by_slot = {}, serial_width = 0, totals = { units = 0, passed = 0, failed = 0, active = 0 },
  }, board)
  for _, slot in ipairs(slots) do add(self, slot) end
  return self
end

local function set_active(self, row, active)
  if row.active == active then return end
  row.active = active
  self.totals.active = self.totals.active + (active and 1 or -1)
end

local function set_serial(self, row, serial)
  row.serial = width.plain(serial)
  self.serial_width = math.max(self.serial_width, width.of(row.serial))
end

local on = {}

function on.started(self, row, _, now)
  set_active(self, row, true)
  row.phase, row.since, row.gate = "starting", now, nil
  row.serial, row.verdict, row.code, row.fault, row.advice = nil, nil, nil, nil, nil
end

function on.phase(_, row, event)
  row.phase, row.gate = width.plain(event.phase), nil
end

-- While a slot waits for the token, its phase is kept for the time after.
function on.gate(_, row, event)
  if event.waited then row.gate = nil else row.gate = event.place or true end
end

function on.status(_, row, event)
  row.advice = event.text and width.plain(event.text)
end

function on.waiting(self, row, event)
  set_active(self, row, false)
  row.phase = "waiting for " .. width.plain(event["for"])
end

local function verdict(self, row, word, phase, seconds)
  set_active(self, row, false)
  row.verdict, row.phase, row.gate, row.advice, row.seconds = word, phase, nil, nil, seconds
end

function on.ended(self, row, event)
  local fault = event.fault
  local phase = fault and width.plain(fault.phase or "?") or "done"
  verdict(self, row, event.passed and "PASS" or "FAIL", phase, event.seconds)
  if fault then
    row.code, row.fault = ("%d"):format(fault.code), width.plain(fault.name)
    row.advice = fault.advice and width.plain(fault.advice)
  end
  if event.again then return end
  local totals, key = self.totals, event.passed and "passed" or "failed"
  totals.units, totals[key] = totals.units + 1, totals[key] + 1
end

function on.refused(self, row)
  verdict(self, row, "FAIL", "recipe refused")
end

function on.crashed(self, row)
  verdict(self, row, "FAIL", "crashed")
end

function on.serial() end

--- Takes an event in. Those of the station as a whole, and of no slot, change nothing.
---@param event table
---@param now number  seconds
function board:show(event, now)
  local f = on[event.event]
  if not (f and event.slot) then return end
  local row = self.by_slot[event.slot] or add(self, event.slot)
  f(self, row, event, now)
  if event.serial then set_serial(self, row, event.serial) end
end

local function waiting_text(place)
  return math.type(place) == "integer" and ("waiting for token (%d)"):format(place) or "waiting for token"
end

--- The rows as they are now. `places` are those in the queue for the token.
---@param now number
---@param places? table<string, integer>  slot -> place; where it is given, it alone says who waits
---@return jig.ScreenRow[]
function board:view(now, places)
  local list = {}
  for i, row in ipairs(self.rows) do
    local place = row.gate
    if places then place = places[row.name] end
    list[i] = setmetatable({
      phase = place and waiting_text(place) or row.phase,
      seconds = row.active and now - row.since or row.seconds,
    }, { __index = row })
  end
  return list
end

return board
