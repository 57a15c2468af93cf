local legible = require "jig.legible"

describe("jig.legible", function()
  it("leaves text as it is: UTF-8, tabs, line ends, colours", function()
    for _, text in ipairs { "", "dark", "25 °C", "a\tb\r\nc", "\27[31mred\27[0m", "😀" } do
      assert.is_true(legible.is_text(text))
      assert.equal(text, legible.text(text))
      assert.equal(text, legible.thrown(text))
    end
  end)

  it("shows the number and digest of all else", function()
    for byte = 0, 255 do
      local bytes = "a" .. string.char(byte) .. "b"
      local control = byte < 32 and not ("\t\n\r\27"):find(string.char(byte), 1, true) or byte == 127
      assert.equal(not (control or byte > 127), legible.is_text(bytes), byte)
    end
    assert.equal("bytes that are no text: 3 bytes sha256:8ca9f8c2", legible.text "\xff\xfe\xfd")
    assert.is_nil(legible.text("words before\0"):find "words")
    assert.is_false(legible.is_text "cut \xc3")
  end)

  it("leaves the line at which they were thrown", function()
    assert.equal("a/recipe.lua:12: bytes that are no text: 3 bytes sha256:8ca9f8c2",
      legible.thrown "a/recipe.lua:12: \xff\xfe\xfd")
    assert.equal(legible.text "\xff.lua:1: x", legible.thrown "\xff.lua:1: x")
    assert.equal(legible.text "\xff\n.lua:1: x", legible.thrown "\xff\n.lua:1: x")
  end)

  it("hides secrets that a recipe has exposed", function()
    local secret = require "jig.secret"
    secret.new("0451"):expose()
    assert.equal("it is ****", legible.text "it is 0451")
    assert.equal("a/recipe.lua:12: it is ****", legible.thrown "a/recipe.lua:12: it is 0451")
    assert.equal(("*"):rep(60000), legible.text(("0451"):rep(250000)):sub(1, 60000))
    assert.is_true(#legible.text(("0451"):rep(250000)) <= 65536)
    assert.is_true(#legible.thrown(("0451"):rep(250000)) <= 65536)
    secret.forget()
    assert.equal("it is 0451", legible.text "it is 0451")
  end)
end)
