--- What an expression of a recipe is, as far as its text tells: "unit", "port", "module jig.hex", "library string",
--- "framing", an "end" of one, its "decoder", a "crc"; nil when it cannot be told, and then nothing is said of it.

local api = require "jig.check.api"
local syntax = require "jig.check.syntax"

local kinds = {}

-- What a field of something is; what one of its functions gives.
local FIELD <const> = { unit = { port = "port" }, framing = { host = "end", device = "end" } }
local RESULT <const> = {
  ["module jig.crc"] = { new = "crc" }, ["end"] = { decoder = "decoder" }, unit = { open = "port" },
}

-- Parameters of these names are what they say, in all of a recipe's files, where no call hands over something else.
local BY_NAME <const> = { unit = "unit", port = "port" }

local LIBRARIES <const> = { coroutine = true, math = true, os = true, string = true, table = true, utf8 = true }

--- The name in `require "name"`; nil for anything else.
---@param node jig.check.Node
---@return string?
function kinds.required(node)
  local is_require = node.tag == "call" and node.of.tag == "name" and node.of.name == "require" and not node.of.var
  local name = is_require and node.args[1]
  return name and name.tag == "string" and name.value or nil
end

-- Steps through locals and fields after which it is not followed further.
local DEEP <const> = 16

local of

local function of_variable(var, given, depth)
  if given[var] ~= nil then return given[var] or nil end
  if var.written > 0 then return nil end
  if var.of then return BY_NAME[var.name] end
  return var.value and of(var.value, given, depth)
end

local function of_name(node, given, depth)
  if node.var then return of_variable(node.var, given, depth) end
  return LIBRARIES[node.name] and "library " .. node.name or nil
end

local function of_call(node, given, depth)
  local required = kinds.required(node)
  if required then
    return (required == "jig" or required:match("^jig%.")) and "module " .. required or nil
  end
  local callee = node.of
  if callee.tag == "index" and callee.key.tag == "string" then
    local results = RESULT[of(callee.of, given, depth)]
    return results and results[callee.key.value]
  end
  local kind = of(callee, given, depth)
  return kind and kind:match("^module jig%.framing%.") and "framing" or nil
end

--- What an expression is.
---@param node jig.check.Node
---@param given table<jig.check.Variable, string>  what is known of parameters
---@param depth? integer  how far it was followed already
---@return string?
function kinds.of(node, given, depth)
  depth = (depth or 0) + 1
  if depth > DEEP then return nil end
  if node.tag == "name" then return of_name(node, given, depth) end
  if node.tag == "call" then return of_call(node, given, depth) end
  if node.tag == "method" then return (RESULT[of(node.of, given, depth)] or {})[node.name] end
  if node.tag == "paren" then return of(node[1], given, depth) end
  if node.tag ~= "index" or node.key.tag ~= "string" then return nil end
  local fields = FIELD[of(node.of, given, depth)]
  return fields and fields[node.key.value]
end
of = kinds.of

--- The function that an expression is, when that can be told.
---@param node jig.check.Node
---@return jig.check.Node?
function kinds.func(node)
  if node.tag == "function" then return node end
  local var = node.tag == "name" and node.var
  local value = var and var.written == 0 and var.value
  return value and value.tag == "function" and value or nil
end

-- Gives the parameters of a function the kinds of the arguments of a call. Whether anything was new.
local function pass(node, given)
  local func, new = kinds.func(node.of), false
  for i, argument in ipairs(func and node.args or {}) do
    local var, kind = func.params[i], kinds.of(argument, given)
    if var and kind and given[var] == nil then
      given[var], new = kind, true
    end
  end
  return new
end

-- A parameter to which a call hands what is another thing than its name says, or nobody knows what, is nothing that
-- is known.
local function doubt(node, given)
  local func = kinds.func(node.of)
  for i, argument in ipairs(func and node.args or {}) do
    local var = func.params[i]
    local named = var and BY_NAME[var.name]
    if named and kinds.of(argument, given) ~= named then given[var] = false end
  end
end

--- What the parameters of a file's own functions are, by the calls of these: false where it is not what the name says.
---@param tree jig.check.Node
---@param hooks jig.check.Node[]  functions whose first parameter is the unit
---@return table<jig.check.Variable, string|false>
function kinds.parameters(tree, hooks)
  local given, calls = {}, {}
  for _, func in ipairs(hooks) do
    if func.params[1] then given[func.params[1]] = "unit" end
  end
  syntax.walk(tree, function(node)
    if node.tag == "call" then calls[#calls + 1] = node end
  end)
  for _, node in ipairs(calls) do doubt(node, given) end
  local new
  repeat
    new = false
    for _, node in ipairs(calls) do new = pass(node, given) or new end
  until not new
  return given
end

--- What a kind is called in a sentence.
---@param kind string
---@return string
function kinds.title(kind)
  return kind:match("^%a+ (.+)") or kind
end

--- What a kind has; nil for a module that does not exist.
---@param kind string
---@return table<string, string>?
function kinds.fields(kind)
  local ok, fields = pcall(api.fields, kind)
  return ok and fields or nil
end

return kinds
