local raw = require "jig.framing.raw"
local testing = require "jig.testing"

local function fails(options)
  local ok, message = pcall(function() raw(options) end)
  assert.is_false(ok)
  return (message:gsub("^[^:]+:%d+: ", ""))
end

describe("jig.framing.raw", function()
  describe("by length", function()
    testing.framing(raw { length = 90 })

    it("takes payloads of exactly that size", function()
      local f = raw { length = 4 }
      assert.equal("\1\x81\0\0", f.host.encode { payload = "\1\x81\0\0" })
      assert.has_error(function() f.host.encode { payload = "abc" } end)
      local decoder = f.host.decoder()
      assert.same({ payload = "abcd" }, decoder:feed("abcdef"))
      assert.same({ "ef", 0 }, { decoder:rest() })
    end)
  end)

  describe("by gap", function()
    testing.framing(raw { gap = true, max = 300 })

    it("ends a frame at silence, and only there", function()
      local decoder = raw { gap = true }.host.decoder()
      assert.same({ nil, "more" }, { decoder:idle() })
      assert.same({ nil, "more" }, { decoder:feed("ab") })
      assert.same({ nil, "more" }, { decoder:feed("") })
      assert.same({ nil, "more" }, { decoder:feed("c") })
      assert.same({ payload = "abc" }, decoder:idle())
      assert.same({ nil, "more" }, { decoder:idle() })
    end)

    it("refuses more than max until silence", function()
      local decoder = raw { gap = true, max = 3 }.host.decoder()
      local why = "more than 3 bytes without silence"
      decoder:feed("abc")
      assert.same({ nil, "bad", 4, why }, { decoder:feed("d") })
      assert.same({ nil, "more" }, { decoder:feed("") })
      assert.same({ nil, "bad", 2, why }, { decoder:feed("ef") })
      assert.same({ nil, "more" }, { decoder:idle() })
      decoder:feed("xyz")
      assert.same({ payload = "xyz" }, decoder:idle())
    end)

    it("forgets all in rest()", function()
      local decoder = raw { gap = true, max = 3 }.host.decoder()
      decoder:feed("ab")
      assert.same({ "ab", 0 }, { decoder:rest() })
      decoder:feed("abcd")
      assert.same({ "", 0 }, { decoder:rest() })
      assert.same({ nil, "more" }, { decoder:feed("x") })
    end)
  end)

  it("refuses options that do not say when a frame ends", function()
    assert.equal("raw: expected either length or gap", fails {})
    assert.equal("raw: expected either length or gap", fails { length = 4, gap = true })
    assert.equal("raw: gap: expected true, got false", fails { gap = false })
    assert.equal("raw: length: expected 1 to 2147483647, got 0", fails { length = 0 })
    assert.equal("raw: max: has no meaning beside length", fails { length = 4, max = 4 })
  end)
end)
