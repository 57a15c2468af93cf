--- A factory station in small, for specs: the real programs (`jig run`, the simulator's factory_tool and
-- device) as child processes, and what they left behind.
--
--     local place <close> = station.place()
--     local device <close> = station.device(place, { wire = "length", faults = { "crc@init" } })
--     local result = station.run(place, { recipe = "examples/thermostat", port = device.address })
--     assert.equal(1, result.exit)
--     assert.equal(1, #result.audit:starts("report_error"))
--
-- The audit file is the simulator's own account of every call: a witness that shares no code with jig.

local cjson = require "cjson.safe"
local clock = require "jig.clock"
local lfs = require "lfs"
local proc = require "jig.proc"
local system = require "jig.system"

local station = {}

--- Seconds that anything here may take before the spec gives up. Far beyond what is needed.
station.PATIENCE = 60

-- Seconds between two looks at a file that grows.
local LOOK <const> = 0.004

local build = assert(system.realpath(os.getenv("JIG_BUILD") or "build"))
station.build = build
station.jig = build .. "/jig"
station.factory_tool = build .. "/factory_tool"
station.simulator = build .. "/device"

--- Reads a whole file; "" when there is none.
---@param path string
---@return string
function station.read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text
end

--- Calls fn until it returns a true value. Raises when that takes too long. Yields.
---@generic T
---@param what string  for the message
---@param fn fun(): T
---@return T
function station.eventually(what, fn)
  local deadline = clock.now() + station.PATIENCE
  repeat
    local result = fn()
    if result then return result end
    clock.sleep(LOOK)
  until clock.now() > deadline
  error("it did not happen: " .. what, 2)
end

-- ---- a place for files ----

---@class spec.Place a temporary directory; closing removes it with all that is in it
---@field path string
local place = {}
place.__index = place

--- Runs a program that must not fail, and gives what it printed. Yields.
---@param ... string  its name and arguments
---@return string stdout
function station.execute(...)
  local result = assert(proc.start({ ... }):wait(station.PATIENCE))
  assert(result.exit == 0, result.stderr)
  return result.stdout
end

---@return spec.Place  Yields.
function station.place()
  local name = os.tmpname()
  os.remove(name)
  station.execute("mkdir", "-m", "700", name)
  return setmetatable({ path = name, names = 0 }, place)
end

--- A path in this place that nothing has yet: "prefix1", "prefix2", …
function place:fresh(prefix)
  self.names = self.names + 1
  return ("%s/%s%d"):format(self.path, prefix, self.names)
end

--- Writes a file, relative to the place or absolute; makes it executable when asked to.
---@return string path
function place:write(name, text, executable)
  local path = name:sub(1, 1) == "/" and name or self.path .. "/" .. name
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  if executable then station.execute("chmod", "755", path) end
  return path
end

--- Writes a recipe's folder: the recipe of an example, and a recipe.lua over it that sees the example's as
-- `base` and changes it.
---@param example string  "thermostat"
---@param changes? string Lua text
---@return string folder
function place:recipe(example, changes)
  local folder = self:fresh("recipe")
  station.execute("mkdir", folder)
  self:write(folder .. "/base.lua", station.read("examples/" .. example .. "/recipe.lua"))
  self:write(folder .. "/recipe.lua", ('local base = require "base"\n%s\nreturn base\n'):format(changes or ""))
  return folder
end

function place:close()
  if self.path then station.execute("rm", "-rf", self.path) end
  self.path = nil
end

place.__close = place.close

-- ---- the simulator's device ----

---@class spec.Device a running device; closing ends it
---@field address string  to open
---@field log string      path of its log
local device = {}
device.__index = device

---@param at spec.Place
---@param options { wire: string, listen?: "pty"|"tcp", faults?: string[], arguments?: string[] }
---@return spec.Device  Yields until it is ready.
function station.device(at, options)
  local link = at:fresh("tty")
  local out, log = link .. ".out", link .. ".log"
  local words = {
    "sh", "-c", 'exec "$0" "$@" >' .. out, station.simulator, "--wire", options.wire,
    "--listen", options.listen == "tcp" and "tcp:0" or "pty:" .. link, "--log", log, "--store", at.path,
  }
  for _, fault in ipairs(options.faults or {}) do
    table.move({ "--fault", fault }, 1, 2, #words + 1, words)
  end
  table.move(options.arguments or {}, 1, #(options.arguments or {}), #words + 1, words)
  local child = assert(proc.start(words))
  local address = station.eventually("the device is ready", function()
    if not child:pid() then error("the device ended: " .. child:wait(0).stderr) end
    return station.read(out):match("^ready (.-)\n")
  end)
  return setmetatable({ child = child, address = address, log = log }, device)
end

--- Ends it and waits for that.
function device:close()
  if not self.child then return end
  self.child:kill(15)
  assert(self.child:wait(station.PATIENCE))
  self.child = nil
end

device.__close = device.close

--- The rows of a query on a journal, read by a jig of its own: this process's SQLite may be another one. Yields.
---@param at spec.Place
---@param path string
---@param sql string
---@return table[]
function station.query(at, path, sql)
  local script = at:write(at:fresh("query") .. ".lua", [[
for row in require("jig.ledger").open(arg[1]):rows(arg[2]) do print(require("cjson.safe").encode(row)) end]])
  local rows = {}
  for line in station.execute(station.jig, script, path, sql):gmatch("[^\n]+") do
    rows[#rows + 1] = assert(cjson.decode(line), line)
  end
  return rows
end

-- ---- the audit file ----

---@class spec.Audit the simulator's account of the calls, in the order in which they were made
local audit = {}
audit.__index = audit

---@param directory string  SIM_DIR
---@return spec.Audit
function station.audit(directory)
  local self = setmetatable({}, audit)
  for line in station.read(directory .. "/audit.jsonl"):gmatch("[^\n]+") do
    self[#self + 1] = assert(cjson.decode(line), line)
  end
  return self
end

local function select_from(self, event, key, value)
  local found = {}
  for _, line in ipairs(self) do
    if line.event == event and (value == nil or line[key] == value) then found[#found + 1] = line end
  end
  return found
end

--- Calls that began, of one command or of all.
function audit:starts(command) return select_from(self, "start", "command", command) end

--- Moves of sessions, to one state ("opened", "reported", …) or all.
function audit:commits(state) return select_from(self, "commit", "state", state) end

--- Calls that came to their end, of one command or of all.
function audit:ends(command) return select_from(self, "end", "command", command) end

-- ---- jig as a child ----

---@class spec.Run a running jig; closing kills it
local running = {}
running.__index = running

-- A Lua value as text, for station files.
local function literal(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for key, element in pairs(value) do
    parts[#parts + 1] = ("[%s] = %s"):format(literal(key), literal(element))
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

--- Writes a station file by which the CLI sees what the simulator's factory_tool takes (SIM_DIR and its like) as the
-- jig has it that is started; the locks of its token are its own unless `service` names their folder.
---@param at spec.Place
---@param service? table  settings of the CLI: limits, grace, report, env, …
---@param more? table     further settings of the station file
---@return string path
function station.file(at, service, more)
  local cli = { token = { folder = at:fresh("locks") } }
  for key, value in pairs(service or {}) do cli[key] = value end
  cli.env = { SIM_DIR = true, SIM_TOOL_FAULT = true, SIM_DELAY_MS = true }
  for name, value in pairs((service or {}).env or {}) do cli.env[name] = value end
  local file = { cli = cli }
  for key, value in pairs(more or {}) do file[key] = value end
  return at:write(at:fresh("station") .. ".lua", "return " .. literal(file) .. "\n")
end

--- Writes a program that is the simulator's factory_tool with these variables: a CLI for who has no station file.
---@param at spec.Place
---@param variables table<string, string>
---@return string path
function station.tool(at, variables)
  local words = {}
  for name, value in pairs(variables) do words[#words + 1] = ("%s='%s'"):format(name, value) end
  local text = ('#!/bin/sh\n%s exec %s "$@"\n'):format(table.concat(words, " "), station.factory_tool)
  return at:write(at:fresh("cli"), text, true)
end

--- Starts any jig command with stdout and stderr in files. `env` is laid over the environment.
---@param at spec.Place
---@param words string[]  what follows "jig"
---@param env? table<string, string|false>
---@return spec.Run
function station.start_jig(at, words, env)
  local base = at:fresh("jig")
  env = env or {}
  env.XDG_STATE_HOME = env.XDG_STATE_HOME or base .. ".state" -- a journal of its own, unless one is named
  env.XDG_RUNTIME_DIR = env.XDG_RUNTIME_DIR or base .. ".locks" -- and a token
  local argv = { "sh", "-c", ('exec "$0" "$@" >%s.out 2>%s.err </dev/null'):format(base, base), station.jig }
  table.move(words, 1, #words, #argv + 1, argv)
  argv.env = env
  return setmetatable({ child = assert(proc.start(argv)), base = base }, running)
end

--- Starts `jig run`. Does not wait.
---@param at spec.Place
---@param options table
--   recipe     path
--   port       address
--   cli        path of the CLI (default the simulator's factory_tool); false = name none
--   service    other settings of the CLI, for the station file: limits, grace, stop, hurry, report, …; the locks
--              of its token are its own unless it names their folder
--   station    further settings of the station file
--   fault      SIM_TOOL_FAULT
--   delay      SIM_DELAY_MS
--   journal    path of the journal (default one of its own); false = none
--   directory  SIM_DIR of an earlier run, to go on with
--   arguments  further words for the command line
--   json       --json, so that :events() works
--   hasty      recipes that loop end after 0.2 s (hasty.lua)
---@return spec.Run
function station.start(at, options)
  local directory = options.directory or at:fresh("service")
  local words = options.hasty and { "spec/support/hasty.lua", "run" } or { "run" }
  words[#words + 1] = options.recipe
  local function add(...)
    table.move({ ... }, 1, select("#", ...), #words + 1, words)
  end
  if options.port then add("--port", options.port) end
  if options.cli ~= false then add("--cli", options.cli or station.factory_tool) end
  add("--station", station.file(at, options.service, options.station))
  local journal = options.journal
  if journal == nil then journal = at:fresh("journal") end
  if journal then add("--journal", journal) else add("--no-journal") end
  if options.json then add("--json") end
  add(table.unpack(options.arguments or {}))
  local self = station.start_jig(at, words, { SIM_DIR = directory, SIM_TOOL_FAULT = options.fault or false,
    SIM_DELAY_MS = options.delay and tostring(options.delay) or false })
  self.directory, self.json, self.journal = directory, options.json, journal
  return self
end

--- The objects that it has printed so far; only with json.
---@return table[]
function running:events()
  local list = {}
  for line in station.read(self.base .. ".out"):gmatch("([^\n]+)\n") do
    list[#list + 1] = assert(cjson.decode(line), line)
  end
  return list
end

--- Waits for an event of this name (and phase). Raises when it does not come. Yields.
---@param name string
---@param phase? string
---@return table event
function running:await(name, phase)
  return station.eventually(("event %s %s"):format(name, phase or ""), function()
    for _, event in ipairs(self:events()) do
      if event.event == name and (not phase or event.phase == phase) then return event end
    end
    if not self.child:pid() then error("jig ended without event " .. name .. " " .. (phase or "")) end
  end)
end

--- Sends a signal.
---@param number integer
function running:signal(number)
  assert(self.child:kill(number))
end

--- Waits for the end.
---@param patience? number  seconds
---@return table result  exit or signal; stdout, stderr, events (with json), audit, left, journal (its path),
--- directory (SIM_DIR)
function running:finish(patience)
  local result = assert(self.child:wait(patience or station.PATIENCE))
  result.journal, result.directory = self.journal, self.directory
  result.stdout, result.stderr = station.read(self.base .. ".out"), station.read(self.base .. ".err")
  if self.json then result.events = self:events() end
  if self.directory then
    result.audit, result.left = station.audit(self.directory), station.left(self.directory)
  end
  return result
end

function running:close()
  self.child:close()
end

running.__close = running.close

--- start and finish in one.
function station.run(at, options)
  local run <close> = station.start(at, options)
  return run:finish()
end

--- Ids of the processes that work for a service's directory: it stands in their environment.
---@param directory string  SIM_DIR
---@return string[]
function station.left(directory)
  local found = {}
  for name in lfs.dir("/proc") do
    if name:match("^%d+$") then
      local environment = "\0" .. station.read("/proc/" .. name .. "/environ") .. "\0"
      if environment:find("\0SIM_DIR=" .. directory .. "\0", 1, true) then found[#found + 1] = name end
    end
  end
  return found
end

return station
