local sized = require "jig.framing.sized"

-- Frames of a start, one byte of length (at most 9), the payload, and "!" as a check.
local function new(start)
  return sized.decoder {
    start = start,
    least = #start + 1,
    extent = function(bytes, first)
      local size = bytes:byte(first + #start)
      if size > 9 then return nil, "too long" end
      return #start + 1 + size + 1
    end,
    read = function(bytes, first, last)
      if bytes:sub(last, last) ~= "!" then return nil, "no mark" end
      return { payload = bytes:sub(first + #start + 1, last - 1) }
    end,
  }
end

-- All answers to the pieces, as a list; `false` stands for silence.
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

describe("jig.framing.sized", function()
  describe("with a start mark", function()
    local start = "aab"
    local lost = "no start of a frame after a bad one"

    it("finds the mark behind any of its beginnings", function()
      for _, junk in ipairs { "", "a", "aa", "aaa", "ab", "ba", "xaa" } do
        local frame = { payload = "ab", log = junk ~= "" and junk or nil }
        local bytes = junk .. "aab\2ab!"
        for at = 0, #bytes do
          assert.same({ frame }, answers(new(start), bytes:sub(1, at), bytes:sub(at + 1)), junk)
        end
      end
    end)

    it("goes on behind a mark that is none, and takes nothing there for text", function()
      assert.same({ { 3, "too long" }, { payload = "ab" } }, answers(new(start), "aabaab\2ab!"))
      assert.same({ { 5, "too long" }, { payload = "" } }, answers(new(start), "aabxyaab\0!"))
      assert.same({ { 5, "too long" }, { 2, lost }, { payload = "" } },
        answers(new(start), "aabxy", "zz", "aab\0!"))
    end)

    it("finds a frame inside one that fails", function()
      assert.same({ { 5, "no mark" }, { payload = "a" } }, answers(new(start), "aab\5aaab\1a!x"))
    end)

    it("takes text again after a frame and after silence", function()
      assert.same({ { 5, "too long" }, { payload = "" }, { payload = "", log = "text" } },
        answers(new(start), "aabxyaab\0!textaab\0!"))
      assert.same({ { 5, "too long" }, { payload = "", log = "text" } },
        answers(new(start), "aabxy", false, "textaab\0!"))
    end)

    it("gives up at silence what is cut short, but not what is whole behind it", function()
      assert.same({ { 5, "cut short by silence after 5 of 9 bytes" } },
        answers(new(start), "aab\4c", false))
      assert.same({ { 4, "cut short by silence after 9 of 14 bytes" }, { payload = "" } },
        answers(new(start), "aab\9aab\0!", false))
      assert.same({ { 8, "cut short by silence after 8 of 14 bytes" } },
        answers(new(start), "aab\9aab\3", false))
    end)

    it("lets text be at silence", function()
      assert.same({ { payload = "", log = "text" } }, answers(new(start), "text", false, "aab\0!"))
    end)

    it("tells text from a frame that is not whole in rest()", function()
      local decoder = new(start)
      decoder:feed("text\naab\4ab")
      assert.same({ "text\naab\4ab", 5 }, { decoder:rest() })
      assert.same({ "", 0 }, { decoder:rest() })
    end)

    it("finds a mark that overlaps one that is none", function()
      assert.same({ { 1, "too long" }, { payload = "" } }, answers(new("aa"), "aaa\0!"))
    end)

    it("looks at each byte a bounded number of times", function()
      local work, skipped, size = 0, 0, 100000
      local decoder = sized.decoder {
        start = "a",
        least = 1,
        extent = function() return 1000 end,
        read = function(_, first, last)
          work = work + last - first + 1
          return nil, "never"
        end,
      }
      local _, answer, count = decoder:feed(("a"):rep(size))
      while answer == "bad" do
        skipped = skipped + count
        _, answer, count = decoder:feed("")
      end
      assert.is_true(skipped > size - 1000)
      assert.is_true(work < 17 * size)
    end)
  end)

  describe("without a start mark", function()
    local lost = "no way to find the next frame before the line is silent"

    it("skips a frame that fails as a whole", function()
      assert.same({ { 4, "no mark" }, { payload = "c" } }, answers(new(""), "\2ab?\1c!"))
    end)

    it("skips all until silence after an impossible size", function()
      assert.same({ { 6, "too long" }, { 3, lost }, { payload = "c" } },
        answers(new(""), "xyz\1c!", "\1c!", false, "\1c!"))
    end)

    it("skips what is cut short by silence", function()
      assert.same({ { 2, "cut short by silence after 2 of 4 bytes" }, { payload = "c" } },
        answers(new(""), "\2a", false, "\1c!"))
    end)

    it("starts afresh after rest()", function()
      local decoder = new("")
      decoder:feed("x")
      assert.same({ "", 0 }, { decoder:rest() })
      decoder:feed("\2a")
      assert.same({ "\2a", 0 }, { decoder:rest() })
      assert.same({ { payload = "c" } }, answers(decoder, "\1c!"))
    end)
  end)
end)
