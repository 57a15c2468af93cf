local scratch = require "spec.support.scratch"
local source = require "jig.check.source"

describe("jig.check.source", function()
  local folder
  setup(function() folder = scratch.folder() end)
  teardown(function() folder:__close() end)

  local function read(text) return source.read(folder:write("x.lua", text)) end

  it("finds where a path is written", function()
    local self = read [[
local jig = require "jig"
local LIMITS = {
  exchange = 5,
}
return jig.recipe {
  limits = LIMITS,
  status = {
    [0x11] = { "a",
      code = 5 },
  },
  ["faults"] = { ["a.b"] = {
    code = 1 } },
  port = { "tcp",
    "a:1" },
}]]
    for path, line in pairs {
      ["limits"] = 6, ["limits.exchange"] = 3, ["limits.nothing"] = 6, ["status[0x11]"] = 8, ["status[0x11].code"] = 9,
      ["faults[a.b].code"] = 12, ["port[1]"] = 13, ["port[2]"] = 14, ["nothing"] = 5, [""] = 5,
    } do
      assert.equal(line, (source.place(self.call.args[1], path)), path)
    end
  end)

  it("finds the hooks, and what they are handed", function()
    local self = read [[
      local jig = require "jig"
      local function wake(u) return u end
      return jig.recipe { prepare = wake, run = function(x) return x end, name = function() end } ]]
    assert.is_truthy(self.hooks.prepare and self.hooks.run)
    assert.is_nil(self.hooks.name)
    local seen = {}
    self:each("return", function(node, hook) seen[hook or ""] = self:kind(node.values[1]) or false end)
    assert.same({ [""] = false, prepare = "unit", run = "unit" }, seen)
  end)

  it("knows no recipe where none is made", function()
    assert.is_nil(read("return other.recipe {}").call)
    assert.is_nil(read("local jig = {} return jig.recipe {}").call)
  end)

  it("gives what is wrong with a file that it cannot read", function()
    for text, message in pairs {
      ["x ="] = ":1: unexpected symbol", [("-"):rep((1 << 18) + 1)] = "larger than the 262144 bytes that it may have",
    } do
      local made, said = read(text)
      assert.is_nil(made)
      assert.matches(message, said, 1, true)
    end
    assert.matches("No such file", select(2, source.read "/nowhere/x.lua"), 1, true)
    assert.is_truthy(read(("-"):rep(1 << 18)))
  end)
end)
