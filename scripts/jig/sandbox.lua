--- The environment in which recipes and station files run: what is listed here and nothing else.

local budget = require "jig.budget"
local clock = require "jig.clock"
local coroutines = require "jig.coroutines"
local digest = require "jig.digest"
local source = require "jig.source"

local sandbox = {}

--- The framings that a recipe may require, as jig.framing.NAME.
sandbox.framings = { "cobs", "ftcd", "hdlc", "length", "line", "raw", "slip", "stx_etx" }

--- What framings of a recipe's own are made with; the same.
sandbox.parts = { "body", "common", "kept", "segments", "sized", "stuffed" }

--- Modules of jig that a recipe may require, besides jig itself.
sandbox.modules = {
  ["jig.hex"] = true,
  ["jig.crc"] = true,
  ["jig.digest"] = true,
  ["jig.fault"] = true,
  ["jig.secret"] = true,
}
for _, list in ipairs { sandbox.framings, sandbox.parts } do
  for _, name in ipairs(list) do sandbox.modules["jig.framing." .. name] = true end
end

-- Bytes of a file that is loaded, at most: compiling it is C's work, which nothing interrupts.
local FILE_MOST <const> = 1 << 20

-- A slot's state keeps it where no recipe comes, which has the methods of strings: see bindings/bounded.c.
local dump = string.dump or debug.dump -- luacheck: ignore 143 (jig puts it there)

local function copy(library)
  local made = {}
  for key, value in pairs(library) do
    made[key] = value
  end
  return made
end

-- The metatable of an environment's own, empty layer over a library: what a script puts there is gone with
-- the environment, and nothing is copied, for a script cannot reach what is below.
local function layer_over(library)
  return { __index = library, __metatable = false }
end

local function without(library, name)
  local made = copy(library)
  made[name] = nil
  return made
end

-- When simulated time begins, in seconds since 1970.
local BEGIN <const> = 1000000000

-- os.time, which goes with the clock of the limits where that is simulated.
local function time(...)
  if clock.simulated() and (...) == nil then return BEGIN + clock.now() // 1 | 0 end
  local ok, seconds = pcall(os.time, ...)
  if not ok then error(seconds, 2) end
  return seconds
end

-- os.clock, the same.
local function cpu_time()
  return clock.simulated() and clock.now() or os.clock()
end

-- os.date, whose work in C is as long as its format.
local function date(format, at)
  if type(format) == "string" and #format > 1024 then
    error("os.date takes a format of 1024 characters at most", 2)
  end
  local ok, said = pcall(os.date, format or "%c", at or time())
  if not ok then error(said, 2) end
  return said
end

local COROUTINE <const> = layer_over(coroutines)
local MATH <const> = layer_over(math)
local OS <const> = layer_over { time = time, date = date, clock = cpu_time }
local STRING <const> = layer_over(without(string, "dump"))
local TABLE <const> = layer_over(table)
local UTF8 <const> = layer_over(utf8)

local function strict(env)
  return setmetatable(env, {
    __metatable = false,
    __newindex = function(_, key)
      error(("assignment to the undeclared global '%s': write local"):format(tostring(key)), 2)
    end,
    __index = function(_, key)
      error(("there is no global '%s' here"):format(tostring(key)), 2)
    end,
  })
end

-- xpcall whose handler is left out once the budget is spent: it would run inside the hook that raised, where
-- nothing ends it.
local function guarded(f, handler, ...)
  if type(handler) ~= "function" then
    error(("bad argument #2 to 'xpcall' (function expected, got %s)"):format(type(handler)), 2)
  end
  return xpcall(f, function(...)
    if budget.spent() then return ... end
    return handler(...)
  end, ...)
end

-- getmetatable gives no metatable that all units of a slot share, as that of strings and those of jig's
-- objects: what a script cannot get it cannot change.
local function get_metatable(...)
  local meta = getmetatable(...)
  if type(meta) ~= "table" or type((...)) == "table" and not tostring(rawget(meta, "__name")):match("^jig%.") then
    return meta
  end
  return false
end

-- Numbers first, then strings, each in their order; others stay as they come.
local function is_before(a, b)
  local one, other = type(a), type(b)
  if one ~= other then return one == "number" or one == "string" and other ~= "number" end
  return (one == "number" or one == "string") and a < b
end

