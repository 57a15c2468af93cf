local ftcd = require "jig.framing.ftcd"
local hex = require "jig.hex"
local testing = require "jig.testing"

local function bytes_of(text)
  return assert(hex.decode((text:gsub("%s", ""))))
end

local FCC <const>, SDA <const> = "6d62656470726f76", "6d62656464626170"
local first = "01810000"
local first_hash = "9f12961b80295de5f86a12611cabd71b4514d8aaaca02bc831038e15b6e4eaa8"
local second = "0a00fcedf4fc51e662058ab2000000000000000000000000"
local second_hash = "7619ab89bf1fd5b70efa26fd0b5f83d314b33a96e6001a335e71be96ab465ba2"

describe("jig.framing.ftcd", function()
  describe("little-endian with status", function()
    testing.framing(ftcd { max = 2000 }, {
      oversize = {
        host = bytes_of(FCC .. "d1070000"), device = bytes_of(FCC .. "00000000 d1070000"),
      },
    })
  end)
  describe("big-endian without status", function()
    testing.framing(ftcd { token = "mbeddbap", endian = "big", status = false, max = 2000 }, {
      oversize = { host = bytes_of(SDA .. "000007d1") },
    })
  end)
  describe("without a hash", function() testing.framing(ftcd { hash = "none", max = 2000 }) end)
  describe("without a token", function() testing.framing(ftcd { token = "", max = 2000 }) end)

  local big = { token = "mbeddbap", endian = "big" }
  local bare = { token = "mbeddbap", endian = "big", status = false }
  local plain = { token = "", hash = "none", endian = "big", status = false }
  local function ok(text) return { payload = bytes_of(text), status = 0 } end
  local function message(text) return { payload = bytes_of(text) } end
  local mismatch = { payload = "", status = 8 }

  local vectors = {
    { "a request", {}, "host", message(first), FCC .. "04000000" .. first .. first_hash },
    { "a success", {}, "device", ok(second), FCC .. "00000000 18000000" .. second .. second_hash },
    { "a failure", {}, "device", mismatch, FCC .. "08000000" },
    { "a reply without status", { status = false }, "device", message(second),
      FCC .. "18000000" .. second .. second_hash },
    { "a big-endian request", big, "host", message(first),
      SDA .. "00000004" .. first .. first_hash },
    { "a big-endian success", big, "device", ok(second),
      SDA .. "00000000 00000018" .. second .. second_hash },
    { "a big-endian failure", big, "device", mismatch, SDA .. "00000008" },
    { "a big-endian reply without status", bare, "device", message(second),
      SDA .. "00000018" .. second .. second_hash },
    { "neither token nor hash", plain, "host", message(first), "00000004" .. first },
    { "the largest status", {}, "device", { payload = "", status = 0xffffffff },
      FCC .. "ffffffff" },
  }
  for _, row in ipairs(vectors) do
    local title, options, side, frame, wire = table.unpack(row)
    it("writes and reads " .. title, function()
      local f = ftcd(options)
      wire = bytes_of(wire)
      assert.equal(hex.encode(wire), hex.encode(f[side].encode(frame)))
      local other = side == "host" and f.device or f.host
      assert.same(frame, other.decoder():feed(wire))
    end)
  end

  it("finds the token behind any of its beginnings, and keeps them as log", function()
    local f = ftcd()
    local wire = f.device.encode(ok(second))
    for size = 0, 7 do
      for _, before in ipairs { "", "m", "mbed", "trace: \27[0mready\r\n" } do
        local junk = before .. ("mbedprov"):sub(1, size)
        for at = 0, #junk + 8 do
          local decoder = f.host.decoder()
          local bytes = junk .. wire
          decoder:feed(bytes:sub(1, at))
          local frame = decoder:feed(bytes:sub(at + 1))
          assert.equal(second, hex.encode(frame.payload))
          assert.equal(junk ~= "" and junk or nil, frame.log)
        end
      end
    end
  end)

  it("finds the frame behind a token that is none", function()
    for _, options in ipairs { {}, { status = false }, { endian = "big" } } do
      local f = ftcd(options)
      local decoder = f.host.decoder()
      local _, answer, skipped = decoder:feed("mbedprov" .. f.device.encode(ok(second)))
      assert.same({ "bad", 8 }, { answer, skipped })
      assert.equal(second, hex.encode(decoder:feed("").payload))
    end
  end)

  it("keeps text between frames as the log of the next", function()
    local f = ftcd()
    local wire = f.device.encode(ok(second))
    local decoder = f.host.decoder()
    assert.equal("one\r\n", decoder:feed("one\r\n" .. wire .. "two\r\n" .. wire).log)
    assert.equal("two\r\n", decoder:feed("").log)
  end)

  it("keeps a payload out of the log when the token is damaged", function()
    local f = ftcd()
    local payload = {}
    for i = 1, 400 do payload[i] = string.char(i * i * 7 % 251) end
    payload = table.concat(payload)
    local damaged = "x" .. f.device.encode { payload = payload, status = 0 }:sub(2)
    local frame = f.host.decoder():feed("text\n" .. damaged .. f.device.encode(ok(second)))
    assert.equal("text\n", frame.log:sub(1, 5))
    for at = 1, #payload - 9 do
      assert.is_nil(frame.log:find(payload:sub(at, at + 9), 1, true))
    end
  end)

  local bad = {
    { "a wrong hash", FCC .. "00000000 04000000" .. first .. second_hash, 52,
      "the message's SHA-256 differs" },
    { "an empty message", FCC .. "00000000 00000000", 16, "no bytes of payload announced" },
    { "a message over max", FCC .. "00000000 00000100", 16,
      "65536 bytes of payload announced, at most 65535" },
    { "a status out of its range", FCC .. "00000100", 12, "00010000 is no status" },
  }
  for _, row in ipairs(bad) do
    it("refuses " .. row[1], function()
      assert.same({ nil, "bad", row[3], row[4] }, { ftcd().host.decoder():feed(bytes_of(row[2])) })
    end)
  end

  local misuse = {
    { "host", { payload = "" }, "ftcd: payload: empty, which the format forbids" },
    { "host", { payload = "a", status = 1 },
      "ftcd: status: nothing in this direction carries it, got 1" },
    { "device", { payload = "a" }, "ftcd: status: expected 0 to 65535 or 0xffffffff, got nil" },
    { "device", { payload = "a", status = "0" },
      "ftcd: status: expected 0 to 65535 or 0xffffffff, got 0" },
    { "device", { payload = "", status = 65536 },
      "ftcd: status: expected 0 to 65535 or 0xffffffff, got 65536" },
    { "device", { payload = "a", status = 8 }, "ftcd: payload: none fits a status other than 0" },
    { "device", { payload = "", status = 0 }, "ftcd: payload: empty, which the format forbids" },
  }
  for _, row in ipairs(misuse) do
    it("refuses: " .. row[3], function()
      assert.has_error(function() ftcd()[row[1]].encode(row[2]) end, row[3])
    end)
  end

  it("names every status but success", function()
    for status = 1, 15 do assert.is_string(ftcd.status[status]) end
    assert.is_nil(ftcd.status[0])
    assert.is_nil(ftcd.status[16])
    assert.equal("hash differs", ftcd.status[8])
  end)
end)
