--- Payloads with nothing around them.
--
-- Options, one of the first two:
--   length  every payload, in both directions, has this many bytes
--   gap     true: silence for the between-bytes limit ends a payload
--   max     with `gap`: the most payload bytes; default 65535
--
-- Nothing tells text from payload here, so there is no log, and nothing but silence finds the next
-- payload after a disturbance. An empty payload cannot be sent.

local common = require "jig.framing.common"
local kept = require "jig.framing.kept"
local sized = require "jig.framing.sized"

local NAME <const> = "raw"

local rules = {
  length = { type = "integer", least = 1, most = 0x7fffffff },
  gap = { among = { true } },
  max = { type = "integer", least = 1, most = 0x7fffffff },
}

---@class jig.RawGap: jig.Decoder  gathers bytes until silence
local Gap = {}
local gap_meta = { __index = Gap, __metatable = false }

function Gap:feed(bytes)
  if self.lost or self.held.size + #bytes > self.max then
    local skipped = self.held.size + #bytes
    self.held:take()
    self.lost = true
    if skipped == 0 then return nil, "more" end
    return nil, "bad", skipped, ("more than %d bytes without silence"):format(self.max)
  end
  if #bytes > 0 then self.held:add(bytes) end
  return nil, "more"
end

function Gap:idle()
  self.lost = false
  if self.held.size == 0 then return nil, "more" end
  return { payload = self.held:take() }
end

function Gap:rest()
  self.lost = false
  return self.held:take(), 0
end

local function by_gap(max)
  local function encode(frame)
    local payload = common.payload(NAME, frame, max, false)
    if payload == "" then common.misuse(NAME, "payload: empty, which makes no frame") end
    return payload
  end
  local host, device = common.ends({}, {}, function()
    return encode
  end, function()
    return setmetatable({ held = kept.pieces(), lost = false, max = max }, gap_meta)
  end)
  return { host = host, device = device, max = max,
    traits = { resync = false, check = false, empty = false, silence = true } }
end

local function by_length(size)
  local function encode(frame)
    local payload = common.payload(NAME, frame, size, false)
    if #payload < size then
      common.misuse(NAME, "payload: %d bytes, expected %d", #payload, size)
    end
    return payload
  end
  local same = {}
  local host, device = common.ends(same, same, function()
    return encode
  end, function()
    return sized.decoder {
      start = "",
      least = size,
      extent = function(_, _, known) return known end,
      read = function(bytes, first, last) return { payload = bytes:sub(first, last) } end,
    }
  end)
  return { host = host, device = device, max = size,
    traits = { resync = false, check = false, empty = false, size = size } }
end

--- Makes the framing.
---@param options table  see above
---@return table  host, device, max and traits of a jig.Framing
local function build(options)
  if (options.length ~= nil) == (options.gap ~= nil) then
    common.misuse(NAME, "expected either length or gap")
  end
  if options.gap then return by_gap(options.max or common.MAX) end
  if options.max then common.misuse(NAME, "max: has no meaning beside length") end
  return by_length(options.length)
end

return common.module(NAME, rules, build)
