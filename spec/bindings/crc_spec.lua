-- What is computed: spec/core/crc_spec.lua.

local crc = require "jig.crc"

local CHECK <const> = "123456789"

describe("bindings/crc", function()
  it("may be called like a function, on a part as string.sub takes it", function()
    local c = crc.new "CRC-16/ARC"
    assert.equal(0xbb3d, c(CHECK))
    for first = -11, 11 do
      assert.equal(c(CHECK:sub(first)), c(CHECK, first), first)
      for last = -11, 11 do
        assert.equal(c(CHECK:sub(first, last)), c(CHECK, first, last), first .. ".." .. last)
        assert.equal(c(CHECK:sub(first, last)), c:sum(CHECK, first, last))
      end
    end
    assert.equal(c "", c("", 1, -1))
    assert.equal(c "", c(CHECK, math.mininteger, math.mininteger))
    assert.equal(c(CHECK), c(CHECK, math.mininteger, math.maxinteger))
  end)

  it("raises for what is no model, no state and no bytes", function()
    local c = crc.new "CRC-32/ISO-HDLC"
    local bad = {
      function() crc.new() end,
      function() crc.new "CRC-16/NONE" end,
      function() crc.new { width = 16 } end,
      function() crc.new { width = 16, poly = 0x1021, polly = 1 } end,
      function() crc.new { width = 16.5, poly = 1 } end,
      function() crc.new { width = 16, poly = -1 } end,
      function() crc.new { width = 16, poly = 1 << 32 } end,
      function() crc.new { width = 16, poly = "0x1021" } end,
      function() crc.new { width = 16, poly = 0x1021, refin = 1 } end,
      function() crc.new { width = 16, poly = 0x1021, check = 1 } end,
      function() c(7) end,
      function() c() end,
      function() c:update(-1, "x") end,
      function() c:update(1 << 32, "x") end,
      function() c:update(0, 7) end,
      function() c:finish "x" end,
      function() c.sum({}, "x") end,
    }
    for i, f in ipairs(bad) do assert.is_false(pcall(f), i) end
  end)

  it("says which check the parameters make", function()
    local ok, message = pcall(crc.new, { width = 16, poly = 0x1021, check = 1 })
    assert.is_false(ok)
    assert.matches("crc: check is 0x1, but these parameters make 0x31c3", message, 1, true)
  end)

  it("lists names that new takes", function()
    for _, name in ipairs(crc.names()) do assert.is_true(crc.new(name):width() >= 8) end
  end)
end)
