-- What the fuzzers need to be found and to find: run by all specs, without clang.

local mistakes = require "spec.support.mistakes"
local mutants = require "spec.fuzz.mutants"
local scratch = require "spec.support.scratch"

local function exists(path)
  local file = io.open(path)
  return file and file:close() or false
end

local function list(...)
  local found = {}
  for line in scratch.run({ "find", ... }).stdout:gmatch("[^\n]+") do found[#found + 1] = line end
  return found
end

local TARGETS <const> = {}
for _, path in ipairs(list("spec/fuzz/corpus", "-mindepth", "1", "-maxdepth", "1", "-type", "d")) do
  TARGETS[#TARGETS + 1] = path:match("[^/]+$")
end

describe("the targets of the fuzzers", function()
  it("have a source, a row in README.md, and some small inputs to begin with", function()
    local readme = mistakes.read "spec/fuzz/README.md"
    assert.is_true(#TARGETS >= 18)
    for _, target in ipairs(TARGETS) do
      local is_c, is_lua = exists(("spec/fuzz/%s.c"):format(target)), exists(("spec/fuzz/%s.lua"):format(target))
      assert.is_true(is_c ~= is_lua, target)
      local row = target:gsub("^framing_.*", "framing_*") .. (is_c and ".c" or ".lua")
      assert.equal(1, mistakes.occurrences(readme, "| " .. row .. " |"), row)
      local inputs = list("spec/fuzz/corpus/" .. target, "-type", "f")
      assert.is_true(#inputs > 0 and #inputs <= 40, target)
      assert.same({}, list("spec/fuzz/corpus/" .. target, "-type", "f", "-size", "+8k"))
    end
  end)

  it("have one for each framing that a recipe may require", function()
    for _, name in ipairs(require "jig.sandbox".framings) do
      assert.is_true(exists(("spec/fuzz/framing_%s.lua"):format(name)), name)
    end
  end)
end)

describe("the list of mistakes that they must find", function()
  it("has one for each target, and replaces what stands in the source once", function()
    local found = {}
    for _, mutant in ipairs(mutants) do
      assert.equal(1, mistakes.occurrences(mistakes.read(mutant.file), mutant.from), mutant.name)
      assert.not_equal(mutant.from, mutant.to, mutant.name)
      found[mutant.target] = true
    end
    for _, target in ipairs(TARGETS) do assert.is_true(found[target], target) end
  end)
end)
