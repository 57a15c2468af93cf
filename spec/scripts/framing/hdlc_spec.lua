local hdlc = require "jig.framing.hdlc"
local hex = require "jig.hex"
local testing = require "jig.testing"

local function bytes_of(text)
  return assert(hex.decode((text:gsub("%s", ""))))
end

describe("jig.framing.hdlc", function()
  describe("with FCS-16", function() testing.framing(hdlc { max = 2000 }) end)
  describe("with FCS-32, address, control and all escapes", function()
    testing.framing(hdlc {
      fcs = 32, address_control = true, escape_control = true, header = "B command",
      reply = "B command B status", max = 2000,
    })
  end)

  -- The check values of the CRC catalogue (906e and cbf43926), least significant byte first as in
  -- RFC 1662, appendix C; the others computed with an independent program in Python.
  local ppp = { address_control = true, escape_control = true }
  local vectors = {
    { "FCS-16", {}, "313233343536373839", "7e 313233343536373839 6e90 7e" },
    { "FCS-32", { fcs = 32 }, "313233343536373839", "7e 313233343536373839 2639f4cb 7e" },
    { "escapes", {}, "7e 7d 5e 5d 11", "7e 7d5e 7d5d 5e 5d 11 899b 7e" },
    { "an escaped FCS", {}, "00fb02", "7e 00fb02 7d5e 7d5d 7e" },
    { "a PPP configure request", ppp, "c021 01 01 0018 02 06 00000000 05 06 ce4e99f5 07 02 08 02",
      "7e ff 7d23 c0 21 7d21 7d21 7d20 7d38 7d22 7d26 7d20 7d20 7d20 7d20 7d25 7d26 ce4e99f5 "
        .. "7d27 7d22 7d28 7d22 c1d5 7e" },
  }
  for _, row in ipairs(vectors) do
    local title, options, payload, wire = table.unpack(row)
    it("writes and reads " .. title, function()
      local f = hdlc(options)
      payload, wire = bytes_of(payload), bytes_of(wire)
      assert.equal(hex.encode(wire), hex.encode(f.host.encode { payload = payload }))
      assert.same({ payload = payload }, f.host.decoder():feed(wire))
    end)
  end

  it("reads any byte escaped", function()
    local wire = "\x7e" .. ("7d11 7d12 7d13 7d14 7d15 7d16 7d17 7d18 7d19")
    wire = bytes_of(wire:sub(2)) .. "\x6e\x90\x7e"
    assert.same({ payload = "123456789" }, hdlc().host.decoder():feed("\x7e" .. wire))
  end)

  it("reads frames that share a flag", function()
    local decoder = hdlc().host.decoder()
    local wire = bytes_of "7e 313233343536373839 6e90 7e 313233343536373839 6e90 7e"
    assert.same({ payload = "123456789" }, decoder:feed(wire))
    assert.same({ payload = "123456789" }, decoder:feed(""))
  end)

  local bad = {
    { "a wrong FCS", {}, "7e 313233343536373839 6e91 7e", 11,
      "CRC differs: got 916e, expected 906e" },
    { "a frame that was given up", {}, "7e 3132 7d 7e", 3, "given up by its sender" },
    { "one given up behind an escaped escape", {}, "7e 3132 7d5d 7d 7e", 5,
      "given up by its sender" },
    { "less than a check", {}, "7e 31 7e", 1, "1 bytes, a frame has at least 2" },
    { "another address", { address_control = true }, "7e 313233343536373839 6e90 7e", 11,
      "the first bytes are not as expected" },
    { "more than max", { max = 8 }, "7e 313233343536373839 6e90 7e", 11,
      "9 bytes of payload, at most 8" },
  }
  for _, row in ipairs(bad) do
    it("refuses " .. row[1], function()
      assert.same({ nil, "bad", row[4], row[5] },
        { hdlc(row[2]).host.decoder():feed(bytes_of(row[3])) })
    end)
  end

  it("takes text between flags for the log", function()
    local f = hdlc()
    local frame = f.host.decoder():feed("boot: ready\r\n" .. f.device.encode { payload = "\1" })
    assert.same({ payload = "\1", log = "boot: ready\r\n" }, frame)
  end)
end)
