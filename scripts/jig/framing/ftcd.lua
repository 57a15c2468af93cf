--- The wire format of the vendor's example device (the factory configurator client's example
-- application over a serial port or TCP): token, status?, length, message, SHA-256.
--
--     request:  token (8)  length (4)  message  hash (32)
--     reply:    token (8)  status (4)  length (4)  message  hash (32)     status 0
--               token (8)  status (4)                                    any other status
--
-- The hash covers the message only; a message is never empty. Options:
--   token   what each frame begins with: "mbedprov" (default; secure device access uses
--           "mbeddbap"), or "" for none
--   endian  "little" (default) or "big": of status and length
--   hash    "sha256" (default) or "none"
--   status  true (default): replies carry a status; false: replies look like requests
--   max     the most payload bytes; default 65535
--
-- The device writes its trace on the same wire, so all before a token is its log. The token is
-- found behind anything, its own beginning and itself included ("mbedprovmbedprov"); the example
-- device misses a token behind a lone "m", so a host should send nothing between requests.
-- A frame that fails costs its token, the search goes on behind it. Without a token, text is
-- not told apart and an impossible length is followed by silence before the next frame.

local common = require "jig.framing.common"
local sized = require "jig.framing.sized"

local NAME <const> = "ftcd"

-- Bytes of a SHA-256.
local HASH <const> = 32

-- A status is one of a small enumeration or its "maximum"; text behind a token that stands in the
-- device's trace is far above the first and not the second.
local STATUS_MOST <const>, STATUS_UNUSED <const> = 0xffff, 0xffffffff

local function is_status(value)
  return value >= 0 and value <= STATUS_MOST or value == STATUS_UNUSED
end

local rules = {
  token = { type = "string", default = "mbedprov" },
  endian = { among = { "little", "big" }, default = "little" },
  hash = { among = { "sha256", "none" }, default = "sha256" },
  status = { type = "boolean", default = true },
  max = common.max_rule,
}

-- The message's hash as it stands on the wire: a function that gives "" when there is none.
local function hasher(options)
  if options.hash == "none" then return function() return "" end end
  return require("jig.digest").sha256
end

-- The status of a reply that is to be encoded.
local function check_status(frame)
  local status = common.integer(frame.status)
  if not status or not is_status(status) then
    common.misuse(NAME, "status: expected 0 to %d or 0xffffffff, got %s", STATUS_MOST,
      tostring(frame.status))
  end
  if status ~= 0 and frame.payload ~= "" then
    common.misuse(NAME, "payload: none fits a status other than 0")
  end
  return status
end

-- Gives the encoder of requests (has_status false) or replies.
local function encoder(options, number, has_status)
  local hash = hasher(options)
  return function(frame)
    local payload = common.payload(NAME, frame, options.max, has_status)
    local status = ""
    if has_status then
      local value = check_status(frame)
      status = number:pack(value)
      if value ~= 0 then return options.token .. status end
    end
    if payload == "" then common.misuse(NAME, "payload: empty, which the format forbids") end
    return options.token .. status .. number:pack(#payload) .. payload .. hash(payload)
  end
end

-- Gives the function that tells a frame's size. `known` bytes are there from `first` on.
local function extent_of(options, number, has_status)
  local before = #options.token + (has_status and 4 or 0)
  local around = before + 4 + (options.hash == "none" and 0 or HASH)
  return function(bytes, first, known)
    if has_status and known == before then
      local status = number:unpack(bytes, first + before - 4)
      if not is_status(status) then return nil, ("%08x is no status"):format(status) end
      return status == 0 and before + 4 or before
    end
    local size = number:unpack(bytes, first + before)
    if size == 0 then return nil, "no bytes of payload announced" end
    if size > options.max then
      return nil, ("%d bytes of payload announced, at most %d"):format(size, options.max)
    end
    return around + size
  end
end

-- Gives the function that reads a whole frame.
local function reader_of(options, number, has_status)
  local before = #options.token + (has_status and 4 or 0)
  local hash = hasher(options)
  local hash_size = options.hash == "none" and 0 or HASH
  return function(bytes, first, last)
    local status = has_status and number:unpack(bytes, first + before - 4) or nil
    if has_status and status ~= 0 then return { payload = "", status = status } end
    local payload = bytes:sub(first + before + 4, last - hash_size)
    if hash(payload) ~= bytes:sub(last - hash_size + 1, last) then
      return nil, "the message's SHA-256 differs"
    end
    return { payload = payload, status = status }
  end
end

--- Makes the framing.
---@param options table  see above
---@return table  host, device, max and traits of a jig.Framing
local function build(options)
  local number = options.endian == "little" and "<I4" or ">I4"
  local request = { status = false }
  local reply = options.status and { status = true, sample = { status = 0 } } or request
  local host, device = common.ends(request, reply, function(out)
    return encoder(options, number, out.status)
  end, function(back)
    return sized.decoder {
      start = options.token,
      least = #options.token + 4,
      extent = extent_of(options, number, back.status),
      read = reader_of(options, number, back.status),
    }
  end)
  return { host = host, device = device, max = options.max, traits = {
    resync = options.token ~= "", check = options.hash ~= "none", empty = false,
  } }
end

local ftcd = common.module(NAME, rules, build)

--- What the example device means by the status of a reply; 0 is success.
---@type table<integer, string>
ftcd.status = {
  [1] = "generic error",
  [2] = "invalid parameter",
  [3] = "out of memory",
  [4] = "cannot read the size, or it is 0",
  [5] = "cannot read the message",
  [6] = "cannot read the hash",
  [7] = "cannot compute the hash",
  [8] = "hash differs",
  [9] = "cannot process the message",
  [10] = "processing the message failed",
  [11] = "cannot send the response",
  [12] = "network timeout",
  [13] = "connection error",
  [14] = "connection closed",
  [15] = "internal error",
}

return ftcd
