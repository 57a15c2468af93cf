--- The decoder of framings whose frames end at a delimiter. What a framing adds is how to read what
-- stands between two of them. The contract is in jig.framing.common.

local kept = require "jig.framing.kept"

local segments = {}

---@class jig.SegmentRules
---@field delimiter string  one byte that never stands inside a frame
---@field limit integer     the most bytes between two delimiters
---@field limit_text string why more are refused
---@field read fun(bytes: string): jig.Frame?, string?
---  reads what stood between two delimiters: a frame; nil and why not; nil alone for text
---@field text fun(bytes: string, ended: boolean): string?
---  what is logged of bytes before a delimiter (ended) or silence; nil when they are no text

---@class jig.Segments: jig.Decoder
local Segments = {}
local segments_meta = { __index = Segments, __metatable = false }

--- Makes a decoder that cuts the wire at each delimiter. Nothing between two delimiters is no
-- error. Counts of skipped bytes do not include delimiters.
---
---     return segments.decoder { delimiter = "\xC0", limit = 200, limit_text = "...", read = read,
---       text = text }
---@param rules jig.SegmentRules
---@return jig.Decoder
function segments.decoder(rules)
  return setmetatable({
    rules = rules,
    data = "",       -- fed, not looked at from `first` on
    first = 1,
    held = kept.pieces(), -- since the last delimiter
    lost = false,    -- inside a segment that was over the limit
    log = kept.log(),
  }, segments_meta)
end

-- Reads the segment that a delimiter has just ended. A result of nothing means: go on.
local function finish(self)
  local bytes = self.held:take()
  local frame, why = self.rules.read(bytes)
  if frame then
    frame.log = self.log:take()
    return frame
  end
  if why then return nil, "bad", #bytes, why end
  self.log:add(self.rules.text(bytes, true) or "")
end

-- Moves bytes up to the next delimiter into `held`. Gives whether the delimiter is there, and how
-- many bytes were dropped because they are over the limit.
local function gather(self)
  local stop = self.data:find(self.rules.delimiter, self.first, true)
  local last = (stop or #self.data + 1) - 1
  local size = last - self.first + 1
  local dropped = 0
  if self.lost or self.held.size + size > self.rules.limit then
    dropped = self.held.size + size
    self.held:take()
    self.lost = not stop
  elseif size > 0 then
    self.held:add(self.data:sub(self.first, last))
  end
  self.first = last + 2
  if not stop then self.data, self.first = "", 1 end
  return stop ~= nil, dropped
end

function Segments:feed(bytes)
  if #bytes > 0 then
    local left = self.first <= #self.data
    self.data, self.first = left and self.data:sub(self.first) .. bytes or bytes, 1
  end
  while self.first <= #self.data do
    local ended, dropped = gather(self)
    if dropped > 0 then return nil, "bad", dropped, self.rules.limit_text end
    if ended and self.held.size > 0 then
      local frame, answer, skipped, why = finish(self)
      if frame or answer then return frame, answer, skipped, why end
    end
  end
  return nil, "more"
end

function Segments:idle()
  self.lost = false
  if self.held.size == 0 then return nil, "more" end
  local bytes = self.held:take()
  local text = self.rules.text(bytes, false)
  if text then
    self.log:add(text)
    return nil, "more"
  end
  return nil, "bad", #bytes, ("cut short by silence after %d bytes"):format(#bytes)
end

function Segments:rest()
  local bytes = self.held:take() .. self.data:sub(self.first)
  self.data, self.first, self.lost = "", 1, false
  return kept.rest(self.log, bytes)
end

return segments
