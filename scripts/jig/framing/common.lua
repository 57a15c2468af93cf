--- What every framing promises, and how its module checks what it is given.
--
-- A framing says how a message becomes bytes on the wire and how it is found there again. It is a
-- pure codec: it does no I/O, waits for nothing, yields nowhere and keeps no state outside its
-- decoders. Its module is called with one table of options and gives a `jig.Framing`:
--
--     local length = require "jig.framing.length"
--     local f = length { header = ">I2 scp I2 length", crc = "CRC-16/IBM-3740", max = 8192 }
--     local bytes = f.host.encode { scp = 256, payload = request }
--     local decoder = f.host.decoder()
--     local frame, answer, skipped, why = decoder:feed(bytes_from_the_device)
--
-- `encode` raises on misuse (a missing field, a value or payload that does not fit), with the line
-- of its caller; it never gives bytes that the other end's decoder would not turn into the same
-- frame. What comes from the wire never raises: a decoder answers
--
--   frame                      one whole frame;
--   nil, "more"                nothing whole yet: feed on;
--   nil, "bad", skipped, why   `skipped` bytes were no valid frame, and `why` is a short sentence
--                              without any of them. The decoder goes on behind them.
--
-- One call gives at most one frame. What is left of the bytes stays inside and comes with
-- `feed("")`, so a reader calls that until the answer is "more" or stops after the frame it wants.
--
-- Bytes that stand where no frame is, and that the framing can tell apart, are the device's own
-- text: the next frame carries them as `frame.log`. Bytes of a frame that failed are counted and
-- dropped, never given as text, for they may be a payload. For the same reason, after a bad frame
-- a framing that looks for a start mark takes nothing for text until a frame or silence follows,
-- and of lines that are no text the log has only the size.
--
-- A decoder's memory is bounded once it answered "more": at most one frame of `max` payload bytes
-- as it looks on the wire, and 128 KiB of text, of which the latest 64 KiB are given (a line at the
-- front then says how much was dropped). A length over `max` is refused when it is announced, not
-- when it is filled. The time is proportional to the number of bytes, however they are cut; bytes
-- behind a start mark that led nowhere are looked at again, but 16 times at most.

local common = {}

---@class jig.Frame
---@field payload string
---@field scp? integer   the number that the CLI gave with the payload, when the header carries it
---@field status? integer  the device's answer, 0 for success, when the reply carries it
---@field log? string    readable text that came before this frame (decoded frames only)
---@field [string] any   further fields that the header names

---@class jig.Decoder
---@field feed fun(self: jig.Decoder, bytes: string): jig.Frame?, string?, integer?, string?
---  takes bytes in any pieces
---@field idle fun(self: jig.Decoder): jig.Frame?, string?, integer?, string?
---  says that the line has been silent for the between-bytes limit; answers as feed does. Silence
---  ends a raw frame and makes one that was cut short "bad"; a decoder then starts afresh.
---@field rest fun(self: jig.Decoder): string, integer
---  empties the decoder: what belongs to no finished frame, and how many bytes of it, counted from
---  the first, are the device's text as a frame's log has it. The others may be part of a payload.

---@class jig.FramingEnd
---@field encode fun(frame: jig.Frame): string
---@field decoder fun(): jig.Decoder
---@field sample table<string, any>  a value for each header field with which encode works

---@class jig.FramingTraits  what the contract checks may expect
---@field resync boolean  finds the next frame behind any junk without silence in between
---@field check boolean   a damaged frame never passes for a good one with another payload
---@field empty boolean   an empty payload can be sent
---@field silence? boolean  only silence ends a frame
---@field size? integer   every payload has exactly this many bytes
---@field text? boolean   a frame that reads as lines of text is refused by encode

---@class jig.Framing
---@field name string
---@field host jig.FramingEnd    encodes requests, decodes replies
---@field device jig.FramingEnd  encodes replies, decodes requests; `host` itself when symmetric
---@field max integer            the most payload bytes of a frame
---@field traits jig.FramingTraits

--- The payload limit of a framing that is given none, in bytes.
common.MAX = 65535

local getinfo = debug.getinfo

--- Raises a mistake of whoever called the framing: the line shown is the first on the stack that
-- is not a framing's own, however deep the check stands.
---@param name string  the framing
---@param message string  what is wrong, as for string.format
---@param ... any
function common.misuse(name, message, ...)
  local level = 2
  local info = getinfo(level, "S")
  while info and info.source:find("jig/framing/[%w_]+%.lua$") do
    level = level + 1
    info = getinfo(level, "S")
  end
  error(name .. ": " .. message:format(...), level)
end
local misuse = common.misuse

local function type_of(value)
  if math.type(value) then return math.type(value) == "integer" and "integer" or "number" end
  return type(value)
end

