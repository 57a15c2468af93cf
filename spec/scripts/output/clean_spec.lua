local clean = require "jig.output.clean"

describe("jig.output.clean", function()
  -- Each: what it is, the text, what is shown.
  local cases = {
    { "plain text as it is", "T100 é €", "T100 é €" },
    { "nothing", "", "" },
    { "a number", 5, "5" },
    { "control characters", "a\27[2J\0\r\n\t\127b", "a?[2J?????b" },
    { "the controls above ASCII", "a\u{80}\u{9B}31m\u{9F}\u{A0}b", "a??31m?\u{A0}b" },
    { "what is no UTF-8", "é\255\155x", "????x" },
    { "a character whose bytes look like those controls", "\u{2C2}\u{109B}", "\u{2C2}\u{109B}" },
  }
  for _, case in ipairs(cases) do
    it("shows " .. case[1], function() assert.equal(case[3], clean(case[2])) end)
  end

  it("gives one value", function() assert.equal(1, select("#", clean("x"))) end)
end)
