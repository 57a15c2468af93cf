--- Faults: what is thrown when the world fails.
--
-- A fault has a stable name, the ERROR_CODE and ERROR_REASON that are reported to the service, and
-- where it happened. Names are "family.what"; the catalogue below gives each a default code and
-- reason, which recipe and station may override. What a recipe touches throws faults; a plain Lua
-- error in a recipe becomes the fault tool.recipe.

local cut = require "jig.cut"
local legible = require "jig.legible"
local unplaced = require "jig.unplaced"

local fault = {}

local getinfo, getmetatable_of = debug.getinfo, debug.getmetatable

---@class jig.Fault
---@field name string        "factory_init.keygen"
---@field code integer       the ERROR_CODE
---@field reason string      the ERROR_REASON
---@field phase? string      where in the unit it happened
---@field slot? string
---@field session? string
---@field line? string       "recipe.lua:12": the recipe's line, where one was involved
---@field traceback? string
---@field retry? boolean     a new attempt may help
---@field limit? string      which limit passed: "read" for one read's own, "exchange", "unit", …
---@field advice? string     one sentence for the operator
---@field by_recipe? true    of a plain copy: only its name is the station's, a recipe made it

--- name = { code, reason }. Codes of the device are 3xx; a product's own belong in its recipe.
---@type table<string, { [1]: integer, [2]: string }>
fault.catalogue = {
  ["connectivity.not_found"] = { 101, "no such device" },
  ["connectivity.open"] = { 102, "the device's port cannot be opened" },
  ["connectivity.lost"] = { 103, "the connection to the device was lost" },
  ["connectivity.timeout"] = { 104, "the device did not answer in time" },
  ["connectivity.corrupt"] = { 105, "what the device sent is damaged" },
  ["firmware.unknown_command"] = { 201, "the firmware does not know the command" },
  ["firmware.cannot_parse"] = { 202, "the firmware cannot parse the message" },
  ["firmware.unknown_status"] = { 203, "the device answered a status that is not in the map" },
  ["firmware.response"] = { 204, "the device's response cannot be handed on" },
  ["factory_init.keygen"] = { 301, "device cannot generate a key pair" },
  ["factory_init.unknown_factory"] = { 302, "firmware does not know the factory ID" },
  ["factory_provisioning.memory"] = { 311, "device cannot allocate memory" },
  ["factory_provisioning.decrypt"] = { 312, "device cannot decrypt the message" },
  ["cli.missing"] = { 401, "the Secure Factory CLI cannot be started" },
  ["cli.refused"] = { 402, "the Secure Factory CLI refused" },
  ["cli.killed"] = { 403, "the Secure Factory CLI was ended by a signal" },
  ["cli.timeout"] = { 404, "the Secure Factory CLI did not end in time" },
  ["cli.output"] = { 405, "the Secure Factory CLI printed what cannot be read" },
  ["cli.token"] = { 406, "waited too long for the security token" },
  ["cli.token_missing"] = { 407, "the security token is missing" },
  ["cli.token_busy"] = { 408, "the security token is busy" },
  ["cli.pin"] = { 409, "the security token refused its PIN" },
  ["tool.interrupted"] = { 901, "interrupted at the station" },
  ["tool.recipe"] = { 902, "the recipe has a bug" },
  ["tool.limit"] = { 903, "the unit took too long" },
  ["tool.orphaned"] = { 904, "the station stopped in mid-session" },
  ["tool.journal"] = { 905, "the record cannot be kept" },
  ["tool.serial"] = { 906, "the device has another serial number" },
  ["tool.duplicate"] = { 907, "this serial number is being made, or was made" },
}

local methods = {}
local meta = { __index = methods, __name = "jig.fault", __metatable = false }

