local cobs = require "jig.framing.cobs"
local ftcd = require "jig.framing.ftcd"
local hdlc = require "jig.framing.hdlc"
local length = require "jig.framing.length"
local noise = require "jig.cassette.noise"
local slip = require "jig.framing.slip"
local stx_etx = require "jig.framing.stx_etx"
local veil = require "jig.cassette.veil"

local FRAMINGS <const> = {
  length = length { header = ">I2 scp I2 length", reply = ">I2 scp I2 length B status", crc = "CRC-16/IBM-3740",
    max = 8192 },
  ftcd = ftcd { max = 8192 }, slip = slip { header = "B command", crc = "CRC-16/IBM-3740" }, cobs = cobs {},
  hdlc = hdlc {}, stx_etx = stx_etx { bcc = true },
}

local function frame(framing, payload)
  local made = { payload = payload }
  for field, value in pairs(framing.device.sample or {}) do made[field] = value end
  if made.status then made.status = 0 end
  return framing.device.encode(made)
end

describe("jig.cassette.noise", function()
  for name, framing in pairs(FRAMINGS) do
    describe(name, function()
      local whole = frame(framing, ("payload"):rep(6))

      it("has a likeness of a frame that is cut, at every byte, before silence and without", function()
        for at = 1, #whole - 1 do
          local bytes = whole:sub(1, at)
          for _, silent in ipairs { true, false } do
            local kind = noise.kind(framing, bytes, "", silent)
            assert.not_equal("unknown", kind, at)
            local made = noise.bytes(framing, kind, veil.payload(bytes))
            assert.equal(at, #made)
            assert.equal(noise.skeleton(noise.reaction(framing, bytes, "", silent)),
              noise.skeleton(noise.reaction(framing, made, "", silent)))
            assert.is_nil(made:find("payload", 1, true))
          end
        end
      end)

      it("has a likeness of one whose check is wrong, before a good one", function()
        local bytes = whole:sub(1, -3) .. string.char(whole:byte(-2) ~ 1) .. whole:sub(-1)
        local kind = noise.kind(framing, bytes, whole, false)
        local made = noise.bytes(framing, kind, veil.payload(bytes))
        assert.equal(#bytes, #made)
        if kind ~= "unknown" then
          assert.equal(noise.skeleton(noise.reaction(framing, bytes, whole, false)),
            noise.skeleton(noise.reaction(framing, made, whole, false)))
        end
      end)
    end)
  end

  it("gives the bytes themselves where they were recorded", function()
    assert.equal("\0\1", noise.bytes(FRAMINGS.slip, "cut", { size = 2, bytes = "\0\1" }))
  end)

  it("always has as many bytes as were", function()
    for kind in pairs { cut = 1, damaged = 1, letters = 1, ones = 1, filler = 1, unknown = 1 } do
      assert.is_true(noise.is_kind(kind))
      for _, size in ipairs { 0, 1, 5, 20000 } do
        local payload = { size = size, digest = "0123456789abcdef" }
        assert.equal(size, #noise.bytes(FRAMINGS.length, kind, payload))
      end
    end
    assert.is_false(noise.is_kind("frame"))
  end)

  it("takes sentences for the same whatever numbers stand in them", function()
    assert.equal(noise.skeleton("CRC differs: got 90c2, expected 90c3 (97 bytes dropped)"),
      noise.skeleton("CRC differs: got abcd, expected 0001 (1 bytes dropped)"))
    assert.equal(noise.skeleton("character 1985 is 'x'"), noise.skeleton("character 1 is 'i'"))
    assert.not_equal(noise.skeleton("CRC differs"), noise.skeleton("cut short"))
  end)
end)
