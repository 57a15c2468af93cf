local hook_place = require "jig.hook_place"

describe("jig.hook_place", function()
  it("is the line on which a function of the folder begins", function()
    local f = load("return 1,\nfunction()\nend", "@shop/lamp/recipe.lua")
    assert.equal("shop/lamp/recipe.lua:2", hook_place(select(2, f()), "shop/lamp/"))
  end)

  it("is none for what stands elsewhere, or is no Lua function", function()
    local f = load("return function() end", "@shop/lamps.lua")()
    for _, other in ipairs { f, print, load("return 1", "text"), setmetatable({}, { __call = print }), 5 } do
      assert.is_nil(hook_place(other, "shop/lamp/"))
    end
    assert.is_nil(hook_place(nil, "shop/lamp/"))
  end)
end)
