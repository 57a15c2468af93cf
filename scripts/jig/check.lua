--- Looks for mistakes in a recipe without a device: in its text, in the tables that it makes, and in one run on
--- virtual time when a device.lua stands beside it.
--
-- The recipe's own code runs in the sandbox alone; device.lua, which is a part of its tests, runs as in
-- `jig prove`. Nothing is opened, and the CLI is never started. What `jig run` would refuse is always a finding.

local kinds = require "jig.check.kinds"
local load_all = require "jig.check.load"
local loader = require "jig.loader"
local recipe = require "jig.recipe"
local sandbox = require "jig.sandbox"
local source = require "jig.check.source"
local stand_in = require "jig.check.stand_in"

local check = {}

---@class jig.check.Finding
---@field file string
---@field line? integer    none for a file that cannot be read
---@field what string
---@field instead string   what to write
---@field check string     which of the checks found it: "names", "limits", …

---@class jig.check.Result
---@field file string
---@field recipe? jig.Recipe  when a run would take it; likewise `station`
---@field station? jig.Station
---@field findings jig.check.Finding[]  in the order of files and lines
---@field notes string[]   what could not be looked at

---@class jig.check.Subject
---@field file string
---@field folder string
---@field sources table<string, jig.check.Source>
---@field findings jig.check.Finding[]
---@field seen table<string, true>  places and findings of which was told
---@field notes string[]
local Subject = {}
Subject.__index = Subject

-- ---- findings ----

function Subject:add(name, file, line, what, instead)
  local place = ("%s:%s"):format(file, line)
  local said = ("%s: %s"):format(place, what)
  if self.seen[said] then return end
  self.seen[place], self.seen[said] = true, true
  table.insert(self.findings, { check = name, file = file, line = line, what = what, instead = instead })
end

-- A sentence of jig's or Lua's that may begin with its place. One about a line of which something was said already
-- comes of that.
function Subject:add_message(name, message, instead)
  local first = tostring(message):match("^[^\n]*")
  local file, line, what = first:match("^(.-%.lua):(%d+): (.*)$")
  line = math.tointeger(tonumber(line))
  if file and self.seen[("%s:%d"):format(file, line)] then return end
  if file then return self:add(name, file, line, what, instead) end
  self:add(name, self.file, nil, (first:gsub("^" .. self.file:gsub("%W", "%%%0") .. ": ", "")), instead)
end

-- A function for checks of one file.
function Subject:reporter(name, file)
  return function(line, what, instead) self:add(name, file, line, what, instead) end
end

-- ---- files ----

-- The file of the folder that an expression requires.
function Subject:required(node)
  local var = node.tag == "name" and node.var
  local call = var and var.written == 0 and var.value or node
  local name = call.tag == "call" and kinds.required(call)
  local is_file = name and name:match("^[%w_%-][%w_%-%.]*$") and not name:match("^jig")
  return is_file and self.folder .. name:gsub("%.", "/") .. ".lua" or nil
end

-- Reads a file and those that it requires.
function Subject:read(file)
  if self.sources[file] then return end
  local made, message = source.read(file)
  if not made then
    if file == self.file or not tostring(message):find("No such file", 1, true) then
      self:add_message("syntax", message, "mend it first: nothing else can be looked at")
    end
    return
  end
  self.sources[file] = made
  made:each("call", function(node)
    local required = kinds.required(node) and self:required(node)
    if required then self:read(required) end
  end)
end

-- ---- the recipe's table ----

-- The constructor that an expression gives, also in another file of the folder.
function Subject:resolver()
  return function(node)
    local constructor = source.constructor(node)
    if constructor then return constructor end
    local file = self:required(node)
    local other = file and self.sources[file]
    local returned = other and other:returned()
    return returned, returned and file
  end
end

-- A function for checks of the recipe's table, which know a path.
function Subject:path_reporter(name, ignored)
  local here = self.sources[self.file]
  return function(path, what, instead)
    if stand_in.covers(ignored, path) then return end
    local line, file = 1, nil
    if here.call then line, file = source.place(here.call.args[1], path, self:resolver()) end
    self:add(name, file or self.file, line, what, instead)
  end
end

