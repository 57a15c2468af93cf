--- Makes each mistake of the list in a copy of the source, and looks whether `jig prove` finds it, under its law.
--
--     make mutants                  (or: build/jig spec/mutants/run.lua [part of a name])
--
-- One that is found by nobody is a gap in the laws: exit 1.

local cjson = require "cjson.safe"
local clock = require "jig.clock"
local mutants = require "spec.mutants.list"
local mistakes = require "spec.support.mistakes"
local proc = require "jig.proc"
local system = require "jig.system"

-- Seconds that a build or a proof may take.
local PATIENCE <const> = 600

local build = arg[-1]:match("^(.*)/[^/]*$")
local program = assert(system.realpath(arg[-1]))

local function run(words)
  words.limit = PATIENCE
  local child <close> = assert(proc.start(words))
  return assert(child:wait())
end

-- A copy of all that is built from, with what was built, so that one file is built again and no more.
local function copy_source()
  local folder = assert(proc.start { "mktemp", "-d" }:wait()).stdout:match("^[^\n]+")
  local words = { "cp", "-a", "Makefile", "README.md", "core", "bindings", "transports", "scripts", "examples", "spec",
    "build", folder }
  assert(run(words).exit == 0, "the source cannot be copied")
  return setmetatable({ path = folder }, { __close = function() system.remove_folder(folder) end })
end

-- Proves an example in the copy, with what was built there. The exit status, and the violations.
local function prove(copy, mutant)
  local engine = mutant.file:find("%.c$") and copy.path .. "/" .. build .. "/jig" or program
  local words = { engine, "prove", mutant.prove or "examples/thermostat", "--json", "--stop", "4", cwd = copy.path,
    env = { JIG_PATH = mutant.file:find("^scripts/") and copy.path .. "/scripts" or false } }
  if not mutant.pairs then words[#words + 1] = "--singles" end
  local told = run(words)
  local found = {}
  for line in told.stdout:gmatch("[^\n]+") do
    local path = cjson.decode(line)
    for _, violation in ipairs(path and path.violations ~= 0 and type(path.violations) == "table"
      and path.violations or {}) do
      found[#found + 1] = { id = path.id, law = violation.law, text = violation.text, line = path.line }
    end
  end
  return told, found
end

-- The text of a recipe's line: "examples/x/recipe.lua:12".
local function line_text(copy, place)
  local path, number = (place or ""):match("^(.*):(%d+)$")
  if not path then return "" end
  local at = 0
  for line in (mistakes.read(copy.path .. "/" .. path) .. "\n"):gmatch("([^\n]*)\n") do
    at = at + 1
    if at == tonumber(number) then return line end
  end
  return ""
end

-- Whether the proof found it as it should: a sentence of how, or nil and what it found instead.
local function verdict(copy, mutant, told, found)
  for _, violation in ipairs(found) do
    local right = violation.law == mutant.law
    if right and mutant.line then right = line_text(copy, violation.line):find(mutant.line, 1, true) ~= nil end
    if right and told.exit == 1 then
      return ("path %s, law %s%s"):format(violation.id, violation.law, violation.line and ", " .. violation.line or "")
    end
  end
  local first = found[1]
  return nil, first and ("found under law %s, at %s: %s"):format(first.law, first.line or "no line", first.text)
    or ("exit %s, no violation %s"):format(told.exit, told.stderr)
end

local function try(copy, mutant)
  local path = copy.path .. "/" .. mutant.file
  local text = mistakes.read(path)
  mistakes.write(path, mistakes.made(text, mutant))
  local why
  if mutant.file:find("%.c$") then
    local made = run { "make", "-s", build .. "/jig", cwd = copy.path }
    if made.exit ~= 0 then why = "it does not build: " .. made.stderr end
  end
  local told, found
  if not why then told, found = prove(copy, mutant) end
  local how = nil
  if not why then how, why = verdict(copy, mutant, told, found) end
  mistakes.write(path, text)
  return how, why
end

local wanted, killed, survived = arg[1], 0, 0
local copy <close> = copy_source()
local told, found = prove(copy, { file = "none" })
if told.exit ~= 0 or #found > 0 then error("without any mistake the proof is not green") end
for _, mutant in ipairs(mutants) do
  if not wanted or mutant.name:find(wanted, 1, true) then
    local began = clock.now()
    local how, why = try(copy, mutant)
    if how then killed = killed + 1 else survived = survived + 1 end
    print(("%s  %s (%s, %.1f s)\n    %s"):format(how and "killed  " or "SURVIVED", mutant.name, mutant.file,
      clock.now() - began, how or why))
  end
end
print(("%d mistakes found, %d not"):format(killed, survived))
return os.exit(survived == 0 and killed > 0 and 0 or 1)
