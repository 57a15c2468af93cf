local body = require "jig.framing.body"

local function header(text)
  return body.header("x", "header", text)
end

local function fails(call)
  local ok, message = pcall(call)
  assert.is_false(ok)
  return (message:gsub("^[^:]+:%d+: ", ""))
end

describe("jig.framing.body", function()
  describe("header", function()
    local packed = {
      { "", {}, "" },
      { ">I2 scp I2 length B status", { scp = 0x0102, status = 0xff }, "\1\2\0\7\xff" },
      { "<I2 a >I2 b", { a = 0x0102, b = 0x0102 }, "\2\1\1\2" },
      { " B a  b b\ti1 c", { a = 255, b = -128, c = 127 }, "\xff\x80\x7f" },
      { "<I3 a", { a = 0x010203 }, "\3\2\1" },
      { ">i8 a", { a = math.mininteger }, "\x80\0\0\0\0\0\0\0" },
      { ">I8 a", { a = math.maxinteger }, "\x7f\xff\xff\xff\xff\xff\xff\xff" },
      { "c3 tag B n", { tag = "a\0b", n = 1 }, "a\0b\1" },
      { ">I4 a", { a = 3.0 }, "\0\0\0\3" },
    }
    for _, row in ipairs(packed) do
      it(("packs and unpacks %q"):format(row[1]), function()
        local h = header(row[1])
        assert.equal(#row[3], h.size)
        assert.equal(row[3], h:pack(row[2], 7))
        assert.same(row[2], h:unpack("junk" .. row[3], 5))
      end)
    end

    it("knows its first endianness", function()
      assert.equal("<", header("<I2 a >I2 b").endian)
      assert.is_nil(header("B a").endian)
    end)

    it("gives a sample with which it packs", function()
      local h = header(">I2 scp B status c4 tag I2 length")
      assert.same({ scp = 1, status = 0, tag = "AAAA" }, h.sample)
      assert.equal("\0\1\0AAAA\0\9", h:pack(h.sample, 9))
    end)

    local unreadable = {
      { "I2 scp", 'x: header: "scp" needs an endianness, < or >, before it' },
      { "H scp", 'x: header: unknown format "H" (known: B, b, I1 to I8, i1 to i8, c1 to c255)' },
      { ">I9 a", 'x: header: unknown format "I9" (known: B, b, I1 to I8, i1 to i8, c1 to c255)' },
      { ">I a", 'x: header: unknown format "I" (known: B, b, I1 to I8, i1 to i8, c1 to c255)' },
      { "c0 a", 'x: header: unknown format "c0" (known: B, b, I1 to I8, i1 to i8, c1 to c255)' },
      { "B", 'x: header: cannot read "B", expected a format and a name' },
      { "B 1a", 'x: header: cannot read "B 1a", expected a format and a name' },
      { "B a, B b", 'x: header: cannot read ", B b", expected a format and a name' },
      { "B a B a", 'x: header: "a" stands twice' },
      { "B payload", 'x: header: a field cannot be called "payload"' },
      { "B log", 'x: header: a field cannot be called "log"' },
    }
    for _, row in ipairs(unreadable) do
      it("refuses: " .. row[2], function()
        assert.equal(row[2], fails(function() header(row[1]) end))
      end)
    end

    local unfit = {
      { "B a", {}, "x: a: expected integer, got nil" },
      { "B a", { a = "1" }, "x: a: expected integer, got string" },
      { "B a", { a = 1.5 }, "x: a: expected integer, got 1.5" },
      { "B a", { a = 256 }, "x: a: 256 does not fit, 0 to 255 do" },
      { "B a", { a = -1 }, "x: a: -1 does not fit, 0 to 255 do" },
      { "b a", { a = 128 }, "x: a: 128 does not fit, -128 to 127 do" },
      { "b a", { a = -129 }, "x: a: -129 does not fit, -128 to 127 do" },
      { ">I2 scp", { scp = 65536 }, "x: scp: 65536 does not fit, 0 to 65535 do" },
      { "c2 a", { a = "abc" }, "x: a: expected a string of 2 bytes, got 3 bytes" },
      { "c2 a", { a = 1 }, "x: a: expected a string of 2 bytes, got number" },
    }
    for _, row in ipairs(unfit) do
      it("refuses a value: " .. row[3], function()
        local h = header(row[1])
        assert.equal(row[3], fails(function() h:pack(row[2]) end))
      end)
    end
  end)

  describe("check", function()
    it("seals in both byte orders", function()
      assert.equal("\x29\xb1", body.check("x", "CRC-16/IBM-3740", ">"):seal("123456789"))
      assert.equal("\xb1\x29", body.check("x", "CRC-16/IBM-3740", "<"):seal("123456789"))
      assert.equal("\x26\x39\xf4\xcb", body.check("x", "CRC-32/ISO-HDLC", "<"):seal("123456789"))
    end)

    it("says what differs", function()
      local check = body.check("x", "CRC-16/IBM-3740", ">")
      assert.is_nil(check:fault("..123456789\x29\xb1", 3, 11))
      assert.equal("CRC differs: got 00b1, expected 29b1",
        check:fault("123456789\x00\xb1", 1, 9))
    end)

    it("refuses a name that no catalogue has", function()
      assert.equal('x: crc: unknown name "CRC-16/NONE"',
        fails(function() body.check("x", "CRC-16/NONE", ">") end))
    end)
  end)

  describe("pair", function()
    local options = { header = "B command", reply = "B command B status", max = 3 }
    local function crc(endian) return body.check("x", "CRC-16/IBM-3740", endian) end

    it("puts prefix, header, payload and check in a row and finds them again", function()
      local request, reply = body.pair("x", options, crc, "\xff\x03")
      local bytes = reply:encode { command = 1, status = 2, payload = "abc" }
      assert.equal("\xff\x03\1\2abc", bytes:sub(1, -3))
      assert.same({ command = 1, status = 2, payload = "abc" }, reply:decode(bytes))
      assert.same({ command = 9, payload = "" },
        request:decode(request:encode { command = 9, payload = "" }))
    end)

    it("is one body when there is no reply", function()
      local request, reply = body.pair("x", { header = "", max = 3 })
      assert.equal(request, reply)
      assert.same({ payload = "ab" }, request:decode("ab"))
    end)

    it("refuses what is too short, too long, or begins otherwise", function()
      local request = body.pair("x", options, nil, "\xff")
      local frame, why = request:decode("\xff")
      assert.is_nil(frame)
      assert.equal("1 bytes, a frame has at least 2", why)
      frame, why = request:decode("\xff\1abcd")
      assert.is_nil(frame)
      assert.equal("4 bytes of payload, at most 3", why)
      frame, why = request:decode("\xfe\1abc")
      assert.is_nil(frame)
      assert.equal("the first bytes are not as expected", why)
    end)

    it("has no field length", function()
      assert.equal("x: reply: no field `length` here, the frame's end tells it", fails(function()
        body.pair("x", { header = "", reply = "B length", max = 3 })
      end))
    end)
  end)
end)
