local scratch = require "spec.support.scratch"
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
