--- What `jig test --coverage` counted, of recipes: of which files, which of their lines can run, and which ran.
--
-- A recipe's file is one that was loaded from a folder in which a recipe was run, or in which there is a
-- recipe.lua; not a spec, nor a script of jig.

local dir = require "pl.dir"
local lines = require "jig.lines"
local path = require "pl.path"
local system = require "jig.system"

---@class jig.CoveredFile
---@field path string        as seen from the working directory
---@field can integer[]      lines that can run, in order
---@field runs table<integer, integer>  how often each of these ran
---@field ran integer        how many of them ran

local covered = {}

-- A file of counters is an array of words: see bindings/coverage.h.
local WORD <const> = 4
local PATH <const>, RECIPE <const>, LINES <const> = 0, 1024, 1025

local SPEC <const> = "_spec%.lua$"

local function read(name)
  local file = io.open(name, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

local function word(text, index)
  local at = index * WORD + 1
  return at + WORD - 1 <= #text and string.unpack("=I4", text, at) or 0
end

-- path -> what was counted, of all sources.
local function read_counters(folder)
  local found = {}
  for _, name in ipairs(dir.getfiles(folder)) do
    local text = read(name) or ""
    if #text >= LINES * WORD then found[string.unpack("z", text, PATH + 1)] = text end
  end
  return found
end

local function is_below(place, folder)
  return folder == "/" or place == folder or place:sub(1, #folder + 1) == folder .. "/"
end

local function is_below_one(place, folders)
  for _, folder in ipairs(folders) do
    if is_below(place, folder) then return true end
  end
  return false
end

-- Whether the file is in a recipe's folder, at any depth. `known` are folders of recipes that were run.
local function is_of_recipe(file, known, roots)
  local folder = path.dirname(file)
  while is_below_one(folder, roots) do
    if known[folder] == nil then known[folder] = path.isfile(folder .. "/recipe.lua") end
    if known[folder] then return true end
    if folder == "/" then break end
    folder = path.dirname(folder)
  end
  return false
end

local function own_scripts()
  return system.realpath(debug.getinfo(1, "S").source:match("^@(.*)/") or "") or "/nowhere"
end

-- Tells files of recipes from all the others that were loaded.
local function chooser(counters, roots)
  local own, known = own_scripts(), {}
  for file, text in pairs(counters) do
    if word(text, RECIPE) > 0 then known[path.dirname(file)] = true end
  end
  return function(file)
    return not file:match(SPEC) and not is_below(file, own) and is_of_recipe(file, known, roots)
  end
end

-- nil for a file that is gone, or is no Lua.
local function new_file(file, counters, here)
  local text = read(file)
  local can = text and lines.of(text, file)
  if not can then return nil end
  local made = { path = is_below(file, here) and path.relpath(file, here) or file, can = {}, runs = {}, ran = 0 }
  for line in pairs(can) do
    made.can[#made.can + 1] = line
    made.runs[line] = word(counters, LINES + line)
    if made.runs[line] > 0 then made.ran = made.ran + 1 end
  end
  table.sort(made.can)
  return made
end

-- The folders of paths, without links, which are there.
local function folders_of(paths)
  local found = {}
  for _, given in ipairs(paths) do
    local place = system.realpath(given)
    if place then found[#found + 1] = path.isdir(place) and place or path.dirname(place) end
  end
  return found
end

--- Reads the counters. The files are below the working directory, or the folders of the paths; a recipe.lua in
--- one of these folders is among them also when nothing has loaded it.
---@param folder string     of the counters, from coverage.start()
---@param paths string[]    the specs that were run
---@return jig.CoveredFile[] files  by path
function covered.files(folder, paths)
  local counters, here, tested = read_counters(folder), system.realpath("."), folders_of(paths)
  for _, place in ipairs(tested) do
    local recipe = place .. "/recipe.lua"
    if path.isfile(recipe) then counters[recipe] = counters[recipe] or "" end
  end
  local is_chosen = chooser(counters, { here, table.unpack(tested) })
  local files = {}
  for file, text in pairs(counters) do
    files[#files + 1] = is_chosen(file) and new_file(file, text, here) or nil
  end
  table.sort(files, function(a, b) return a.path < b.path end)
  return files
end

return covered
