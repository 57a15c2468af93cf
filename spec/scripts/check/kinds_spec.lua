local kinds = require "jig.check.kinds"
local syntax = require "jig.check.syntax"

-- What the expression behind the last return of a text is.
local function kind_of(text)
  local tree = syntax.read(text)
  return kinds.of(tree[#tree].values[1], kinds.parameters(tree, {}))
end

describe("jig.check.kinds", function()
  for text, expected in pairs {
    ['return require "jig.hex"'] = "module jig.hex",
    ['local a = require "jig"; local b = a; return b'] = "module jig",
    ['local a = require "jig"; a = 5; return a'] = false,
    ['return require "jig.crc".new("x")'] = "crc",
    ['local slip = require "jig.framing.slip"; return slip {}'] = "framing",
    ['local slip = require "jig.framing.slip"; return (slip {}).host'] = "end",
    ['local slip = require "jig.framing.slip"; return slip {}.host.decoder()'] = "decoder",
    ["return string"] = "library string",
    ["local string = 5 return string"] = false,
    ['return require "status"'] = false,
    ["local require = f; return require 'jig.hex'"] = false,
    ["return a.b.c"] = false,
    ["local x; return x.port"] = false,
    ["local function f(unit) end local x; return x:open {}"] = false,
  } do
    it(("of %s is %s"):format(text, expected or "unknown"), function() assert.equal(expected or nil, kind_of(text)) end)
  end

  -- What `x` of the innermost return is.
  local function parameter_kind(text)
    local tree, found = syntax.read(text), nil
    local given = kinds.parameters(tree, {})
    syntax.walk(tree, function(node)
      if node.tag == "return" and node.values[1].name == "x" then found = kinds.of(node.values[1], given) end
    end)
    return found
  end

  it("knows parameters by what they are called with, however far", function()
    assert.equal("port", parameter_kind [[
      local function f(a, x) return x end
      local function g(u) f(1, u.port) end
      return { run = function(unit) g(unit) end } ]])
    assert.is_nil(parameter_kind "local function f(x) return x end f(5)")
  end)

  it("gives up behind a long way", function()
    local text = { "local v0 = require 'jig.hex'" }
    for i = 1, 40 do text[#text + 1] = ("local v%d = v%d"):format(i, i - 1) end
    assert.is_nil(kind_of(table.concat(text, "\n") .. "\nreturn v40"))
  end)
end)
