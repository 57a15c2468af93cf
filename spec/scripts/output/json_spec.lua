local cjson = require "cjson.safe"
local json = require "jig.output.json"
local scratch = require "spec.support.scratch"

-- The line that an event becomes.
local function line_of(event)
  return (scratch.capture(function() json.new():show(event) end))
end

describe("jig.output.json", function()
  it("prints each event as one object on one line", function()
    local event = {
      event = "ended", passed = false, seconds = 1.5, received = 0, phases = { { name = "connect", seconds = 0.25 } },
      fault = { name = "lamp.dark", code = -1, reason = 'a "quoted" \\ one\nof two lines' },
    }
    local line = line_of(event)
    assert.equal(1, select(2, line:gsub("\n", "")))
    assert.equal(#line, (line:find("\n", 1, true)))
    assert.same(event, cjson.decode(line))
  end)

  local texts = {
    { "UTF-8 as it is", "5 °C — ok", "5 °C — ok" },
    { "control characters as escapes", "\0\1\27\127", "\0\1\27\127" },
    { "? for each byte of what is no UTF-8", "a\xff\xc3(", "a??(" },
    { "? for an encoded surrogate", "\xed\xa0\x80", "???" },
  }
  for _, case in ipairs(texts) do
    it("prints " .. case[1], function()
      local line = line_of { event = "note", fault = { reason = case[2] } }
      assert.equal(case[3], cjson.decode(line).fault.reason)
      assert.is_nil(line:sub(1, -2):find("%c"), line)
    end)
  end

  it("leaves the event as it was", function()
    local event = { text = "\xff", fault = { reason = "\xff" } }
    line_of(event)
    assert.same({ text = "\xff", fault = { reason = "\xff" } }, event)
  end)

  it("has no line to keep up to date", function()
    assert.is_nil(json.new().columns)
  end)
end)
