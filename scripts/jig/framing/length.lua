--- Frames that say their length: start?, header, payload, check?.
--
-- Options:
--   header      required: the fields before the payload, in the notation of jig.framing.body. The
--               field `length` counts the bytes of the payload.
--   reply       the header from device to host; default: like `header`
--   counts      "payload" (default) or "all": `length` counts the whole frame, from the first byte
--               of the header to the last of the check
--   crc         a name from the CRC catalogue; the check follows the payload
--   crc_over    "all" (default): from the header's first byte to the payload's last; or "payload"
--   crc_endian  "<" or ">"; default: the header's first
--   start       bytes before each header, in no check and no length. With them, text before a frame
--               is log and a bad frame costs only itself; without them, a frame whose check differs
--               is skipped whole, and after an impossible length all is skipped until silence.
--   max         the most payload bytes; default 65535, or what the field `length` can say
--
-- A frame that bears a failure status may have an empty payload. Example, a header with a status
-- byte in replies and a CRC over everything:
--
--     length { header = ">I2 scp I2 length", reply = ">I2 scp I2 length B status",
--       crc = "CRC-16/IBM-3740", max = 8192 }

local body = require "jig.framing.body"
local common = require "jig.framing.common"
local sized = require "jig.framing.sized"

local NAME <const> = "length"

local rules = {
  header = { type = "string", required = true },
  reply = { type = "string" },
  counts = { among = { "payload", "all" }, default = "payload" },
  crc = { type = "string" },
  crc_over = { among = { "all", "payload" }, default = "all" },
  crc_endian = { among = { "<", ">" } },
  start = { type = "string", default = "" },
  max = { type = "integer", least = 1, most = 0x7fffffff },
}

-- One direction: its header and check, what `length` counts beside the payload, and the most
-- payload bytes that `length` can say.
local function direction(options, key)
  local header = body.header(NAME, key, options[key])
  local field = header.has.length
  if not field or field.kind ~= "I" then
    common.misuse(NAME, "%s: expected an unsigned field called length", key)
  end
  local endian = options.crc_endian or header.endian or ">"
  local check = options.crc and body.check(NAME, options.crc, endian)
  local check_size = check and check.size or 0
  local extra = options.counts == "all" and header.size + check_size or 0
  return {
    header = header,
    check = check,
    check_size = check_size,
    extra = extra,
    most = field.most - extra,
    sample = header.sample,
  }
end

-- The payload limit: as given, when every length up to it can be said, else the most that can.
local function limit(options, request, reply)
  local most = math.min(request.most, reply.most)
  if most < 1 then common.misuse(NAME, "header: the field length is too small to be of use") end
  if options.max and options.max > most then
    common.misuse(NAME, "max: %d does not fit in the field length, %d does", options.max, most)
  end
  return options.max or math.min(most, common.MAX)
end

local function encoder(options, max, out)
  local carries_status = out.header.has.status ~= nil
  return function(frame)
    local payload = common.payload(NAME, frame, max, carries_status)
    local bytes = out.header:pack(frame, #payload + out.extra) .. payload
    if out.check then
      bytes = bytes .. out.check:seal(options.crc_over == "all" and bytes or payload)
    end
    return options.start .. bytes
  end
end

-- Gives the function that tells a frame's size from its header.
local function extent_of(options, max, back)
  local before = #options.start
  local field = back.header.has.length
  local around = before + back.header.size + back.check_size
  return function(bytes, first)
    local size = field.format:unpack(bytes, first + before + field.offset) - back.extra
    if size < 0 then return nil, ("length %d is less than the header"):format(size + back.extra) end
    if size > max then
      return nil, ("%d bytes of payload announced, at most %d"):format(size, max)
    end
    return around + size
  end
end

-- Gives the function that reads a whole frame.
local function reader_of(options, back)
  local before, header, check = #options.start, back.header, back.check
  local covered = options.crc_over == "all" and 0 or header.size
  return function(bytes, first, last)
    local at = first + before
    last = last - back.check_size
    local why = check and check:fault(bytes, at + covered, last)
    if why then return nil, why end
    local frame = header:unpack(bytes, at)
    frame.payload = bytes:sub(at + header.size, last)
    return frame
  end
end

--- Makes the framing.
---@param options table  see above
---@return table  host, device, max and traits of a jig.Framing
local function build(options)
  local request = direction(options, "header")
  local reply = options.reply and direction(options, "reply") or request
  local max = limit(options, request, reply)
  local host, device = common.ends(request, reply, function(out)
    return encoder(options, max, out)
  end, function(back)
    return sized.decoder {
      start = options.start,
      least = #options.start + back.header.size,
      extent = extent_of(options, max, back),
      read = reader_of(options, back),
    }
  end)
  local traits = { resync = options.start ~= "", check = options.crc ~= nil, empty = true }
  return { host = host, device = device, max = max, traits = traits }
end

return common.module(NAME, rules, build)
