--- What a recipe is: checks the table that it returns and fills in the defaults.
--
-- Data first, functions second; all optional but a name, a port and a framing. A mistake is an error
-- that names the key, what is expected, what was found, and the line of the recipe.

local addresses = require "jig.address"
local fault = require "jig.fault"
local likeness = require "jig.likeness"
local shape = require "jig.shape"

local recipe = {}

---@class jig.Recipe
---@field name string
---@field version? string                 default "0"
---@field port table|string               { transport, option = value…, match = {…}, chunk =, gap = } or an address
---@field framing jig.Framing
---@field limits? jig.Limits
---@field status? table<integer, table>   the device's status -> { fault name, code =, reason =, retry =, advice = }
---@field faults? table<string, table>    other codes and reasons for jig's own fault names
---@field success? integer                the status that means success; default 0
---@field link? "arq"                     the exchange hook resends blocks; the device drops duplicates
---@field run? fun(unit: jig.Unit)        instead of the standard flow
---@field prepare? fun(unit: jig.Unit)    before new_device: nothing irreversible has happened yet
---@field reset? fun(unit: jig.Unit)      before an attempt and after a failure
---@field exchange? fun(unit: jig.Unit, request: jig.Frame): jig.Frame  one request and its response
---@field finish? fun(unit: jig.Unit)     after the device was manufactured

---@class jig.Limits seconds; each wait that passes its limit says which one it was
---@field open? number      until the port is open (5)
---@field prepare? number   the prepare hook (30)
---@field ready? number     default of unit.port:expect (10)
---@field read? number      default of the other reads of unit.port (5)
---@field write? number     default of writes, and of handing a message over (5)
---@field first? number     until the first byte of a response (as exchange)
---@field between? number   between bytes: silence after which a frame is over or cut short (1)
---@field exchange? number  one request and its response (5)
---@field reset? number     the reset hook (10)
---@field reopen? number    unit:reopen: until the device has left and is back (10)
---@field finish? number    the finish hook (30)
---@field unit? number      one attempt at a unit, without reporting and resetting (300)

recipe.limits = {
  open = 5,
  prepare = 30,
  ready = 10,
  read = 5,
  write = 5,
  between = 1,
  exchange = 5,
  reset = 10,
  reopen = 10,
  finish = 30,
  unit = 300,
}

local code = shape.range(-0x80000000, 0x7fffffff)

-- Bytes of the recipe's name, and of a fault's.
local NAME_MOST <const> = 64

