local hex = require "jig.hex"
local stx_etx = require "jig.framing.stx_etx"
local testing = require "jig.testing"

local function bytes_of(text)
  return assert(hex.decode((text:gsub("%s", ""))))
end

local CRC <const> = "CRC-16/IBM-3740"

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

describe("jig.framing.stx_etx", function()
  describe("alone", function() testing.framing(stx_etx { max = 2000 }) end)
  describe("with a BCC", function() testing.framing(stx_etx { bcc = true, max = 2000 }) end)
  describe("with headers and a CRC", function()
    testing.framing(stx_etx {
      header = ">I2 scp", reply = ">I2 scp B status", crc = CRC, max = 2000,
    })
  end)

  -- BCC and CRC computed with an independent program in Python.
  local vectors = {
    { "nothing", {}, "", "1002 1003" },
    { "control characters", {}, "02 03 10", "1002 02 03 1010 1003" },
    { "an escaped end", {}, "10 03", "1002 1010 03 1003" },
    { "a BCC that is DLE", { bcc = true }, "01 10 02", "1002 01 1010 02 1003 10" },
    { "a CRC", { crc = CRC }, "313233343536373839", "1002 313233343536373839 29b1 1003" },
  }
  for _, row in ipairs(vectors) do
    local title, options, payload, wire = table.unpack(row)
    it("writes and reads " .. title, function()
      local f = stx_etx(options)
      payload, wire = bytes_of(payload), bytes_of(wire)
      assert.equal(hex.encode(wire), hex.encode(f.host.encode { payload = payload }))
      assert.same({ payload = payload }, f.host.decoder():feed(wire))
    end)
  end

  local cases = {
    { "text around frames", {}, { "boot\r\n\x10\2a\x10\3\r\n> \x10\2b\x10\3" },
      { { payload = "a", log = "boot\r\n" }, { payload = "b", log = "\r\n> " } } },
    { "a DLE before the start", {}, { "x\x10\x10\2a\x10\3" }, { { payload = "a", log = "x?" } } },
    { "a start inside a frame", {}, { "\x10\2ab\x10\2c\x10\3" },
      { { 4, "cut short by the next frame" }, { payload = "c" } } },
    { "DLE and another byte", {}, { "\x10\2a\x10x", "y\x10\2c\x10\3" },
      { { 5, "DLE before a byte that it cannot precede" },
        { 1, "no start of a frame after a bad one" }, { payload = "c" } } },
    { "no start in doubled DLEs behind a bad frame", {}, { "\x10\2\x10x\x10\x10\2z\x10\2c\x10\3" },
      { { 4, "DLE before a byte that it cannot precede" },
        { 4, "no start of a frame after a bad one" }, { payload = "c" } } },
    { "a BCC that is a DLE at the end of a bad frame", { bcc = true },
      { "\x10\2a\x10xy\x10\3\x10\x10\2c\x10\3\x70" },
      { { 5, "DLE before a byte that it cannot precede" },
        { 4, "no start of a frame after a bad one" }, { payload = "c" } } },
    { "such a BCC in a piece of its own", { bcc = true },
      { "\x10\2a\x10xy\x10\3", "\x10", "\x10\2c\x10\3\x70" },
      { { 5, "DLE before a byte that it cannot precede" }, { 1, "no start of a frame after a bad one" },
        { 3, "no start of a frame after a bad one" }, { payload = "c" } } },
    { "a wrong BCC", { bcc = true }, { "\x10\2\1\x10\x10\2\x10\3\x11" },
      { { 9, "BCC differs: got 11, expected 10" } } },
    { "a wrong CRC", { crc = CRC }, { "\x10\2" .. "123456789\x29\xb2\x10\3" },
      { { 15, "CRC differs: got 29b2, expected 29b1" } } },
    { "more than max", { max = 2 }, { "\x10\2abc\x10\3" },
      { { 7, "3 bytes of payload, at most 2" } } },
    { "far more than max", { max = 2 }, { "\x10\2abcdefg", "\x10\2c\x10\3" },
      { { 9, "no frame of at most 2 bytes of payload" }, { payload = "c" } } },
    { "silence in a frame", {}, { "\x10\2ab", false, "x\x10\2c\x10\3" },
      { { 4, "cut short by silence after 4 bytes" }, { payload = "c", log = "x" } } },
    { "silence before a BCC", { bcc = true }, { "\x10\2a\x10\3", false },
      { { 5, "cut short by silence after 5 bytes" } } },
    { "silence in text", {}, { "x", false, "\x10\2c\x10\3" }, { { payload = "c", log = "x" } } },
  }
  for _, row in ipairs(cases) do
    it("reads " .. row[1], function()
      assert.same(row[4], answers(stx_etx(row[2]).host.decoder(), table.unpack(row[3])))
    end)
  end

  it("tells text from a frame that is not whole in rest()", function()
    local decoder = stx_etx().host.decoder()
    decoder:feed("text\x10\2ab\x10")
    assert.same({ "textab\x10", 4 }, { decoder:rest() })
    assert.same({ "", 0 }, { decoder:rest() })
  end)

  it("refuses two checks", function()
    assert.has_error(function() stx_etx { crc = CRC, bcc = true } end)
  end)
end)
