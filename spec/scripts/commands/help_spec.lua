local help = require "jig.commands.help"
local scratch = require "spec.support.scratch"
local topics = require "jig.topics"

local VERBS <const> = { { "check", "look for mistakes" }, { "journal", "read it" }, { "version", "show versions" },
  { "ports", "list them" }, { "shell", "talk" } }

-- What it prints on stdout and stderr, and its status.
local function run(...)
  return scratch.capture(help, { ... }, VERBS)
end

describe("jig help", function()
  it("prints every topic", function()
    for _, topic in ipairs(topics.LIST) do
      local out, err, status = run(topic[1])
      assert.same({ "", 0 }, { err, status }, topic[1])
      assert.is_true(#out > 200, topic[1])
    end
  end)

  it("prints a page, or the section that a topic is", function()
    local recipe, limits = run "recipe", run "limits"
    assert.matches("^Writing recipes\n", recipe)
    assert.matches("^Limits\n", limits)
    assert.matches("\nWhat a recipe may compute\n", limits)
    assert.is_nil(limits:find("\nThe unit\n", 1, true))
  end)

  it("prints the help of a verb that is no topic", function()
    local out, err, status = run "ports"
    assert.same({ "", 0 }, { err, status })
    assert.matches("^Usage: jig ports ", out)
    assert.matches("^The journal\n", (run "journal"))
    assert.matches("^Usage: jig version ", (run "version"))
  end)

  it("says of a topic that is a verb, too, how to get its options", function()
    assert.matches("^The shell\n.*\n`jig shell %-%-help` tells its options%.\n$", (run "shell"))
    assert.matches("^Checking a recipe\n", (run "check"))
    assert.matches("^Cassettes\n", (run "cassettes"))
    assert.is_nil((run "limits"):find("tells its options", 1, true))
  end)

  it("sends nobody to files that are not installed", function()
    for _, topic in ipairs(topics.LIST) do
      local out = run(topic[1])
      assert.is_nil(out:find("scripts/README.md", 1, true), topic[1])
      assert.is_nil(out:find("spec/README.md", 1, true), topic[1])
    end
  end)

  it("is exit status 2 with the list for what it does not know", function()
    local out, err, status = run "nothing"
    assert.same({ "", 2 }, { out, status })
    assert.matches("^jig help: there is nothing about 'nothing'\ntopics:\n", err)
    assert.matches("\n  framing ", err, 1, true)
    assert.equal(2, select(3, run("recipe", "unit")))
    assert.equal(2, select(3, run("--completion", "cmd")))
  end)

  it("goes to a terminal as wide as it is, with bold headings, and through no pager", function()
    local folder <close> = scratch.folder()
    local result = scratch.run {
      "script", "-qec", ("stty cols 50; exec %s help laws"):format(scratch.program), folder.path .. "/typescript",
      env = { PAGER = "false", TERM = "xterm", NO_COLOR = false },
    }
    assert.equal(0, result.exit, result.stderr)
    assert.matches("\27[1mThe laws\27[0m", result.stdout, 1, true)
    for line in result.stdout:gmatch("[^\r\n]+") do
      assert(utf8.len(line) <= 58, line)
    end
  end)
end)
