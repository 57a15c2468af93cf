local proc = require "jig.proc"
local session = require "jig.session"

-- The environment that a program sees, as a table.
local function seen_with(env)
  local result = assert(proc.start { "env", "-0", env = env }):wait()
  local seen = {}
  for name, value in result.stdout:gmatch("([^=%z]+)=(%Z*)%z") do
    assert.is_nil(seen[name], name)
    seen[name] = value
  end
  return seen
end

describe("bindings/environment", function()
  it("is jig's own when none is given, or nothing is laid over it", function()
    local own = seen_with(nil)
    assert.equal(os.getenv("PATH"), own.PATH)
    assert.same(own, seen_with {})
  end)

  it("lays names over it, replaces and removes", function()
    local own = seen_with(nil)
    local wanted = {}
    for name, value in pairs(own) do wanted[name] = value end
    wanted.PATH, wanted.JIG_SPEC_A, wanted.JIG_SPEC_EMPTY, wanted.HOME = "/bin:/usr/bin", "a=b c\n", "", nil
    assert.same(wanted, seen_with {
      PATH = "/bin:/usr/bin", JIG_SPEC_A = "a=b c\n", JIG_SPEC_EMPTY = "", HOME = false, JIG_SPEC_NONE = false,
    })
  end)

  it("carries many and long values", function()
    local env = {}
    for i = 1, 500 do env["JIG_SPEC_" .. i] = ("v"):rep(i) end
    local seen = seen_with(env)
    for name, value in pairs(env) do assert.equal(value, seen[name]) end
  end)

  it("raises for what no environment can hold", function()
    local bad = {
      [{ [1] = "x" }] = "names must be strings",
      [{ A = 1 }] = "the value of 'A' must be a string or false",
      [{ A = true }] = "the value of 'A' must be a string or false",
      [{ A = "x\0y" }] = "the value of 'A' holds a NUL",
      [{ [""] = "x" }] = "'' is no name of a variable",
      [{ ["A=B"] = "x" }] = "'A=B' is no name of a variable",
      [{ ["A\0B"] = "x" }] = "is no name of a variable",
    }
    for env, expected in pairs(bad) do
      local ok, message = pcall(proc.start, { "true", env = env })
      assert.is_false(ok)
      assert.matches(expected, message, 1, true)
    end
    assert.has_error(function() proc.start { "true", env = "x" } end)
  end)

  it("of the CLI takes true, too", function()
    assert.truthy(session.service { cli = "x", env = { A = true, B = "x", C = false } })
    assert.has_error(function() session.service { cli = "x", env = { A = 1 } } end,
      "env: the value of 'A' must be a string, true or false")
  end)
end)
