--- Fields and methods that do not exist: of the unit, its port, the modules of jig and Lua's own libraries; and calls
--- with a dot for a colon, or the other way round.

local api = require "jig.check.api"
local kinds = require "jig.check.kinds"
local nearest = require "jig.check.nearest"
local system = require "jig.system"

local function keys_of(fields)
  local keys = {}
  for key in pairs(fields) do keys[#keys + 1] = key end
  return keys
end

local function advice(kind, name, fields)
  if nearest.among(name, api.internal(kind)) then return "that is for whoever runs the attempt; leave it out" end
  local near = nearest.of(name, keys_of(fields))
  if near then return ("did you mean '%s'?"):format(near) end
  if kind == "unit" then return "what is the recipe's own belongs in unit.data" end
  return nearest.advice(name, keys_of(fields))
end

local function check_field(kind, name, line, report)
  local fields = kinds.fields(kind)
  if not fields or fields[name] then return fields and fields[name] end
  report(line, ("%s has no '%s'"):format(kinds.title(kind), name), advice(kind, name, fields))
end

-- What no unit, port or framing can be.
local PLAIN <const> = {
  string = true, number = true, ["true"] = true, ["false"] = true, ["nil"] = true, table = true, ["function"] = true,
}

-- unit.log("text") would take the text for the unit. What is handed over is not always known.
local function check_dot_call(source, node, report)
  local callee = node.of
  if callee.tag ~= "index" or callee.key.tag ~= "string" then return end
  local kind = source:kind(callee.of)
  local fields = kind and kinds.fields(kind)
  if not fields or fields[callee.key.value] ~= "method" then return end
  local first = node.args[1]
  local got = first and source:kind(first)
  if first and not PLAIN[first.tag] and (got == nil or got == kind) then return end
  report(callee.line, ("%s.%s(…) is called without its %s"):format(kind, callee.key.value, kind),
    ("write a colon: %s:%s(…)"):format(kind, callee.key.value))
end

local function check_method(source, node, report)
  local kind = source:kind(node.of)
  if not kind then return end
  local sort = check_field(kind, node.name, node.line, report)
  local title = kinds.title(kind)
  if sort == "function" then
    report(node.line, ("%s:%s(…) would hand over %s itself"):format(title, node.name, title),
      ("write a dot: %s.%s(…)"):format(title, node.name))
  elseif sort == "value" then
    report(node.line, ("%s.%s is no function"):format(title, node.name), "leave out the call")
  end
end

local function check_index(source, node, report)
  local kind = node.key.tag == "string" and source:kind(node.of)
  if kind then check_field(kind, node.key.value, node.line, report) end
end

-- What the sandbox takes for the name of a file.
local FILE <const> = "^[%w_%-][%w_%-%.]*$"

local function check_require(node, folder, report)
  local name = kinds.required(node)
  if not name then return end
  if name == "jig" or name:match("^jig%.") then
    if not kinds.fields("module " .. name) then
      report(node.line, ("there is no module '%s' for recipes"):format(name), nearest.advice(name, api.modules()))
    end
  elseif not name:match(FILE) or not system.kind(folder .. name:gsub("%.", "/") .. ".lua") then
    report(node.line, ("there is no file '%s.lua' in the recipe's folder"):format(name:gsub("%.", "/")),
      "a recipe requires jig's library and files of its folder")
  end
end

--- Reports each.
---@param source jig.check.Source
---@param report fun(line: integer, what: string, instead: string)
---@param folder string  of the recipe
return function(source, report, folder)
  source:each("index", function(node) check_index(source, node, report) end)
  source:each("method", function(node) check_method(source, node, report) end)
  source:each("call", function(node)
    check_dot_call(source, node, report)
    check_require(node, folder, report)
  end)
end
