--- The command line: picks the verb, or runs a script.

local system = require "jig.system"
local task = require "jig.task"

local VERBS <const> = {
  { "run", "provision devices with a recipe" },
  { "init", "make the folder of a new product" },
  { "check", "look for mistakes in a recipe" },
  { "test", "run specs with busted, as a task" },
  { "prove", "show that every way in which a unit can fail ends rightly" },
  { "replay", "run a recipe against what was recorded, and show where it differs" },
  { "recover", "report sessions that were left without an end" },
  { "journal", "read, verify and prune the journal" },
  { "shell", "talk to a device by hand, with a recipe's port and framing" },
  { "ports", "list the devices that could be opened" },
  { "keygen", "make a pair of keys to sign recipes with" },
  { "sign", "sign a recipe's folder" },
  { "verify", "hold a signed recipe against its manifest" },
  { "doctor", "look at a station before its first unit, and at what can leak there" },
  { "udev", "print udev rules for the devices that recipes match" },
  { "version", "show the versions of jig and its libraries" },
  { "help", "print a page of the manual" },
}

local USAGE <const> = 2

local function print_usage(out)
  out:write("usage: jig VERB [option…]\n       jig SCRIPT.lua [argument…]\n\nverbs:\n")
  for _, verb in ipairs(VERBS) do
    out:write(("  %-9s %s\n"):format(verb[1], verb[2]))
  end
  out:write("\n`jig VERB --help` tells the options of a verb, `jig help` what there is to read.\n")
end

local function print_help()
  print_usage(io.stdout)
  io.stdout:write("\n")
  require("jig.topics").write(io.stdout)
end

local function is_verb(word)
  for _, verb in ipairs(VERBS) do
    if verb[1] == word then return true end
  end
  return false
end

-- From here on a wait in a coroutine that a script made reaches the scheduler, not the script.
local function adopt_coroutines()
  for name, f in pairs(require "jig.coroutines") do
    rawset(coroutine, name, f)
  end
end

-- Runs a script as a task, with `arg` as the stand-alone interpreter sets it.
local function run_script(words)
  local script = words[1]
  local chunk, message = loadfile(script)
  if not chunk then
    io.stderr:write("jig: ", message, "\n")
    return 1
  end
  local args = { [0] = script }
  table.move(words, 2, #words, 1, args)
  args[-1] = words[0]
  _G.arg = args
  adopt_coroutines()
  local ok, thrown = task.spawn(chunk, table.unpack(args)):join()
  if not ok then
    io.stderr:write("jig: ", tostring(thrown), "\n")
    return 1
  end
  return 0, package.loaded["busted.runner"] ~= nil -- as in jig test: specs leave sessions unreported on purpose
end

return function()
  local words = arg
  os.exit = function(status) system.exit(status) end -- its second argument means something else
  local verb = words[1]
  if verb == nil then
    print_usage(io.stderr)
    return USAGE
  end
  if verb == "--help" or verb == "-h" or (verb == "help" and not words[2]) then
    print_help()
    return 0
  end
  if verb == "--version" then verb = "version" end
  if verb == "test" then adopt_coroutines() end
  if is_verb(verb) then
    local command = require("jig.commands." .. verb)
    collectgarbage("restart")
    collectgarbage("step", -256) -- a debt that is not yet due: a short run ends before the first collection
    return command(table.move(words, 2, #words, 1, {}), VERBS)
  end
  if verb:find("/", 1, true) or verb:match("%.lua$") then
    collectgarbage("restart")
    return run_script(words)
  end
  io.stderr:write(("jig: '%s' is no verb, and no script: it has no '/' and does not end in .lua\n"):format(verb))
  print_usage(io.stderr)
  return USAGE
end
