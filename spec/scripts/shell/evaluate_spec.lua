local evaluate = require "jig.shell.evaluate"
local fault = require "jig.fault"

-- What a line says, and what went wrong.
local function run(text, env)
  local said = {}
  local ok, message = evaluate.run(text, env or {}, "/recipe/", function(line) said[#said + 1] = line end)
  assert.equal(ok == nil, message ~= nil)
  return table.concat(said, "\n"), message
end

describe("jig.shell.evaluate", function()
  it("prints the values of an expression, and of nothing nothing", function()
    assert.same({ '3\n"x"\nnil' }, { run '1 + 2, "x", nil' })
    assert.same({ "" }, { run "local x = 1" })
    assert.same({ "5" }, { run("x", { x = 5 }) })
  end)

  it("keeps in the environment what is assigned", function()
    local env = {}
    run("x = 7", env)
    assert.equal(7, env.x)
  end)

  it("says in a sentence what went wrong", function()
    local cases = {
      { "1 +", "unexpected symbol" },
      { "error('no', 0)", "no" },
      { "error('no')", "no" },
      { "error{}", "^table: " },
      { "nothing.x", "attempt to index a nil value" },
      { "error(lost)", "^connectivity.lost: gone$" },
      { "error(stopped)", "^interrupted$" },
      { "error(bad)", "an error that has no text" },
    }
    local env = { error = error, lost = fault.new("connectivity.lost", { reason = "gone" }),
      stopped = fault.new("tool.interrupted"), bad = setmetatable({}, { __tostring = function() error("x") end }) }
    for _, case in ipairs(cases) do
      local said, message = run(case[1], env)
      assert.equal("", said)
      assert.matches(case[2], message)
      assert.is_nil(message:find("typed:1", 1, true))
    end
  end)

  it("keeps a sentence within bounds", function()
    local _, message = run('error(("x"):rep(5000))', { error = error })
    assert.equal(("x"):rep(1000) .. "…", message)
  end)

  it("knows what goes on in the next line", function()
    for _, text in ipairs { "for i = 1, 2 do", "f(", "x = {1,", "x = [[a", "1 +", "if x then y()" } do
      assert.is_true(evaluate.is_open(text))
    end
    for _, text in ipairs { "", "x", "x = 1", "for i = 1, 2 do end", "x = = 1", ")", 'x = "a' } do
      assert.is_false(evaluate.is_open(text))
    end
  end)

  it("takes no bytecode", function()
    local _, message = run(string.dump(function() end))
    assert.is_string(message)
  end)
end)
