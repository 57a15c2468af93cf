--- What framings with a delimiter and stuffed bytes share: slip, cobs and hdlc differ in how a body
-- becomes bytes without the delimiter.

local body = require "jig.framing.body"
local common = require "jig.framing.common"
local segments = require "jig.framing.segments"

---@class jig.Stuffing
---@field delimiter string  one byte, behind each frame
---@field lead string       what stands before each frame: the delimiter or ""
---@field stuff fun(bytes: string): string     gives bytes without the delimiter
---@field unstuff fun(bytes: string): string?, string?  undoes it; nil and why not
---@field grown fun(size: integer): integer    the most bytes that `size` bytes become
---@field shows_empty? boolean  stuffing nothing gives something
---@field check? fun(endian: string): jig.Check
---@field prefix? string    constant bytes of each body

local function never() return false end

-- Gives the encoder of one direction.
local function encoder(name, stuffing, reads_as_text, out)
  return function(frame)
    local bytes = stuffing.stuff(out:encode(frame))
    if bytes == "" then common.misuse(name, "payload: empty, which makes no frame") end
    if not out.check and reads_as_text(bytes) then
      common.misuse(name, "payload: reads as text, which the other end takes for its log")
    end
    return stuffing.lead .. bytes .. stuffing.delimiter
  end
end

-- Gives the function that reads a segment. With a check, a good frame is believed before its looks.
local function reader(stuffing, reads_as_text, back)
  return function(bytes)
    local is_text = reads_as_text(bytes)
    if is_text and not back.check then return nil end
    local plain, why = stuffing.unstuff(bytes)
    local frame
    if plain then frame, why = back:decode(plain) end
    if frame then return frame end
    return nil, not is_text and why or nil
  end
end

--- Makes host, device, max and traits of a jig.Framing whose frames are stuffed bodies.
---@param name string
---@param options table  header, reply, max and log
---@param stuffing jig.Stuffing
---@return table
return function(name, options, stuffing)
  local request, reply = body.pair(name, options, stuffing.check, stuffing.prefix)
  local checked = stuffing.check ~= nil
  local log = options.log
  if log == nil then log = checked end
  local reads_as_text = log and common.is_text or never
  local host, device = common.ends(request, reply, function(out)
    return encoder(name, stuffing, reads_as_text, out)
  end, function(back)
    return segments.decoder {
      delimiter = stuffing.delimiter,
      limit = stuffing.grown(back.size + options.max),
      limit_text = ("no frame of at most %d bytes of payload"):format(options.max),
      read = reader(stuffing, reads_as_text, back),
      text = function(bytes) return reads_as_text(bytes) and bytes or nil end,
    }
  end)
  return { host = host, device = device, max = options.max, traits = {
    resync = true,
    check = checked,
    empty = stuffing.shows_empty or math.min(request.size, reply.size) > 0,
    text = log and not checked,
  } }
end
