--- Loading a recipe: jig.loader, jig.recipe, jig.sandbox.
--
-- The first byte of an input says what the rest is: the recipe's file (below 128), or edits of a recipe's table.
--
--   - Whatever the file is, loading it raises nothing and ends: a recipe, or nil and what is wrong.
--   - What is loaded has no mistakes, no metatable outside its framing, every limit, and an address.
--   - Nothing that the file did is left in the state.

local loader = require "jig.loader"
local recipe = require "jig.recipe"
local sandbox = require "jig.sandbox"
local values = dofile "spec/fuzz/values.lua"

local FOLDER <const>, FILE <const> = "build/fuzz/work/recipe/", "build/fuzz/work/recipe/recipe.lua"

local WORDS <const> = {
  "name", "version", "port", "framing", "limits", "status", "faults", "success", "link", "run", "prepare", "reset",
  "exchange", "finish", "open", "ready", "read", "write", "first", "between", "unit", "code", "reason", "retry",
  "advice", "match", "vid", "pid", "serial", "chunk", "gap", "baud", "arq", "tcp", "host", "encode", "decoder",
  "device.io", "tool.journal",
}

local function framing()
  return require "jig.framing.line" {}
end

local function plain_recipe()
  return {
    name = "lamp", version = "1", port = { "serial", baud = 9600, match = { vid = 1, serial = "a" }, chunk = 8 },
    framing = framing(), limits = { open = 1, unit = 10 }, success = 0,
    status = { [1] = { "lamp.broken", code = 1, reason = "broken", retry = true, advice = "mend it" } },
    faults = { ["lamp.other"] = { code = 2, reason = "other" } },
    prepare = function() end, exchange = function() end,
  }
end

local function write(text)
  local file <close> = assert(io.open(FILE, "wb"))
  assert(file:write(text))
end

-- What a file could reach that is shared with the engine.
local function shared()
  return { string.format, getmetatable("").__index, table.concat, math.floor, _G.print, require "jig.crc".new,
    require "jig.hex".encode, require "jig.fault".new, require "jig.framing.line", debug.getmetatable(""), next(_G) }
end

local before = shared()

local function check_shared()
  for i, value in ipairs(shared()) do assert(rawequal(value, before[i]), "the file changed what is not its own") end
  assert(getmetatable("").__index == string)
end

local function check_message(message)
  assert(type(message) == "string" and message ~= "", "no message")
end

local function check_recipe(made)
  assert(recipe.is(made) and #recipe.mistakes(made) == 0, "a recipe with mistakes")
  assert(debug.getmetatable(made) == nil, "a recipe with a metatable")
  for name in pairs(recipe.limits) do assert(made.limits[name] > 0, "a limit is missing") end
  assert(type(recipe.address(made.port)) == "string")
  assert(type(recipe.address(made.port, "serial:/dev/ttyS0?baud=1")) == "string")
  local pacing = recipe.pacing(made.port)
  assert(not pacing.gap or pacing.gap >= 0)
end

local function load_text(text)
  write(text)
  local made, message = loader.load(FILE, FOLDER, sandbox.files())
  if made then check_recipe(made) else check_message(message) end
  check_shared()
end

local function check_table(bytes)
  local given = values.edit(plain_recipe(), values.bytes(bytes), WORDS)
  local ok, made = pcall(recipe.new, given, FILE)
  if ok then ok, made = pcall(recipe.sealed, made, FILE) end
  if ok then return check_recipe(made) end
  check_message(made)
  assert(made:find(FILE, 1, true) == 1 or made:find("^recipe[%.:]"), made)
end

write "return jig.recipe {\n}\n"

return function(input)
  if #input < 1 then return end
  if input:byte(1) < 128 then load_text(input:sub(2)) else check_table(input:sub(2)) end
end
