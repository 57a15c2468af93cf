--- What stands inside a frame: header fields, payload and a check, in the notation that all
-- framings share.
--
-- A header is a string of pairs, format and name, as string.pack has them:
--
--     header = { [ "<" | ">" ] format name }
--     format = "B" | "b" | "I"n | "i"n | "c"n          n = 1 to 8 bytes, for c 1 to 255
--     name   = a Lua name other than payload and log
--
-- "<" is little-endian, ">" big-endian, for the fields that follow; one of them must come before
-- the first field of two bytes or more. Fields stand without padding. Example:
-- ">I2 scp I2 length B status". The fields are taken from the frame that is encoded and put into
-- the frame that is decoded; `length` is the framing's own.

local common = require "jig.framing.common"

local body = {}

local RESERVED <const> = { payload = true, log = true }

-- Checks one field's value and gives it as string.pack wants it.
local function fit(name, field, value)
  if field.kind == "c" then
    if type(value) ~= "string" or #value ~= field.size then
      local got = type(value) == "string" and #value .. " bytes" or type(value)
      common.misuse(name, "%s: expected a string of %d bytes, got %s", field.name, field.size, got)
    end
    return value
  end
  local number = common.integer(value)
  if not number then
    local got = type(value) == "number" and tostring(value) or type(value)
    common.misuse(name, "%s: expected integer, got %s", field.name, got)
  end
  if number < field.least or number > field.most then
    common.misuse(name, "%s: %d does not fit, %d to %d do", field.name, number, field.least,
      field.most)
  end
  return number
end

---@class jig.Header
---@field size integer    bytes
---@field format string   for string.pack
---@field fields table[]  in order: name, kind, size, offset, format, least, most
---@field endian? string  "<" or ">": the first that is written
---@field has table<string, table>  the fields by name
---@field sample table<string, any>  a value for each field but length
local Header = {}
local header_meta = { __index = Header, __metatable = false }

--- Packs the fields of a frame. Raises on a missing value and one that does not fit.
---@param frame jig.Frame
---@param length? integer  for the field `length`
---@return string
function Header:pack(frame, length)
  local values = {}
  for i, field in ipairs(self.fields) do
    local value = frame[field.name]
    if field.name == "length" then value = length end
    values[i] = fit(self.owner, field, value)
  end
  return self.format:pack(table.unpack(values))
end

--- Reads the fields at `first` into a new frame, all but `length`.
---@param bytes string  with at least `size` bytes from first
---@param first integer
---@return jig.Frame
function Header:unpack(bytes, first)
  local values = { self.format:unpack(bytes, first) }
  local frame = {}
  for i, field in ipairs(self.fields) do frame[field.name] = values[i] end
  frame.length = nil
  return frame
end

-- Sets the range of an integer field.
local function set_range(field)
  local bits = 8 * field.size
  if field.kind == "I" then
    field.least, field.most = 0, bits == 64 and math.maxinteger or (1 << bits) - 1
  else
    field.least, field.most = -1 << (bits - 1), math.maxinteger >> (64 - bits)
  end
end

-- Reads one format, such as "I2". Gives its kind (I, i or c) and its bytes.
local function read_format(format)
  if format == "B" then return "I", 1 end
  if format == "b" then return "i", 1 end
  local kind, digits = format:match("^([Iic])(%d+)$")
  local size = math.tointeger(tonumber(digits))
  if not size or size < 1 or size > (kind == "c" and 255 or 8) then return nil end
  return kind, size
end

