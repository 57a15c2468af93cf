local proc = require "jig.proc"
local scratch = require "spec.support.scratch"
local spec_jobs = require "jig.spec_jobs"
local xml = require "spec.support.xml"

-- What `jig test --jobs` gives for these files.
local function run(files, ...)
  local folder <close> = scratch.folder(files)
  local words = { "test", "--jobs", cwd = folder.path }
  table.move({ ... }, 1, select("#", ...), 3, words)
  local result = scratch.jig(words)
  result.report = folder:read "report.xml"
  return result
end

local LIT <const> = 'it("is lit", function() end)\n'

describe("jig.spec_jobs", function()
  it("runs each file in a process of its own, and counts all", function()
    local files = { [".busted"] = 'return { default = { ROOT = { "." }, pattern = "^lamp" } }',
      ["other_spec.lua"] = "it(" }
    for i = 1, 5 do
      files["lamp" .. i .. ".lua"] = LIT .. [[it("is alone", function()
        assert.is_nil(package.loaded.lamp)
        package.loaded.lamp = true
      end)]]
    end
    local result = run(files, "2")
    assert.same({ 0, "10 passed, 0 failed\n", "" }, { result.exit, result.stdout, result.stderr })
  end)

  it("lets a process of specs that crashes leave its core", function()
    local folder <close> = scratch.folder { ["a_spec.lua"] = LIT
      .. 'io.popen("ulimit -c; ulimit -Hc; echo core", "w"):close()' }
    local pipe <close> = assert(io.popen "ulimit -c; ulimit -Hc; echo core")
    local result = scratch.run { scratch.program, "test", "--jobs", "1", folder.path, cores = true }
    assert.matches(pipe:read "a", result.stdout, 1, true)
  end)

  it("runs so many at a time", function()
    -- each waits for the other: alone, neither would end
    local meet = [[it("meets", function()
      local clock = require "jig.clock"
      io.open("%s", "w"):close()
      local met
      for _ = 1, 3000 do
        met = met or io.open("%s")
        if met then break end
        clock.sleep(0.002)
      end
      assert.is_truthy(met)
    end)]]
    local result = run({ ["a_spec.lua"] = meet:format("a", "b"), ["b_spec.lua"] = meet:format("b", "a") }, "2", ".")
    assert.same({ 0, "2 passed, 0 failed\n" }, { result.exit, result.stdout })
  end)

  it("shows failures, what was skipped and what specs print, and one line that counts", function()
    local result = run({
      ["a_spec.lua"] = 'print "seen"\n' .. LIT .. 'it("b", function() error("dark", 0) end)',
      ["c_spec.lua"] = 'pending "later"',
    }, "1", ".")
    assert.equal(1, result.exit)
    assert.equal("seen\nERROR: ./a_spec.lua:3: b\n    ./a_spec.lua:3: dark\nskipped: later\n"
      .. "1 passed, 1 failed, 1 skipped\n", result.stdout)
  end)

  it("is red for a file whose process ends before its time, and runs the others", function()
    for text, how in pairs {
      ["os.exit(0)"] = "the run did not come to its end (exit status 1)",
      ['require "jig.proc".start({ "sh", "-c", "kill -9 $PPID; sleep 9" }):wait()'] =
        "the run did not come to its end (signal 9)",
    } do
      local spec = LIT .. ('it("ends", function() %s end)'):format(text)
      local result = run({ ["a_spec.lua"] = spec, ["b_spec.lua"] = LIT }, "1", "--junit", "report.xml", ".")
      assert.equal(1, result.exit)
      assert.equal(("ERROR: ./a_spec.lua:?: the run\n    %s\n2 passed, 1 failed\n"):format(how), result.stdout)
      local suite = xml(result.report).children[1]
      assert.same({ "3", "1" }, { suite.attributes.tests, suite.attributes.errors })
      assert.equal(how, suite.children[2].children[1].attributes.message)
    end
  end)

  describe("with a limit", function()
    local start = proc.start
    after_each(function() rawset(proc, "start", start) end)

    -- What these files come to: each program ends as `results` says. Gives the cases, what was shown, and the limits.
    local function told_of(files, results)
      local limits, message = {}, nil
      rawset(proc, "start", function(argv)
        limits[#limits + 1] = argv.limit
        local child = { wait = function() return results[argv[#argv]] end }
        return setmetatable(child, { __close = function() end })
      end)
      local shown, _, cases = scratch.capture(function()
        local made
        made, message = spec_jobs.run(files, { "jig", "test" }, 1, 7)
        return made
      end)
      return cases, shown, limits, message
    end

    it("ends a file that does not end, names it, and goes on with the others", function()
      local passed = '\x1e{"name":"is lit","file":"%s","line":1,"seconds":0}\n'
      local cases, shown, limits, message = told_of({ "a_spec.lua", "b_spec.lua" }, {
        ["a_spec.lua"] = { signal = 15, trouble = "timeout", seconds = 7, stdout = passed:format "a_spec.lua",
          stderr = "" },
        ["b_spec.lua"] = { exit = 0, seconds = 1, stdout = passed:format "b_spec.lua" .. '\x1e{"ended":true}\n',
          stderr = "" },
      })
      assert.is_nil(message)
      assert.same({ 7, 7 }, limits)
      assert.equal(3, #cases)
      assert.same({ "a_spec.lua", "error", 7 }, { cases[2].file, cases[2].tag, cases[2].seconds })
      assert.equal("ERROR: a_spec.lua:?: the run\n    the run did not come to its end within 7 s: it was ended "
        .. "(signal 15; more time: --limit SECONDS)\n2 passed, 1 failed\n", shown)
    end)

    it("ends its process, which may ignore that", function()
      for text, how in pairs { ['require "jig.clock".sleep(1e6)'] = "", ["while true do end"] = "signal 9" } do
        local files = { ["a_spec.lua"] = ('it("hangs", function() %s end)'):format(text) }
        local result = run(files, "1", "--limit", "0.3", ".")
        assert.equal(1, result.exit)
        assert.matches("ERROR: ./a_spec.lua:?: the run\n    the run did not come to its end within 0.3 s: it was "
          .. "ended (", result.stdout, 1, true)
        assert.matches(how, result.stdout, 1, true)
      end
    end)
  end)

  it("takes a limit of seconds, more than 0, and only with --jobs", function()
    local files = { ["a_spec.lua"] = LIT }
    for _, limit in ipairs { "0", "-1", "x", "inf", "nan" } do
      assert.equal(2, run(files, "1", "--limit", limit, ".").exit)
    end
    local folder <close> = scratch.folder(files)
    local result = scratch.jig { "test", "--limit", "5", ".", cwd = folder.path }
    assert.equal(2, result.exit)
    assert.matches("--limit needs --jobs", result.stderr, 1, true)
  end)

  it("is red for a process that ends badly after green specs", function()
    local result = run({ ["a_spec.lua"] = LIT .. [[
      require "busted".subscribe({ "exit" }, function()
        require "jig.proc".start({ "sh", "-c", "kill -9 $PPID; sleep 9" }):wait()
      end)]] }, "1", ".")
    assert.equal(1, result.exit)
    assert.matches("ERROR: ./a_spec.lua:?: the run\n    its process ended badly", result.stdout, 1, true)
  end)

  it("gives each file the filter and the helper; files without such a test are no failure", function()
    local files = { ["a_spec.lua"] = 'it("is lit", function() assert.equal(5, helped) end)',
      ["b_spec.lua"] = "it('x', error)", ["help.lua"] = "rawset(_G, 'helped', 5)" }
    local result = run(files, "2", "--filter", "lit", "--helper", "help.lua", ".")
    assert.same({ 0, "1 passed, 0 failed\n", "" }, { result.exit, result.stdout, result.stderr })
    result = run(files, "2", "--filter", "dark", ".")
    assert.same({ 1, "0 passed, 0 failed\n", "jig test: no spec was run: check the paths and the filter\n" },
      { result.exit, result.stdout, result.stderr })
  end)
end)
