local markdown = require "jig.markdown"

local function kinds(text)
  local list = {}
  for i, block in ipairs(markdown.blocks(text)) do list[i] = ("%s %d"):format(block.kind, block.line) end
  return table.concat(list, ", ")
end

describe("jig.markdown", function()
  it("tells the blocks of a page and their lines", function()
    local page = "# A\n\ntext\n    goes on\n\n    code\n\n- item\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n"
    assert.equal("heading 1, text 3, code 6, list 8, table 10, code 15, text 17", kinds(page .. "```lua\nx\n```\nend"))
  end)

  it("joins the lines of a paragraph and of an item", function()
    local blocks = markdown.blocks "one\ntwo  \n  three\n\n- a\n  b\n- c\n\n3. d\n4. e\n"
    assert.equal("one two three", blocks[1].text)
    assert.same({ { text = "a b" }, { text = "c" } }, blocks[2].items)
    assert.same({ { text = "d", number = 3 }, { text = "e", number = 4 } }, blocks[3].items)
  end)

  it("keeps code as it is, with the empty lines inside it alone", function()
    local blocks = markdown.blocks "x\n\n    a\n      b\n\n    # c\n\n\ny\n\n```sh\n    | d\n\n```\n"
    assert.same({ "a", "  b", "", "# c" }, blocks[2].lines)
    assert.is_nil(blocks[2].language)
    assert.same({ "    | d", "" }, blocks[4].lines)
    assert.equal("sh", blocks[4].language)
  end)

  it("splits a table into cells, in which a bar is escaped", function()
    local block = markdown.blocks "| a | |\n| --- | :-: |\n| `x\\|y` | 2 |\n|3||\n"[1]
    assert.same({ "a", "" }, block.header)
    assert.same({ { "`x|y`", "2" }, { "3", "" } }, block.rows)
  end)

  it("leaves comments out, and takes what it does not know for text", function()
    assert.equal("text 4, text 6", kinds "<!-- one\ntwo -->\n\na | b\n\n| no table\n")
    assert.same({}, markdown.blocks "")
    assert.same({ "a" }, markdown.blocks "```\na"[1].lines) -- a fence that does not end
  end)

  it("tells the spans of a text", function()
    assert.same({
      { kind = "plain", text = "a " }, { kind = "code", text = "b*c*" }, { kind = "plain", text = " " },
      { kind = "strong", text = "d" }, { kind = "emphasis", text = "e" }, { kind = "plain", text = " * [f] " },
      { kind = "link", text = "g", target = "h#i" },
    }, markdown.spans "a `b*c*` **d***e* * [f] [g](h#i)")
    assert.equal("run `x", markdown.plain "**run** `x")
    assert.equal("a b", markdown.plain "[`a`](c) b")
    assert.same({}, markdown.spans "")
  end)

  it("names headings as links do", function()
    assert.equal("what-a-recipe-may-compute", markdown.anchor "What a recipe may compute")
    assert.equal("what-jig-run---json-prints", markdown.anchor "What `jig run --json` prints")
  end)

  it("cuts a section out, up to the next of its level", function()
    local blocks = markdown.blocks "# P\n\n## A\n\na\n\n### A1\n\nb\n\n## B\n\nc\n"
    local found = markdown.section(blocks, "A")
    assert.equal(4, #found)
    assert.equal("b", found[4].text)
    assert.equal("c", markdown.section(blocks, "B")[2].text)
    assert.is_nil(markdown.section(blocks, "C"))
  end)
end)
