local scratch = require "spec.support.scratch"

-- Runs a script in a folder of its own.
local function script(text, ...)
  local folder <close> = scratch.folder { ["try.lua"] = text }
  return scratch.jig { folder.path .. "/try.lua", ... }
end

describe("jig", function()
  it("tells its verbs: on stdout when asked, with topics to read, else on stderr with status 2", function()
    local asked
    for _, word in ipairs { "help", "--help", "-h" } do
      asked = scratch.jig { word }
      assert.same({ 0, "" }, { asked.exit, asked.stderr })
      assert.matches("^usage: jig VERB ", asked.stdout)
    end
    for _, verb in ipairs { "run", "check", "test", "ports", "version" } do
      assert.matches("\n  " .. verb .. " ", asked.stdout, 1, true)
    end
    local bare = scratch.jig {}
    assert.same({ 2, "" }, { bare.exit, bare.stdout })
    assert.equal(bare.stderr, asked.stdout:match("^(.-\n)\ntopics:\n"))
    assert.matches("\n  tutorial ", asked.stdout, 1, true)
  end)

  it("refuses what is neither a verb nor a script", function()
    for _, word in ipairs { "rnu", "--verbose", "" } do
      local result = scratch.jig { word }
      assert.same({ 2, "" }, { result.exit, result.stdout })
      assert.equal(1, (result.stderr:find(("jig: '%s' is no verb, and no script: "):format(word), 1, true)))
      assert.matches("usage: jig VERB", result.stderr, 1, true)
    end
  end)

  describe("FILE.lua", function()
    it("runs a script with its arguments, as the stand-alone interpreter does", function()
      local result = script("print(arg[-1] ~= nil, arg[0]:match('[^/]*$'), #arg, arg[1], arg[2], ...)", "a", "--help")
      assert.same({ 0, "true\ttry.lua\t2\ta\t--help\ta\t--help\n" }, { result.exit, result.stdout })
    end)

    it("skips a #! line and keeps the line numbers", function()
      local result = script("#!/usr/bin/env jig\nerror 'boom'")
      assert.equal(1, result.exit)
      assert.matches("try.lua:2: boom\nstack traceback:", result.stderr, 1, true)
    end)

    it("runs an executable script through its #! line", function()
      local folder <close> = scratch.folder()
      local tool = folder:tool("tool", "print(#arg, ...)\n")
      local result = scratch.run { tool, "a b", "c" }
      assert.same({ 0, "2\ta b\tc\n" }, { result.exit, result.stdout })
    end)

    it("runs it as a task, in which a wait may stand anywhere", function()
      local result = script([[
        local clock, port, task = require "jig.clock", require "jig.port", require "jig.task"
        local a, b = port.open "pair:x", port.open "pair:x"
        task.spawn(function() clock.sleep(0.001) b:write "one two " end)
        local function words() return coroutine.wrap(function()
          while true do coroutine.yield((pcall(a.read_until, a, " ", 60)) and 1 or nil) end
        end) end
        local next_word = words()
        print(next_word(), next_word(), pcall(clock.sleep, 0.001))
      ]])
      assert.same({ 0, "1\t1\ttrue\ttrue\n", "" }, { result.exit, result.stdout, result.stderr })
    end)

    it("ends with the status that the script asks for", function()
      for text, status in pairs {
        ["os.exit(7)"] = 7, ["os.exit(true)"] = 0, ["os.exit(false)"] = 1, ["os.exit()"] = 0, [""] = 0,
        ["require 'jig.task'.spawn(function() os.exit(9) end) require 'jig.clock'.sleep(60)"] = 9,
      } do
        assert.equal(status, script(text).exit, text)
      end
    end)

    it("ends with 1 for a script that cannot be read, parsed or run to its end", function()
      local result = scratch.jig { "/nowhere/try.lua" }
      assert.equal(1, result.exit)
      assert.equal("jig: cannot open /nowhere/try.lua: No such file or directory\n", result.stderr)
      result = script("x x")
      assert.equal(1, result.exit)
      assert.matches("^jig: .*try%.lua:1: ", result.stderr)
      assert.equal(1, script("error({})").exit)
    end)
  end)
end)
