--- Looks for a known secret in bytes of any kind: text, files, the memory of a process. Each form in which a program
-- may have written it is made once and looked for as it stands, so that megabytes take no time.
--
--     assert.is_nil(canary.find(result.stderr, secret))
--     assert.same({}, assert(canary.memory(pid, secret)))
--
-- A secret is some 8 bytes or more: the forms of a shorter one stand in memory by chance. spec.support.secrets finds
-- any part of a message, and only in text; this here finds all of a secret, and in anything.

local canary = {}

local DIGITS <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- The characters of base64 that a secret alone decides when `before` bytes (0 to 2) stand before it in a group.
local function base64(bytes, before)
  local padded, out = ("\0"):rep(before) .. bytes, {}
  for at = 1, #padded, 3 do
    local number = string.unpack(">I3", padded .. "\0\0", at)
    for shift = 18, 0, -6 do
      local digit = (number >> shift & 63) + 1
      out[#out + 1] = DIGITS:sub(digit, digit)
    end
  end
  local first, last = (8 * before + 5) // 6 + 1, 8 * #padded // 6
  return table.concat(out, "", first, last)
end

local function each(bytes, format)
  return (bytes:gsub(".", function(c) return format:format(c:byte()) end))
end

local function odd(bytes, format)
  return (bytes:gsub('[^\32-\126]', function(c) return format:format(c:byte()) end))
end

-- The same without what stands between two bytes only.
local function joined(bytes, format, between)
  return each(bytes, format .. between):sub(1, -#between - 1)
end

local function latin1(bytes)
  return (bytes:gsub(".", function(c) return utf8.char(c:byte()) end))
end

local JSON <const> = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b",
  ["\f"] = "\\f", ["/"] = "\\/" }

-- As a JSON encoder writes it: one that leaves what is no UTF-8 as it is.
local function json(bytes, pattern)
  return (bytes:gsub(pattern, function(c) return JSON[c] or ("\\u%04x"):format(c:byte()) end))
end

local MAKERS <const> = {
  { "raw", function(b) return b end },
  { "hex", function(b) return each(b, "%02x") end },
  { "HEX", function(b) return each(b, "%02X") end },
  { "hex, spaced", function(b) return joined(b, "%02x", " ") end },
  { "HEX, spaced", function(b) return joined(b, "%02X", " ") end },
  { "hex, colons", function(b) return joined(b, "%02x", ":") end },
  { "HEX, colons", function(b) return joined(b, "%02X", ":") end },
  { "hex, 0x", function(b) return joined(b, "0x%02x", ", ") end },
  { "base64", function(b) return base64(b, 0) end },
  { "base64, 1 before", function(b) return base64(b, 1) end },
  { "base64, 2 before", function(b) return base64(b, 2) end },
  { "base64url", function(b) return (base64(b, 0):gsub("[+/]", { ["+"] = "-", ["/"] = "_" })) end },
  { "base64url, 1 before", function(b) return (base64(b, 1):gsub("[+/]", { ["+"] = "-", ["/"] = "_" })) end },
  { "base64url, 2 before", function(b) return (base64(b, 2):gsub("[+/]", { ["+"] = "-", ["/"] = "_" })) end },
  { "\\x", function(b) return each(b, "\\x%02x") end },
  { "\\X", function(b) return each(b, "\\x%02X") end },
  { "\\x, odd ones", function(b) return odd(b, "\\x%02x") end },
  { "\\X, odd ones", function(b) return odd(b, "\\x%02X") end },
  { "\\ddd", function(b) return each(b, "\\%03d") end },
  { "\\ddd, odd ones", function(b) return odd(b, "\\%03d") end },
  { "\\d", function(b) return each(b, "\\%d") end },
  { "\\d, odd ones", function(b) return odd(b, "\\%d") end },
  { "octal", function(b) return each(b, "\\%03o") end },
  { "octal, odd ones", function(b) return odd(b, "\\%03o") end },
  { "%q", function(b) return ("%q"):format(b):sub(2, -2) end },
  { "\\u", function(b) return each(b, "\\u%04x") end },
  { "\\U", function(b) return each(b, "\\u%04X") end },
  { "\\u, odd ones", function(b) return odd(b, "\\u%04x") end },
  { "\\U, odd ones", function(b) return odd(b, "\\u%04X") end },
  { "JSON", function(b) return json(b, '[%c"\\]') end },
  { "JSON, ASCII", function(b) return json(b, '[^\32\33\35-\91\93-\126]') end },
  { "JSON, slashes", function(b) return json(b, '[%c"\\/\127]') end },
  { "%", function(b) return each(b, "%%%02X") end },
  { "%, odd ones", function(b) return (b:gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end)) end },
  { "UTF-8", latin1 },
}

