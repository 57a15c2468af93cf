--- The text of addresses (core/address.h): options that are added to one, or stand in it in place of others.

local address = {}

--- A value as it stands in an address.
---@param text string
---@return string
function address.encode(text)
  return (text:gsub("[^%w%-%._~/:]", function(c) return ("%%%02X"):format(c:byte()) end))
end

--- The address with these options behind its own.
---@param text string
---@param options { [1]: string, [2]: string }[]
---@return string
function address.add(text, options)
  for _, option in ipairs(options) do
    local mark = text:find("?", 1, true) and "&" or "?"
    text = text .. mark .. address.encode(option[1]) .. "=" .. address.encode(option[2])
  end
  return text
end

-- Options that are hexadecimal there, with so many digits.
local DIGITS <const> = { vid = "%04x", pid = "%04x", read = "%02x", write = "%02x" }

local function value_text(key, value)
  local format = math.type(value) == "integer" and DIGITS[key]
  return format and format:format(value) or tostring(value)
end

-- What an address wraps another in, and that other; its two numbers are options as well where it is one of usb.
local function split(text)
  local outer, inner = text:match("^(fault:[^:]*:)(.*)$")
  if outer then
    local more, rest, query = split(inner)
    return outer .. more, rest, query
  end
  local body, query = text:match("^([^?]*)%??(.*)$")
  local vid, pid = body:match("^usb:(%x+):(%x+)$")
  if not vid then return "", body, query end
  return "", "usb:", ("vid=%s&pid=%s%s"):format(vid, pid, query ~= "" and "&" .. query or "")
end

--- The address with other options: each stands in place of its own one of that name, or behind all of them.
--
--     address.with("usb:1209:5740?path=1-2", { pid = 0x5742 })   -- usb:?vid=1209&pid=5742&path=1-2
---@param text string
---@param options table<string, string|integer|boolean>  numbers of devices and endpoints as integers
---@return string
function address.with(text, options)
  local outer, body, query = split(text)
  local kept, wanted = {}, {}
  for part in query:gmatch("[^&]+") do
    local key = part:match("^[^=]*")
    if options[key] == nil then kept[#kept + 1] = part end
  end
  for key, value in pairs(options) do wanted[#wanted + 1] = { key, value_text(key, value) } end
  table.sort(wanted, function(a, b) return a[1] < b[1] end)
  local base = outer .. body .. (#kept > 0 and "?" .. table.concat(kept, "&") or "")
  return address.add(base, wanted)
end

--- Whether who opens an address runs a program that it names. That is for the station to say, and for no recipe.
---@param text string
---@return boolean
function address.runs_program(text)
  local inner = text:match "^fault:[^:]*:(.*)$"
  if inner then return address.runs_program(inner) end
  return text:find "^exec:[^?]" ~= nil
end

--- Whether an address says anything of an option.
---@param text string
---@param key string
---@return boolean
function address.has(text, key)
  local _, _, query = split(text)
  return ("&" .. query):find("&" .. key .. "=", 1, true) ~= nil
end

return address