function meta.__tostring(self)
  local where = {}
  if self.phase then where[#where + 1] = "phase " .. self.phase end
  if self.slot then where[#where + 1] = "slot " .. self.slot end
  if self.session then where[#where + 1] = "session " .. self.session end
  if self.line then where[#where + 1] = self.line end
  local tail = #where > 0 and (" [" .. table.concat(where, ", ") .. "]") or ""
  return ("%s (%d): %s%s"):format(self.name, self.code, self.reason, tail)
end

-- What the service takes for an ERROR_CODE: 32 bits.
local function is_code(value)
  return math.type(value) == "integer" and value >= -0x80000000 and value <= 0x7fffffff
end

-- Bytes of a fault's texts: it is shown, recorded and reported, and a recipe may make it of anything.
local MOST <const> = { name = 64, reason = 1000, line = 1000, traceback = 16000, advice = 1000 }
local MOST_OF_OTHERS <const> = 256

--- Makes a fault; a reason of more than 1,000 bytes is cut, and one that is no text becomes its digest. Does not throw
-- it. Raises for a name that is too long, no text, or neither in the catalogue nor given a code and a reason, and for
-- what is no code or no reason.
---
---     error(fault.new("connectivity.lost", { reason = "the cable was pulled" }))
---@param name string
---@param fields? table  any fields of jig.Fault; code and reason default to the catalogue's
---@return jig.Fault
function fault.new(name, fields)
  if type(name) ~= "string" or #name > MOST.name then
    error(("a fault has a name: a string of %d bytes at most"):format(MOST.name), 2)
  end
  if not legible.is_text(name) then error("a fault has a name that is text; this one has other bytes", 2) end
  local known = fault.catalogue[name] or {}
  local self = {}
  for key, value in pairs(fields or {}) do
    self[key] = value
  end
  self.name = name
  self.code = self.code or known[1]
  self.reason = self.reason or known[2]
  if not (self.code and self.reason) then
    error(("fault '%s' is not in the catalogue: give it a code and a reason"):format(name), 2)
  end
  if not is_code(self.code) or type(self.reason) ~= "string" then
    error(("fault '%s': the code is a whole number of 32 bits, the reason a string"):format(name), 2)
  end
  self.reason = cut(legible.text(self.reason), MOST.reason)
  return setmetatable(self, meta)
end

--- Whether a value is a fault.
---@param value any
---@return boolean
function fault.is(value)
  return getmetatable_of(value) == meta
end

-- What the engine itself made, and the name that it gave: a recipe may make a fault of any name, and rename one.
local engines = setmetatable({}, { __mode = "k" })

--- As `new`, for a fault that the engine itself found. Not for recipes, which cannot reach it.
---@param name string
---@param fields? table
---@return jig.Fault
function fault.engine(name, fields)
  local made = fault.new(name, fields)
  engines[made] = name
  return made
end

local STATIONS <const> = { ["tool.journal"] = true, ["tool.interrupted"] = true }

--- Whether a fault has a name that says something of the station (cli.*, tool.journal, tool.interrupted), and a recipe
-- gave it: then nothing is so, and no exit status, further attempt or stop may go by it.
---@param made jig.Fault
---@return boolean
function fault.by_recipe(made)
  local name = rawget(made, "name")
  if type(name) ~= "string" or not (STATIONS[name] or name:find("^cli%.")) then return false end
  return engines[made] ~= name
end

local FIELDS <const> = {
  "name", "code", "reason", "phase", "slot", "session", "line", "traceback", "retry", "limit", "advice",
}

--- The fields of a fault that are plain values, for a message or JSON.
---@return table
function methods:plain()
  local copy = {}
  for _, key in ipairs(FIELDS) do
    local value = self[key]
    if type(value) == "string" or type(value) == "boolean" or math.type(value) == "integer" then
      copy[key] = value
    end
  end
  copy.by_recipe = fault.by_recipe(self) or nil
  return copy
end

--- A copy of a fault in which each field is what it has to be, for a recipe may write into a fault. A name
-- that is none becomes tool.recipe, texts are cut, what is no text is its digest; code and reason become the
-- catalogue's.
---@param made jig.Fault
---@return jig.Fault
function fault.checked(made)
  local copy = {}
  for _, key in ipairs(FIELDS) do
    local value = rawget(made, key)
    if type(value) == "string" and key ~= "retry" then
      copy[key] = cut(legible.text(value), MOST[key] or MOST_OF_OTHERS)
    end
  end
  local retry = rawget(made, "retry")
  if type(retry) == "boolean" then copy.retry = retry end
  if copy.name ~= rawget(made, "name") then copy.name = nil end
  copy.name = copy.name or "tool.recipe"
  local known = fault.catalogue[copy.name] or fault.catalogue["tool.recipe"]
  copy.code = is_code(made.code) and made.code or known[1]
  copy.reason = copy.reason or known[2]
  engines[copy] = engines[made]
  return setmetatable(copy, meta)
end

-- Codes of jig.port and others -> names.
local io_names = {
  timeout = "connectivity.timeout",
  lost = "connectivity.lost",
  closed = "connectivity.lost",
  interrupted = "tool.interrupted",
  not_found = "connectivity.not_found",
  limit = "connectivity.corrupt",
  refused = "firmware.cannot_parse", -- an endpoint that stalls
}

--- Throws the fault for a failed port call: its message, code and the name of the limit that passed. Not for recipes,
-- as `throw_cli`.
---@param message string
---@param code string
---@param limit? string
function fault.throw_io(message, code, limit)
  local name = io_names[code] or "connectivity.lost"
  if code == "timeout" and limit == "unit" then name = "tool.limit" end
  error(fault.engine(name, { reason = message, limit = limit }), 0)
end

local cli_names = {
  record = "tool.journal",
  token = "cli.token",
  token_missing = "cli.token_missing",
  token_busy = "cli.token_busy",
  pin = "cli.pin",
  refused = "cli.refused",
  killed = "cli.killed",
  timeout = "cli.timeout",
  interrupted = "tool.interrupted",
}
local start_names = {
  record = "tool.journal",
  token = "cli.token",
  pin = "cli.pin",
  duplicate = "tool.duplicate",
  invalid = "firmware.response",
  limit = "firmware.response",
  interrupted = "tool.interrupted",
}

--- Throws the fault for a failed call of jig.session.
---@param message string
---@param code string
---@param stage "call"|"start"
function fault.throw_cli(message, code, stage)
  local name
  if stage == "start" then
    name = start_names[code] or "cli.missing"
  else
    name = cli_names[code] or "cli.output"
  end
  error(fault.engine(name, { reason = message }), 0)
end

-- What Lua throws, past every message handler, when a slot's state may take no more memory.
local NO_MEMORY <const> = "not enough memory"

--- Turns whatever a recipe threw into a fault; a plain error becomes tool.recipe, a want of memory
-- tool.limit.
---@param thrown any
---@return jig.Fault
function fault.from(thrown)
  if fault.is(thrown) then return thrown end
  if thrown == NO_MEMORY then
    return fault.new("tool.limit", { reason = "not enough memory: the recipe needs more than its slot may take" })
  end
  local message = legible.thrown(tostring(thrown))
  local first = cut(message:match("^[^\n]*"), MOST.reason)
  return fault.new("tool.recipe", { reason = unplaced(first), line = first:match("^(.-:%d+): ") })
end

-- Functions on the stack of which a traceback tells, at most.
local TOLD <const> = 20

-- What the traceback calls a function.
local function called(info)
  if info.what == "main" then return "in main chunk" end
  if info.name then return ("in %s '%s'"):format(info.namewhat ~= "" and info.namewhat or "function", info.name) end
  return info.what == "C" and "in ?" or ("in function <%s:%d>"):format(info.short_src, info.linedefined)
end

local function frame(info)
  local line = info.currentline > 0 and (":%d"):format(info.currentline) or ""
  return ("\t%s%s: %s"):format(info.short_src, line, called(info))
end

-- As debug.traceback, which looks for each function among all that the loaded modules hold: that would take longer
-- than all else about a fault. Jig's own functions help nobody who writes a recipe, nor do those of C that they call.
local function traceback(reason, level)
  local lines, at, called_by_next = { reason, "stack traceback:" }, level + 1, nil
  local info = getinfo(at, "Sln")
  while info and #lines < TOLD + 2 do
    if info.what == "C" then
      called_by_next = info
    else
      local own = info.source:find("^@scripts/jig/") ~= nil
      if called_by_next and not own then lines[#lines + 1] = frame(called_by_next) end
      if not own then lines[#lines + 1] = frame(info) end
      called_by_next = nil
    end
    at = at + 1
    info = getinfo(at, "Sln")
  end
  if info then lines[#lines + 1] = "\t..." end
  return #lines > 2 and table.concat(lines, "\n") or reason
end

-- The innermost line of a recipe's folder on the call stack.
local function recipe_line(folder)
  local level = 3
  local info = getinfo(level, "Sl")
  while info do
    local file = info.source:match("^@(.*)")
    if file and file:sub(1, #folder) == folder then return ("%s:%d"):format(file, info.currentline) end
    level = level + 1
    info = getinfo(level, "Sl")
  end
end

--- A message handler for xpcall: as `from`, with the recipe's line and the traceback, which only stand
-- before the stack unwinds.
---@param folder string  of the recipe
---@return fun(thrown: any): jig.Fault
function fault.catcher(folder)
  return function(thrown)
    local made = fault.from(thrown)
    if not made.traceback then
      local inside = made.line and made.line:sub(1, #folder) == folder
      made.line = inside and made.line or recipe_line(folder) or made.line
      made.traceback = traceback(made.reason, 2)
    end
    return made
  end
end

return fault
