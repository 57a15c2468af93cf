--- Makes each mistake of the list in a copy, and looks whether its target finds it: `make fuzz-mutants`.
--
-- One that no input shows is a gap in what the target claims, or in its corpus: exit 1.

local clock = require "jig.clock"
local mutants = require "spec.fuzz.mutants"
local mistakes = require "spec.support.mistakes"
local proc = require "jig.proc"
local system = require "jig.system"

-- Seconds that a target has to find a mistake, from its corpus alone.
local PATIENCE <const> = tonumber(os.getenv("PATIENCE")) or 60

local build = assert(system.realpath(arg[-1])):match("^(.*)/[^/]*$")
local clang, libraries = assert(os.getenv("FUZZ_CLANG")), assert(os.getenv("FUZZ_LIBS"))

local function run(words)
  words.limit = words.limit or 600
  local child <close> = assert(proc.start(words))
  return assert(child:wait())
end

local function copy_source()
  local folder = run({ "mktemp", "-d" }).stdout:match("^[^\n]+")
  local words = { "cp", "-a", "core", "bindings", "scripts", "spec", folder }
  assert(run(words).exit == 0, "the source cannot be copied")
  assert(run({ "mkdir", "-p", folder .. "/build/fuzz/work" }).exit == 0)
  return setmetatable({ path = folder }, { __close = function() system.remove_folder(folder) end })
end

-- The program of the target with the mistake: for C, the file goes before the others' archive.
local function program_of(copy, mutant)
  if mutant.file:find("%.lua$") then return build .. "/fuzz/" .. mutant.target end
  local made = copy.path .. "/build/fuzz/" .. mutant.target
  local line = ("%s -w -o %s spec/fuzz/%s.c %s/%s %s"):format(clang, made, mutant.target, copy.path, mutant.file,
    libraries)
  local told = run { "sh", "-c", line }
  if told.exit ~= 0 then error(mutant.name .. ": it does not build: " .. told.stderr) end
  return made
end

local function try(copy, mutant)
  local path = copy.path .. "/" .. mutant.file
  local text = mistakes.read(path)
  mistakes.write(path, mistakes.made(text, mutant))
  local words = { program_of(copy, mutant), "-max_total_time=" .. PATIENCE, "-max_len=1500", "-print_final_stats=1",
    "-verbosity=0", "-artifact_prefix=" .. copy.path .. "/", "spec/fuzz/corpus/" .. mutant.target,
    cwd = copy.path, env = { JIG_PATH = "scripts" } }
  local dictionary = "spec/fuzz/" .. mutant.target .. ".dict"
  if system.kind(dictionary) then table.insert(words, 2, "-dict=" .. dictionary) end
  run { "mkdir", "-p", copy.path .. "/build/fuzz/work/" .. mutant.target, copy.path .. "/corpus" }
  table.insert(words, 2, "-seed=1")
  table.insert(words, #words, copy.path .. "/corpus")
  local told = run(words)
  run { "rm", "-rf", copy.path .. "/corpus" }
  mistakes.write(path, text)
  local executed = told.stderr:match("number_of_executed_units: (%d+)")
  local why = told.stderr:match("[%w_/]+%.[lc]u?a?:%d+: [^\n]+") or told.stderr:match("ERROR: ([^\n]+)")
  return told.exit ~= 0 and executed ~= nil, executed, why
end

local wanted, killed, survived = arg[1], 0, 0
local copy <close> = copy_source()
for _, mutant in ipairs(mutants) do
  if not wanted or (mutant.target .. " " .. mutant.name):find(wanted, 1, true) then
    local began = clock.now()
    local found, executed, why = try(copy, mutant)
    if found then killed = killed + 1 else survived = survived + 1 end
    print(("%s  %s: %s (%s inputs, %.1f s)\n    %s"):format(found and "killed  " or "SURVIVED", mutant.target,
      mutant.name, executed or "?", clock.now() - began, why or ""))
    io.stdout:flush()
  end
end
print(("%d mistakes found, %d not"):format(killed, survived))
return os.exit(survived == 0 and killed > 0 and 0 or 1)
