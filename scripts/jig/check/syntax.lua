--- Reads Lua 5.4 into a tree in which every name knows its variable. For text that load() has taken.
--
-- A node is a table with `tag` and `line`:
--
--   name { name, var? }              without var it is a global
--   index { of, key }                a.b and a[b]
--   call { of, args, last }          last: the line of its last token
--   method { of, name, args, last }  a:b()
--   string, number { value }         true, false, nil, vararg
--   function { params, varargs, body, last }
--   table { items, last }            items: { key?, value, line }
--   binary { op, left, right }, unary { op, operand }
--   local { vars, values }, assign { targets, values }, return { values }, block { … }; and the other statements,
--   whose parts stand in the array
--
-- A variable has `name`, `line`, `value` (the expression that it begins with), `attribute`, and `written`: how often
-- it is given another value. A parameter has `of`, its function, and `place` in its list.

local tokens = require "jig.check.tokens"

---@class jig.check.Variable
---@field name string
---@field line integer
---@field value? jig.check.Node
---@field attribute? string
---@field written integer
---@field of? jig.check.Node
---@field place? integer

---@class jig.check.Node
---@field tag string
---@field line integer

---@class jig.check.Parser
---@field tokens jig.check.Token[]
---@field at integer
---@field scopes table<string, jig.check.Variable>[]
local Parser = {}
Parser.__index = Parser

local syntax = {}

-- ---- tokens ----

function Parser:peek() return self.tokens[self.at] end

function Parser:next()
  self.at = self.at + 1
  return self.tokens[self.at - 1]
end

-- Whether a mark comes next.
function Parser:is(mark)
  local token = self:peek()
  return token.kind == "mark" and token.value == mark
end

-- Takes a mark if it comes next.
function Parser:take(mark)
  if not self:is(mark) then return false end
  self.at = self.at + 1
  return true
end

-- ---- scopes ----

