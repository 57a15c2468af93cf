local cobs = require "jig.framing.cobs"
local hex = require "jig.hex"
local testing = require "jig.testing"

local function range(first, last)
  local bytes = {}
  for byte = first, last do bytes[#bytes + 1] = string.char(byte) end
  return table.concat(bytes)
end

describe("jig.framing.cobs", function()
  describe("alone", function() testing.framing(cobs { max = 2000 }) end)
  describe("with headers, a CRC and a leading zero", function()
    testing.framing(cobs {
      header = ">I2 scp", reply = ">I2 scp B status", crc = "CRC-16/IBM-SDLC", lead = true,
      max = 2000,
    })
  end)
  describe("with text", function() testing.framing(cobs { log = true, max = 2000 }) end)

  -- The examples of the encyclopedia's article on COBS, and the limits of a block beside them.
  local vectors = {
    { "", "\1" },
    { "\0", "\1\1" },
    { "\0\0", "\1\1\1" },
    { "\0\x11\0", "\1\2\x11\1" },
    { "\x11\x22\0\x33", "\3\x11\x22\2\x33" },
    { "\x11\x22\x33\x44", "\5\x11\x22\x33\x44" },
    { "\x11\0\0\0", "\2\x11\1\1\1" },
    { range(1, 253), "\xFE" .. range(1, 253) },
    { range(1, 254), "\xFF" .. range(1, 254) },
    { range(0, 254), "\1\xFF" .. range(1, 254) },
    { range(1, 255), "\xFF" .. range(1, 254) .. "\2\xFF" },
    { range(2, 255) .. "\0", "\xFF" .. range(2, 255) .. "\1\1" },
    { range(3, 255) .. "\0\1", "\xFE" .. range(3, 255) .. "\2\1" },
    { ("x"):rep(508), "\xFF" .. ("x"):rep(254) .. "\xFF" .. ("x"):rep(254) },
    { ("x"):rep(254) .. "\0" .. "y",
      "\xFF" .. ("x"):rep(254) .. "\1\2y" },
  }
  for i, row in ipairs(vectors) do
    it(("stuffs %d bytes, vector %d"):format(#row[1], i), function()
      local f = cobs()
      assert.equal(hex.encode(row[2] .. "\0"), hex.encode(f.host.encode { payload = row[1] }))
      assert.same({ payload = row[1] }, f.host.decoder():feed(row[2] .. "\0"))
    end)
  end

  it("puts a zero first when told so, and reads any number of them", function()
    assert.equal("\0\2a\0", cobs { lead = true }.host.encode { payload = "a" })
    assert.same({ payload = "a" }, cobs().host.decoder():feed("\0\0\2a\0"))
  end)

  it("refuses a block that runs past the end", function()
    local decoder = cobs().host.decoder()
    assert.same({ nil, "bad", 2, "a block runs past the end" }, { decoder:feed("\3a\0") })
    assert.same({ payload = "ab" }, decoder:feed("\3ab\0"))
  end)

  it("refuses more than max", function()
    local decoder = cobs { max = 3 }.host.decoder()
    assert.same({ nil, "bad", 5, "no frame of at most 3 bytes of payload" },
      { decoder:feed("\5abcd\0") })
    assert.same({ payload = "abc" }, decoder:feed("\4abc\0"))
  end)

  it("takes text between zeros for the log when told so", function()
    local f = cobs { log = true, lead = true }
    local frame = f.host.decoder():feed("ready\r\n" .. f.device.encode { payload = "\0" })
    assert.same({ payload = "\0", log = "ready\r\n" }, frame)
  end)
end)
