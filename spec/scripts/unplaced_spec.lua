local unplaced = require "jig.unplaced"

describe("jig.unplaced", function()
  it("takes a line of jig's own off the front of a message, and no other", function()
    assert.equal("length: no", unplaced "scripts/jig/framing/length.lua:12: length: no")
    for _, text in ipairs { "", "no", "recipe.lua:3: no", "/scripts/jig/a.lua:3: no", "of scripts/jig/a.lua:3: no" } do
      assert.equal(text, unplaced(text))
    end
  end)
end)
