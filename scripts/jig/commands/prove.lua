--- jig prove: shows that every way in which a unit can fail ends as it must. Exit 0; 1 for a violation; 2.

local explorer = require "jig.prove.explorer"
local locate = require "jig.locate"
local options = require "jig.commands.options"
local report = require "jig.prove.report"
local system = require "jig.system"
local transcript = require "jig.testing.transcript"
local write = require "jig.output.whole"

local function say(message)
  io.stderr:write("jig prove: ", message, "\n")
end

local function parser()
  local p = options.parser("prove", "Show that every way in which a unit can fail ends in one report.")
  p:argument("recipe", "The recipe: a file, or a folder with recipe.lua, beside device.lua; default: this folder.")
    :recipe()
  p:flag("--singles", "One fault at a time: no pairs.")
  p:option("--stop", "Stop after so many paths that broke a law; default 25.")
    :value "N":convert(options.integer(1, 1000000))
  p:flag("--brief", "The counts and the violations alone.")
  p:option("--path", "Go this one path again, such as 12:silence+15:killed."):value "ID"
  p:flag("--trace", "With --path: every step of it.")
  p:flag("--json", "One JSON object per line.")
  p:option("--junit", "Write a JUnit file."):value "FILE"
  return p
end

local function go_one(subject, o)
  local steps, message = explorer.steps(o.path)
  if not steps then
    say(message)
    return 2
  end
  explorer.go(subject, {}) -- what it is compared with
  local ok, path, history = pcall(explorer.go, subject, steps, true)
  if not ok then
    say(path)
    return 2
  end
  for _, injection in ipairs(history.injections) do
    if injection.misfit then
      say(injection.misfit)
      return 2
    end
  end
  if o.trace then print(transcript.text(history.trail)) end
  local proof = {
    recipe = subject.recipe, effects = history.trail, clean = path, singles = {}, doubles = {}, gaps = {},
    violations = #path.violations > 0 and 1 or 0,
  }
  if o.json then
    io.write(report.json(proof))
  else
    io.write(report.path(path))
  end
  return #path.violations > 0 and 1 or 0
end

local function prove(subject, o)
  if o.path then return go_one(subject, o) end
  local proof = explorer.prove(subject, { singles = o.singles, stop = o.stop })
  io.write(o.json and report.json(proof) or report.text(proof, o.brief))
  local message = o.junit and write(o.junit, report.junit(proof))
  if message then
    say(message)
    return 1
  end
  return proof.violations > 0 and 1 or 0
end

-- What is thrown in a proof is a mistake of jig's own, but for one thing.
local function explain(thrown)
  return thrown == explorer.INTERRUPTED and thrown or debug.traceback(thrown, 2)
end

-- Why a recipe that is there cannot be proven.
local function lacks_device(path)
  local file, folder = locate(path)
  if not system.kind(file) or system.kind(folder .. "device.lua") then return nil end
  return folder .. "device.lua: No such file or directory: a proof needs the device beside the recipe"
end

return function(words)
  local o, status = options.parse(parser(), words)
  if not o then return status end
  collectgarbage("generational") -- a path leaves much behind, and keeps little
  if o.trace and not o.path then
    say("--trace needs --path")
    return 2
  end
  local lack = lacks_device(o.recipe)
  if lack then
    say(lack)
    return 2
  end
  local ok, subject = pcall(explorer.subject, o.recipe)
  if not ok then
    say(tostring(subject))
    return 2
  end
  local held <close> = subject
  local went, result = xpcall(prove, explain, held, o)
  if went then return result end
  say(tostring(result))
  return 2
end
