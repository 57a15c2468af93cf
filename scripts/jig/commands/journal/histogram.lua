--- Percentiles of many times without keeping them: a histogram whose buckets are 2 % wide, so that what it
-- tells is at most 1 % off.

---@class jig.Histogram
local histogram = {}
histogram.__index = histogram

local WIDTH <const> = 1.02
local LOG <const> = math.log(WIDTH)

---@return jig.Histogram
function histogram.new()
  return setmetatable({ count = 0, zeros = 0 }, histogram)
end

--- Adds a time in microseconds.
---@param us number
function histogram:add(us)
  self.count = self.count + 1
  if us < 1 then
    self.zeros = self.zeros + 1
    return
  end
  local bucket = math.log(us) / LOG // 1 | 0
  self[bucket] = (self[bucket] or 0) + 1
end

--- The time that `part` of all do not exceed, in seconds; nil when there are none.
---@param part number  0.5 = the median
---@return number|nil
function histogram:quantile(part)
  if self.count == 0 then return nil end
  local rank, seen = math.max(1, math.ceil(part * self.count)), self.zeros
  if rank <= seen then return 0.0 end
  local buckets = {}
  for bucket in pairs(self) do
    if math.type(bucket) == "integer" then buckets[#buckets + 1] = bucket end
  end
  table.sort(buckets)
  for _, bucket in ipairs(buckets) do
    seen = seen + self[bucket]
    if seen >= rank then return WIDTH ^ (bucket + 0.5) / 1e6 end
  end
end

return histogram
