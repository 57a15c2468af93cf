--- The texts of a new product's files for programs that look at its sources: .luarc.json, .luacheckrc, .gitignore.

local cjson = require "cjson.safe"
local sandbox = require "jig.sandbox"

local editor = {}

local LUARC <const> = [[
{
  "runtime.version": "Lua 5.4",
  "runtime.path": ["?.lua"],
$library  "workspace.checkThirdParty": false,
  "diagnostics.globals": [$globals]
}
]]

-- What busted gives to specs.
local BUSTED <const> = { "describe", "it", "pending", "setup", "teardown", "before_each", "after_each" }

local LUACHECKRC <const> = [[
-- For luacheck, run in this folder: what a recipe may use is what jig lets it have. No io, no os but the time, no
-- loading of code.

stds.recipe = {
  read_globals = {
    $globals,
    _G = { other_fields = true },
$libraries
  },
}

std = "recipe"
max_line_length = 120

files["**/*_spec.lua"] = { std = "lua54+busted" }
files["**/device.lua"] = { std = "lua54" } -- it runs where specs do
]]

local GITIGNORE <const> = [[
# keys, journals and what runs leave behind
*.pem
*.db
*.db-*
*.lcov
junit.xml
]]

local function quoted(text)
  return (assert(cjson.encode(text)):gsub("\\/", "/"))
end

local function listed(words)
  local made = {}
  for i, word in ipairs(words) do made[i] = quoted(word) end
  return table.concat(made, ", ")
end

--- .luarc.json, for lua-language-server.
---@param made jig.init.Plan
---@param meta? string  the folder of jig's definition files: see jig.init.meta
---@return string
function editor.luarc(made, meta)
  return made:fill(LUARC, {
    library = meta and ("  \"workspace.library\": [%s],\n"):format(quoted(meta)) or "", globals = listed(BUSTED),
  })
end

-- Words in lines of 120 columns at most, the first of which begins behind `column`.
local function wrapped(words, space, column)
  local lines, size = {}, math.huge
  for i, word in ipairs(words) do
    local piece = quoted(word) .. (i < #words and "," or "")
    if size + #piece + 1 > 120 then
      lines[#lines + 1], size = piece, (#lines == 0 and column or #space) + #piece
    else
      lines[#lines], size = lines[#lines] .. " " .. piece, size + #piece + 1
    end
  end
  return table.concat(lines, "\n" .. space)
end

-- The names of a library that the recipe's environment has of it.
local function fields(name, own)
  local names = {}
  for field in pairs(_G[name]) do
    if own[field] ~= nil then names[#names + 1] = field end
  end
  table.sort(names)
  return names
end

-- What a recipe's environment has: the names of plain values, and the libraries with their fields.
local function contents()
  local env = sandbox.environment("", {}, sandbox.files())
  local plain, libraries = {}, {}
  for name, value in next, env do
    if type(value) ~= "table" then
      plain[#plain + 1] = name
    elseif value ~= env then
      libraries[#libraries + 1] = { name = name, fields = fields(name, value) }
    end
  end
  table.sort(plain)
  table.sort(libraries, function(a, b) return a.name < b.name end)
  return plain, libraries
end

--- .luacheckrc, whose lists are made of the environment in which recipes run (jig.sandbox).
---@param made jig.init.Plan
---@return string
function editor.luacheckrc(made)
  local plain, libraries = contents()
  local lines = {}
  for i, library in ipairs(libraries) do
    lines[i] = ("    %s = { fields = {\n      %s,\n    } },"):format(library.name, wrapped(library.fields, "      ", 6))
  end
  return made:fill(LUACHECKRC, { globals = wrapped(plain, "    ", 4), libraries = table.concat(lines, "\n") })
end

--- .gitignore.
---@return string
function editor.gitignore()
  return GITIGNORE
end

return editor