function Parser:open() self.scopes[#self.scopes + 1] = {} end

function Parser:close() self.scopes[#self.scopes] = nil end

function Parser:declare(name, line, fields)
  local var = fields or {}
  var.name, var.line, var.written = name, line, 0
  self.scopes[#self.scopes][name] = var
  return var
end

function Parser:lookup(name)
  for i = #self.scopes, 1, -1 do
    if self.scopes[i][name] then return self.scopes[i][name] end
  end
end

function Parser:name_node(token)
  return { tag = "name", name = token.value, line = token.line, var = self:lookup(token.value) }
end

-- ---- expressions ----

local LITERALS <const> = { ["nil"] = "nil", ["true"] = "true", ["false"] = "false", ["..."] = "vararg" }

-- Operator -> its precedence to the left and to the right.
local BINARY <const> = {
  ["or"] = { 1, 1 }, ["and"] = { 2, 2 },
  ["<"] = { 3, 3 }, [">"] = { 3, 3 }, ["<="] = { 3, 3 }, [">="] = { 3, 3 }, ["~="] = { 3, 3 }, ["=="] = { 3, 3 },
  ["|"] = { 4, 4 }, ["~"] = { 5, 5 }, ["&"] = { 6, 6 }, ["<<"] = { 7, 7 }, [">>"] = { 7, 7 }, [".."] = { 9, 8 },
  ["+"] = { 10, 10 }, ["-"] = { 10, 10 }, ["*"] = { 11, 11 }, ["/"] = { 11, 11 }, ["//"] = { 11, 11 },
  ["%"] = { 11, 11 }, ["^"] = { 14, 13 },
}
local UNARY <const> = { ["not"] = true, ["-"] = true, ["#"] = true, ["~"] = true }
local UNARY_PRECEDENCE <const> = 12

function Parser:list()
  local list = { self:expression() }
  while self:take(",") do list[#list + 1] = self:expression() end
  return list
end

local function is_name_before_equals(parser)
  local after = parser.tokens[parser.at + 1]
  return parser:peek().kind == "name" and after.kind == "mark" and after.value == "="
end

function Parser:item()
  local line, key = self:peek().line, nil
  if self:take("[") then
    key = self:expression()
    self:next() -- ]
    self:next() -- =
  elseif is_name_before_equals(self) then
    key = { tag = "string", value = self:next().value, line = line }
    self:next() -- =
  end
  return { key = key, value = self:expression(), line = line }
end

function Parser:table()
  local node = { tag = "table", line = self:next().line, items = {} }
  while not self:is("}") do
    node.items[#node.items + 1] = self:item()
    if not self:take(",") then self:take(";") end
  end
  node.last = self:next().line
  return node
end

function Parser:params(node)
  self:next() -- (
  while not self:is(")") do
    local token = self:next()
    if token.kind == "name" then
      local place = #node.params + 1
      node.params[place] = self:declare(token.value, token.line, { of = node, place = place })
    else
      node.varargs = true
    end
    self:take(",")
  end
  self:next()
end

-- A function from its parameters on. With `self` it has that one, too.
function Parser:body(line, with_self)
  local node = { tag = "function", line = line, params = {} }
  self:open()
  if with_self then node.params[1] = self:declare("self", line, { of = node, place = 1 }) end
  self:params(node)
  node.body = self:block()
  node.last = self:next().line
  self:close()
  return node
end

function Parser:arguments()
  local token = self:peek()
  if token.kind == "string" then
    self:next()
    return { { tag = "string", value = token.value, line = token.line } }
  end
  if self:is("{") then return { self:table() } end
  self:next() -- (
  local args = self:is(")") and {} or self:list()
  self:next()
  return args
end

function Parser:previous_line() return self.tokens[self.at - 1].line end

local function starts_call(parser)
  return parser:peek().kind == "string" or parser:is("(") or parser:is("{")
end

function Parser:suffix(node)
  local line = self:peek().line
  if self:take(".") then
    local token = self:next()
    return { tag = "index", of = node, line = token.line, key = { tag = "string", value = token.value,
      line = token.line } }
  end
  if self:take("[") then
    local key = self:expression()
    self:next()
    return { tag = "index", of = node, key = key, line = line }
  end
  if self:take(":") then
    local token = self:next()
    local args = self:arguments()
    return { tag = "method", of = node, name = token.value, args = args, line = token.line,
      last = self:previous_line() }
  end
  if starts_call(self) then
    local args = self:arguments()
    return { tag = "call", of = node, args = args, line = line, last = self:previous_line() }
  end
end

function Parser:primary()
  local token = self:next()
  local node
  if token.kind == "name" then
    node = self:name_node(token)
  else -- (
    node = { tag = "paren", line = token.line, self:expression() }
    self:next()
  end
  local longer = self:suffix(node)
  while longer do
    node, longer = longer, self:suffix(longer)
  end
  return node
end

function Parser:simple()
  local token = self:peek()
  if token.kind == "string" or token.kind == "number" then
    self:next()
    return { tag = token.kind, value = token.value, line = token.line }
  end
  if token.kind == "mark" and LITERALS[token.value] then
    self:next()
    return { tag = LITERALS[token.value], line = token.line }
  end
  if self:is("{") then return self:table() end
  if self:take("function") then return self:body(token.line) end
  return self:primary()
end

function Parser:unary()
  local token = self:peek()
  if token.kind ~= "mark" or not UNARY[token.value] then return self:simple() end
  self:next()
  return { tag = "unary", op = token.value, operand = self:expression(UNARY_PRECEDENCE), line = token.line }
end

function Parser:expression(limit)
  local node = self:unary()
  while true do
    local token = self:peek()
    local precedence = token.kind == "mark" and BINARY[token.value]
    if not precedence or precedence[1] <= (limit or 0) then return node end
    self:next()
    node = { tag = "binary", op = token.value, left = node, right = self:expression(precedence[2]), line = token.line }
  end
end

-- ---- statements ----

local statements = {}

local function scoped_block(parser)
  parser:open()
  local block = parser:block()
  parser:close()
  return block
end

statements["if"] = function(parser, line)
  local node = { tag = "if", line = line }
  repeat
    node[#node + 1] = parser:expression()
    parser:next() -- then
    node[#node + 1] = scoped_block(parser)
  until not parser:take("elseif")
  if parser:take("else") then node[#node + 1] = scoped_block(parser) end
  parser:next()
  return node
end

statements["while"] = function(parser, line)
  local node = { tag = "while", line = line, parser:expression() }
  parser:next() -- do
  node[2] = scoped_block(parser)
  parser:next()
  return node
end

statements["do"] = function(parser, line)
  local node = { tag = "do", line = line, scoped_block(parser) }
  parser:next()
  return node
end

statements["repeat"] = function(parser, line)
  local node = { tag = "repeat", line = line }
  parser:open() -- the condition sees the variables of the block
  node[1] = parser:block()
  parser:next() -- until
  node[2] = parser:expression()
  parser:close()
  return node
end

statements["for"] = function(parser, line)
  local node, names = { tag = "for", line = line, vars = {} }, {}
  repeat names[#names + 1] = parser:next() until not parser:take(",")
  parser:next() -- = or in
  node[1] = parser:list()
  parser:next() -- do
  parser:open()
  for i, token in ipairs(names) do node.vars[i] = parser:declare(token.value, token.line) end
  node[2] = parser:block()
  parser:close()
  parser:next()
  return node
end

local function local_function(parser, line)
  local token = parser:next()
  local var = parser:declare(token.value, token.line)
  var.value = parser:body(line)
  return { tag = "local", line = line, vars = { var }, values = { var.value } }
end

local function attribute(parser)
  if not parser:take("<") then return nil end
  local word = parser:next().value
  parser:next() -- >
  return word
end

statements["local"] = function(parser, line)
  if parser:take("function") then return local_function(parser, line) end
  local names, attributes = {}, {}
  repeat
    names[#names + 1] = parser:next()
    attributes[#names] = attribute(parser)
  until not parser:take(",")
  local values = parser:take("=") and parser:list() or {}
  local node = { tag = "local", line = line, vars = {}, values = values }
  for i, token in ipairs(names) do
    node.vars[i] = parser:declare(token.value, token.line, { value = values[i], attribute = attributes[i] })
  end
  return node
end

local function mark_written(target)
  if target.tag == "name" and target.var then target.var.written = target.var.written + 1 end
end

statements["function"] = function(parser, line)
  local target, with_self = parser:name_node(parser:next()), false
  while parser:is(".") or parser:is(":") do
    with_self = parser:next().value == ":"
    local token = parser:next()
    target = { tag = "index", of = target, line = token.line, key = { tag = "string", value = token.value,
      line = token.line } }
  end
  mark_written(target)
  return { tag = "assign", line = line, targets = { target }, values = { parser:body(line, with_self) } }
end

local BLOCK_ENDS <const> = { ["end"] = true, ["else"] = true, ["elseif"] = true, ["until"] = true }

function Parser:at_block_end()
  local token = self:peek()
  return token.kind == "end" or token.kind == "mark" and BLOCK_ENDS[token.value]
end

statements["return"] = function(parser, line)
  local values = {}
  if not parser:at_block_end() and not parser:is(";") then values = parser:list() end
  parser:take(";")
  return { tag = "return", line = line, values = values }
end

statements["goto"] = function(parser, line)
  parser:next()
  return { tag = "goto", line = line }
end

statements["::"] = function(parser, line)
  parser:next()
  parser:next() -- ::
  return { tag = "label", line = line }
end

statements["break"] = function(_, line) return { tag = "break", line = line } end
statements[";"] = function(_, line) return { tag = "empty", line = line } end

-- A call or an assignment.
local function other_statement(parser)
  local first = parser:primary()
  if not parser:is("=") and not parser:is(",") then return first end
  local targets = { first }
  while parser:take(",") do targets[#targets + 1] = parser:primary() end
  parser:next() -- =
  for _, target in ipairs(targets) do mark_written(target) end
  return { tag = "assign", line = first.line, targets = targets, values = parser:list() }
end

function Parser:statement()
  local token = self:peek()
  local read = token.kind == "mark" and statements[token.value]
  if not read then return other_statement(self) end
  self:next()
  return read(self, token.line)
end

function Parser:block()
  local node = { tag = "block", line = self:peek().line }
  while not self:at_block_end() do node[#node + 1] = self:statement() end
  return node
end

-- ---- the whole ----

--- The tree of a text that load() has taken.
---@param text string
---@return jig.check.Node
function syntax.read(text)
  local parser = setmetatable({ tokens = tokens.of(text), at = 1, scopes = {} }, Parser)
  parser:open()
  parser:declare("_ENV", 0)
  return parser:block()
end

-- Keys of a node that lead to no part of it.
local NO_PART <const> = { var = true, vars = true, params = true }

--- Calls visit(node) for a node and all its parts, in no order. However deep they are, it does not recurse.
---@param node table
---@param visit fun(node: jig.check.Node)
function syntax.walk(node, visit)
  local open = { node }
  while #open > 0 do
    local next_one = table.remove(open)
    if next_one.tag then visit(next_one) end
    for key, part in pairs(next_one) do
      if type(part) == "table" and not NO_PART[key] then open[#open + 1] = part end
    end
  end
end

return syntax
