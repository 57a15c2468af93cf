--- The text of a cassette: what `jig run --record` writes and `jig replay` reads. One line per event.
--
--     jig-cassette 1
--     recipe file=recipe.lua folder=thermostat name=thermostat sha256=… version=1.2.0
--     unit number=1 retries=0 slot=A
--     cli accept="0"
--     0.000000 = attempt number=1
--     0.000102 > open
--     0.001320 < opened
--     0.001385 > set line=dtr value=false
--     0.114207 < text bytes="SN=T100317\r\n"
--     0.131004 > call command=new_device session=4f1a…
--     0.163310 < answer payload=84:3f2ab81c09d7e455 scp=256
--     0.163402 > frame payload=84:3f2ab81c09d7e455 scp=256 wired=51c0…
--     0.201177 < frame payload=90:77b1e6a2fd03c958 scp=256 status=0 wired=9e27…
--     …
--     0.480250 = verdict fingerprint=e603eb9d… result=passed serial=T100317
--     sha256 …
--
-- A line is seconds since the unit began, whose doing it is (`>` jig did it, `<` the device or the CLI did it, `=`
-- what jig made of it), what it is, and fields in the order of their names. The three lines at the head have
-- neither time nor sign. A value is
--
--   a word or a number        thermostat, 256, 0.5, true
--   text                      "…", with \n \r \t \" \\ and \xNN
--   a payload                 SIZE:DIGEST, the first 16 hex digits of its SHA-256; or SIZE:xBYTES as hex, where
--                             the payload itself was recorded
--
-- wired is a digest of what the framing makes of the frame with other bytes as its payload (jig.cassette.wired).
--
-- Each thing can be written in one way only, and a line that is written otherwise is refused. The last line is the
-- SHA-256 of all before it. One who means a change makes it anew: jig replay --seal FILE.

local format = {}

--- The first line.
format.VERSION = "jig-cassette 1"

--- Bytes of a line, without its end; lines; bytes of a file.
format.LINE, format.LINES, format.SIZE = 300000, 10000, 4 << 20

--- Bytes of all payloads of one that is read: fillers are made for them.
format.PAYLOADS = 8 << 20

--- Hex digits of a payload's digest.
format.DIGITS = 16

-- Bytes of a payload; seconds of a unit; digits of a number.
local PAYLOAD <const>, SECONDS <const>, DIGITS <const> = 1 << 20, 1e6, 18

---@class jig.cassette.Payload
---@field size integer
---@field digest? string
---@field bytes? string   where the payload itself was recorded

---@class jig.cassette.Event
---@field at? number      seconds; nil in the head
---@field side? ">"|"<"|"="
---@field kind string
---@field fields table<string, string|number|boolean|jig.cassette.Payload>
---@field line? integer   of the file

-- What needs no quotes, unless it is a number.
local WORD <const>, NUMBER <const> = "^%w[%w_.-]*$", "^%-?%d+%.?%d*$"

-- ---- what there is ----

local FRAME <const> = { payload = "payload", wired = "text?", ["*"] = "plain" }

