local markdown = require "jig.markdown"
local topics = require "jig.topics"

describe("jig.topics", function()
  it("lists each word once, with a page that there is and a section in it", function()
    local seen = {}
    for _, topic in ipairs(topics.LIST) do
      local word, name, section, what = table.unpack(topic, 1, 4)
      assert.is_nil(seen[word], word)
      seen[word] = true
      local blocks = markdown.blocks(require("jig.pages." .. name))
      assert(section == nil or markdown.section(blocks, section), word .. ": there is no section " .. tostring(section))
      assert.matches("^%g.*%w$", what)
    end
  end)

  it("are written one a line", function()
    local parts = {}
    topics.write { write = function(_, ...) parts[#parts + 1] = table.concat { ... } end }
    local text = table.concat(parts)
    assert.matches("^topics:\n  overview +what jig is", text)
    assert.equal(#topics.LIST + 3, select(2, text:gsub("\n", "")))
    for line in text:gmatch("[^\n]+") do assert(#line <= 80, line) end
  end)

  it("have the text of the source's pages", function()
    local file <close> = assert(io.open "scripts/README.md")
    assert(file:read "a" == require "jig.pages.scripts", "the page was changed since jig was built")
  end)

  it("stand in a text for the files of the source, which are not installed", function()
    for text, told in pairs {
      ["see [scripts/README.md](scripts/README.md#the-journal)."] = "see `jig help journal`.",
      ["[scripts/README.md](../scripts/README.md) and `spec/README.md`"] = "`jig help recipe` and `jig help testing`",
      ["[spec/README.md](spec/README.md#proving-a-recipe)"] = "`jig help proving`",
      ["[scripts/README.md](scripts/README.md#checking-a-recipe)"] = "`jig help check`",
      ["[the engine](core/README.md), [core/README.md](core/README.md)"] =
        "[the engine](core/README.md), [core/README.md](core/README.md)",
    } do
      assert.equal(told, topics.told(text))
    end
  end)
end)
