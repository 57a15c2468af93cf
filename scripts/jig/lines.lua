--- Which lines of a Lua file can run: those of instructions that can be reached, in all its functions, called
-- or not. For `jig test --coverage`.
--
-- Lua itself tells lines of functions that exist only; so the file is compiled and its bytecode read, as
-- ldump.c of Lua 5.4 writes it. Instructions that nothing leads to do not count: each function ends with one
-- that returns, on the line of its `end`, which is never reached behind a `return` of the function's own.

local lines = {}

-- ---- reading: strings, numbers and lists of a dumped function ----

local HEADER <const> = "\27Lua\x54\0\x19\x93\r\n\x1a\n\4\8\8" -- 5.4: instructions of 4 bytes, numbers of 8
local FIRST <const> = #HEADER + 8 + 8 + 1 + 1 -- behind two numbers, and how many upvalues the chunk has

-- The bytes of each type of constant that is a number; and which are strings.
local NUMBER <const> = { [0x03] = 8, [0x13] = 8 }
local STRING <const> = { [0x04] = true, [0x14] = true }

local Reader = {}
Reader.__index = Reader

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

function Reader:instructions()
  local list = {}
  for pc = 0, self:int() - 1 do
    list[pc] = string.unpack("=I4", self.code, self.at)
    self:skip(4)
  end
  return list
end

function Reader:constants()
  for _ = 1, self:int() do
    local kind = self:byte()
    if STRING[kind] then self:string() else self:skip(NUMBER[kind] or 0) end
  end
end

local ABSOLUTE <const> = -128 -- the line of this instruction stands in the other list

-- pc -> line, from the differences to the instruction before, and lines in full here and there.
function Reader:lines(first)
  local differences, absolute, list = {}, {}, {}
  for pc = 0, self:int() - 1 do
    differences[pc] = string.unpack("b", self.code, self.at)
    self:skip(1)
  end
  for _ = 1, self:int() do
    local pc = self:int()
    absolute[pc] = self:int()
  end
  local line = first
  for pc = 0, #differences do
    local difference = differences[pc]
    if difference then line = difference == ABSOLUTE and absolute[pc] or line + difference end
    list[pc] = line
  end
  return list
end

-- ---- what can be reached ----

local JMP <const>, LFALSESKIP <const>, FORLOOP <const>, FORPREP <const> = 56, 6, 73, 74
local TFORPREP <const>, TFORLOOP <const>, VARARGPREP <const> = 75, 77, 81

-- Conditions, which skip the jump that follows; and what leaves the function.
local function is_condition(op) return op >= 57 and op <= 67 end
local function is_return(op) return op >= 69 and op <= 72 end

-- Where it goes on behind the instruction at pc: one place, or two, or none.
local function successors(instruction, pc)
  local op, bx = instruction & 0x7f, instruction >> 15
  if op == JMP then return pc + 1 + (instruction >> 7) - 0xffffff end
  if op == LFALSESKIP then return pc + 2 end
  if op == TFORPREP then return pc + 1 + bx end
  if op == FORLOOP or op == TFORLOOP then return pc + 1, pc + 1 - bx end
  if op == FORPREP then return pc + 1, pc + 2 + bx end
  if is_condition(op) then return pc + 1, pc + 2 end
  if not is_return(op) then return pc + 1 end
end

local function reached(instructions)
  local seen, open = {}, { 0 }
  while #open > 0 do
    local pc = table.remove(open)
    if not seen[pc] and instructions[pc] then
      seen[pc] = true
      local first, second = successors(instructions[pc], pc)
      open[#open + 1] = first
      open[#open + 1] = second
    end
  end
  return seen
end

-- ---- functions ----

function Reader:func(found)
  self:string() -- source
  local first = self:int()
  self:int() -- last line
  self:skip(3)
  local instructions = self:instructions()
  self:constants()
  self:skip(3 * self:int()) -- upvalues
  for _ = 1, self:int() do self:func(found) end
  local at = self:lines(first)
  for pc in pairs(reached(instructions)) do
    if instructions[pc] & 0x7f ~= VARARGPREP then found[at[pc]] = true end -- which calls no hook
  end
  for _ = 1, self:int() do -- local variables, with the instructions between which they live
    self:string()
    self:int()
    self:int()
  end
  for _ = 1, self:int() do self:string() end -- names of upvalues
end

--- The lines of a file's text that can run, as a set. nil, message when it cannot be compiled.
---@param text string
---@param name? string  of the file, for messages
---@return table<integer, true>|nil, string?
function lines.of(text, name)
  local chunk, message = load(text:gsub("^#[^\n]*", ""), "@" .. (name or "?"), "t")
  if not chunk then return nil, message end
  local code = string.dump(chunk)
  assert(code:sub(1, #HEADER) == HEADER, "the bytecode is not that of Lua 5.4")
  local found = {}
  local reader = setmetatable({ code = code, at = FIRST }, Reader)
  reader:func(found)
  assert(reader.at == #code + 1, "the bytecode is not as expected")
  return found
end

return lines