-- Kinds of lines and their fields, `?` behind those that may be missing; "*" stands for all others.
local KINDS <const> = {
  recipe = { name = "text", version = "text", file = "text", folder = "text", sha256 = "text" },
  unit = { slot = "text", number = "number", retries = "number", serial = "text?", lot = "text?", operator = "text?" },
  cli = {
    accept = "text?", grace = "number?", stop = "number?", hurry = "number?", tries = "number?",
    limit_new_device = "number?", limit_get_device_configuration = "number?",
    limit_handle_device_response = "number?", limit_report_error = "number?", limit_gate = "number?",
    report_refused = "boolean?", report_unclear = "boolean?", report_again = "boolean?",
  },
  ["= attempt"] = { number = "number" },
  ["= verdict"] = {
    result = "text", fault = "text?", code = "number?", phase = "text?", reason = "said?", fingerprint = "text?",
    serial = "said?", reported = "boolean?", unreported = "boolean?",
  },
  ["> open"] = {},
  ["> close"] = {},
  ["> set"] = { line = "text", value = "plain" },
  ["> text"] = { bytes = "text" },
  ["> bytes"] = { payload = "payload" },
  ["> frame"] = FRAME,
  ["> call"] = {
    command = "text", session = "text", response = "payload?", code = "number?", reason = "said?",
  },
  ["< opened"] = {},
  ["< failed"] = { code = "text", message = "said", during = "text" },
  ["< lost"] = { message = "said", during = "text" },
  ["< text"] = { bytes = "text", dropped = "boolean?" },
  ["< bytes"] = { payload = "payload", dropped = "boolean?", like = "text?" },
  ["< frame"] = FRAME,
  ["< answer"] = { scp = "number?", payload = "payload?", fingerprint = "text?", waited = "number?" },
  ["< refusal"] = {
    code = "text", message = "said", exit = "number?", signal = "number?", opened = "boolean?", waited = "number?",
  },
  ["< interrupt"] = {},
}

local TYPES <const> = {
  text = function(v) return type(v) == "string" end,
  number = function(v) return type(v) == "number" end,
  boolean = function(v) return type(v) == "boolean" end,
  payload = function(v) return type(v) == "table" end,
  plain = function(v) return type(v) ~= "table" end,
  said = function(v) return type(v) == "string" or type(v) == "table" end, -- text, unless it had to be hidden
}

local function name_of(event)
  return event.side and event.side .. " " .. event.kind or event.kind
end

-- What is wrong with an event; nil when nothing is.
local function mistake(event)
  local known = KINDS[name_of(event)]
  if not known then return ("there is no line '%s'"):format(name_of(event)) end
  for key, rule in pairs(known) do
    if key ~= "*" and rule:sub(-1) ~= "?" and event.fields[key] == nil then
      return ("'%s' is missing"):format(key)
    end
  end
  for key, value in pairs(event.fields) do
    local rule = known[key] or known["*"]
    if not rule then return ("'%s' has no '%s'"):format(name_of(event), key) end
    if not TYPES[rule:gsub("%?", "")](value) then return ("'%s' is no %s"):format(key, (rule:gsub("%?", ""))) end
  end
end

-- ---- writing ----

local ESCAPES <const> = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\" }

local function escape(byte)
  return ESCAPES[byte] or ("\\x%02x"):format(byte:byte())
end

--- Text as it stands in a line.
---@param text string
---@return string
function format.quote(text)
  return '"' .. text:gsub('[%c"\\\127-\255]', escape) .. '"'
end

local function hex(bytes)
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

