local proofs = require "spec.support.proofs"
local scratch = require "spec.support.scratch"
local xml = require "spec.support.xml"

local PASSING <const> = 'describe("lamp", function() it("is lit", function() assert.is_true(true) end) end)\n'
local FAILING <const> = 'describe("lamp", function()\n  it("is lit", function() assert.equal(1, 2) end)\nend)\n'

local function joined(first, second)
  return table.move(second, 1, #second, #first + 1, table.move(first, 1, #first, 1, {}))
end

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

  -- Whatever is shown.
  local shown = {
    { "--output", "TAP" }, { "--output", "junit" }, { "--output", "json" }, { "--output", "gtest" },
    { "--output", "plainTerminal" }, { "--output", "utfTerminal" }, { "--tap" }, { "--junit", "report.xml" },
    { "--tap", "--junit", "report.xml" }, { "--jobs", "2" }, { "--jobs", "2", "--junit", "report.xml" },
  }
  local proves_nothing = {
    { "the filter matches nothing", PASSING, { "--filter", "dark", "." } },
    { "there is no spec file", PASSING, { "--helper", "lamp_spec.lua", "nowhere" } },
    { "a file has no spec", "", { "." } },
    { "all is pending", 'pending("x")', { "." } },
    { "a file does not load", "it(", { "." } },
    { "a file raises", 'error "boom"', { "." } },
    { "a spec fails", FAILING, { "." } },
    { "a spec ends the program", PASSING .. 'it("x", function() os.exit(0) end)', { "." } },
    { "a spec ends it with a status", PASSING .. 'it("x", function() os.exit(3) end)', { "." } },
    { "a spec ends it by jig.system", PASSING
      .. 'it("x", function() require "jig.system".exit(0, true) end)', { "." } },
    { "a spec ends it where it cannot wait", PASSING
      .. 'it("x", function() table.sort({ 1, 2 }, function() os.exit(0) end) end)', { "." } },
    { "a file ends it", "os.exit(0)", { "." } },
    { "a tear-down ends it", 'describe("a", function() teardown(os.exit) it("x", function() end) end)', { "." } },
    { "the helper ends it", "os.exit(0)", { "--helper", "lamp_spec.lua", "." } },
    { "the helper raises", 'error "boom"', { "--helper", "lamp_spec.lua", "." } },
    { "the run hangs", 'it("x", function() require "jig.task".spawn(coroutine.yield, 1):join() '
      .. 'require "jig.proc".start { "sh", "-c", "kill -TERM $PPID; sleep 9" }:wait() end)', { "." } },
  }
  for _, words in ipairs(shown) do
    local name = table.concat(words, " ")
    describe("with " .. name, function()
      it("is green when all specs pass", function()
        local result = test(PASSING, table.unpack(joined(words, { "." })))
        assert.equal(0, result.exit, result.stdout .. result.stderr)
      end)

      for _, case in ipairs(proves_nothing) do
        it("is red when " .. case[1], function()
          local result = test(case[2], table.unpack(joined(words, case[3])))
          assert.is_true(result.exit ~= nil and result.exit ~= 0, result.stdout .. result.stderr)
        end)
      end
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

  describe("with --coverage", function()
    local RECIPE <const> = scratch.recipe [[
  prepare = function(unit)
    local lit = coroutine.wrap(function()
      local lamp <close> = setmetatable({}, { __close = function()
        unit:log "off"
      end })
      coroutine.yield(unit.port ~= nil)
      unit:fail("lamp.dark")
    end)
    if not lit() then
      unit:log "never"
    end
    pcall(lit)
    unit.serial = require "status".serial
  end,
  finish = function(unit)
    unit:log(require "status".name(unit))
  end]]

    -- Tests a recipe by a spec that runs `jig run` on it; gives what jig test came to, and the tracefile.
    local function cover(recipe, words)
      local folder = scratch.folder {
        ["lamp/recipe.lua"] = recipe,
        ["lamp/status.lua"] = "local status = { serial = 'L1' }\nfunction status.name(unit)\n  return unit.serial\n"
          .. "end\nfunction status.unused()\n  return 1\nend\nreturn status\n",
        ["lamp/lamp_spec.lua"] = ([[
          it("runs", function()
            local words = { %q, "run", "lamp", "--station", "station.lua", "--port", %q }
            local result = require "jig.proc".start(words):wait()
            assert.equal(0, result.exit, result.stdout .. result.stderr)
          end)
          it("loads", function() assert.equal("L1", dofile("lamp/status.lua").serial) end)
        ]]):format(scratch.program, scratch.device("0")),
      }
      folder:write("station.lua", scratch.station(folder:cli()))
      local all = joined({ "test", "--coverage" }, joined(words or {}, { "lamp" }))
      all.cwd = folder.path
      local result = scratch.jig(all)
      result.folder = folder
      return setmetatable(result, { __close = function() folder:__close() end })
    end

    it("shows the lines of each file of the recipe, in whatever process they ran", function()
      local result <close> = cover(RECIPE)
      assert.same({ 0, "" }, { result.exit, result.stderr })
      assert.equal([[
2 passed, 0 failed
coverage          lines     ran      %  never reached
lamp/recipe.lua      27      26   96.2  23
lamp/status.lua       8       7   87.5  6
all                  35      33   94.2
]], result.stdout)
      assert.equal("", result.folder:read "trace.info")
    end)

    it("writes a tracefile, where asked for", function()
      local result <close> = cover(RECIPE, { "--lcov", "trace.info" })
      local trace = result.folder:read "trace.info"
      assert.matches("^TN:\nSF:lamp/recipe.lua\nDA:1,%d+\n.*DA:17,1\n.*DA:23,0\n.*LF:27\nLH:26\nend_of_record\n"
        .. "TN:\nSF:lamp/status.lua\nDA:1,%d+\n.*DA:3,1\n.*LF:8\nLH:7\nend_of_record\n$", trace)
    end)

    it("leaves stdout to an output that takes it", function()
      for _, words in ipairs { { "--tap" }, { "--output", "TAP" } } do
        local result <close> = cover(RECIPE, words)
        assert.equal(0, result.exit)
        assert.is_nil(result.stdout:find("never reached", 1, true))
        assert.matches("lamp/recipe.lua      27      26   96.2  23\n", result.stderr, 1, true)
      end
    end)

    it("still ends a recipe that loops, with its line, and shows how far the red run came", function()
      local result <close> = cover(scratch.recipe [[
  prepare = function()
    while true do
      pcall(error)
    end
  end,
  reset = function(unit)
    unit:log("reset")
  end]])
      assert.equal(1, result.exit)
      local said = "(903): it computed for more than 1 s without waiting  in prepare  at lamp/recipe.lua:16\n"
      assert.matches(said, result.stdout, 1, true)
      assert.matches("\nlamp/recipe.lua      17      17  100.0\n", result.stdout, 1, true)
    end)

    it("says so when no recipe was run, and does not show a run that did not end", function()
      assert.equal("1 passed, 0 failed\ncoverage: no recipe was run\n", test(PASSING, "--coverage", ".").stdout)
      local result = test("os.exit(0)", "--coverage", ".")
      assert.same({ 1, "" }, { result.exit, result.stdout })
    end)

    it("is red when the tracefile cannot be written, and leaves nothing behind", function()
      local result <close> = cover(RECIPE, { "--lcov", "/dev/full" })
      assert.equal(1, result.exit)
      assert.matches("jig test: --lcov: /dev/full: No space left", result.stderr, 1, true)
      assert.equal(2, test(PASSING, "--lcov", "nowhere/trace.info", ".").exit)
      assert.equal(1, scratch.jig({ "test", "--coverage", env = { TMPDIR = "/nowhere" } }).exit)
      local place <close> = scratch.folder { ["lamp_spec.lua"] = PASSING .. "os.exit(0)" }
      scratch.jig { "test", "--coverage", "lamp_spec.lua", cwd = place.path, env = { TMPDIR = place.path } }
      assert.equal(place.path .. "/lamp_spec.lua\n", scratch.run({ "find", place.path, "-mindepth", "1" }).stdout)
    end)
  end)

  it("takes its paths from .busted or ./spec when none are given", function()
    local folder <close> = scratch.folder { ["spec/lamp_spec.lua"] = PASSING, ["more/lamp_spec.lua"] = PASSING:rep(2) }
    assert.equal("1 passed, 0 failed\n", scratch.jig { "test", cwd = folder.path }.stdout)
    folder:write(".busted", 'return { default = { ROOT = { "more" } } }')
    assert.equal("2 passed, 0 failed\n", scratch.jig { "test", cwd = folder.path }.stdout)
  end)

  it("shows TAP alone on stdout, and the usual output on stderr", function()
    local result = test(PASSING .. FAILING, "--tap", ".")
    assert.matches("^TAP version 13\nok 1 %- lamp is lit\nnot ok 2 %- lamp is lit\n# .*\n1%.%.2\n$", result.stdout)
    assert.matches("^FAILED: .*\n1 passed, 1 failed\n$", result.stderr)
    result = test(PASSING .. 'it("x", function() os.exit(0) end)', "--tap", ".")
    assert.matches("ok 1 %- lamp is lit\nBail out! the run did not come to its end\n$", result.stdout)
  end)

  it("writes a JUnit file beside the usual output, and in it whatever made the run red", function()
    local folder <close> = scratch.folder { ["lamp_spec.lua"] = PASSING, ["exit_spec.lua"] = "os.exit(0)" }
    local function report(...)
      local result = scratch.jig { "test", "--junit", "report.xml", cwd = folder.path, ... }
      return xml(folder:read "report.xml").children[1], result.stdout
    end
    local suite, stdout = report "lamp_spec.lua"
    assert.same({ "1", "0", "1 passed, 0 failed\n" }, { suite.attributes.tests, suite.attributes.errors, stdout })
    for words, message in pairs { ["."] = "the run did not come to its end", ["--filter=dark"] = "no spec was run" } do
      suite = report("lamp_spec.lua", words)
      assert.same({ "1", "1" }, { suite.attributes.tests, suite.attributes.errors })
      assert.equal(message, suite.children[1].children[1].attributes.message)
    end
  end)

  it("gives what `busted --lua=jig` gives", function()
    local folder <close> = scratch.folder {
      ["a_spec.lua"] = PASSING,
      ["b_spec.lua"] = FAILING .. PASSING,
      ["c_spec.lua"] = 'it("raises", function() error "boom" end) pending("is not there")',
      ["d_spec.lua"] = [[
        local task, clock = require "jig.task", require "jig.clock"
        it("waits", function()
          assert.is_true(clock.sleep(0.001))
          assert.same({ true, 5 }, { task.spawn(function() clock.sleep(0.001) return 5 end):join(60) })
        end)
        it("waits in a coroutine of its own", function()
          local next_number = coroutine.wrap(function() clock.sleep(0.001) coroutine.yield(7) end)
          assert.equal(7, next_number())
        end)]],
      ["e_spec.lua"] = "it(",
      ["f_spec.lua"] = 'describe("a", function() setup(function() error "boom" end) it("x", function() end) end)',
    }
    local cli = folder:cli "{ report_error = { exit = 1 } }"
    folder:write("g_spec.lua", ([[
      it("leaves a session unreported", function()
        local session = require "jig.session"
        local one = session.new(session.service { cli = %q, arguments = { %q, %q } }, "s1")
        assert(one:new_device())
      end)]]):format(cli.cli, table.unpack(cli.arguments)))
    local green = { ["a_spec.lua"] = true, ["d_spec.lua"] = true, ["g_spec.lua"] = true }
    for _, name in ipairs { "a_spec", "b_spec", "c_spec", "d_spec", "e_spec", "f_spec", "g_spec", "" } do
      local path = name == "" and "." or name .. ".lua"
      local ours = scratch.jig { "test", "--output", "TAP", path, cwd = folder.path }
      local theirs = scratch.run { "busted", "--lua=" .. scratch.program, "--output=TAP", path, cwd = folder.path }
      assert.equal(ours.stdout, theirs.stdout)
      local exit = green[path] and 0 or 1
      assert.same({ exit, exit }, { ours.exit, theirs.exit })
    end
  end)

  it("works where .busted names jig as the interpreter", function()
    local folder <close> = scratch.folder {
      ["spec/lamp_spec.lua"] = PASSING,
      [".busted"] = ("return { default = { lua = %q } }"):format(scratch.program),
    }
    assert.equal("1 passed, 0 failed\n", scratch.jig { "test", cwd = folder.path }.stdout)
    local result = scratch.run { "busted", "--output=TAP", cwd = folder.path }
    assert.same({ 0, "ok 1 - lamp is lit\n1..1\n" }, { result.exit, result.stdout })
  end)

  it("ends with 2 for wrong usage, and without busted", function()
    assert.equal(2, test(PASSING, "--flter", "x").exit)
    assert.equal(2, test(PASSING, "--tap", "--output", "TAP", ".").exit)
    assert.equal(2, test(PASSING, "--tap", "--jobs", "2", ".").exit)
    assert.equal(2, test(PASSING, "--jobs", "0", ".").exit)
    local unwritable = test(PASSING, "--junit", "nowhere/report.xml", ".")
    assert.equal(2, unwritable.exit)
    assert.matches("jig test: --junit: nowhere/report.xml: ", unwritable.stderr, 1, true)
    local result = scratch.jig { "test", env = { LUA_PATH = "/nowhere/?.lua", LUA_PATH_5_4 = false } }
    assert.equal(2, result.exit)
    assert.matches("busted is not installed", result.stderr)
  end)

  describe("proves", function()
    local SPEC <const> = PASSING

    -- Seconds: two thousand paths take minutes under a sanitizer.
    local LONG <const> = 900

    -- Runs it on the folder of a product that has this spec, too.
    local function prove(change, ...)
      local folder <close> = proofs.folder(change)
      local file <close> = assert(io.open(folder.path .. "/lamp_spec.lua", "w"))
      file:write(change.spec or SPEC)
      file:flush()
      return scratch.jig { limit = LONG, "test", folder.path, ... }
    end

    -- A recipe whose clean run breaks a law already: its proof is short.
    local BROKEN <const> = { recipe = { ["status = {"] = "finish = function() error('oh') end, status = {" } }

    it("a recipe's folder when its specs are green, and counts the lines that the proof reached", function()
      local result = prove({}, "--coverage")
      assert.same({ 0, "" }, { result.exit, result.stderr })
      assert.matches("^1 passed, 0 failed\nproof: lamp 0: %d+ effects, [^\n]*: no violation\n", result.stdout)
      assert.matches("recipe%.lua[^\n]*100", result.stdout)
    end)

    it("and is red for a violation, whatever the specs say", function()
      local result = prove(BROKEN)
      assert.equal(1, result.exit)
      assert.matches("1 passed, 0 failed\n", result.stdout, 1, true)
      assert.matches("VIOLATION clean: law no plain Lua error", result.stdout, 1, true)
      assert.matches("jig test: a proof is not sound", result.stderr, 1, true)
    end)

    it("nothing when the specs are red, are filtered, or it is told not to", function()
      assert.not_matches("proof", prove({ spec = FAILING }).stdout)
      assert.not_matches("proof", prove(BROKEN, "--filter", "lit").stdout)
      local result = prove({ device = "return 7" }, "--no-proof")
      assert.same({ 0, "1 passed, 0 failed\n" }, { result.exit, result.stdout })
    end)

    it("with TAP on stdout, on stderr", function()
      local result = prove(BROKEN, "--tap")
      assert.equal("TAP version 13\nok 1 - lamp is lit\n1..1\n", result.stdout)
      assert.matches("proof: lamp 0: ", result.stderr, 1, true)
    end)
  end)

  it("is 2, and one sentence, for a path that is not there", function()
    local folder <close> = scratch.folder()
    local result = scratch.jig { "test", "nosuch", cwd = folder.path }
    assert.same({ 2, "", "jig test: nosuch: No such file or directory\n" },
      { result.exit, result.stdout, result.stderr })
    result = scratch.jig { "test", cwd = folder.path }
    assert.same({ 2, "" }, { result.exit, result.stdout })
    assert.matches("jig test: spec: No such file or directory\n  name specs or the folder of a recipe", result.stderr,
      1, true)
  end)
end)
