--- Looks for bytes that must not be seen, in whatever way a program may have written them: as they are, in
-- hex (either case, with or without separators), in base64, escaped (\ddd, \xNN, \u00NN, \u{NN}), or as the
-- characters of these numbers in UTF-8.
--
--     local known = secrets.windows { response, payload }
--     assert.is_nil(secrets.find(known, result.stdout))
--
-- A message is found by any 8 bytes in a row. Rather than writing the messages in each way, the text is read
-- in each way.

local secrets = {}

local WINDOW <const> = 8

--- All pieces of WINDOW bytes of the messages that are longer than that.
---@param messages string[]
---@return table<string, integer> windows  piece -> number of its message
function secrets.windows(messages)
  local windows = {}
  for number, message in ipairs(messages) do
    for at = 1, #message > WINDOW and #message - WINDOW + 1 or 0 do
      windows[message:sub(at, at + WINDOW - 1)] = number
    end
  end
  return windows
end

local ESCAPES <const> = { n = "\n", r = "\r", t = "\t", b = "\b", f = "\f", a = "\a", v = "\v" }

local function character(base)
  return function(digits)
    local code = tonumber(digits, base)
    return code < 256 and string.char(code) or "?"
  end
end

-- A backslash that comes out of one kind of escape may be taken for the beginning of the next kind: that
-- hides a window, not a message.
local function unescaped(text)
  text = text:gsub("\\u{0*(%x+)}", character(16)):gsub("\\u(%x%x%x%x)", character(16))
  text = text:gsub("\\x(%x%x)", character(16)):gsub("\\(%d%d?%d?)", character(10))
  return (text:gsub("\\(.)", function(letter) return ESCAPES[letter] or letter end))
end

local function from_utf8(text)
  return (text:gsub("([\xc2\xc3])([\x80-\xbf])", function(lead, trail)
    return string.char((lead:byte() & 3) << 6 | trail:byte() & 0x3f)
  end))
end

local function from_hex(digits)
  return (digits:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

local VALUES <const> = {}
for at = 0, 63 do
  VALUES[("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):sub(at + 1, at + 1)] = at
end
VALUES["-"], VALUES["_"] = 62, 63

local function from_base64(text)
  return (text:gsub("(.)(.)(.)(.)", function(a, b, c, d)
    local bits = VALUES[a] << 18 | VALUES[b] << 12 | VALUES[c] << 6 | VALUES[d]
    return string.char(bits >> 16, bits >> 8 & 255, bits & 255)
  end))
end

local function search(windows, bytes)
  for at = 1, #bytes - WINDOW + 1 do
    local number = windows[bytes:sub(at, at + WINDOW - 1)]
    if number then return number end
  end
end

-- Each run of characters that could be digits of a code, decoded from each place where a group may begin.
local function search_runs(windows, text, class, shortest, group, decode)
  for run in text:gmatch(class .. "+") do
    for skip = 0, #run >= shortest and group - 1 or -1 do
      local number = search(windows, decode(run:sub(skip + 1) .. ("A"):rep(group - 1)))
      if number then return number end
    end
  end
end

--- Looks for a message in a text.
---@param windows table<string, integer>
---@param text string
---@return integer|nil number  of the message that was found
---@return string? how
function secrets.find(windows, text)
  local plain = unescaped(text)
  local joined = text:gsub("0x", ""):gsub("\\x", ""):gsub("[%s:,;%-|]", "")
  local seen = {}
  for how, view in pairs { raw = text, escaped = plain, utf8 = from_utf8(text), ["escaped utf8"] = from_utf8(plain) } do
    local number = not seen[view] and search(windows, view)
    if number then return number, how end
    seen[view] = true
  end
  for how, view in pairs { hex = text, ["separated hex"] = joined } do
    local number = search_runs(windows, view, "%x", 2 * WINDOW, 2, from_hex)
    if number then return number, how end
  end
  for how, view in pairs { base64 = text, ["wrapped base64"] = text:gsub("\n", "") } do
    local number = search_runs(windows, view, "[%w+/_%-]", 11, 4, from_base64)
    if number then return number, how end
  end
end

return secrets
