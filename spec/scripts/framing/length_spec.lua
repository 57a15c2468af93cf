local hex = require "jig.hex"
local length = require "jig.framing.length"
local testing = require "jig.testing"

local function bytes_of(text)
  return assert(hex.decode((text:gsub("%s", ""))))
end

local function fails(options)
  local ok, message = pcall(function() length(options) end)
  assert.is_false(ok)
  return (message:gsub("^[^:]+:%d+: ", ""))
end

local status_and_crc = {
  header = ">I2 scp I2 length", reply = ">I2 scp I2 length B status",
  crc = "CRC-16/IBM-3740", max = 8192,
}
local marked = {
  start = "\x7e\x7f", header = "<I2 length B command", counts = "all",
  crc = "CRC-32/ISO-HDLC", crc_over = "payload", max = 2000,
}

describe("jig.framing.length", function()
  describe("with a status and a CRC", function()
    testing.framing(length(status_and_crc), {
      oversize = { host = bytes_of "0100 2001", device = bytes_of "0100 2001 00" },
    })
  end)

  describe("with a start mark, the frame's size and a CRC over the payload", function()
    testing.framing(length(marked), {
      oversize = { host = "\x7e\x7f" .. bytes_of "d807 01" },
    })
  end)

  describe("with one byte of length and nothing else", function()
    testing.framing(length { header = "B length" })
  end)

  -- CRCs computed with Python's binascii.crc_hqx and zlib.crc32.
  local vectors = {
    { "a request", status_and_crc, "host", { scp = 256, payload = bytes_of "01810000" },
      "0100 0004 01810000 8535" },
    { "a reply", status_and_crc, "device", { scp = 257, status = 0, payload = bytes_of "0a00fc" },
      "0101 0003 00 0a00fc c90c" },
    { "a failure", status_and_crc, "device", { scp = 256, status = 2, payload = "" },
      "0100 0000 02 9b1f" },
    { "a mark", marked, "host", { command = 7, payload = "hello" },
      "7e7f 0c00 07 68656c6c6f 86a61036" },
    { "a length alone", { header = "<I3 length" }, "host", { payload = "ab" }, "020000 6162" },
    { "a check in the other byte order",
      { header = ">I2 length", crc = "CRC-16/IBM-3740", crc_over = "payload", crc_endian = "<" },
      "host", { payload = "123456789" }, "0009 313233343536373839 b129" },
  }
  for _, row in ipairs(vectors) do
    local title, options, side, frame, wire = table.unpack(row)
    it("writes and reads " .. title, function()
      local f = length(options)
      assert.equal(hex.encode(bytes_of(wire)), hex.encode(f[side].encode(frame)))
      local other = side == "host" and f.device or f.host
      assert.same(frame, other.decoder():feed(bytes_of(wire)))
    end)
  end

  it("says what a wrong CRC is and goes on behind the frame", function()
    local decoder = length(status_and_crc).device.decoder()
    local good = bytes_of "0100 0004 01810000 8535"
    assert.same({ nil, "bad", 10, "CRC differs: got 8536, expected 8535" },
      { decoder:feed(bytes_of "0100 0004 01810000 8536" .. good) })
    assert.same({ scp = 256, payload = bytes_of "01810000" }, decoder:feed(""))
  end)

  it("refuses an impossible length at once, and what follows until silence", function()
    local decoder = length(status_and_crc).device.decoder()
    assert.same({ nil, "bad", 4, "8193 bytes of payload announced, at most 8192" },
      { decoder:feed(bytes_of "0100 2001") })
    local good = bytes_of "0100 0004 01810000 8535"
    local _, answer = decoder:feed(good)
    assert.equal("bad", answer)
    decoder:idle()
    assert.truthy(decoder:feed(good))
  end)

  it("refuses a size that has no room for the header", function()
    local decoder = length(marked).host.decoder()
    assert.same({ nil, "bad", 5, "length 6 is less than the header" },
      { decoder:feed(bytes_of "7e7f 0600 07") })
  end)

  it("keeps text before a start mark as the log", function()
    local f = length(marked)
    local wire = f.device.encode { command = 7, payload = "x" }
    local frame = f.host.decoder():feed("boot: ready\r\n" .. wire)
    assert.same({ command = 7, payload = "x", log = "boot: ready\r\n" }, frame)
  end)

  it("takes the most that its field can say when there is no max", function()
    assert.equal(255, length { header = "B length" }.max)
    assert.equal(254, length { header = "B length", counts = "all" }.max)
    assert.equal(65535, length { header = ">I4 length" }.max)
    assert.equal(253, length { header = ">I4 length", reply = "B a B length", counts = "all" }.max)
  end)

  local refused = {
    { {}, "length: header: missing" },
    { { header = "B size" }, "length: header: expected an unsigned field called length" },
    { { header = "b length" }, "length: header: expected an unsigned field called length" },
    { { header = "B length", reply = "B status" },
      "length: reply: expected an unsigned field called length" },
    { { header = "B length", max = 256 },
      "length: max: 256 does not fit in the field length, 255 does" },
    { { header = "B length c255 tag", counts = "all" },
      "length: header: the field length is too small to be of use" },
    { { header = "B length", crc = "none" }, 'length: crc: unknown name "none"' },
    { { header = "B length", crc_over = "header" },
      'length: crc_over: expected "all" or "payload", got "header"' },
    { { header = "B length", lenght = 2 },
      'length: unknown option "lenght" (known: counts, crc, crc_endian, crc_over, header, max, '
        .. "reply, start)" },
  }
  for _, row in ipairs(refused) do
    it("refuses: " .. row[2], function()
      assert.equal(row[2], fails(row[1]))
    end)
  end

  it("names the field that is missing or does not fit", function()
    local f = length(status_and_crc)
    local function message(side, frame)
      local _, text = pcall(f[side].encode, frame)
      return text
    end
    assert.equal("length: scp: expected integer, got nil", message("host", { payload = "" }))
    assert.equal("length: scp: 65536 does not fit, 0 to 65535 do",
      message("host", { scp = 65536, payload = "" }))
    assert.equal("length: status: expected integer, got nil",
      message("device", { scp = 1, payload = "" }))
    assert.equal("length: payload: 8193 bytes, at most 8192",
      message("host", { scp = 1, payload = ("x"):rep(8193) }))
    assert.equal("length: status: nothing in this direction carries it, got 2",
      message("host", { scp = 1, status = 2, payload = "" }))
  end)
end)