local function add_field(header, owner, key, format, name)
  local kind, size = read_format(format)
  if not kind then
    common.misuse(owner, "%s: unknown format %q (known: B, b, I1 to I8, i1 to i8, c1 to c255)", key,
      format)
  end
  if RESERVED[name] then common.misuse(owner, "%s: a field cannot be called %q", key, name) end
  if header.has[name] then common.misuse(owner, "%s: %q stands twice", key, name) end
  if kind ~= "c" and size > 1 and not header.endian then
    common.misuse(owner, "%s: %q needs an endianness, < or >, before it", key, name)
  end
  local field = { name = name, kind = kind, size = size, offset = header.size }
  field.format = (header.mark or "<") .. kind .. size
  if kind ~= "c" then set_range(field) end
  header.fields[#header.fields + 1] = field
  header.has[name] = field
  header.size = header.size + size
  header.format = header.format .. kind .. size
  if name == "status" then
    header.sample[name] = kind == "c" and ("\0"):rep(size) or 0
  elseif name ~= "length" then
    header.sample[name] = kind == "c" and ("A"):rep(size) or 1
  end
end

--- Reads a header's notation. Raises when it cannot be read.
---
---     local header = body.header("length", "header", ">I2 scp I2 length")
---@param owner string  the framing, for messages
---@param key string    the option, for messages
---@param text string
---@return jig.Header
function body.header(owner, key, text)
  local header = setmetatable({
    owner = owner, size = 0, format = "", fields = {}, has = {}, sample = {},
  }, header_meta)
  local at = 1
  while true do
    at = text:find("%S", at)
    if not at then return header end
    local mark = text:match("^[<>]", at)
    if mark then
      header.mark, header.endian = mark, header.endian or mark
      header.format = header.format .. mark
      at = at + 1
    else
      local format, name, after = text:match("^(%w+)%s+([%a_][%w_]*)()", at)
      if not format then
        common.misuse(owner, "%s: cannot read %q, expected a format and a name", key, text:sub(at))
      end
      add_field(header, owner, key, format, name)
      at = after
    end
  end
end

---@class jig.Check  a CRC behind what it covers
---@field size integer  bytes
---@field sum any
---@field format string
local Check = {}
local check_meta = { __index = Check, __metatable = false }

--- Makes a CRC by its catalogue name. Raises when there is none of that name.
---@param owner string
---@param name string    such as "CRC-16/IBM-3740"
---@param endian string  "<" or ">"
---@return jig.Check
function body.check(owner, name, endian)
  local ok, sum = pcall(require("jig.crc").new, name)
  if not ok or not sum then common.misuse(owner, "crc: unknown name %q", name) end
  local size = (sum:width() + 7) // 8
  return setmetatable({ sum = sum, size = size, format = endian .. "I" .. size }, check_meta)
end

--- The check of bytes, as it goes on the wire.
---@param bytes string
---@return string
function Check:seal(bytes)
  return self.format:pack(self.sum(bytes))
end

--- Why the check behind the bytes from `first` to `last` is wrong; nil when it is right.
---@param bytes string
---@param first integer
---@param last integer
---@return string?
function Check:fault(bytes, first, last)
  local got = self.format:unpack(bytes, last + 1)
  local expected = self.sum:sum(bytes, first, last)
  if got == expected then return nil end
  local number = "%0" .. 2 * self.size .. "x"
  return ("CRC differs: got " .. number .. ", expected " .. number):format(got, expected)
end

--- The options of a framing whose frames carry a body: what `body.pair` reads.
body.rules = {
  header = { type = "string", default = "" },
  reply = { type = "string" },
  max = common.max_rule,
}

---@class jig.Body  one direction's frames, without what the framing puts around them
---@field header jig.Header
---@field prefix string   constant bytes before the header
---@field check? jig.Check  covers all before it
---@field max integer
---@field size integer  the bytes that a body has beside its payload
---@field sample table<string, any>
local Body = {}
local body_meta = { __index = Body, __metatable = false }

--- Prefix, header, payload and check of a frame. Raises on misuse.
---@param frame jig.Frame
---@return string
function Body:encode(frame)
  local payload = common.payload(self.owner, frame, self.max, self.header.has.status ~= nil)
  local bytes = self.prefix .. self.header:pack(frame) .. payload
  return self.check and bytes .. self.check:seal(bytes) or bytes
end

--- Reads a body.
---@param bytes string
---@return jig.Frame? frame, string? why
function Body:decode(bytes)
  if #bytes < self.size then
    return nil, ("%d bytes, a frame has at least %d"):format(#bytes, self.size)
  end
  local payload_size = #bytes - self.size
  if payload_size > self.max then
    return nil, ("%d bytes of payload, at most %d"):format(payload_size, self.max)
  end
  local at = #self.prefix + 1
  local last = at + self.header.size + payload_size - 1
  local why = self.check and self.check:fault(bytes, 1, last)
  if why then return nil, why end
  if bytes:sub(1, at - 1) ~= self.prefix then return nil, "the first bytes are not as expected" end
  local frame = self.header:unpack(bytes, at)
  frame.payload = bytes:sub(at + self.header.size, last)
  return frame
end

local function make(owner, key, text, options, check, prefix)
  local header = body.header(owner, key, text)
  if header.has.length then
    common.misuse(owner, "%s: no field `length` here, the frame's end tells it", key)
  end
  local made = check and check(header.endian or ">")
  return setmetatable({
    owner = owner,
    header = header,
    check = made,
    max = options.max,
    prefix = prefix,
    size = #prefix + header.size + (made and made.size or 0),
    sample = header.sample,
  }, body_meta)
end

--- Makes the bodies of requests and replies from the options header, reply and max.
---@param owner string
---@param options table
---@param check? fun(endian: string): jig.Check  gets the header's first endianness, or ">"
---@param prefix? string  constant bytes before both headers
---@return jig.Body request, jig.Body reply  the same one when there is no `reply`
function body.pair(owner, options, check, prefix)
  local request = make(owner, "header", options.header, options, check, prefix or "")
  if not options.reply then return request, request end
  return request, make(owner, "reply", options.reply, options, check, prefix or "")
end

--- The `check` for body.pair that the option crc names; nil without one.
---@param owner string
---@param options table
---@return (fun(endian: string): jig.Check)?
function body.crc(owner, options)
  if not options.crc then return nil end
  return function(endian) return body.check(owner, options.crc, endian) end
end

--- The rules of body.rules with more beside them.
---@param more table<string, jig.OptionRule>
---@return table<string, jig.OptionRule>
function body.rules_and(more)
  local rules = {}
  for key, rule in pairs(body.rules) do rules[key] = rule end
  for key, rule in pairs(more) do rules[key] = rule end
  return rules
end

return body