-- pairs in the order of the keys. In Lua's own it is by chance: two runs of the same recipe would do different things.
local function in_order(...)
  local t = ...
  local meta = type(t) == "table" and debug.getmetatable(t)
  if type(t) ~= "table" or type(meta) == "table" and rawget(meta, "__pairs") ~= nil then return pairs(...) end
  local keys, at = {}, 0
  for key in next, t do keys[#keys + 1] = key end
  table.sort(keys, is_before)
  return function()
    repeat at = at + 1 until keys[at] == nil or rawget(t, keys[at]) ~= nil -- it may be gone by now
    if keys[at] ~= nil then return keys[at], rawget(t, keys[at]) end
  end, t
end

-- A module of jig for one environment: what a script puts into it, or into a table inside, is gone with the
-- environment.
local function own(module)
  if type(module) ~= "table" then return module end
  local made = {}
  for key, value in pairs(module) do made[key] = own(value) end
  return setmetatable(made, debug.getmetatable(module))
end

-- What of a module is the engine's alone: by these it tells its own faults from a recipe's.
local KEPT_BACK <const> = {
  ["jig.fault"] = { "engine", "throw_io", "throw_cli" },
  ["jig.secret"] = { "exposed", "hide", "forget" },
}

local function shared(name)
  local made = own(require(name))
  for _, key in ipairs(KEPT_BACK[name] or {}) do made[key] = nil end
  return made
end

-- The innermost line of a file in the folder, as an error begins; a `return require` is not on the stack any more.
local function line_in(folder)
  local start, level = "@" .. folder, 3
  local frame = debug.getinfo(level, "Sl")
  while frame and frame.source:sub(1, #start) ~= start do
    level = level + 1
    frame = debug.getinfo(level, "Sl")
  end
  return frame and ("%s:%d: "):format(frame.source:sub(2), frame.currentline) or ""
end

-- Puts a file among those that are being required, each by the one before; raises, with the line of the `require`, when
-- it is there. Closing what this gives takes it off again.
local function enter(open, name, folder)
  for at, one in ipairs(open) do
    if one == name then
      local ring = table.concat(open, ", ", at) .. ", " .. name
      error(("%scannot require '%s': it requires itself (%s)"):format(line_in(folder), name, ring), 0)
    end
  end
  open[#open + 1] = name
  return setmetatable({}, { __close = function()
    for at, one in ipairs(open) do
      if one == name then return table.remove(open, at) end
    end
  end })
end

-- require for the files of one folder and the modules of jig.
local function requirer(folder, env, api, files)
  local loaded, open = { jig = api }, {}
  return function(name)
    if loaded[name] ~= nil then return loaded[name] end
    if sandbox.modules[name] then
      loaded[name] = shared(name)
      return loaded[name]
    end
    if type(name) ~= "string" or not name:match("^[%w_%-][%w_%-%.]*$") then
      error(("cannot require '%s': a recipe requires jig's library and files of its folder"):format(
        tostring(name)), 2)
    end
    if name:match("^jig%f[%.\0]") then
      error(("cannot require '%s': it is no module for recipes"):format(name), 2)
    end
    local entered <close> = enter(open, name, folder)
    local path = folder .. name:gsub("%.", "/") .. ".lua"
    local chunk, message = files:load(path, env, folder)
    if not chunk then error(message, 2) end
    local value = chunk(name, path)
    loaded[name] = value == nil and true or value
    return loaded[name]
  end
end

--- Compiled files, so that the second unit parses nothing.
local cache = {}

---@param hashing? boolean  keeps each file's SHA-256, too, for the record
---@return table files  path -> { code, sha256? }
function sandbox.files(hashing)
  return setmetatable({}, { __index = cache, hashing = hashing })
end

--- A file as a function that runs in `env`; nil, message when it cannot be one. Does not yield.
---@param path string     begins with `folder`
---@param env table
---@param folder? string  that the file must be in, wherever links lead; nil: a person named the file
function cache:load(path, env, folder)
  if not self[path] then
    local text, message = source.read(path, FILE_MOST, folder)
    if not text then return nil, message end
    local chunk
    chunk, message = load(text, "@" .. path, "t", env)
    if not chunk then return nil, message end
    self[path] = {
      code = dump(chunk),
      sha256 = getmetatable(self).hashing and digest.sha256(text) or nil,
    }
    return chunk
  end
  return load(self[path].code, "@" .. path, "b", env)
end

--- What a fresh environment holds, as a plain table: undeclared globals are not refused.
---@param folder string
---@param api table
---@param files table
---@return table env
function sandbox.globals(folder, api, files)
  local env = {
    _VERSION = _VERSION, assert = assert, error = error, getmetatable = get_metatable, ipairs = ipairs,
    next = next, pairs = clock.simulated() and in_order or pairs, pcall = pcall, rawequal = rawequal,
    rawget = rawget, rawlen = rawlen, rawset = rawset, select = select, setmetatable = budget.setmetatable,
    tonumber = tonumber, tostring = tostring, type = type, xpcall = guarded,
    coroutine = setmetatable({}, COROUTINE), math = setmetatable({}, MATH), os = setmetatable({}, OS),
    string = setmetatable({}, STRING), table = setmetatable({}, TABLE), utf8 = setmetatable({}, UTF8),
  }
  env._G = env
  env.require = requirer(folder, env, api, files)
  return env
end

--- A fresh environment for one run of a chunk of `folder` (with its last "/").
---@param folder string
---@param api table    what require "jig" gives
---@param files table  sandbox.files()
---@return table env
function sandbox.environment(folder, api, files)
  return strict(sandbox.globals(folder, api, files))
end

return sandbox
