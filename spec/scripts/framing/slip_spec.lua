local slip = require "jig.framing.slip"
local testing = require "jig.testing"

local CRC <const> = "CRC-16/IBM-SDLC"

describe("jig.framing.slip", function()
  describe("alone", function() testing.framing(slip { max = 2000 }) end)
  describe("with headers", function()
    testing.framing(slip { header = "B command", reply = "B command B status", max = 2000 })
  end)
  describe("with text", function() testing.framing(slip { log = true, max = 2000 }) end)
  describe("with a CRC", function()
    testing.framing(slip { crc = CRC, lead = false, max = 2000 })
  end)

  -- RFC 1055: END is C0, ESC is DB; END in data becomes DB DC, ESC becomes DB DD; an END at both
  -- ends.
  local vectors = {
    { "abc", "\xC0abc\xC0" },
    { "\xC0", "\xC0\xDB\xDC\xC0" },
    { "\xDB", "\xC0\xDB\xDD\xC0" },
    { "\xDB\xDC", "\xC0\xDB\xDD\xDC\xC0" },
    { "\xDB\xDD\xC0\xC0", "\xC0\xDB\xDD\xDD\xDB\xDC\xDB\xDC\xC0" },
    { "\0\xFF", "\xC0\0\xFF\xC0" },
  }
  for i, row in ipairs(vectors) do
    it("follows RFC 1055, vector " .. i, function()
      local f = slip()
      assert.equal(row[2], f.host.encode { payload = row[1] })
      assert.same({ payload = row[1] }, f.host.decoder():feed(row[2]))
    end)
  end

  it("puts the check behind the payload", function()
    -- CRC-16/IBM-SDLC of 05 61 62 63 is CA60.
    local f = slip { header = "B command", crc = CRC, lead = false }
    assert.equal("\5abc\xCA\x60\xC0", f.host.encode { command = 5, payload = "abc" })
    f = slip { header = "<I2 command", crc = CRC }
    local wire = f.host.encode { command = 5, payload = "abc" }
    assert.same({ command = 5, payload = "abc" }, f.device.decoder():feed(wire))
  end)

  it("reads several ENDs as one, and frames that share one", function()
    local decoder = slip().host.decoder()
    assert.same({ payload = "a" }, decoder:feed("\xC0\xC0a\xC0b\xC0"))
    assert.same({ payload = "b" }, decoder:feed(""))
    assert.same({ nil, "more" }, { decoder:feed("") })
  end)

  it("refuses an escape that escapes nothing", function()
    local decoder = slip().host.decoder()
    local why = "an escape is followed by neither DC nor DD"
    assert.same({ nil, "bad", 3, why }, { decoder:feed("a\xDBb\xC0") })
    assert.same({ nil, "bad", 2, why }, { decoder:feed("a\xDB\xC0") })
    assert.same({ nil, "bad", 3, why }, { decoder:feed("\xDB\xDB\xDC\xC0") })
  end)

  it("refuses more than max", function()
    local decoder = slip { max = 3 }.host.decoder()
    assert.same({ nil, "bad", 4, "4 bytes of payload, at most 3" }, { decoder:feed("abcd\xC0") })
    assert.same({ payload = "\xC0\xC0\xC0" }, decoder:feed("\xDB\xDC\xDB\xDC\xDB\xDC\xC0"))
    assert.same({ nil, "bad", 7, "no frame of at most 3 bytes of payload" },
      { decoder:feed("abcdefg") })
  end)

  describe("takes text for the log", function()
    local text = "boot: ready\r\n"

    it("not by itself", function()
      assert.same({ payload = text }, slip().host.decoder():feed(text .. "\xC0"))
    end)

    it("when told so, and then refuses to send what reads as text", function()
      local f = slip { log = true }
      local decoder = f.host.decoder()
      assert.same({ payload = "\1", log = text }, decoder:feed(text .. "\xC0\1\xC0"))
      assert.has_error(function() f.device.encode { payload = text } end,
        "slip: payload: reads as text, which the other end takes for its log")
    end)

    it("with a CRC, behind a good frame's claim", function()
      local f = slip { crc = CRC }
      local decoder = f.host.decoder()
      local frame = decoder:feed(text .. f.device.encode { payload = text })
      assert.same({ payload = text, log = text }, frame)
      assert.same({ nil, "bad", 4 }, { table.unpack({ decoder:feed("abcd\xC0") }, 1, 3) })
    end)

    it("at silence", function()
      local decoder = slip { log = true }.host.decoder()
      decoder:feed(text)
      assert.same({ nil, "more" }, { decoder:idle() })
      assert.same({ payload = "\1", log = text }, decoder:feed("\1\xC0"))
    end)
  end)

  it("cannot send nothing without a header or a check", function()
    assert.is_false(slip().traits.empty)
    assert.is_true(slip { crc = CRC }.traits.empty)
    assert.is_false(slip { header = "B command", reply = "" }.traits.empty)
    assert.has_error(function() slip().host.encode { payload = "" } end,
      "slip: payload: empty, which makes no frame")
  end)
end)
