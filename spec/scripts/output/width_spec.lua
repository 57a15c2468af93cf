local width = require "jig.output.width"

describe("jig.output.width", function()
  -- Each: what it is, the text, how it is shown, how many cells that takes.
  local cases = {
    { "ASCII", "T100", "T100", 4 },
    { "nothing", "", "", 0 },
    { "Latin, Greek, Cyrillic", "é Ω ж", "é Ω ж", 5 },
    { "Chinese, Japanese, Korean", "测試カ한", "测試カ한", 8 },
    { "full width", "Ａ１", "Ａ１", 4 },
    { "controls", "a\27[2J\n\u{9B}b", "a?[2J??b", 8 },
    { "what is no UTF-8", "a\xffb", "a?b", 3 },
    { "a combining mark", "e\u{301}", "e?", 2 },
    { "what turns the direction", "a\u{202E}b", "a?b", 3 },
    { "a space without width", "a\u{200B}b", "a?b", 3 },
    { "a soft hyphen", "a\u{AD}b", "a?b", 3 },
    { "an emoji", "ok \u{1F600}", "ok ?", 4 },
    { "the last character there is", "\u{10FFFF}", "?", 1 },
  }
  for _, case in ipairs(cases) do
    it("shows and counts " .. case[1], function()
      local plain = width.plain(case[2])
      assert.same({ case[3], case[4] }, { plain, width.of(plain) })
    end)
  end

  -- Each: text, cells, what is left.
  local cuts = {
    { "T100", 4, "T100" }, { "T100", 3, "T1…" }, { "T100", 1, "…" }, { "T100", 0, "" }, { "", 0, "" },
    { "éèê", 3, "éèê" }, { "éèê", 2, "é…" },
    { "测試", 4, "测試" }, { "测試", 3, "测…" }, { "测試", 2, "…" }, { "a测", 2, "a…" },
  }
  for _, case in ipairs(cuts) do
    it(("cuts %s to %d cells"):format(case[1], case[2]), function()
      assert.equal(case[3], width.cut(case[1], case[2]))
    end)
  end
end)
