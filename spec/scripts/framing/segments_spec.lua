local segments = require "jig.framing.segments"

-- Segments end in ";": "f..." is a frame, "t..." text, all else bad.
local function new()
  return segments.decoder {
    delimiter = ";",
    limit = 6,
    limit_text = "too long",
    read = function(bytes)
      if bytes:sub(1, 1) == "f" then return { payload = bytes:sub(2) } end
      if bytes:sub(1, 1) ~= "t" then return nil, "neither" end
    end,
    text = function(bytes, ended)
      if bytes:sub(1, 1) ~= "t" then return nil end
      return ended and bytes or bytes .. "..."
    end,
  }
end

local function answers(decoder, ...)
  local list = {}
  for _, piece in ipairs { ... } do
    local call = piece and decoder.feed or decoder.idle
    local frame, answer, skipped, why = call(decoder, piece or nil)
    while frame or answer == "bad" do
      list[#list + 1] = frame or { skipped, why }
      frame, answer, skipped, why = decoder:feed("")
    end
  end
  return list
end

describe("jig.framing.segments", function()
  local cases = {
    { "frames and text", { ";;ta;tb;fc;;fd;" },
      { { payload = "c", log = "tatb" }, { payload = "d" } } },
    { "pieces", { "f", "", "c", ";f", "d;" }, { { payload = "c" }, { payload = "d" } } },
    { "what is neither", { "xy;fc;" }, { { 2, "neither" }, { payload = "c" } } },
    { "the longest segment", { "f12345;" }, { { payload = "12345" } } },
    { "one over", { "f123456;fc;" }, { { 7, "too long" }, { payload = "c" } } },
    { "one over in pieces", { "f12345", "6", "78", ";fc;" },
      { { 7, "too long" }, { 2, "too long" }, { payload = "c" } } },
    { "one far over", { "f123456789", "0;fc;" },
      { { 10, "too long" }, { 1, "too long" }, { payload = "c" } } },
    { "silence in a frame", { "fab", false, "fc;" },
      { { 3, "cut short by silence after 3 bytes" }, { payload = "c" } } },
    { "silence in text", { "tab", false, "fc;" }, { { payload = "c", log = "tab..." } } },
    { "silence in what is too long", { "f123456", false, "fc;" },
      { { 7, "too long" }, { payload = "c" } } },
    { "silence in nothing", { false, "fc;", false }, { { payload = "c" } } },
  }
  for _, row in ipairs(cases) do
    it("reads " .. row[1], function()
      assert.same(row[3], answers(new(), table.unpack(row[2])))
    end)
  end

  it("gives in rest() text, what is not whole, and what was not looked at", function()
    local decoder = new()
    local frame = decoder:feed("fa;tb;f;fc")
    assert.equal("a", frame.payload)
    assert.same({ "tb;f;fc", 0 }, { decoder:rest() })
    decoder:feed("tb;fc")
    assert.same({ "tbfc", 2 }, { decoder:rest() })
    assert.same({ "", 0 }, { decoder:rest() })
    decoder:feed("f123456")
    decoder:rest()
    assert.same({ { payload = "c" } }, answers(decoder, "fc;"))
  end)
end)
