local bytecode = require "jig.bytecode"

-- Reads a whole chunk, and keeps what it calls its names.
local function walk(code)
  local kind, reader_of = bytecode.kind()
  function kind:func()
    self:string()
    self:int()
    self:int()
    self:skip(3)
    self:skip(4 * self:int())
    self:constants()
    self:skip(3 * self:int())
    for _ = 1, self:int() do self:func() end
    self:skip(self:int())
    for _ = 1, 2 * self:int() do self:int() end
    self:names()
  end
  local reader = reader_of(code)
  reader:func()
  return reader.at - 1
end

describe("jig.bytecode", function()
  it("knows how a dump begins", function()
    assert.equal(bytecode.HEADER, string.dump(load "return 1"):sub(1, #bytecode.HEADER))
  end)

  it("reads every kind of constant, nested functions, names and none, to the last byte", function()
    for _, text in ipairs {
      "",
      "return nil, true, false, 1, 1.5, -7, 'short', ('long'):rep(100)",
      "local a <const>, b = 'x', ... return function() return function() return a, b end end",
      "return " .. ("%q"):format(("y"):rep(300)),
      "return " .. ("%q"):format("\0\255" .. ("z"):rep(40)),
      ("local x = 1\n"):rep(150) .. "return x",
      ("\n"):rep(1000) .. "return 1",
    } do
      for _, strip in ipairs { false, true } do
        local code = string.dump(assert(load(text, "@name")), strip)
        assert.equal(#code, walk(code), text:sub(1, 40))
      end
    end
  end)

  it("keeps readers of two kinds apart", function()
    local one, reader_of = bytecode.kind()
    local other = bytecode.kind()
    function one.func() return "one" end
    assert.equal("one", reader_of(""):func())
    assert.is_nil(other.func)
  end)
end)
