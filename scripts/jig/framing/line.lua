--- Lines of hex text: what a device offers whose firmware reads its console.
--
-- Options:
--   prefix  what stands before the hex digits, such as "PROVISION "; default ""
--   upper   true: sends the digits A to F; default false. Received, both are understood.
--   ending  what ends a line: "\n" (default), "\r\n" or "\r". Received, "\n" and "\r\n" are the
--           same.
--   reply   { ok = "OK ", error = "ERR " }: how a device's lines begin; `error` may be left out.
--           Behind `ok` stands hex, behind `error` a status other than 0 in decimal. Frames have
--           the field `status` then. Default: replies look like requests.
--   max     the most payload bytes; default 65535
--
-- A line that begins otherwise is the device's log; with no prefix, so is one with anything but hex
-- digits in it. Runs of more than 16 hex digits in the log are replaced by their number, for a
-- damaged line or a console's echo may be a payload. Spaces around the hex do not matter. Lines
-- have no check. Behind a prefix an empty payload can be sent, without one it cannot.

local common = require "jig.framing.common"
local segments = require "jig.framing.segments"
local hex = require "jig.hex"

local NAME <const> = "line"

-- Lines of log may be this long even where frames are shorter.
local LINE <const> = 1024

-- The most hex digits in a row that stay in the log: those of an EUI-64.
local DIGITS <const> = 16

local rules = {
  prefix = { type = "string", default = "" },
  upper = { type = "boolean", default = false },
  ending = { among = { "\n", "\r\n", "\r" }, default = "\n" },
  reply = { type = "table" },
  max = common.max_rule,
}

local reply_rules = {
  ok = { type = "string", required = true },
  error = { type = "string" },
}

local function trim(text)
  local first = text:find("%S")
  if not first then return "" end
  local last = #text
  while text:find("^%s", last) do last = last - 1 end
  return text:sub(first, last)
end

-- The rest of a line behind `start`, whose last spaces may be missing at the line's end.
local function behind(line, start)
  if line:sub(1, #start) == start then return trim(line:sub(#start + 1)) end
  if start ~= "" and line == trim(start) then return "" end
end

-- Why text is no hex; nil when it is log.
local function hex_fault(form, text)
  local other = text:find("%X")
  if not other then return ("%d hex digits, an odd number"):format(#text) end
  -- Without a mark that says "frame", only digits make one.
  if form.hex == "" then return nil end
  return ("no hex digit at character %d"):format(other)
end

local function read_hex(form, digits, max)
  local payload = hex.decode(digits)
  if not payload then return nil, hex_fault(form, digits) end
  if payload == "" and form.hex == "" then return nil end
  if #payload > max then
    return nil, ("%d bytes of payload, at most %d"):format(#payload, max)
  end
  return { payload = payload, status = form.has_status and 0 or nil }
end

local function read_status(text)
  local status = text:find("^%d+$") and math.tointeger(tonumber(text))
  if not status or status == 0 then return nil, "an error without a status in decimal" end
  return { payload = "", status = status }
end

-- Gives the function that reads a line.
local function reader(form, max)
  return function(bytes)
    local line = trim(bytes)
    local digits, status = behind(line, form.hex), form.error and behind(line, form.error)
    -- Where one mark begins with the other, the longer one counts.
    if status and not (digits and #form.hex > #form.error) then return read_status(status) end
    if digits then return read_hex(form, digits, max) end
  end
end

-- Gives the function that says what is logged of a line that is no frame, or of its beginning.
local function logger(read)
  return function(bytes, ended)
    local frame, why = read(bytes)
    if frame or why then return nil end
    local text = bytes:gsub("%x+", function(run)
      if #run > DIGITS then return ("[%d hex digits]"):format(#run) end
    end)
    return ended and text .. "\n" or text
  end
end

local function encode_status(form, frame)
  local status = common.integer(frame.status)
  if not status or status < 0 then
    common.misuse(NAME, "status: expected an integer from 0 on, got %s", tostring(frame.status))
  end
  if status == 0 then return nil end
  if not form.error then common.misuse(NAME, "status: replies have no mark for an error") end
  if frame.payload ~= "" then common.misuse(NAME, "payload: none fits a status other than 0") end
  return form.error .. status
end

-- Gives the encoder of one direction.
local function encoder(options, form)
  return function(frame)
    local payload = common.payload(NAME, frame, options.max, form.has_status)
    local failure = form.has_status and encode_status(form, frame)
    if failure then return failure .. options.ending end
    if payload == "" and form.hex == "" then
      common.misuse(NAME, "payload: empty, which makes no frame")
    end
    local digits = hex.encode(payload)
    return form.hex .. (options.upper and digits:upper() or digits) .. options.ending
  end
end

-- Checks what stands before hex or a status: it must be found again at the beginning of a line.
local function check_mark(key, mark)
  if mark:find("[\r\n]") or mark:find("^%s") then
    common.misuse(NAME, "%s: %q has a line end in it or begins with a space", key, mark)
  end
  if mark:find("^%x") and not mark:find("[^%x%s]") then
    common.misuse(NAME, "%s: %q reads as hex itself", key, mark)
  end
end

-- How the lines of both directions begin.
local function forms(options)
  check_mark("prefix", options.prefix)
  local request = { hex = options.prefix }
  if not options.reply then return request, request end
  local marks = common.options(NAME .. ": reply", reply_rules, options.reply)
  check_mark("reply.ok", marks.ok)
  check_mark("reply.error", marks.error or "!")
  if marks.error == "" or marks.error == marks.ok then
    common.misuse(NAME, "reply.error: %q does not tell an error from success", marks.error)
  end
  return request, {
    hex = marks.ok, error = marks.error, has_status = true, sample = { status = 0 },
  }
end

--- Makes the framing.
---@param options table  see above
---@return table  host, device, max and traits of a jig.Framing
local function build(options)
  local request, reply = forms(options)
  local limit = 2 * options.max + math.max(#request.hex, #reply.hex, #(reply.error or "")) + 32
  local host, device = common.ends(request, reply, function(out)
    return encoder(options, out)
  end, function(back)
    local read = reader(back, options.max)
    return segments.decoder {
      delimiter = options.ending:sub(-1),
      limit = math.max(limit, LINE),
      limit_text = ("no line of at most %d bytes of payload"):format(options.max),
      read = read,
      text = logger(read),
    }
  end)
  return { host = host, device = device, max = options.max, traits = {
    resync = true,
    check = false,
    empty = request.hex ~= "" and reply.hex ~= "",
  } }
end

return common.module(NAME, rules, build)