local function written(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if type(value) == "number" then return (("%.6f"):format(value):gsub("0+$", ""):gsub("%.$", ".0")) end
  if type(value) == "boolean" then return tostring(value) end
  if type(value) == "table" then
    return ("%d:%s"):format(value.size, value.bytes and "x" .. hex(value.bytes) or value.digest)
  end
  local is_word = value:find(WORD) and #value <= 64 and not value:find(NUMBER) and value ~= "true" and value ~= "false"
  return is_word and value or format.quote(value)
end

--- The line of an event, without its end.
---@param event jig.cassette.Event
---@return string
function format.line(event)
  local keys, parts = {}, {}
  for key in pairs(event.fields) do keys[#keys + 1] = key end
  table.sort(keys)
  if event.at then parts[1] = ("%.6f %s"):format(event.at, event.side) end
  parts[#parts + 1] = event.kind
  for _, key in ipairs(keys) do parts[#parts + 1] = key .. "=" .. written(event.fields[key]) end
  return table.concat(parts, " ")
end

-- ---- reading ----

local PLAIN <const> = { n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\" }

-- The text whose first quote stands at `at`, and where it goes on behind the last one.
local function read_text(line, at)
  local parts = {}
  at = at + 1
  while true do
    local stop = line:find('["\\]', at)
    if not stop then return nil, "a text has no end" end
    parts[#parts + 1] = line:sub(at, stop - 1)
    if line:sub(stop, stop) == '"' then return table.concat(parts), stop + 1 end
    local digits = line:match("^x(%x%x)", stop + 1)
    local byte = digits and string.char(tonumber(digits, 16)) or PLAIN[line:sub(stop + 1, stop + 1)]
    if not byte then return nil, "an unknown escape in a text" end
    parts[#parts + 1] = byte
    at = stop + (digits and 4 or 2)
  end
end

-- The digest of no bytes.
local NOTHING <const> = "e3b0c44298fc1c14"

local function from_hex(digits)
  return (digits:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function read_payload(size, mark, digits)
  local bytes = #size <= 7 and math.tointeger(tonumber(size)) or nil
  if not bytes or bytes > PAYLOAD then return nil, ("a payload of more than %d bytes"):format(PAYLOAD) end
  if mark == "x" then
    if #digits ~= 2 * bytes then return nil, "a payload whose size is not that of its bytes" end
    return { size = bytes, bytes = from_hex(digits) }
  end
  if bytes == 0 and digits ~= NOTHING then return nil, "an empty payload with the digest of another" end
  if #digits ~= format.DIGITS then return nil, ("a payload's digest has %d hex digits"):format(format.DIGITS) end
  return { size = bytes, digest = digits }
end

-- The value at `at`, and where it ends; nil, message.
local function read_value(line, at)
  if line:sub(at, at) == '"' then return read_text(line, at) end
  local word = line:match("^[^ ]+", at)
  if not word then return nil, "a value is missing" end
  local size, mark, digits = word:match("^(%d+):(x?)([0-9a-f]*)$")
  local value, message
  if size then
    value, message = read_payload(size, mark, digits)
  elseif word:find(NUMBER) and #word <= DIGITS then
    value = math.tointeger(tonumber(word)) and not word:find(".", 1, true) and math.tointeger(tonumber(word))
      or tonumber(word)
  elseif word == "true" or word == "false" then
    value = word == "true"
  elseif word:find(WORD) and not word:find(NUMBER) then
    value = word
  end
  if value == nil then return nil, message or "a value that is no word, number, text or payload" end
  return value, at + #word
end

local function read_fields(line, at)
  local fields = {}
  while at <= #line do
    local key, stop = line:match("^ ([%a_][%w_]*)=()", at)
    if not key then return nil, "a field is written KEY=VALUE" end
    if fields[key] ~= nil then return nil, ("'%s' comes twice"):format(key) end
    local value, next_at = read_value(line, stop)
    if value == nil then return nil, next_at end
    fields[key], at = value, next_at
  end
  return fields
end

-- A number, a sign and what happened; or what stands in the head.
local function read_start(line)
  local at, side, kind, stop = line:match("^(%d+%.%d%d%d%d%d%d) ([<>=]) ([a-z]+)()")
  if not at then
    kind, stop = line:match("^([a-z]+)()")
    return kind and { kind = kind }, stop
  end
  if #at > DIGITS or tonumber(at) > SECONDS then return nil end
  return { at = tonumber(at), side = side, kind = kind }, stop
end

--- The event of a line. nil, message when it is none. Does not throw, whatever the line.
---@param line string  without its end
---@return jig.cassette.Event|nil event, string? message
function format.event(line)
  if #line > format.LINE then return nil, ("is longer than %d bytes"):format(format.LINE) end
  if line:find("[^\32-\126]") then return nil, "holds a byte that is no printable ASCII" end
  local event, stop = read_start(line)
  if not event then return nil, "begins neither with a time and a sign nor with a word" end
  local message
  event.fields, message = read_fields(line, stop)
  if not event.fields then return nil, message end
  message = mistake(event)
  if message then return nil, message end
  if format.line(event) ~= line then return nil, "is not written as jig writes it: order of fields, or a value" end
  return event
end

return format
