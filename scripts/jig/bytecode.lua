--- Reads a dumped function piece by piece, as ldump.c of Lua 5.4 writes it: for scripts/embed.lua, which takes
-- names out at build time, and jig.lines.

---@class jig.Bytecode
---@field code string
---@field at integer  the next byte
local Reader = {}
Reader.__index = Reader

--- How a dump begins: 5.4, instructions of 4 bytes, numbers of 8.
Reader.HEADER = "\27Lua\x54\0\x19\x93\r\n\x1a\n\4\8\8"

-- Where the first function stands: behind two numbers, and how many upvalues the chunk has.
local FIRST <const> = #Reader.HEADER + 8 + 8 + 1 + 1

-- The bytes of each type of constant that is a number; and which are strings.
local NUMBER <const> = { [0x03] = 8, [0x13] = 8 }
local STRING <const> = { [0x04] = true, [0x14] = true }

--- A kind of reader, to which its owner adds what it makes of a function. Gives the kind, and what makes one for
-- a dump, at its first function.
---@return table kind, fun(code: string): jig.Bytecode
function Reader.kind()
  local kind = setmetatable({}, Reader)
  kind.__index = kind
  return kind, function(code) return setmetatable({ code = code, at = FIRST }, kind) end
end

function Reader:skip(n) self.at = self.at + n end

function Reader:byte()
  self.at = self.at + 1
  return self.code:byte(self.at - 1)
end

-- Seven bits a byte, the highest first; the last byte has its top bit set.
function Reader:int()
  local value = 0
  while true do
    local byte = self:byte()
    value = value << 7 | byte & 0x7f
    if byte & 0x80 ~= 0 then return value end
  end
end

function Reader:string()
  local size = self:int() -- of a string and one more; 0 = none
  if size > 0 then self:skip(size - 1) end
end

function Reader:constants()
  for _ = 1, self:int() do
    local kind = self:byte()
    if STRING[kind] then self:string() else self:skip(NUMBER[kind] or 0) end
  end
end

-- Local variables with the instructions between which they live, and upvalues.
function Reader:names()
  for _ = 1, self:int() do
    self:string()
    self:int()
    self:int()
  end
  for _ = 1, self:int() do self:string() end
end

return Reader
