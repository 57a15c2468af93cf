local line = require "jig.framing.line"
local testing = require "jig.testing"

local marks = { prefix = "PROVISION ", reply = { ok = "OK ", error = "ERR " } }

local function with(more)
  local options = {}
  for _, from in ipairs { marks, more } do
    for key, value in pairs(from) do options[key] = value end
  end
  return options
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

describe("jig.framing.line", function()
  describe("alone", function() testing.framing(line { max = 2000 }) end)
  describe("with marks, upper case and CR LF", function()
    testing.framing(line(with { upper = true, ending = "\r\n", max = 2000 }))
  end)
  describe("with CR", function() testing.framing(line { ending = "\r", max = 2000 }) end)

  local written = {
    { {}, "host", { payload = "\1\x81\0\0" }, "01810000\n" },
    { { upper = true, ending = "\r\n" }, "host", { payload = "\xAB\xCD" }, "ABCD\r\n" },
    { marks, "host", { payload = "\xAB" }, "PROVISION ab\n" },
    { marks, "host", { payload = "" }, "PROVISION \n" },
    { marks, "device", { payload = "\xAB", status = 0 }, "OK ab\n" },
    { marks, "device", { payload = "", status = 17 }, "ERR 17\n" },
  }
  for _, row in ipairs(written) do
    it(("writes %q"):format(row[4]), function()
      assert.equal(row[4], line(row[1])[row[2]].encode(row[3]))
    end)
  end

  local function ok(payload, log) return { payload = payload, status = 0, log = log } end

  local read = {
    { "hex in both cases, with spaces", {}, { " abCD \r\nEF\n" },
      { { payload = "\xAB\xCD" }, { payload = "\xEF" } } },
    { "other lines as log", {}, { "boot\r\n\r\nSN=12\nab\n" },
      { { payload = "\xAB", log = "boot\r\n\r\nSN=12\n" } } },
    { "a prompt", {}, { "> ", false, "ab\n" }, { { payload = "\xAB", log = "> " } } },
    { "an odd number of digits", {}, { "abc\nab\n" },
      { { 3, "3 hex digits, an odd number" }, { payload = "\xAB" } } },
    { "silence in a line of digits", {}, { "ab", false, "cd\n" },
      { { 2, "cut short by silence after 2 bytes" }, { payload = "\xCD" } } },
    { "success", marks, { "OK 01ff\r\n" }, { ok "\1\xFF" } },
    { "what is no hex behind success", marks, { "OK 01 ff\nOK 01\n" },
      { { 8, "no hex digit at character 3" }, ok "\1" } },
    { "success without payload", marks, { "OK\nOK \n" }, { ok "", ok "" } },
    { "an error", marks, { "ERR 17\r\n" }, { { payload = "", status = 17 } } },
    { "an error without a status", marks, { "ERR\nERR x\nERR 0\nERR 1x\nERR -1\n" }, {
      { 3, "an error without a status in decimal" },
      { 5, "an error without a status in decimal" },
      { 5, "an error without a status in decimal" },
      { 6, "an error without a status in decimal" },
      { 6, "an error without a status in decimal" },
    } },
    { "an error beyond all integers", marks, { "ERR 99999999999999999999\n" },
      { { 24, "an error without a status in decimal" } } },
    { "text between", marks, { "OKAY\nERROR\nOK 01\n" }, { ok("\1", "OKAY\nERROR\n") } },
    { "silence in success", marks, { "OK 01", false, "OK 02\n" },
      { { 5, "cut short by silence after 5 bytes" }, ok "\2" } },
    { "an error mark longer than that of success",
      { reply = { ok = "", error = "R" } }, { "R7\nR1\n12\n" },
      { { payload = "", status = 7 }, { payload = "", status = 1 }, ok "\x12" } },
    { "a success mark longer than that of an error",
      { reply = { ok = "R+", error = "R" } }, { "R+12\nR3\n" },
      { ok "\x12", { payload = "", status = 3 } } },
    { "CR as the end", { ending = "\r" }, { "ab\r\ncd\r" },
      { { payload = "\xAB" }, { payload = "\xCD" } } },
    { "more than max", { max = 2 }, { "abcdef\nabcd\n" },
      { { 6, "3 bytes of payload, at most 2" }, { payload = "\xAB\xCD" } } },
    { "a line without end", { max = 2 }, { ("ab"):rep(600), "\nab\n" },
      { { 1200, "no line of at most 2 bytes of payload" }, { payload = "\xAB" } } },
  }
  for _, row in ipairs(read) do
    it("reads " .. row[1], function()
      assert.same(row[4], answers(line(row[2]).host.decoder(), table.unpack(row[3])))
    end)
  end

  it("keeps no long hex in the log: an echo, a damaged line, their beginnings", function()
    local digits = ("0123456789abcdef"):rep(2)
    local decoder = line(marks).host.decoder()
    decoder:feed("PROVISION " .. digits .. "\r\n")
    decoder:feed("x" .. digits)
    decoder:idle()
    local frame = decoder:feed("\nEUI64=0123456789ABCDEF\nOK 01\n")
    assert.equal("PROVISION [32 hex digits]\r\nx[32 hex digits]EUI64=0123456789ABCDEF\n", frame.log)
    frame = line().host.decoder():feed(digits .. "!" .. digits .. "\n01\n")
    assert.equal("[32 hex digits]![32 hex digits]\n", frame.log)
  end)

  it("refuses marks that cannot be found again", function()
    for _, options in ipairs {
      { prefix = "a\nb" }, { prefix = " a" }, { prefix = "ab" }, { prefix = "1 " },
      { reply = {} }, { reply = { ok = "OK ", eror = "ERR " } }, { reply = { ok = 7 } },
      { reply = { ok = "OK ", error = "" } }, { reply = { ok = "R ", error = "R " } },
      { ending = "" },
    } do
      assert.has_error(function() line(options) end)
    end
  end)

  it("refuses a status that it cannot say", function()
    local f = line { reply = { ok = "OK " } }
    for _, frame in ipairs {
      { payload = "a" }, { payload = "", status = 3 }, { payload = "", status = -1 },
      { payload = "", status = "0" },
    } do
      assert.has_error(function() f.device.encode(frame) end)
    end
    assert.has_error(function() line(marks).device.encode { payload = "a", status = 3 } end,
      "line: payload: none fits a status other than 0")
  end)
end)
