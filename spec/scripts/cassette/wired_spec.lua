local replay = require "jig.testing.replay"
local scratch = require "spec.support.scratch"
local slip = require "jig.framing.slip"
local tapes = require "spec.support.tapes"
local wired = require "jig.cassette.wired"

local HEADER <const> = { header = ">I2 scp B status", crc = "CRC-16/IBM-3740" }

describe("jig.cassette.wired", function()
  local fields = { scp = 256, status = 0, payload = { size = 300, digest = "0123456789abcdef" } }

  it("is the same for frames whose payloads have one size", function()
    local other = { scp = 256, status = 0, payload = { size = 300, bytes = ("k"):rep(300) }, wired = "0" }
    assert.matches("^%x+$", wired(slip(HEADER), "<", fields))
    assert.equal(16, #wired(slip(HEADER), "<", fields))
    assert.equal(wired(slip(HEADER), "<", fields), wired(slip(HEADER), "<", other))
  end)

  it("is another for another framing, header or CRC, and for another field", function()
    local seen = { [wired(slip(HEADER), "<", fields)] = true }
    for _, framing in ipairs {
      slip { header = "<I2 scp B status", crc = "CRC-16/IBM-3740" },
      slip { header = ">I2 scp B status", crc = "CRC-16/XMODEM" }, slip { header = ">I2 scp B status" },
      require "jig.framing.cobs" (HEADER),
    } do
      local made = wired(framing, "<", fields)
      assert.is_nil(seen[made])
      seen[made] = true
    end
    assert.is_nil(seen[wired(slip(HEADER), "<", { scp = 257, status = 0, payload = fields.payload })])
  end)

  it("is nothing where the framing cannot make the frame", function()
    assert.is_nil(wired(slip(HEADER), "<", { payload = fields.payload }))
  end)

  -- The player encodes what the device sent with the framing of now, which reads it whatever it is.
  for what, change in pairs {
    ["its endianness"] = { ">I2 scp", "<I2 scp" }, ["its CRC"] = { "CRC%-16/[%w%-]+", "CRC-16/XMODEM" },
  } do
    it("lets a replay see a framing that was changed: " .. what, function()
      local file <close> = assert(io.open("examples/thermostat/recipe.lua"))
      local text, count = file:read("a"):gsub(change[1], change[2])
      assert.is_true(count > 0)
      local folder <close> = scratch.folder { ["recipe.lua"] = text }
      local path = tapes.write(folder, "a.cassette", tapes.record { recipe = "examples/thermostat" })
      local result = replay.run(path)
      assert.is_false(result.same)
      assert.matches("the framing makes other bytes of this frame", result.text, 1, true)
    end)
  end
end)
