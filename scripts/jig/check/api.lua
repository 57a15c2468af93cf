--- What a recipe can name: the fields of everything that it is handed or may require. Read from the modules as they
--- are, so that nothing is listed twice; listed here is only what stands in no module, and what is no recipe's.

local coroutines = require "jig.coroutines"
local sandbox = require "jig.sandbox"

local api = {}

--- Framings that the page on recipes names; the other modules beside them are what these are made of.
api.framings = sandbox.framings

-- Fields of objects that are there for whoever runs the attempt.
local OF_THE_ENGINE <const> = { unit = { "phases" }, ["module jig.secret"] = { "exposed", "hide", "forget" } }

local MODULE_OF <const> = { unit = "jig.unit", port = "jig.wire" }

-- Fields that are values, by what has them.
local VALUES <const> = {
  unit = { "attempt", "data", "fingerprint", "lot", "number", "operator", "port", "serial", "session_id", "slot" },
  framing = { "device", "host", "max", "name", "traits" },
  ["end"] = { "sample" },
}

-- What is made by calls, whose methods no module shows.
local MADE <const> = {
  crc = function() return getmetatable(require("jig.crc").new("CRC-8/SMBUS")).__index end,
  decoder = function() return { feed = print, idle = print, rest = print } end,
  ["end"] = function() return { encode = print, decoder = print } end,
  framing = function() return {} end,
}

-- Objects, whose functions are called with a colon; those of an end are not.
local OBJECTS <const> = { unit = true, port = true, crc = true, decoder = true }

local function keys_of(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  return names
end

local function without(names, module)
  local found = {}
  for name, value in pairs(module) do found[name] = type(value) == "function" and "function" or "value" end
  for _, name in ipairs(names or {}) do found[name] = nil end
  return found
end

--- The methods and fields of `unit` or `port` that are not a recipe's.
---@param kind "unit"|"port"
---@return string[]
function api.internal(kind)
  if not MODULE_OF[kind] then return {} end
  local module, names = require(MODULE_OF[kind]), {}
  for name in pairs(module) do
    if module.methods[name] == nil then names[#names + 1] = name end
  end
  return table.move(OF_THE_ENGINE[kind] or {}, 1, #(OF_THE_ENGINE[kind] or {}), #names + 1, names)
end

--- The same by the name of a metatable, as a set; empty for whatever is neither.
---@param meta_name any
---@return table<string, true>
function api.hidden(meta_name)
  local set = {}
  for kind, module in pairs(MODULE_OF) do
    for _, name in ipairs(module == meta_name and OF_THE_ENGINE[kind] or {}) do set[name] = true end
  end
  return set
end

local function of_library(name)
  if name == "coroutine" then return coroutines end
  local there = sandbox.environment("", {}, {})[name]
  local made = {}
  for key in pairs(_G[name]) do made[key] = there[key] end
  return made
end

-- "module jig.hex", "library string", or one of the names above -> what it has.
local function module_of(kind)
  local library = kind:match("^library (.+)")
  if library then return of_library(library) end
  local module = kind:match("^module (.+)")
  if module == "jig" then return { recipe = print, fault = print, sleep = print } end
  if MADE[kind] then return MADE[kind]() end
  return module and require(module) or require(MODULE_OF[kind]).methods
end

local function is_public(name)
  return name == "jig" or sandbox.modules[name]
end

local known = {}

--- What something has: name -> "method", "function" or "value". Raises for a module that a recipe does not have.
---@param kind string  as jig.check.kinds gives it
---@return table<string, string>
function api.fields(kind)
  if known[kind] then return known[kind] end
  local module = kind:match("^module (.+)")
  if module and not is_public(module) then error(module .. " is no module for recipes") end
  local fields = without(OF_THE_ENGINE[kind], module_of(kind))
  for name, sort in pairs(fields) do
    if sort == "function" and OBJECTS[kind] then fields[name] = "method" end
  end
  for _, name in ipairs(VALUES[kind] or {}) do fields[name] = "value" end
  known[kind] = fields
  return fields
end

--- The modules of jig that a recipe may require, and that its pages name.
---@return string[]
function api.modules()
  local names = { jig = true }
  for name in pairs(sandbox.modules) do names[name] = true end
  for _, part in ipairs(sandbox.parts) do names["jig.framing." .. part] = nil end
  names = keys_of(names)
  table.sort(names)
  return names
end

--- The globals of a recipe: name -> value.
---@return table<string, any>
function api.globals()
  return sandbox.globals("", {}, {})
end

return api
