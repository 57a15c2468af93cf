--- Looks for mistakes in a recipe without a device: in its text, in the tables that it makes, and in one run on
--- virtual time when a device.lua stands beside it.
--
-- The recipe's own code runs in the sandbox alone, and first in a slot's state, which ends it (jig.trial); device.lua,
-- which is a part of its tests, runs as in `jig prove`. Nothing is opened, and the CLI is never started. What `jig run`
-- would refuse is always a finding.

local framings = require "jig.check.framings"
local kinds = require "jig.check.kinds"
local loader = require "jig.loader"
local sandbox = require "jig.sandbox"
local source = require "jig.check.source"
local system = require "jig.system"
local trial = require "jig.trial"

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
  instead = instead:gsub("^mend this line", "mend this file")
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

-- A finding of the recipe's table, by its path.
function Subject:add_field(name, path, what, instead)
  local here, line, file = self.sources[self.file], 1, nil
  if here.call then line, file = source.place(here.call.args[1], path, self:resolver()) end
  self:add(name, file or self.file, line, what, instead)
end

-- ---- the parts ----

local REFUSED <const> = "mend this line: a run refuses the recipe"

function Subject:check_texts()
  require("jig.check.doubts").spread(self.sources, function(node) return self:required(node) end)
  for file, made in pairs(self.sources) do
    require "jig.check.hooks"(made, self:reporter("hooks", file))
    require("jig.check.strings").all(made, self:reporter("calls", file), self.sources)
    require "jig.check.globals"(made, self:reporter("globals", file))
    require "jig.check.names"(made, self:reporter("names", file), self.folder)
  end
end

-- What jig.check.apart tells.
local hear = {}

function hear.field(self, told) self:add_field(told.check, told.path, told.what, told.instead) end

function hear.framing(self, told)
  local made = self.sources[told.file]
  local line = made and framings.line(made, told.line, told.key) or told.line
  self:add("framings", told.file, line, told.what, told.instead)
end

function hear.loaded(self, told)
  for file, made in pairs(self.sources) do
    require "jig.check.calls"(made, self:reporter("calls", file), told.limits)
  end
  self.loaded = told
end

-- What a run says is the last word: where nothing was found and it refuses, that is a finding.
function hear.run(self, told)
  self.usable = not told.refused
  if told.refused then self.refusal = told.message end
end

function Subject:check_tables()
  local messages, trouble = trial.run("jig.check.apart", { file = self.file, folder = self.folder })
  for _, told in ipairs(messages) do hear[told.event](self, told) end
  local loaded = self.loaded or {}
  if loaded.trouble and not loaded.guessed then
    self:add_message("load", loaded.trouble, REFUSED)
  end
  local refusal = self.refusal or trouble
  if refusal and #self.findings == 0 then self:add_message("load", refusal, REFUSED) end
end

-- Where a run takes it it is loaded here, too.
function Subject:load()
  local released <close> = trial.interruptible()
  self.recipe = self.usable and loader.load(self.file, self.folder, sandbox.files()) or nil
end

function Subject:run()
  if not self.recipe or not system.kind(self.folder .. "device.lua") then return end
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
    self:check_tables()
    self:load()
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
