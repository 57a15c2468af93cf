--- Reads udev rules: lines of `KEY{attribute} OPERATOR "value"`, with commas between them (udev(7)).

local grammar = {}

---@class jig.UdevPart
---@field key string         "ATTR", "GROUP"
---@field attribute? string  of ATTR{idVendor}
---@field operator string    "==" and "!=" compare, others assign
---@field value string

local OPERATORS <const> = {}
for operator in ("== != = += -= :="):gmatch("%S+") do OPERATORS[operator] = true end

-- The lines that rules are, without comments; one that ends in "\" goes on.
local function lines_of(text)
  local list, begun, number, first = {}, "", 0, nil
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    if not line:find("^%s*#") then
      first = first or number
      local more = line:match("^(.*)\\$")
      begun = begun .. (more or line)
      if not more then
        if begun:find("%S") then list[#list + 1] = { number = first, text = begun } end
        begun, first = "", nil
      end
    end
  end
  return list
end

-- Where the value that begins behind a quotation mark ends.
local function value_at(text, at)
  local value = {}
  while at <= #text do
    local c = text:sub(at, at)
    if c == '"' then return table.concat(value), at + 1 end
    if c == "\\" and text:sub(at + 1, at + 1) == '"' then c, at = '"', at + 1 end
    value[#value + 1] = c
    at = at + 1
  end
end

-- One `KEY{attribute} OPERATOR "value"` at a place: the part and where the next begins; nil when there is none.
local function part_at(text, at)
  local key, attribute, operator, quote, behind =
    text:match('^[%s,]*([%u_]+)(%b{})%s*([=!+:%-]+)%s*([ei]?)"()', at)
  if not key then
    key, operator, quote, behind = text:match('^[%s,]*([%u_]+)%s*([=!+:%-]+)%s*([ei]?)"()', at)
  end
  if not key or not OPERATORS[operator] then return nil end
  local value, next_at = value_at(text, behind)
  if not value then return nil end
  return { key = key, attribute = attribute and attribute:sub(2, -2), operator = operator, value = value,
    quote = quote }, next_at
end

local function parts_of(text)
  local parts, at = {}, 1
  while not text:find("^[%s,]*$", at) do
    local part, next_at = part_at(text, at)
    if not part then return nil, text:sub(at):match("^[%s,]*(.*)$") end
    parts[#parts + 1], at = part, next_at
  end
  return parts
end

--- The rules of a text. What is none is told by its line, and left out. Does not yield.
---@param text string
---@return jig.UdevPart[][] rules, string[] mistakes
function grammar.read(text)
  local rules, mistakes = {}, {}
  for _, line in ipairs(lines_of(text)) do
    local parts, rest = parts_of(line.text)
    if parts then
      rules[#rules + 1] = parts
    else
      mistakes[#mistakes + 1] = ("line %d: %s"):format(line.number, rest)
    end
  end
  return rules, mistakes
end

-- Names under which a rule asks for the two numbers.
local NAMES <const> = {
  vid = { ["ATTR idVendor"] = true, ["ATTRS idVendor"] = true, ["ENV ID_VENDOR_ID"] = true },
  pid = { ["ATTR idProduct"] = true, ["ATTRS idProduct"] = true, ["ENV ID_MODEL_ID"] = true },
}

-- Whether a value, which may be some with "|" between them or have "*" and "?", is that number.
local function fits(pattern, number)
  local text = ("%04x"):format(number)
  for one in pattern:lower():gmatch("[^|]+") do
    local as_lua = one:gsub("[%^%$%(%)%%%.%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
    local ok, found = pcall(string.find, text, "^" .. as_lua .. "$")
    if ok and found then return true end
  end
  return false
end

--- Whether a rule is for the device with these numbers, and says so by number.
---@param rule jig.UdevPart[]
---@param vid integer
---@param pid? integer  nil: any
---@return boolean
function grammar.is_for(rule, vid, pid)
  local named = false
  for _, part in ipairs(rule) do
    local name = part.key .. " " .. (part.attribute or "")
    if part.operator == "==" and NAMES.vid[name] then
      if not fits(part.value, vid) then return false end
      named = true
    elseif part.operator == "==" and NAMES.pid[name] and not (pid and fits(part.value, pid)) then
      return false
    end
  end
  return named
end

--- What a rule gives the device: its group, its mode, and whether who sits at the screen may use it.
---@param rule jig.UdevPart[]
---@return { group?: string, mode?: integer, seat?: boolean }
function grammar.given(rule)
  local given = {}
  for _, part in ipairs(rule) do
    if part.operator ~= "==" and part.operator ~= "!=" then
      if part.key == "GROUP" then given.group = part.value end
      if part.key == "MODE" then given.mode = tonumber(part.value, 8) end
      if part.key == "TAG" and part.value == "uaccess" then given.seat = true end
    end
  end
  return given
end

return grammar
