local cut = require "jig.cut"

describe("jig.cut", function()
  it("leaves what is short enough", function()
    for _, text in ipairs { "", "abcdef", "ééé" } do assert.equal(text, cut(text, 6)) end
  end)

  it("ends what is longer with an ellipsis, and cuts no character in two", function()
    for text, shown in pairs { abcdefg = "abc…", ["ééééé"] = "é…", ["xéééé"] = "xé…", ["xx😀😀"] = "xx…",
        ["\x80\x80\x80\x80\x80\x80\x80"] = "…" } do
      assert.equal(shown, cut(text, 6))
    end
    assert.equal("…", cut("abcd", 3))
  end)

  it("keeps to the bytes that it was given", function()
    assert.equal(1000, #cut(("n"):rep(3000000), 1000))
  end)
end)
