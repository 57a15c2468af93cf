local scratch = require "spec.support.scratch"

local PASSING <const> = 'describe("lamp", function() it("is lit", function() assert.is_true(true) end) end)\n'
local FAILING <const> = 'describe("lamp", function()\n  it("is lit", function() assert.equal(1, 2) end)\nend)\n'

-- Runs `jig test` in a folder of its own with this spec in it.
local function test(spec, ...)
  local folder <close> = scratch.folder { ["lamp_spec.lua"] = spec }
  local words = { "test", cwd = folder.path }
  table.move({ ... }, 1, select("#", ...), 2, words)
  return scratch.jig(words)
end

describe("jig test", function()
  it("is green when all specs pass", function()
    local result = test(PASSING, "lamp_spec.lua")
    assert.same({ 0, "1 passed, 0 failed\n", "" }, { result.exit, result.stdout, result.stderr })
  end)

  it("runs specs as a task, which may wait", function()
    local result = test([[
      local task, clock = require "jig.task", require "jig.clock"
      it("waits", function()
        assert.is_true(clock.sleep(0.001))
        assert.same({ true, 5 }, { task.spawn(function() clock.sleep(0.001) return 5 end):join(60) })
      end)
    ]], ".")
    assert.equal(0, result.exit, result.stdout)
  end)

  -- Each: a spec, words, parts of stdout and stderr.
  local red = {
    { "a spec fails", FAILING, { "." }, "FAILED: ./lamp_spec.lua:2: lamp is lit\n", nil },
    { "a spec raises", 'it("x", function() error("boom") end)', { "." }, "ERROR: ./lamp_spec.lua:1: x\n", nil },
    { "a file cannot be parsed", "it(", { "." }, "0 passed, 1 failed\n", nil },
    { "a file raises", 'error "boom"', { "." }, "boom", nil },
    { "a set-up raises", 'describe("a", function() setup(function() error("boom") end) it("x", function() end) end)',
      { "." }, "boom", nil },
    { "nothing is there", "", { "nowhere" }, "Cannot find file or directory: nowhere", nil },
    { "nothing is run", "", { "." }, "0 passed, 0 failed\n", "no spec was run: check the paths and the filter" },
    { "the filter matches nothing", PASSING, { "--filter", "dark", "." }, "0 passed, 0 failed\n", "no spec was run" },
    { "all is pending", 'pending("x")', { "." }, "0 passed, 0 failed, 1 skipped\n", "no spec was run" },
    { "a spec ends the program", PASSING .. 'it("x", function() os.exit(0) end)', { "." }, "",
      "jig test: a spec ended the program\n" },
    { "a spec ends the program while it waits", PASSING .. 'local task = require "jig.task"\n'
      .. 'it("x", function() task.spawn(function() os.exit(true) end):join() end)', { "." }, "",
      "jig test: a spec ended the program\n" },
    { "a spec ends the program under another output", 'it("x", function() os.exit() end)', { "--output", "TAP", "." },
      "", "jig test: a spec ended the program\n" },
    { "a spec ends the program with a status", 'it("x", function() os.exit(7) end)', { "." }, "", nil },
    { "a spec fails under another output", FAILING, { "--output", "TAP", "." }, "not ok 1", nil },
  }
  for _, case in ipairs(red) do
    it("is red when " .. case[1], function()
      local result = test(case[2], table.unpack(case[3]))
      assert.equal(1, result.exit, result.stdout .. result.stderr)
      assert.matches(case[4], result.stdout, 1, true)
      assert.matches(case[5] or "", result.stderr, 1, true)
    end)
  end

  it("is red with 1 however many specs fail", function()
    local many = 'for i = 1, 256 do it("x" .. i, function() error() end) end'
    for _, words in ipairs { { "." }, { "--output", "TAP", "." } } do
      assert.equal(1, test(many, table.unpack(words)).exit)
    end
  end)

  it("runs only what the filter matches, and the helper before all", function()
    local folder <close> = scratch.folder {
      ["lamp_spec.lua"] = 'it("is lit", function() assert.equal(5, helped) end)\nit("is dark", function() error() end)',
      ["helper.lua"] = "rawset(_G, 'helped', 5)",
    }
    local result = scratch.jig { "test", "--filter", "lit", "--helper", "helper.lua", ".", cwd = folder.path }
    assert.same({ 0, "1 passed, 0 failed\n" }, { result.exit, result.stdout })
  end)

  it("takes its paths from .busted or ./spec when none are given", function()
    local folder <close> = scratch.folder { ["spec/lamp_spec.lua"] = PASSING, ["more/lamp_spec.lua"] = PASSING:rep(2) }
    assert.equal("1 passed, 0 failed\n", scratch.jig { "test", cwd = folder.path }.stdout)
    folder:write(".busted", 'return { default = { ROOT = { "more" } } }')
    assert.equal("2 passed, 0 failed\n", scratch.jig { "test", cwd = folder.path }.stdout)
  end)

  it("ends with 2 for wrong usage, and without busted", function()
    assert.equal(2, test(PASSING, "--flter", "x").exit)
    local result = scratch.jig { "test", env = { LUA_PATH = "/nowhere/?.lua", LUA_PATH_5_4 = false } }
    assert.equal(2, result.exit)
    assert.matches("busted is not installed", result.stderr)
  end)
end)