local function one_of(words)
  local copy = table.move(words, 1, #words, 1, {})
  for i, word in ipairs(copy) do
    copy[i] = type(word) == "string" and ("%q"):format(word) or tostring(word)
  end
  return table.concat(copy, " or ")
end

-- What is wrong with a value; nil when nothing is.
local function value_mistake(key, rule, value)
  if rule.among then
    for _, word in ipairs(rule.among) do
      if value == word then return nil end
    end
    local got = type(value) == "string" and ("%q"):format(value) or tostring(value)
    return ("%s: expected %s, got %s"):format(key, one_of(rule.among), got)
  end
  if type_of(value) ~= rule.type then
    return ("%s: expected %s, got %s"):format(key, rule.type, type_of(value))
  end
  if rule.least and (value < rule.least or value > rule.most) then
    return ("%s: expected %d to %d, got %d"):format(key, rule.least, rule.most, value)
  end
end

local function sorted_keys(rules)
  local keys = {}
  for key in pairs(rules) do keys[#keys + 1] = key end
  table.sort(keys)
  return table.concat(keys, ", ")
end

---@class jig.OptionRule
---@field type? string   "string", "integer", "boolean", "table"
---@field among? any[]   the values allowed, instead of a type
---@field least? integer
---@field most? integer
---@field default? any
---@field required? boolean

local function option_mistake(rules, key, value)
  local rule = rules[key]
  if rule then return value_mistake(key, rule, value) end
  return ("unknown option %q (known: %s)"):format(tostring(key), sorted_keys(rules))
end

--- All that is wrong with a table of options, by key and without the line: for `jig check`.
---@param rules table<string, jig.OptionRule>
---@param given table
---@return { key: any, text: string }[]
function common.mistakes(rules, given)
  local found = {}
  for key, value in pairs(given) do
    local text = option_mistake(rules, key, value)
    if text then found[#found + 1] = { key = key, text = text } end
  end
  for key, rule in pairs(rules) do
    if rule.required and given[key] == nil then found[#found + 1] = { key = key, text = key .. ": missing" } end
  end
  table.sort(found, function(a, b) return tostring(a.key) < tostring(b.key) end)
  return found
end

--- Checks a table of options and fills in the defaults. Raises on an unknown key, a value of the
-- wrong type or out of range, and a missing one that is required; each message names the key.
---
---     local o = common.options("raw", { length = { type = "integer" } }, given)
---@param name string  the framing, for the messages
---@param rules table<string, jig.OptionRule>
---@param given table?
---@return table  a new table
function common.options(name, rules, given)
  if given == nil then given = {} end
  if type(given) ~= "table" then misuse(name, "options: expected table, got %s", type(given)) end
  local wrong = common.mistakes(rules, given)[1]
  if wrong then misuse(name, "%s", wrong.text) end
  local options = {}
  for key, value in pairs(given) do options[key] = value end
  for key, rule in pairs(rules) do
    if options[key] == nil then options[key] = rule.default end
  end
  return options
end

--- The rule for the option `max` that every framing has.
common.max_rule = { type = "integer", least = 1, most = 0x7fffffff, default = common.MAX }

-- The rules of a framing's options, by its module.
local rules_of = setmetatable({}, { __mode = "k" })

--- The rules that a framing's module checks its options by; nil for what is no such module.
---@param module any
---@return table<string, jig.OptionRule>?
function common.rules(module)
  return rules_of[module]
end

--- Makes the module of a framing: a table that is called with the options.
---
---     return common.module("raw", rules, function(options) return { host = ..., ... } end)
---@param name string
---@param rules table<string, jig.OptionRule>
---@param build fun(options: table): table  gives host, device, max and traits
---@return table  callable: (options) -> jig.Framing
function common.module(name, rules, build)
  local module = setmetatable({}, {
    __metatable = false,
    __call = function(_, given)
      local framing = build(common.options(name, rules, given))
      framing.name = name
      return framing
    end,
  })
  rules_of[module] = rules
  return module
end

--- Makes both ends of a framing from a function that makes the encoder of one direction and one
-- that makes decoders for it. When replies look like requests, both ends are the same table.
---@param request table  describes host to device; its `sample` goes to the end that encodes it
---@param reply table    describes device to host
---@param encoder fun(direction: table): fun(frame: jig.Frame): string
---@param decoder fun(direction: table): jig.Decoder
---@return jig.FramingEnd host, jig.FramingEnd device
function common.ends(request, reply, encoder, decoder)
  local function make(out, back)
    return {
      encode = encoder(out),
      decoder = function() return decoder(back) end,
      sample = out.sample or {},
    }
  end
  local host = make(request, reply)
  if request == reply then return host, host end
  return host, make(reply, request)
end

--- Checks the payload of a frame that is to be encoded. Raises unless it is a string of at most
-- `max` bytes, and when the frame bears a failure status that this direction cannot carry.
---@param name string
---@param frame jig.Frame
---@param max integer
---@param carries_status boolean
---@return string payload
function common.payload(name, frame, max, carries_status)
  if type(frame) ~= "table" then misuse(name, "frame: expected table, got %s", type(frame)) end
  local payload = frame.payload
  if type(payload) ~= "string" then
    misuse(name, "payload: expected string, got %s", type(payload))
  end
  if #payload > max then misuse(name, "payload: %d bytes, at most %d", #payload, max) end
  if not carries_status and frame.status ~= nil and frame.status ~= 0 then
    misuse(name, "status: nothing in this direction carries it, got %s", tostring(frame.status))
  end
  return payload
end

--- A number without a fraction as an integer; nil for anything else, strings too.
---@param value any
---@return integer?
function common.integer(value)
  return type(value) == "number" and math.tointeger(value) or nil
end

--- Whether bytes read as lines of text: printable ASCII, tabs, colour sequences, and a line end at
-- the end.
---@param bytes string
---@return boolean
function common.is_text(bytes)
  return bytes:find("[\r\n]$") ~= nil and not bytes:find("[^\t\n\r\27\32-\126]")
end

return common
