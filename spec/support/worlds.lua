-- Worlds (jig.world) with workers of a spec's own. A slot finds modules in the program alone, or where
-- JIG_PATH says: so a spec's workers and the script that plays for them run in a jig of their own.
--
--     worlds.run({ worker = "return function() … end" }, [[ local w, s = started({}, "worker") … ]])

local scratch = require "spec.support.scratch"

local worlds = {}

-- What the scripts begin with.
local PRELUDE <const> = [[
local world, clock, system = require "jig.world", require "jig.clock", require "jig.system"
-- A world with one slot that runs a module.
local function started(hooks, module, argument, options)
  local w = assert(world.new(hooks, options))
  local s = w:slot()
  s:start(module, argument)
  return w, s
end
-- All messages that are there, and why there are no more.
local function messages(slot)
  local list = {}
  while true do
    local message, _, code = slot:next()
    if not message then return list, code end
    if message.event == "crashed" then error(message.message) end
    list[#list + 1] = message
  end
end
-- Runs it to its end: what its worker emitted.
local function all(w, s)
  local how = w:run()
  local list = messages(s)
  assert(how == "ended", how)
  return list
end
local function same(expected, got, what)
  if expected == got then return end
  error(("%s: expected %q, got %q"):format(what or "?", expected, got), 2)
end
local function throws(pattern, f, ...)
  local ok, message = pcall(f, ...)
  if ok or not tostring(message):find(pattern, 1, true) then
    error(("expected '%s', got %s"):format(pattern, ok and "no error" or tostring(message)), 2)
  end
end
-- Nothing is there any more.
local function nothing_held(w)
  for what, count in pairs(w:held()) do same(0, count, what) end
end
]]

--- Runs a script with worker modules (name -> text) beside it; it ends with status 0 and says nothing on
-- stderr. Gives what it printed.
function worlds.run(modules, script)
  local files = { ["try.lua"] = PRELUDE .. script }
  for name, text in pairs(modules) do files[name .. ".lua"] = text end
  local folder <close> = scratch.folder(files)
  local result = scratch.run { env = { JIG_PATH = folder.path }, scratch.program, folder.path .. "/try.lua",
    folder.path }
  if result.stderr ~= "" or result.exit ~= 0 then
    error(("exit %s, signal %s: %s"):format(result.exit, result.signal, result.stderr), 2)
  end
  return result.stdout
end

return worlds
