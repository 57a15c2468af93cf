--- What a recipe can name: the fields of everything that it is handed or may require. Read from the modules as they
--- are, so that nothing is listed twice; listed here is only what stands in no module, and what is no recipe's.

local coroutines = require "jig.coroutines"
local sandbox = require "jig.sandbox"

local api = {}

--- Framings that the page on recipes names; the other modules beside them are what these are made of.
api.framings = { "cobs", "ftcd", "hdlc", "length", "line", "raw", "slip", "stx_etx" }

-- Methods and fields that are there for whoever runs the attempt.
local OF_THE_ENGINE <const> = {
  unit = {
    "complete", "connect", "device_log", "disconnect", "durations", "enter", "fault", "new",
    "phases", "report", "serial_text",
    "session", "truth", "unless_stopped",
  },
  port = { "bound", "budget", "close", "handle", "limits", "lines", "open", "open_port", "release", "take" },
}

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
  return OF_THE_ENGINE[kind]
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
  return require(module or MODULE_OF[kind])
end

local function is_public(name)
  return name == "jig" or sandbox.modules[name] or name:match("^jig%.framing%.[%w_]+$")
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

--- The modules of jig that a recipe may require.
---@return string[]
function api.modules()
  local names = { "jig" }
  for name in pairs(sandbox.modules) do names[#names + 1] = name end
  for _, name in ipairs(api.framings) do names[#names + 1] = "jig.framing." .. name end
  table.sort(names)
  return names
end

--- The globals of a recipe: name -> value.
---@return table<string, any>
function api.globals()
  return setmetatable(sandbox.environment("", {}, {}), nil)
end

return api
