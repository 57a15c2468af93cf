local crc = require "jig.crc"

-- Published check values: the CRC RevEng catalogue's sums of "123456789".
local presets = {
  ["CRC-8/MAXIM-DOW"] = { 8, 0xA1 },
  ["CRC-8/SMBUS"] = { 8, 0xF4 },
  ["CRC-16/ARC"] = { 16, 0xBB3D },
  ["CRC-16/IBM-3740"] = { 16, 0x29B1 },
  ["CRC-16/IBM-SDLC"] = { 16, 0x906E },
  ["CRC-16/KERMIT"] = { 16, 0x2189 },
  ["CRC-16/MODBUS"] = { 16, 0x4B37 },
  ["CRC-16/USB"] = { 16, 0xB4C8 },
  ["CRC-16/XMODEM"] = { 16, 0x31C3 },
  ["CRC-32/BZIP2"] = { 32, 0xFC891918 },
  ["CRC-32/ISCSI"] = { 32, 0xE3069283 },
  ["CRC-32/ISO-HDLC"] = { 32, 0xCBF43926 },
  ["CRC-32/MPEG-2"] = { 32, 0x0376E6E7 },
}

-- Models of other widths from the same catalogue: each width's alignment is a case of its own.
local others = {
  { width = 8, poly = 0x2F, init = 0xFF, xorout = 0xFF, check = 0xDF },
  { width = 10, poly = 0x233, check = 0x199 },
  { width = 11, poly = 0x385, init = 0x01A, check = 0x5A3 },
  { width = 12, poly = 0x80F, refout = true, check = 0xDAF },
  { width = 14, poly = 0x0805, refin = true, check = 0x082D },
  { width = 15, poly = 0x4599, check = 0x059E },
  { width = 16, poly = 0x1021, init = 0x1D0F, check = 0xE5CC },
  { width = 16, poly = 0x3D65, refin = true, xorout = 0xFFFF, check = 0xEA82 },
  { width = 24, poly = 0x864CFB, init = 0xB704CE, check = 0x21CF02 },
  { width = 24, poly = 0x00065B, init = 0x555555, refin = true, check = 0xC25A56 },
  { width = 31, poly = 0x04C11DB7, init = 0x7FFFFFFF, xorout = 0x7FFFFFFF, check = 0x0CE9E46C },
  { width = 32, poly = 0xF4ACFB13, init = 0xFFFFFFFF, refin = true, xorout = 0xFFFFFFFF,
    check = 0x1697D06A },
}

local function reflect(value, width)
  local out = 0
  for bit = 0, width - 1 do
    out = out | (value >> bit & 1) << (width - 1 - bit)
  end
  return out
end

-- The model as its definition says, bit by bit: slow, and nothing like the code under test.
local function by_definition(model, bytes)
  local top = 1 << (model.width - 1)
  local mask = (1 << model.width) - 1
  local register = model.init or 0
  for i = 1, #bytes do
    local byte = bytes:byte(i)
    if model.refin then
      byte = reflect(byte, 8)
    end
    for bit = 7, 0, -1 do
      local feedback = (register & top ~= 0) ~= (byte >> bit & 1 ~= 0)
      register = register << 1 & mask
      if feedback then
        register = register ~ model.poly
      end
    end
  end
  local refout = model.refout
  if refout == nil then
    refout = model.refin
  end
  return (refout and reflect(register, model.width) or register) ~ (model.xorout or 0)
end

local function some_bytes(n)
  local bytes, x = {}, 12345
  for i = 1, n do
    x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    bytes[i] = string.char(x >> 16 & 0xFF)
  end
  return table.concat(bytes)
end

