local markdown = require "jig.markdown"
local page = require "jig.output.page"
local width = require "jig.output.width"

local function text(source, columns, bold)
  return page.text(markdown.blocks(source), columns or 40, bold)
end

describe("jig.output.page", function()
  it("indents what a heading says, and wraps it", function()
    assert.equal("One\n\n  a text that is a bit\n  longer\n\nTwo\n",
      text("# One\n\na text that is a bit longer\n\n## Two\n", 24))
  end)

  it("lets headings stand out where they may be bold", function()
    assert.equal("\27[1mOne\27[0m\n", text("# One\n", 24, true))
  end)

  it("leaves code as it is, however long", function()
    assert.equal("        x = { 1 }  -- and so on, and so on\n\n      y\n",
      text("```lua\n  x = { 1 }  -- and so on, and so on\n\ny\n```\n", 10))
  end)

  it("leaves marks out", function()
    assert.equal("  run it, as the page says: x*y\n", text("**run** *it*, as [the page](a.md) says: `x*y`"))
  end)

  it("hangs the lines of an item", function()
    assert.equal("  - one two\n    three\n  - four\n", text("- one two three\n- four\n", 12))
    assert.equal("  9. a\n  10. b\n      c\n", text("9. a\n10. b c\n", 8))
  end)

  it("sets tables in columns, the widest of which share what is left", function()
    assert.equal("  key  what\n  a    b\n", text("| key | what |\n| --- | --- |\n| `a` | b |\n"))
    assert.equal("  a  one two\n     three\n  b  four\n",
      text("| | |\n| --- | --- |\n| a | one two three |\n| b | four |\n", 13))
    assert.equal("  aaaa   bbbb   c\n  aa     bb\n",
      text("| | | |\n| --- | --- | --- |\n| aaaa aa | bbbb bb | c |\n", 18))
  end)

  it("cuts words that are longer than a line", function()
    assert.equal("  abcde\n  fghij\n  kl\n", text("abcdefghij kl", 7))
    assert.equal("  ab\n  ……………\n  …\n", text("ab ………………", 7))
    for line in text("| | |\n| --- | --- |\n| …………………… | ab |\n", 12):gmatch("[^\n]+") do
      assert.is_true(width.of(line) <= 12, line)
    end
  end)

  it("sets every page in as many cells as there are, but for code", function()
    local names = {}
    for _, topic in ipairs(require "jig.topics".LIST) do names[topic[2]] = true end
    for name in pairs(names) do
      local blocks = markdown.blocks(require("jig.pages." .. name))
      for i = #blocks, 1, -1 do
        if blocks[i].kind == "code" then table.remove(blocks, i) end
      end
      for _, columns in ipairs { 40, 110 } do
        for line in page.text(blocks, columns):gmatch("[^\n]+") do
          assert(width.of(line) <= columns, ("%s in %d: %s"):format(name, columns, line))
        end
      end
    end
  end)
end)
