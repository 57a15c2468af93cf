--- Tables that the bytes of an input change: for targets that read what Lua files say.

local values = {}

local DEEP <const>, EDITS <const> = 6, 12

local PLAIN <const> = {
  true, false, 0, 1, -1, 2, 7, 255, 256, 65536, 0x7fffffff, 0x80000000, -0x80000000, math.maxinteger, math.mininteger,
  0.5, 1.5, -0.5, -0.0, 1e18, 1e300, math.huge, -math.huge, 0 / 0, "", "\0", "\xff\xfe", "%s%d%f%b", "[", "a.b[c]",
  ("x"):rep(300), function() end, coroutine.create(function() end),
}

---@class fuzz.Bytes
---@field bytes string
---@field at integer
local Bytes = {}
Bytes.__index = Bytes

--- The next byte; 0 behind the last.
function Bytes:byte()
  self.at = self.at + 1
  return self.bytes:byte(self.at - 1) or 0
end

function Bytes:text(size)
  self.at = self.at + size
  return self.bytes:sub(self.at - size, self.at - 1)
end

function Bytes:left()
  return self.at <= #self.bytes
end

-- A key; words are those that mean something.
function Bytes:key(words)
  local kind = self:byte()
  if kind < 160 then return words[1 + kind % #words] end
  if kind < 200 then return kind - 180 end
  if kind < 230 then return self:text(kind % 8) end
  local plain = PLAIN[1 + kind % #PLAIN]
  return plain == plain and plain or 1.5 -- NaN is no key
end

--- A value of any kind.
---@param words string[]
---@param depth? integer
function Bytes:value(words, depth)
  depth = depth or 0
  local kind = self:byte()
  if kind < 80 then return PLAIN[1 + kind % #PLAIN] end
  if kind < 120 then return words[1 + kind % #words] end
  if kind < 160 then return self:text(kind % 20) end
  if kind < 180 then return kind - 170 end
  if kind < 190 then return self:byte() << 8 * (kind - 180) end
  if kind < 200 or depth > DEEP then return nil end
  local made = {}
  for i = 1, kind % 4 do
    local key = kind % 2 == 0 and i or self:key(words)
    made[key] = self:value(words, depth + 1)
  end
  if kind > 248 then setmetatable(made, { __index = {}, __tostring = function() return "x" end }) end
  return made
end

local function sorted(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

--- A reader of bytes.
---@param bytes string
---@return fuzz.Bytes
function values.bytes(bytes)
  return setmetatable({ bytes = bytes, at = 1 }, Bytes)
end

--- A copy without metatables.
function values.copy(t)
  if type(t) ~= "table" then return t end
  local made = {}
  for key, value in pairs(t) do made[key] = values.copy(value) end
  return made
end

-- Changes what a few bytes lead to.
local function edit(t, bytes, words)
  for _ = 1, DEEP do
    local keys, choice = sorted(t), bytes:byte()
    local key = keys[1 + choice % 32]
    if key == nil then key = bytes:key(words) end
    if choice < 128 or type(t[key]) ~= "table" then
      t[key] = bytes:value(words)
      return
    end
    t = t[key]
  end
end

--- Changes a table as the bytes say, at any depth.
---@param t table
---@param bytes fuzz.Bytes
---@param words string[]
function values.edit(t, bytes, words)
  for _ = 1, EDITS do
    if not bytes:left() then return t end
    edit(t, bytes, words)
  end
  return t
end

return values