describe("jig.crc", function()
  it("has presets that make their published check values", function()
    local names = crc.names()
    local count = 0
    for name, expected in pairs(presets) do
      count = count + 1
      local c = crc.new(name)
      assert.equal(expected[1], c:width())
      assert.equal(expected[2], c:sum("123456789"), name)
    end
    assert.equal(count, #names)
    for _, name in ipairs(names) do
      assert.is_table(presets[name], name)
    end
  end)

  it("takes any model of 8 to 32 bits", function()
    for _, model in ipairs(others) do
      assert.equal(model.check, crc.new(model):sum("123456789"))
    end
  end)

  it("agrees with the definition at every length, so in whole blocks and in the rest", function()
    local bytes = some_bytes(70)
    for _, model in ipairs(others) do
      local c = crc.new(model)
      for n = 0, #bytes do
        assert.equal(by_definition(model, bytes:sub(1, n)), c(bytes:sub(1, n)))
      end
    end
  end)

  it("makes the same sum in pieces, split anywhere", function()
    local bytes = "\0\xFF" .. some_bytes(40)
    for _, name in ipairs(crc.names()) do
      local c = crc.new(name)
      local whole = c(bytes)
      for at = 0, #bytes do
        local state = c:update(c:start(), bytes:sub(1, at))
        state = c:update(state, "")
        assert.equal(whole, c:finish(c:update(state, bytes:sub(at + 1))))
      end
    end
  end)

  it("sums no bytes to what init and xorout leave", function()
    assert.equal(0xFFFF, crc.new("CRC-16/IBM-3740")(""))
    assert.equal(0, crc.new("CRC-32/ISO-HDLC")(""))
    assert.equal(0, crc.new("CRC-16/XMODEM")(""))
    local c = crc.new "CRC-16/MODBUS"
    assert.equal(c(""), c:finish(c:start()))
  end)

  it("tells leading and trailing zeros apart", function()
    local c = crc.new "CRC-16/IBM-3740"
    assert.not_equal(c("\0\0"), c("\0"))
    assert.not_equal(c("a\0"), c("a"))
    assert.not_equal(c("\0a"), c("a"))
  end)

  it("leaves a fixed residue when the sum follows its bytes", function()
    local c = crc.new "CRC-16/IBM-3740"
    local bytes = some_bytes(1984)
    assert.equal(0, c(bytes .. string.pack(">I2", c(bytes))))
    local fcs = crc.new "CRC-32/ISO-HDLC"
    assert.equal(0x2144DF1C, fcs(bytes .. string.pack("<I4", fcs(bytes))))
  end)

  it("sums a part, with the positions of string.sub", function()
    local c = crc.new "CRC-16/ARC"
    local bytes = "<123456789>"
    assert.equal(0xBB3D, c:sum(bytes, 2, 10))
    assert.equal(0xBB3D, c(bytes, 2, -2))
    for first = -14, 14 do
      assert.equal(c(bytes:sub(first)), c(bytes, first))
      for last = -14, 14 do
        assert.equal(c(bytes:sub(first, last)), c(bytes, first, last))
      end
    end
    assert.equal(c(""), c(bytes, math.maxinteger, math.mininteger))
    assert.equal(c(bytes), c(bytes, math.mininteger, math.maxinteger))
  end)

  it("refuses what makes no CRC, and says why", function()
    local cases = {
      { "CRC-17/NONE", "no model is named 'CRC-17/NONE'" },
      { "crc-16/arc", "no model is named 'crc-16/arc'" },
      { { width = 7, poly = 0x09 }, "width is 7, must be 8 to 32 bits" },
      { { width = 33, poly = 1 }, "width is 33, must be 8 to 32 bits" },
      { { width = 0, poly = 1 }, "width is 0, must be 8 to 32 bits" },
      { { poly = 0x1021 }, "width is nil, must be an integer" },
      { { width = 16 }, "poly is nil, must be an integer" },
      { { width = 16, poly = 0x11021 }, "poly is 0x11021, more than 16 bits" },
      { { width = 16, poly = 0x1021, init = 0x10000 }, "init is 0x10000, more than 16 bits" },
      { { width = 8, poly = 7, xorout = 0x100 }, "xorout is 0x100, more than 8 bits" },
      { { width = 32, poly = 0xEDB88320 }, "poly is 0xedb88320, must be odd" },
      { { width = 16, poly = 0 }, "poly is 0x0, must be odd" },
      { { width = 16, poly = "0x1021" }, "poly is 0x1021, must be an integer" },
      { { width = 16, poly = -1 }, "poly is -1, must be an integer" },
      { { width = 32, poly = 1 << 32 | 1 }, "poly is 4294967297, must be an integer" },
      { { width = 16.5, poly = 0x1021 }, "width is 16.5, must be an integer" },
      { { width = 16, poly = 0x1021, refin = 1 }, "refin is 1, must be true or false" },
      { { width = 16, poly = 0x1021, seed = 1 }, "seed" },
      { { width = 16, poly = 0x1021, 0 }, "1" },
      {
        { width = 16, poly = 0x1021, check = 0x29B1 },
        "check is 0x29b1, but these parameters make 0x31c3",
      },
    }
    for _, case in ipairs(cases) do
      local ok, message = pcall(crc.new, case[1])
      assert.is_false(ok)
      assert.matches(case[2], message, 1, true)
    end
  end)

  it("raises on misuse", function()
    local c = crc.new "CRC-16/ARC"
    assert.has_error(function() crc.new() end)
    assert.has_error(function() crc.new(true) end)
    assert.has_error(function() c:sum(1234) end)
    assert.has_error(function() c:update(-1, "") end)
    assert.has_error(function() c:update(1 << 32, "") end)
    assert.has_error(function() c:finish("x") end)
    assert.has_error(function() c.sum({}, "") end)
  end)
end)
