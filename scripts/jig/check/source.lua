--- A file of a recipe as `jig check` reads it: its tree, what its names stand for, and where things are written.

local files = require "jig.source"
local kinds = require "jig.check.kinds"
local syntax = require "jig.check.syntax"

---@class jig.check.Source
---@field path string
---@field tree jig.check.Node
---@field given table<jig.check.Variable, string|false>  what parameters are
---@field call? jig.check.Node    jig.recipe { … }
---@field hooks table<string, jig.check.Node>  the functions of the recipe's keys
local Source = {}
Source.__index = Source

local source = {}

-- Bytes of a file that is looked through at most.
local MOST <const> = 1 << 18

-- Keys of a recipe whose functions take the unit.
local HOOKS <const> = { run = true, prepare = true, reset = true, finish = true, exchange = true }

local function is_recipe_call(node)
  if node.tag ~= "call" or not node.args[1] then return false end
  local callee = node.of
  local var = callee.tag == "name" and callee.var
  if var and var.written == 0 and var.value then callee = var.value end
  return callee.tag == "index" and callee.key.value == "recipe" and kinds.of(callee.of, {}) == "module jig"
end

--- The table that an expression gives, when its text tells: a constructor, or a local that began as one.
---@param node jig.check.Node?
---@return jig.check.Node?
function source.constructor(node)
  if not node then return nil end
  if node.tag == "table" then return node end
  local var = node.tag == "name" and node.var
  return var and var.written == 0 and var.value and source.constructor(var.value) or nil
end

local function find_call(tree)
  local found
  syntax.walk(tree, function(node)
    if is_recipe_call(node) and (not found or node.line > found.line) then found = node end
  end)
  return found
end

local function find_hooks(call)
  local hooks, fields = {}, call and source.constructor(call.args[1])
  for _, item in ipairs(fields and fields.items or {}) do
    local name = item.key and item.key.tag == "string" and item.key.value
    if HOOKS[name] then hooks[name] = kinds.func(item.value) end
  end
  return hooks
end

--- Reads a file. nil, message when it cannot be read or is no Lua; the message begins with "path:line:" then.
---@param path string
---@return jig.check.Source|nil, string? message
function source.read(path)
  local text, message = files.read(path, MOST)
  if not text then return nil, message end
  local chunk
  chunk, message = load(text:gsub("^#[^\n]*", ""), "@" .. path, "t", {})
  if not chunk then return nil, message end
  local tree = syntax.read(text)
  local self = setmetatable({ path = path, tree = tree, call = find_call(tree) }, Source)
  self.hooks = find_hooks(self.call)
  local list = {}
  for _, func in pairs(self.hooks) do list[#list + 1] = func end
  self.given = kinds.parameters(tree, list)
  return self
end

--- What an expression is: see jig.check.kinds.
---@param node jig.check.Node
---@return string?
function Source:kind(node)
  return kinds.of(node, self.given)
end

-- The ways in which jig.shape writes a key of a table behind the path so far.
local function spellings(prefix, item, position)
  local key = item.key and item.key.value
  if item.key and item.key.tag == "unary" and item.key.op == "-" then key = -(tonumber(item.key.operand.value) or 0) end
  if item.key and key == nil then return {} end
  if key == nil then key = position end
  local list = { prefix .. "." .. tostring(key), ("%s[%s]"):format(prefix, key) }
  if prefix == "" then list[#list + 1] = tostring(key) end
  if math.type(key) then list[#list + 1] = ("%s[0x%02x]"):format(prefix, math.tointeger(key) or 0) end
  return list
end

-- Whether `path` is `start` or goes on behind it.
local function begins(path, start)
  return path == start or path:sub(1, #start) == start and path:find("^[.%[]", #start + 1) ~= nil
end

-- The item of a constructor on the way to `path`, and the path to it.
local function item_towards(table_node, path, prefix)
  local position = 0
  for _, item in ipairs(table_node.items) do
    if not item.key then position = position + 1 end
    for _, spelling in ipairs(spellings(prefix, item, position)) do
      if begins(path, spelling) then return item, spelling end
    end
  end
end

--- Where in a constructor something is written, by its path as jig.shape gives it: the line of the key, or of the
--- table that should have it.
---@param node jig.check.Node   an expression
---@param path string           "" for itself
---@param resolve? fun(node: jig.check.Node): jig.check.Node?, string?  the constructor that an expression gives, and
--- the file in which it stands, when that is another; default: source.constructor
---@return integer line, string? file
function source.place(node, path, resolve)
  local line, prefix, value, file = node.line, "", node, nil
  while path ~= prefix do
    local constructor, elsewhere = (resolve or source.constructor)(value)
    local item, spelling
    if constructor then item, spelling = item_towards(constructor, path, prefix) end
    if elsewhere then line, file = constructor.line, elsewhere end
    if not item then break end
    line, prefix, value = item.line, spelling, item.value
  end
  return line, file
end

--- The table that a file returns, when its text tells.
---@return jig.check.Node?
function Source:returned()
  local last = self.tree[#self.tree]
  return last and last.tag == "return" and source.constructor(last.values[1]) or nil
end

--- Calls visit(node, hook) for all nodes of a tag; `hook` is the name of the recipe's hook around it.
---@param tag string
---@param visit fun(node: jig.check.Node, hook?: string)
function Source:each(tag, visit)
  local hook_of = {}
  for name, func in pairs(self.hooks) do
    syntax.walk(func, function(node) hook_of[node] = name end)
  end
  syntax.walk(self.tree, function(node)
    if node.tag == tag then visit(node, hook_of[node]) end
  end)
end

return source