function Subject:check_fields(fields)
  local ignored = stand_in.paths(fields)
  local function report(name) return self:path_reporter(name, ignored) end
  require "jig.check.tables"(fields, report "tables")
  if type(fields) ~= "table" then return end
  require "jig.check.limits"(fields, recipe.limits, report "limits")
  require "jig.check.statuses"(fields, report "statuses")
  require "jig.check.header"(fields, report "header")
  require("jig.check.ports").check(fields.port, report "ports")
end

-- The limits that hold, as far as they are known.
local function limits_of(fields)
  local given = type(fields) == "table" and type(fields.limits) == "table" and fields.limits or {}
  return setmetatable({}, { __index = function(_, name)
    local value = given[name]
    return type(value) == "number" and value or recipe.limits[name]
  end })
end

-- ---- the parts ----

function Subject:check_texts()
  for file, made in pairs(self.sources) do
    require "jig.check.globals"(made, self:reporter("globals", file))
    require "jig.check.names"(made, self:reporter("names", file), self.folder)
  end
end

function Subject:check_tables()
  local loaded = load_all(self.file, self.folder, {
    source_of = function(path) return self.sources[path] end,
    report = function(...) self:add("framings", ...) end,
  })
  for file, made in pairs(self.sources) do
    require "jig.check.calls"(made, self:reporter("calls", file), limits_of(loaded.fields))
  end
  if loaded.fields ~= nil then self:check_fields(loaded.fields) end
  if loaded.trouble and not loaded.guessed then
    self:add_message("load", loaded.trouble, "mend this line: a run refuses the recipe")
  end
  return not loaded.spent
end

-- What a run says. It is the last word: where nothing was found and it refuses, that is a finding.
function Subject:load()
  local made, message = loader.load(self.file, self.folder, sandbox.files())
  if not made and #self.findings == 0 then
    self:add_message("load", message, "mend this line: a run refuses the recipe")
  end
  self.recipe = made
end

function Subject:run()
  local file = io.open(self.folder .. "device.lua")
  if not self.recipe or not file then return end
  file:close()
  require "jig.check.clean_run"(self.file, self.recipe, function(place, what, instead)
    self:add_message("clean_run", ("%s: %s"):format(place or self.file, what), instead)
  end)
end

function Subject:ask_luacheck()
  local luacheck = require "jig.check.luacheck"
  for file, made in pairs(self.sources) do
    local ok, message = luacheck(made, self:reporter("luacheck", file))
    if not ok then table.insert(self.notes, ("%s: %s"):format(file, message)) end
  end
end

local function before(one, other)
  if one.file ~= other.file then return one.file < other.file end
  if one.line ~= other.line then return (one.line or 0) < (other.line or 0) end
  return one.what < other.what
end

--- Checks a recipe. Yields where luacheck is asked.
---
---     local result = check.recipe("examples/thermostat")
---@param path string  its file or folder
---@param options? { run?: boolean, luacheck?: boolean }  false: device.lua is not run; luacheck is not asked
---@return jig.check.Result
function check.recipe(path, options)
  options = options or {}
  local file, folder = loader.locate(path)
  local self = setmetatable({ file = file, folder = folder, sources = {}, findings = {}, seen = {}, notes = {} },
    Subject)
  self:read(file)
  if self.sources[file] then
    self:check_texts()
    if self:check_tables() then self:load() end
    if options.run ~= false then self:run() end
    if options.luacheck ~= false then self:ask_luacheck() end
  end
  table.sort(self.findings, before)
  return { file = file, recipe = self.recipe, findings = self.findings, notes = self.notes }
end

local function check_station(file, options)
  local self = setmetatable({ file = file, findings = {}, seen = {} }, Subject)
  local made, recipes = require("jig.check.stations").check(file, self:reporter("stations", file))
  table.sort(self.findings, before)
  local results = { { file = file, station = made, findings = self.findings, notes = {} } }
  for _, path in ipairs(recipes) do results[#results + 1] = check.recipe(path, options) end
  return results
end

--- Checks what a path means: a recipe, or a station file and the recipes that its slots name.
---@param path string
---@param options? { run?: boolean, luacheck?: boolean }
---@return jig.check.Result[]
function check.all(path, options)
  local station = require("jig.check.stations").locate(path)
  return station and check_station(station, options) or { check.recipe(path, options) }
end

--- A finding as a line of text.
---@param finding jig.check.Finding
---@return string
function check.text(finding)
  local place = finding.line and ("%s:%d"):format(finding.file, finding.line) or finding.file
  return ("%s: %s; %s"):format(place, finding.what, finding.instead)
end

return check
