--- The decoder of framings whose frames have a known or an announced size. What a framing adds is
-- how to tell the size and how to read a frame. The contract is in jig.framing.common.

local kept = require "jig.framing.kept"

local sized = {}

-- Of so many frames that fail in a row, the last is skipped as a whole, the others cost only their
-- start mark: marks in a stream of junk cannot make each byte be checked thousands of times.
local TRIES <const> = 16

---@class jig.SizedRules
---@field start string    what each frame begins with; "" when nothing marks it
---@field least integer   the fewest bytes of a frame, start included
---@field extent fun(bytes: string, first: integer, known: integer): integer?, string?
---  the frame's size as far as the `known` bytes from `first` tell it: `known` itself when they are
---  the whole frame, more when more is needed; nil and why when it cannot be a frame
---@field read fun(bytes: string, first: integer, last: integer): jig.Frame?, string?
---  reads a whole frame, start included; nil and why when it is not valid

---@class jig.Sized: jig.Decoder
local Sized = {}
local sized_meta = { __index = Sized, __metatable = false }

-- Looks for a frame from `first` on.
local function restart(self)
  self.found = self.rules.start == ""
  self.need = self.found and self.rules.least or #self.rules.start
end

-- Whether at least `need` bytes are in `data` from `first` on.
local function ready(self)
  local have = #self.data - self.first + 1
  if have >= self.need then return true end
  if have + self.fed.size < self.need then return false end
  self.data, self.first = self.data:sub(self.first) .. self.fed:take(), 1
  return true
end

-- All that is not yet used.
local function left(self)
  return #self.data - self.first + 1 + self.fed.size
end

-- Forgets all that is not yet used.
local function clear(self)
  self.fed:take()
  self.data, self.first = "", 1
  restart(self)
end

-- Where `start` begins in `data` at or after `from`; else where the data ends with a beginning of
-- it, or one past the end. A beginning counts from each byte anew, so none is missed.
local function find_start(data, start, from)
  local at = data:find(start, from, true)
  if at then return at, true end
  for at_tail = math.max(from, #data - #start + 2), #data do
    if start:sub(1, #data - at_tail + 1) == data:sub(at_tail) then return at_tail, false end
  end
  return #data + 1, false
end

-- Gives up the frame at `first`: skips at least `size` of its bytes, to where the next may begin.
local function fail(self, size, why)
  local from = self.first
  self.first, self.found = find_start(self.data, self.rules.start, from + size)
  self.lost = true
  self.need = self.found and self.rules.least or #self.data - self.first + 2
  return nil, "bad", self.first - from, why
end

-- Moves `first` to the start mark. Gives how many bytes before it belong to no frame and no text.
local function hunt(self)
  local from = self.first
  local at, found = find_start(self.data, self.rules.start, from)
  self.found = found
  if not self.lost then self.log:add(self.data:sub(from, at - 1)) end
  self.first = at
  self.need = found and self.rules.least or #self.data - at + 2
  return self.lost and at - from or 0
end

-- Reads the frame at `first`, whose first `need` bytes are there; nothing when it needs more.
local function try(self)
  local rules, first, need = self.rules, self.first, self.need
  local extent, why = rules.extent(self.data, first, need)
  if not extent then
    if rules.start ~= "" then return fail(self, 1, why) end
    local skipped = left(self)
    clear(self)
    self.lost = true
    return nil, "bad", skipped, why
  end
  self.need = extent
  if extent > need then return end
  local frame
  frame, why = rules.read(self.data, first, first + need - 1)
  if not frame and rules.start ~= "" then
    self.failed = self.failed % TRIES + 1
    return fail(self, self.failed < TRIES and 1 or need, why)
  end
  self.first = first + need
  restart(self)
  if not frame then return nil, "bad", need, why end
  self.lost, self.failed = false, 0
  frame.log = self.log:take()
  return frame
end

-- Whether nothing is missing of the frame at `first`, valid or not.
local function whole(self)
  local extent, need = self.rules.least
  repeat
    need = extent
    if need > #self.data - self.first + 1 then return false end
    extent = self.rules.extent(self.data, self.first, need)
  until not extent or extent == need
  return true
end

function Sized:feed(bytes)
  if #bytes > 0 then self.fed:add(bytes) end
  if self.lost and self.rules.start == "" then
    local skipped = left(self)
    if skipped == 0 then return nil, "more" end
    clear(self)
    return nil, "bad", skipped, "no way to find the next frame before the line is silent"
  end
  while ready(self) do
    if self.found then
      local frame, answer, skipped, why = try(self)
      if frame or answer then return frame, answer, skipped, why end
    else
      local skipped = hunt(self)
      if skipped > 0 then return nil, "bad", skipped, "no start of a frame after a bad one" end
    end
  end
  return nil, "more"
end

function Sized:idle()
  self.lost = false
  local size = left(self)
  if not self.found or size == 0 then return nil, "more" end
  local why = ("cut short by silence after %d of %d bytes"):format(size, self.need)
  self.data, self.first = self.data:sub(self.first) .. self.fed:take(), 1
  if self.rules.start == "" then
    clear(self)
    return nil, "bad", size, why
  end
  local skipped = 0
  repeat
    skipped = skipped + select(3, fail(self, 1, why))
  until not self.found or whole(self)
  self.lost = false
  return nil, "bad", skipped, why
end

function Sized:rest()
  local bytes = self.data:sub(self.first) .. self.fed:take()
  clear(self)
  self.lost = false
  return kept.rest(self.log, bytes)
end

--- Makes a decoder for frames that say, or are known to have, a size.
--
-- With a start mark, text before it is the device's log, and a frame that fails costs only its
-- mark: the search goes on behind it, but for every sixteenth in a row. Without one, a frame that
-- fails is skipped as a whole, and after an impossible size everything is skipped until silence,
-- since nothing tells where the next frame begins.
---
---     return sized.decoder { start = "", least = 4, extent = extent, read = read }
---@param rules jig.SizedRules
---@return jig.Decoder
function sized.decoder(rules)
  local self = setmetatable({
    rules = rules,
    data = "",     -- from `first` on, not yet used
    first = 1,
    fed = kept.pieces(), -- what follows `data`
    lost = false,  -- behind a bad frame: bytes are neither frame nor text
    found = false, -- a frame begins at `first`
    need = 1,      -- bytes from `first` without which there is nothing to decide
    failed = 0,    -- whole frames in a row whose check failed
    log = kept.log(),
  }, sized_meta)
  restart(self)
  return self
end

return sized