local function name_shape(value, path, report)
  if type(value) ~= "string" or #value <= NAME_MOST then return shape.string(value, path, report) end
  report(path, ("a string of %d bytes at most"):format(NAME_MOST), ("one of %d"):format(#value))
end

local status_entry = shape.record({
  [1] = name_shape,
  code = code,
  reason = shape.string,
  retry = shape.boolean,
  advice = shape.string,
}, {})

local limit_fields = { first = shape.seconds }
for name in pairs(recipe.limits) do
  limit_fields[name] = shape.seconds
end

local option_shape = shape.value("a string, a whole number, true or false", function(v)
  return type(v) == "string" or type(v) == "boolean" or math.type(v) == "integer"
end)
local usb_id = shape.range(0, 0xffff)

-- The keys of `port` that are not the transport's options: where it is, which device is meant, how writes
-- are paced.
local port_fields = {
  [1] = shape.string,
  [2] = shape.string,
  match = shape.record { vid = usb_id, pid = usb_id, serial = shape.string },
  chunk = shape.range(1, 0x100000),
  gap = shape.value("seconds, 0 or more", function(v) return type(v) == "number" and v >= 0 end),
}

local function unnamed(_, path, report, key)
  report(path, "an option by its name", shape.describe(key))
end

local function port_shape(value, path, report)
  if type(value) == "string" and value ~= "" then return end
  if type(value) ~= "table" or type(value[1]) ~= "string" then
    return report(path, "an address, or a table with the transport's name first", shape.describe(value))
  end
  for key, element in pairs(value) do
    local check = port_fields[key] or type(key) == "string" and option_shape or unnamed
    check(element, ("%s.%s"):format(path, tostring(key)), report, key)
  end
end

local function end_shape(value, path, report)
  if type(value) ~= "table" or type(value.encode) ~= "function" or type(value.decoder) ~= "function" then
    report(path, "an end with the functions encode and decoder", shape.describe(value))
  end
end

local function framing_shape(value, path, report)
  if type(value) ~= "table" then
    return report(path, "a framing, such as jig.framing.length { … }", shape.describe(value))
  end
  end_shape(value.host, path .. ".host", report)
end

local recipe_shape = shape.record({
  name = name_shape,
  version = shape.string,
  port = port_shape,
  framing = framing_shape,
  limits = shape.record(limit_fields),
  status = shape.map(shape.integer, status_entry),
  faults = shape.map(name_shape, shape.record { code = code, reason = shape.string, advice = shape.string }),
  success = shape.integer,
  link = shape.one_of { "arq" },
  run = shape.func,
  prepare = shape.func,
  reset = shape.func,
  exchange = shape.func,
  finish = shape.func,
}, { "name", "port", "framing" })

-- The query options that a recipe's `port` asks for, as an array of { key, value }, sorted.
local function port_options(port)
  local options = {}
  for key, value in pairs(port) do
    if not port_fields[key] then options[#options + 1] = { key, tostring(value) } end
  end
  table.sort(options, function(a, b) return a[1] < b[1] end)
  return options
end

local function match_options(port)
  local options = {}
  for key, value in pairs(port.match or {}) do
    local id = key == "vid" or key == "pid"
    options[#options + 1] = { key, id and ("%04x"):format(value) or tostring(value) }
  end
  table.sort(options, function(a, b) return a[1] < b[1] end)
  return options
end

-- The address that a recipe's `port` is by itself.
local function own_address(port)
  if type(port) == "string" then return port end
  local address = ("%s:%s"):format(port[1], addresses.encode(port[2] or ""))
  return addresses.add(addresses.add(address, port_options(port)), match_options(port))
end

-- A recipe may come from elsewhere: it starts no program. `port` is of the right shape.
local function check_program(self, _, report)
  local address = own_address(self.port)
  if not addresses.runs_program(address) then return end
  report("port", "no program: the station names the one to run, with --port exec:… or in its file (here { \"exec\" } "
    .. "at most)", shape.describe(address))
end

-- The entries of a map that are tables, whose keys are of a type.
local function entries(map, kind)
  local found = {}
  for key, entry in pairs(type(map) == "table" and map or {}) do
    if (math.type(key) or type(key)) == kind and type(entry) == "table" then found[key] = entry end
  end
  return found
end

-- Names that the status map and `faults` may use without a code of their own.
local function check_codes(self, _, report)
  for value, entry in pairs(entries(self.status, "integer")) do
    local at, name = ("status[0x%02x]"):format(value), entry[1]
    if name == nil then
      report(at, "a fault's name first", "nothing")
    elseif not fault.catalogue[name] and not (entry.code and entry.reason) then
      report(at, "code and reason, since the catalogue does not know '" .. tostring(name) .. "'", "neither")
    end
  end
  for name, entry in pairs(entries(self.faults, "string")) do
    if not fault.catalogue[name] and not (entry.code and entry.reason) then
      report(("faults[%s]"):format(name), "a name of the catalogue, or code and reason", "neither")
    end
  end
  if self.link and not self.exchange then
    report("link", "an exchange hook that resends", "no exchange hook")
  end
  local success = self.success or 0
  if entries(self.status, "integer")[success] then
    report(("status[0x%02x]"):format(success), "no entry: it means success", "an entry")
  end
end

--- All that is wrong with a recipe's table: what has another shape, in the order of paths, then what is wrong with
-- names and codes. Does not yield.
---@param self any
---@return { path: string, expected: string, got: string, keys?: string[] }[]
function recipe.mistakes(self)
  local found = shape.mistakes(recipe_shape, self)
  if type(self) ~= "table" then return found end
  local more = shape.mistakes(check_codes, self)
  table.move(more, 1, #more, #found + 1, found)
  if #shape.mistakes(port_shape, self.port) > 0 then return found end
  more = shape.mistakes(check_program, self)
  return table.move(more, 1, #more, #found + 1, found)
end

-- The limits of a recipe, those that it leaves out included.
local function limits_of(given)
  local limits = { first = given.first }
  for name, seconds in next, recipe.limits do limits[name] = given[name] or seconds end
  return limits
end

-- The recipes that `new` made, so that no other table is taken for one.
local made_here = setmetatable({}, { __mode = "k" })

--- Whether a value is a recipe that was checked.
---@param value any
---@return boolean
function recipe.is(value)
  return made_here[value] == true
end

-- Tables inside tables that a recipe needs; more is none. Its framing is made of functions, and may be any object.
local DEEP <const> = 4

-- What a recipe without a mistake was like: as its file gives it, and with what it leaves out filled in. Looking for
-- mistakes took a sixth of a unit's instructions, and a unit's recipe is like the one before.
local sound = {}

local function is_sound(self, form)
  if not likeness.holds(self, sound[form]) then return false end
  local right = true
  framing_shape(self.framing, "framing", function() right = false end)
  return right
end

-- Raises with the recipe's line when there is a mistake in it.
local function check(self, file, form)
  if is_sound(self, form) then return end
  local wrong = recipe.mistakes(self)[1]
  if not wrong then
    sound[form] = likeness.of(self, DEEP, "framing")
    return
  end
  local place = shape.where(file, wrong.path, "recipe%s*[%({]")
  local path = wrong.path == "" and "recipe" or wrong.path
  error(("%s: %s: expected %s, got %s"):format(place, path, wrong.expected, wrong.got), 0)
end

local function fill(made)
  made.version = made.version or "0"
  made.success = made.success or 0
  made.status = made.status or {}
  made.faults = made.faults or {}
  made.limits = limits_of(made.limits or {})
  made_here[made] = true
  return made
end

--- Checks a recipe and fills in what it leaves out. Raises with the recipe's line when it is wrong.
-- Does not yield.
---
---     return jig.recipe { name = "lamp", port = { "serial" }, framing = line {} }
---@param self jig.Recipe
---@param file string  where it is written; `jig.recipe` gives it by itself
---@return jig.Recipe
function recipe.new(self, file)
  check(self, file, "given")
  local made = {}
  for key, value in pairs(self) do
    made[key] = value
  end
  return fill(made)
end

--- What the engine goes by: a copy of a recipe that `new` made, checked once more, for its file may have written into
-- it since. What its hooks do to the recipe does not reach the copy. Raises as `new`. Does not yield.
---@param made jig.Recipe
---@param file string
---@return jig.Recipe
function recipe.sealed(made, file)
  local copy = shape.plain(made, "recipe", DEEP, "framing")
  check(copy, file, "filled")
  return fill(copy)
end

-- Transports that take the same options.
local ALIKE <const> = { serial = "tty", tty = "tty" }

local function merged(address, port)
  local scheme = address:match("^(%a+):")
  if (ALIKE[scheme] or scheme) ~= (ALIKE[port[1]] or port[1]) then return address end
  local missing = {}
  for _, option in ipairs(port_options(port)) do
    local key = "[?&]" .. option[1]:gsub("%W", "%%%0") .. "="
    if not address:find(key) then missing[#missing + 1] = option end
  end
  return addresses.add(address, missing)
end

--- The address to open. What the station names goes first and gets the options of the recipe's `port` that
-- it does not set itself, when it is the same kind of wire; without one the recipe's `port` is the address:
-- { "serial", baud = 921600, match = { vid = 0x0403 } } is "serial:?baud=921600&vid=0403".
---@param port table|string  the recipe's
---@param given? string      the station's
---@return string
function recipe.address(port, given)
  if given then return type(port) == "table" and merged(given, port) or given end
  return own_address(port)
end

--- How writes are paced: { chunk = bytes, gap = seconds }, from the recipe's `port`.
---@param port table|string
---@return table
function recipe.pacing(port)
  if type(port) == "string" then return {} end
  return { chunk = port.chunk, gap = port.gap }
end

return recipe
