local loop = require "spec.loop"

describe("core/service", function()
  it("has strict defaults", function()
    assert.same({
      program = "tool",
      accepted = { 0 },
      limits = { 60.0, 60.0, 60.0, 60.0 },
      grace = 2.0,
      stop = 10.0,
      hurry = 3.0,
      refused = false,
      unclear = true,
      again = true,
      gate = 600.0,
      calls = 0.0,
    }, loop.service { program = "tool" })
  end)

  it("is shared as a copy of all that it points to", function()
    local cases = {
      {},
      { arguments = {} },
      { arguments = { "" }, env = {} },
      { arguments = { "--slot", "7", ("x"):rep(5000) }, env = { "A=1", "LONG=" .. ("y"):rep(5000) } },
      { cwd = "/some/where", accepted = { 0, 3, 255 } },
      { accepted = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, env = { "B=" }, arguments = { "a", "b", "c" } },
    }
    for _, case in ipairs(cases) do
      case.program = "/opt/tool"
      local copy = loop.service(case)
      assert.same({ case.program, case.arguments, case.env, case.cwd, case.accepted or { 0 } },
        { copy.program, copy.arguments, copy.env, copy.cwd, copy.accepted })
    end
  end)

  it("is shared with its token, and what tells that something is the matter with it", function()
    local token = {
      name = "line", folder = "/run/somewhere", width = 3.0,
      missing = { statuses = { 7, 8 }, patterns = { "no token" } },
      busy = { statuses = {}, patterns = { "busy", ("z"):rep(3000) } },
      pin = { statuses = { 9 }, patterns = {} },
    }
    local copy = loop.service { program = "/opt/tool", accepted = { 0, 1 }, env = { "A=1" }, token = token, calls = 4,
      gate = 20 }
    assert.same({ token, 4.0, 20.0, { 0, 1 }, { "A=1" } },
      { copy.token, copy.calls, copy.gate, copy.accepted, copy.env })
  end)
end)
