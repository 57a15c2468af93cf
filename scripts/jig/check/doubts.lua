--- Parameters called `unit` or `port` of functions that other files call, or that are called as fields: where a call
--- hands over something else, or what nobody knows, nothing is known of them.

local kinds = require "jig.check.kinds"
local syntax = require "jig.check.syntax"

local doubts = {}

-- Adds a function under the name of the field that it is given to.
local function add(named, key, value)
  local func = key and key.tag == "string" and value and kinds.func(value)
  if not func then return end
  named[key.value] = named[key.value] or {}
  table.insert(named[key.value], func)
end

-- The functions that are fields of something, by the name of the field.
local function fields_of(sources, owner)
  local named = {}
  for _, made in pairs(sources) do
    syntax.walk(made.tree, function(node)
      if node.tag == "function" then owner[node] = made end
      for i, target in ipairs(node.tag == "assign" and node.targets or {}) do
        if target.tag == "index" then add(named, target.key, node.values[i]) end
      end
      for _, item in ipairs(node.tag == "table" and node.items or {}) do add(named, item.key, item.value) end
    end)
  end
  return named
end

-- The function that a file returns.
local function returned(made)
  local last = made and made.tree[#made.tree]
  return last and last.tag == "return" and last.values[1] and kinds.func(last.values[1]) or nil
end

-- The field that an expression is, or a local that is always that one.
local function field(node)
  local var = node.tag == "name" and node.var
  if var and var.written == 0 and var.value then node = var.value end
  return node.tag == "index" and node.key.tag == "string" and node.key.value or nil
end

-- The functions that a call may mean, and its arguments as they have them.
local function meant(node, named, sources, required)
  if node.tag == "method" then
    return named[node.name] or {}, table.move(node.args, 1, #node.args, 2, { node.of })
  end
  local callee = node.of
  local key = field(callee)
  if key then return named[key] or {}, node.args end
  local func = kinds.func(callee) or returned(sources[required(callee)])
  return { func }, node.args
end

-- Whether anything is doubtful that was not before.
local function doubt(func, given, args, made)
  local new = false
  for i, argument in ipairs(args) do
    local var = func.params[i]
    local named = var and kinds.BY_NAME[var.name]
    if named and given[var] == nil and made:kind(argument) ~= named then given[var], new = false, true end
  end
  return new
end

--- Looks at all files of a recipe together.
---@param sources table<string, jig.check.Source>
---@param required fun(node: jig.check.Node): string?  the file that an expression requires
function doubts.spread(sources, required)
  local owner, calls = {}, {}
  local named = fields_of(sources, owner)
  for _, made in pairs(sources) do
    local function keep(node) calls[#calls + 1] = { node = node, made = made } end
    made:each("call", keep)
    made:each("method", keep)
  end
  local new
  repeat
    new = false
    for _, call in ipairs(calls) do
      local funcs, args = meant(call.node, named, sources, required)
      for _, func in ipairs(funcs) do new = doubt(func, owner[func].given, args, call.made) or new end
    end
  until not new
end

return doubts
