--- Which lines of a Lua file can run: those of instructions that can be reached, in all its functions, called
-- or not. For `jig test --coverage`.
--
-- Lua itself tells lines of functions that exist only; so the file is compiled and its bytecode read.
-- Instructions that nothing leads to do not count: each function ends with one that returns, on the line of its
-- `end`, which is never reached behind a `return` of the function's own.

local bytecode = require "jig.bytecode"

local lines = {}

local Reader, reader_of = bytecode.kind()

function Reader:instructions()
  local list = {}
  for pc = 0, self:int() - 1 do
    list[pc] = string.unpack("=I4", self.code, self.at)
    self:skip(4)
  end
  return list
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
  self:names()
end

--- The lines of a file's text that can run, as a set. nil, message when it cannot be compiled.
---@param text string
---@param name? string  of the file, for messages
---@return table<integer, true>|nil, string?
function lines.of(text, name)
  local chunk, message = load(text:gsub("^#[^\n]*", ""), "@" .. (name or "?"), "t")
  if not chunk then return nil, message end
  local code = string.dump(chunk)
  assert(code:sub(1, #bytecode.HEADER) == bytecode.HEADER, "the bytecode is not that of Lua 5.4")
  local found = {}
  local reader = reader_of(code)
  reader:func(found)
  assert(reader.at == #code + 1, "the bytecode is not as expected")
  return found
end

return lines
