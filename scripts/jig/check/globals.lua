--- Names that stand for nothing in a recipe: globals that it does not have, and globals that it would make.

local api = require "jig.check.api"
local nearest = require "jig.check.nearest"
local syntax = require "jig.check.syntax"

-- What stands in a recipe for what is in every other Lua.
local INSTEAD <const> = {
  print = "write unit:log(text)",
  io = "a recipe reads and writes unit.port only",
  load = "a recipe loads no code: require a file of its folder",
  loadfile = "a recipe loads no code: require a file of its folder",
  dofile = "a recipe loads no code: require a file of its folder",
  loadstring = "a recipe loads no code: require a file of its folder",
  package = "a recipe requires jig's library and files of its folder",
  debug = "a recipe does without it",
  collectgarbage = "a recipe does without it",
  unpack = "write table.unpack",
}

-- Modules by the last part of their names: somebody who writes hex.encode needs a line before it.
local function module_line(name)
  for _, module in ipairs(api.modules()) do
    if module:match("([%w_]+)$") == name then return ("write local %s = require %q"):format(name, module) end
  end
end

local function locals_of(tree)
  local names, seen = {}, {}
  local function add(var)
    if not seen[var.name] then names[#names + 1] = var.name end
    seen[var.name] = true
  end
  syntax.walk(tree, function(node)
    for _, var in ipairs(node.vars or {}) do add(var) end
    for _, var in ipairs(node.params or {}) do add(var) end
  end)
  return names
end

local function advice(name, names)
  local known = INSTEAD[name] or module_line(name)
  if known then return known end
  local near = nearest.of(name, names)
  if near == name then return "a local or parameter of this name is elsewhere: here it is none" end
  if not near then return "write local before it is used, or require it" end
  local meant = ("did you mean '%s'?"):format(near)
  return INSTEAD[near] and ("%s There is none, either: %s"):format(meant, INSTEAD[near]) or meant
end

-- Unknown names of a file after which the rest is not told.
local MOST <const> = 100

local function written_names(tree)
  local written = {}
  syntax.walk(tree, function(node)
    for _, target in ipairs(node.targets or {}) do
      if target.tag == "name" then written[target] = true end
    end
  end)
  return written
end

--- Reports each global that is not there, where it is used.
---@param source jig.check.Source
---@param report fun(line: integer, what: string, instead: string)
return function(source, report)
  local there, names, written = api.globals(), locals_of(source.tree), written_names(source.tree)
  for name in pairs(there) do names[#names + 1] = name end
  for name in pairs(INSTEAD) do names[#names + 1] = name end
  local count = 0
  source:each("name", function(node)
    if node.var or there[node.name] ~= nil or count == MOST then return end
    count = count + 1
    if written[node] then
      report(node.line, ("assignment to the undeclared global '%s'"):format(node.name),
        ("write local %s"):format(node.name))
    else
      report(node.line, ("there is no global '%s' here"):format(node.name), advice(node.name, names))
    end
  end)
end
