local escape = require "jig.shell.escape"

describe("jig.shell.escape", function()
  it("leaves what can be read as it is, and writes all else as Lua would", function()
    local cases = {
      { "", "" }, { "a \\ ~", "a \\ ~" }, { "ä測", "ä測" },
      { "a\r\n\tb", "a\\r\\n\\tb" },
      { "\27[2J\7\0\127", "\\x1b[2J\\x07\\x00\\x7f" },
      { "\194\155\194\160", "\\u{9b}\194\160" }, -- U+009B begins a command on some terminals
      { "\226\128\174x\239\187\191", "\\u{202e}x\\u{feff}" },
      { "\255ok\128", "\\xffok\\x80" },
      { "ä\255", "\\xc3\\xa4\\xff" },
    }
    for _, case in ipairs(cases) do assert.equal(case[2], escape(case[1])) end
  end)

  it("lets no byte through that could control a terminal", function()
    for code = 0, 255 do
      assert.is_nil(escape(string.char(code)):find("[^\32-\126]"))
      assert.is_nil(escape("\195\164" .. string.char(code)):find("[%c\127]"))
    end
  end)
end)
