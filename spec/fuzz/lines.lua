--- Which lines of its sources each target reaches with the inputs that were kept: `make fuzz-lines`.
--
-- Of Lua by the line hook (bindings/coverage.c), of C by clang's own counters.

local lines = require "jig.lines"
local proc = require "jig.proc"
local system = require "jig.system"

local SOURCES <const> = {
  hex = { "core/hex.c" }, address = { "core/address.c" }, factory_cli = { "core/factory_cli.c" },
  facts = { "core/facts.c" }, pattern = { "bindings/pattern.c" }, emergency_file = { "core/emergency_file.c" },
  recipe = { "scripts/jig/loader.lua", "scripts/jig/recipe.lua", "scripts/jig/shape.lua",
    "scripts/jig/sandbox.lua" },
  station = { "scripts/jig/station.lua", "scripts/jig/shape.lua" },
  manifest = { "scripts/jig/manifest.lua" },
  cassette = { "scripts/jig/cassette/reader.lua", "scripts/jig/cassette/format.lua" },
  journal_export = { "scripts/jig/commands/journal/export.lua", "scripts/jig/commands/journal/attempts.lua",
    "scripts/jig/commands/journal/words.lua", "scripts/jig/output/junit.lua" },
}
for _, name in ipairs { "raw", "line", "length", "slip", "cobs", "hdlc", "stx_etx", "ftcd" } do
  SOURCES["framing_" .. name] = { ("scripts/jig/framing/%s.lua"):format(name) }
end

local build = assert(system.realpath(arg[-1])):match("^(.*)/[^/]*$") .. "/fuzz"

local function run(words)
  words.limit = 600
  local child <close> = assert(proc.start(words))
  local told = assert(child:wait())
  assert(told.exit == 0, told.stderr)
  return told.stdout
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function exists(path)
  local file = io.open(path)
  return file and file:close() or false
end

-- Runs the kept inputs once.
local function replay(program, target, env)
  local words = { program, "-runs=0", "-verbosity=0", "spec/fuzz/corpus/" .. target, env = env }
  if system.kind(build .. "/corpus/" .. target) then words[#words + 1] = build .. "/corpus/" .. target end
  run(words)
end

local function show(target, path, ran, can, missed)
  print(("%-16s %-44s %4d of %4d lines, %5.1f %%  %s"):format(target, path, ran, can, ran * 100 / can, missed))
end

-- ---- Lua: a file of counters for each source, see bindings/coverage.h ----

local WORD <const>, LINES <const> = 4, 1025

local function counters_of(folder)
  local found = {}
  for path in run({ "find", folder, "-type", "f" }):gmatch("[^\n]+") do
    local text = read(path)
    found[string.unpack("z", text)] = text
  end
  return found
end

local function lua_lines(target)
  local folder = build .. "/lines/" .. target
  run { "rm", "-rf", folder }
  replay(build .. "/" .. target, target, { JIG_FUZZ_LINES = "1" })
  local counters = counters_of(folder)
  for _, path in ipairs(SOURCES[target]) do
    local text, can, ran, missed = counters[system.realpath(path)], 0, 0, {}
    for line in pairs(lines.of(read(path), path)) do
      local at = (LINES + line) * WORD + 1
      can = can + 1
      if text and at + 3 <= #text and string.unpack("=I4", text, at) > 0 then ran = ran + 1
      else missed[#missed + 1] = line end
    end
    table.sort(missed)
    show(target, path, ran, can, #missed <= 12 and table.concat(missed, " ") or #missed .. " lines never")
  end
end

-- ---- C: clang's counters, in a program made for it ----

local function c_lines(target)
  local made = build .. "/counted-" .. target
  run { "sh", "-c", ("%s -w -fprofile-instr-generate -fcoverage-mapping -o %s spec/fuzz/%s.c %s %s"):format(
    os.getenv("FUZZ_CLANG"), made, target, table.concat(SOURCES[target], " "), os.getenv("FUZZ_LIBS")) }
  replay(made, target, { LLVM_PROFILE_FILE = made .. ".raw" })
  run { "llvm-profdata", "merge", "-o", made .. ".data", made .. ".raw" }
  for _, path in ipairs(SOURCES[target]) do
    local text = run { "llvm-cov", "export", "-format=lcov", "-instr-profile=" .. made .. ".data", made, path }
    local can, ran, missed = 0, 0, {}
    for line, count in text:gmatch("\nDA:(%d+),(%d+)") do
      can = can + 1
      if count ~= "0" then ran = ran + 1 else missed[#missed + 1] = line end
    end
    show(target, path, ran, can, #missed <= 12 and table.concat(missed, " ") or #missed .. " lines never")
  end
end

for _, target in ipairs(arg) do
  if exists(("spec/fuzz/%s.c"):format(target)) then c_lines(target) else lua_lines(target) end
end