local made = {}

--- Each form in which a program may write these bytes, once; the bytes as they are come first.
---@param bytes string
---@return { name: string, bytes: string }[]
function canary.forms(bytes)
  if made[bytes] then return made[bytes] end
  local forms, known = {}, {}
  for _, maker in ipairs(MAKERS) do
    local text = maker[2](bytes)
    if not known[text] then forms[#forms + 1] = { name = maker[1], bytes = text } end
    known[text] = true
  end
  made[bytes] = forms
  return forms
end

--- Looks for the bytes in each form.
---@param haystack string
---@param needle string
---@return string|nil form  the name of the first form that stands there
---@return integer? offset  where: 1 is the first byte
function canary.find(haystack, needle)
  for _, form in ipairs(canary.forms(needle)) do
    local at = haystack:find(form.bytes, 1, true)
    if at then return form.name, at end
  end
end

-- Bytes that are read of a process at once.
local PIECE <const> = 4 << 20

-- The readable private mappings of a process: { first, size, name }.
local function mappings(pid)
  local file, message = io.open(("/proc/%d/maps"):format(pid), "rb")
  local text = file and file:read("a")
  if file then file:close() end
  if not text or text == "" then return nil, message or "the process has ended" end
  local list = {}
  for line in text:gmatch("[^\n]+") do
    local from, to, flags, name = line:match("^(%x+)%-(%x+) (%S+) %S+ %S+ %S+%s*(.*)$")
    if from and flags:find("^r..p") and name ~= "[vvar]" and name ~= "[vsyscall]" then
      local first = tonumber(from, 16)
      list[#list + 1] = { first = first, size = tonumber(to, 16) - first, name = name }
    end
  end
  return list
end

local function longest(forms)
  local most = 0
  for _, form in ipairs(forms) do most = math.max(most, #form.bytes) end
  return most
end

-- Adds the forms that stand in a mapping; gives how many of its bytes could be read.
local function search(memory, mapping, needle, hits)
  local before, read, overlap = "", 0, longest(canary.forms(needle)) - 1
  while read < mapping.size do
    memory:seek("set", mapping.first + read)
    local piece = memory:read(math.min(PIECE, mapping.size - read))
    if not piece or piece == "" then break end
    local text = before .. piece
    for _, form in ipairs(canary.forms(needle)) do
      local at = text:find(form.bytes, 1, true)
      if at then
        hits[#hits + 1] = ("%s at %x in %s"):format(form.name, mapping.first + read - #before + at - 1, mapping.name)
      end
    end
    read, before = read + #piece, text:sub(-overlap)
  end
  return read
end

--- Looks for the bytes, in each form, in the memory of a process that goes on meanwhile: in all that it may read and
-- does not share. Needs the right to trace it: for a process that may not be dumped, root's.
---@param pid integer
---@param needle string
---@return string[]|nil hits  what stands where; empty when it is nowhere; nil when the memory cannot be read
---@return integer|string bytes  that were looked at; or why it cannot be read
function canary.memory(pid, needle)
  local list, message = mappings(pid)
  if not list then return nil, message end
  local memory, refused = io.open(("/proc/%d/mem"):format(pid), "rb")
  if not memory then return nil, refused end
  memory:setvbuf("no")
  local hits, bytes = {}, 0
  for _, mapping in ipairs(list) do bytes = bytes + search(memory, mapping, needle, hits) end
  memory:close()
  if bytes == 0 then return nil, "no byte of the process's memory can be read" end
  return hits, bytes
end

return canary
