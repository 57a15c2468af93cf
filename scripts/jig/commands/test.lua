--- jig test: runs busted inside jig, as a task, so that specs block like recipes do.
--
-- Red is also: nothing was run, or the run did not come to its end (a spec that ends the program).

local options = require "jig.commands.options"
local system = require "jig.system"
local task = require "jig.task"

local ENDED <const> = "jig.output.specs.ended"

local function arguments(o)
  local args = { [0] = "jig test" }
  for _, path in ipairs(o.path) do
    args[#args + 1] = path
  end
  local function add(name, value)
    if value then table.move({ name, value }, 1, 2, #args + 1, args) end
  end
  add("--output", o.output or "jig.output.specs")
  add("--filter", o.filter)
  add("--helper", o.helper)
  return args
end

-- Who ends the program in mid-run is a spec, and that is red whatever it says; or busted, which with
-- another output ends it so when something failed.
local function leave(status)
  local success = status == nil or status == true or status == 0
  if success then io.stderr:write("jig test: a spec ended the program\n") end
  system.exit(1, true)
end

local function run(o)
  os.exit = leave -- luacheck: ignore 122
  _G.arg = arguments(o)
  local runner = assert(load("require 'busted.runner' { standalone = false }", "@jig test"))
  local ok, thrown = task.spawn(runner):join()
  if not ok then
    io.stderr:write("jig test: ", tostring(thrown), "\n")
    return 1
  end
  if o.output then return 0 end
  local ended = package.loaded[ENDED]
  if not ended then
    io.stderr:write("jig test: the run did not come to its end\n")
    return 1
  end
  if ended.passed + ended.failed == 0 then
    io.stderr:write("jig test: no spec was run: check the paths and the filter\n")
    return 1
  end
  return ended.failed == 0 and 0 or 1
end

return function(words)
  local p = options.parser("test", "Run specs with busted, as a task.")
  p:argument("path", "Spec files or folders (default: the ROOT of .busted, or ./spec)."):args("*")
  p:option("--filter", "Run only tests whose name matches this Lua pattern.")
  p:option("--helper", "A script that is run before the specs.")
  p:option("--output", "Another busted output: TAP, junit, gtest, json, plainTerminal.")
  local o, status = options.parse(p, words)
  if not o then return status end
  if not pcall(require, "busted") then
    io.stderr:write("jig test: busted is not installed (Debian: apt-get install lua-busted)\n")
    return 2
  end
  return run(o), true -- specs leave sessions unreported on purpose
end
