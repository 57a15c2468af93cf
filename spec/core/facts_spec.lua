local facts = require("spec.ledger").facts
local json = require "cjson"

local CAP <const> = 16384

-- The value of one member as it is written, without its quotes.
local function written(text)
  return (facts({ "a", text }):match '^{"a":"(.*)"}$')
end

describe("core/facts", function()
  it("writes members in their order", function()
    assert.equal('{"a":"x","b":-5,"c":{"d":1},"e":""}',
      facts({ "a", "x" }, { "b", -5 }, { "c", { '{"d":1}' } }, { "e", "" }))
    assert.equal("{}", facts())
    assert.equal('{"b":1}', facts({ "a", nil }, { "b", 1 }, { "c", {} }))
    assert.equal('{"a":9223372036854775807,"b":-9223372036854775808}',
      facts({ "a", math.maxinteger }, { "b", math.mininteger }))
  end)

  it("escapes what RFC 8259 says, and nothing else", function()
    local short = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r",
      ["\t"] = "\\t" }
    for byte = 1, 0x7F do
      local c = string.char(byte)
      local expected = short[c] or byte < 0x20 and ("\\u%04x"):format(byte) or c
      assert.equal(expected, written(c))
      assert.equal(c, json.decode(facts({ "a", c })).a)
    end
  end)

  it("keeps every character of UTF-8", function()
    for _, code in ipairs { 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF, 0x10000, 0x3FFFF,
      0x40000, 0xFFFFF, 0x100000, 0x10FFFF } do
      assert.equal("x" .. utf8.char(code) .. "y", written("x" .. utf8.char(code) .. "y"))
    end
  end)

  it("puts U+FFFD for every byte that is not UTF-8", function()
    local bad = utf8.char(0xFFFD)
    for text, count in pairs {
      ["\x80"] = 1, ["\xBF"] = 1, ["\xC0\x80"] = 2, ["\xC1\xBF"] = 2, ["\xC2"] = 1, ["\xE0\x9F\xBF"] = 3,
      ["\xE2\x82"] = 2, ["\xED\xA0\x80"] = 3, ["\xED\xBF\xBF"] = 3, ["\xF0\x8F\xBF\xBF"] = 4,
      ["\xF0\x9F\x98"] = 3, ["\xF4\x90\x80\x80"] = 4, ["\xF5\x80\x80\x80"] = 4, ["\xFF"] = 1, ["\xFE\xFE"] = 2,
    } do
      assert.equal(bad:rep(count), written(text))
      assert.equal("x" .. bad:rep(count) .. "y", written("x" .. text .. "y"))
    end
    assert.equal(bad .. "(", written "\xC3(")
    assert.equal(bad .. '\\"', written '\xE2"') -- what follows is looked at for itself
  end)

  it("gives the same bytes for the same members", function()
    assert.equal(facts({ "a", "\xFFä\1" }, { "b", 7 }), facts({ "a", "\xFFä\1" }, { "b", 7 }))
  end)

  it("fails over its cap, and says so only when it is taken", function()
    local around = #'{"a":""}'
    assert.equal(CAP, #facts({ "a", ("x"):rep(CAP - around) }))
    assert.is_nil(facts({ "a", ("x"):rep(CAP - around + 1) }))
    assert.is_nil(facts({ "a", ("x"):rep(CAP) }, { "b", 1 }))
    assert.equal(CAP, #facts({ "a", ("\n"):rep((CAP - around) // 2) }))
    assert.is_nil(facts({ "a", ("\n"):rep((CAP - around) // 2 + 1) }))
  end)
end)
