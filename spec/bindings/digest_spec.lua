-- What is computed: spec/core/digest_spec.lua.

local digest = require "jig.digest"

describe("bindings/digest", function()
  it("takes bytes whatever they are, and gives bytes", function()
    for _, bytes in ipairs { "", "\0", ("\xFF"):rep(100000) } do
      assert.equal(32, #digest.sha256(bytes))
      assert.equal(20, #digest.sha1(bytes))
      assert.matches("^%d+ bytes? sha256:%x%x%x%x%x%x%x%x$", digest.brief(bytes))
    end
  end)

  it("raises for everything but strings, numbers too", function()
    for _, f in pairs(digest) do
      for _, value in ipairs { 12, true, {}, print } do assert.is_false(pcall(f, value)) end
      assert.is_false(pcall(f))
    end
  end)

  it("shows nothing of the bytes", function()
    assert.is_nil(digest.brief("secret payload"):find("secret"))
  end)
end)
