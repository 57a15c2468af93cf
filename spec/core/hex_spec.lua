local hex = require "jig.hex"
local transcript = require "spec.support.transcript"

local function all_bytes()
  local bytes = {}
  for byte = 0, 255 do
    bytes[#bytes + 1] = string.char(byte)
  end
  return table.concat(bytes)
end

-- Another way to the same text, to compare with.
local function by_format(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

describe("jig.hex", function()
  it("encodes in lower case, two digits a byte", function()
    assert.equal("01810000", hex.encode("\x01\x81\0\0"))
    assert.equal("abcdef", hex.encode("\xAB\xCD\xEF"))
    assert.equal(by_format(all_bytes()), hex.encode(all_bytes()))
  end)

  it("finds runs of digits, each as long as it goes", function()
    for _, case in ipairs {
      { "", 1, 1 }, { "xyz", 1, 1 }, { "abc", 4, 1 }, { "abc", 3, 1, "abc", 3 }, { "xAbCy", 3, 1, "AbC", 4 },
      { "12 3456", 3, 1, "3456", 7 }, { "12g3456\0", 4, 1, "3456", 7 }, { "123456", 2, 3, "3456", 6 },
      { "123456", 2, 6 }, { "123456", 2, 7 }, { "123456", 2, 100 },
      { "\0\xff1", 1, 1, "1", 3 }, { "0:9", 1, 2, "9", 3 },
    } do
      local run, last = hex.find(case[1], case[2], case[3])
      assert.same({ case[4], case[5] }, { run, last })
    end
    for text, digits in pairs {
      ["61 6e 01"] = "616e01", ["61:6E"] = "616E", ["0x61, 0x6e"] = "616e", ["x61\\x6e\\x01"] = "616e01",
      ["0x0"] = "0", ["a  b"] = "ab", ["a   b"] = "a", ["1 2 "] = "12", ["-1"] = "1", ["a0xb"] = "ab", ["a 0x"] = "a0",
    } do
      assert.equal(digits, hex.find(text, 1, 1, " :,-\\x"), text)
    end
    assert.same({ "616e", 14 }, { hex.find("got 0x61, 0x6e", 4, 1, ", ") })
    assert.is_nil(hex.find("12\0" .. "34", 4, 1, "\0"))
    assert.has_error(function() hex.find("12", 0) end)
    assert.has_error(function() hex.find("12", 1, 0) end)
    assert.has_error(function() hex.find(12, 1) end)
  end)

  it("takes the empty text for no bytes, both ways", function()
    assert.equal("", hex.encode(""))
    assert.equal("", hex.decode(""))
  end)

  it("decodes what it encoded, byte for byte, at every length up to 257", function()
    local bytes = all_bytes() .. "\0"
    for n = 0, #bytes do
      local part = bytes:sub(#bytes - n + 1)
      assert.equal(part, hex.decode(hex.encode(part)))
    end
  end)

  it("decodes upper, lower and mixed case alike", function()
    local text = by_format(all_bytes())
    assert.equal(all_bytes(), hex.decode(text))
    assert.equal(all_bytes(), hex.decode(text:upper()))
    assert.equal("\xAB\xCD", hex.decode("aBCd"))
  end)

  it("carries the vendor's payload unchanged", function()
    local bytes = hex.decode(transcript.provisioning_payload)
    assert.equal(1984, #bytes)
    assert.equal(transcript.provisioning_payload, hex.encode(bytes))
  end)

  it("refuses every character that is no digit, in either half of a byte", function()
    for byte = 0, 255 do
      local c = string.char(byte)
      for half = 1, 2 do
        local text = half == 1 and "00" .. c .. "0" or "000" .. c
        local bytes, message, code, position = hex.decode(text)
        if c:find("^%x") then
          assert.equal(2, #bytes)
        else
          assert.is_nil(bytes)
          assert.equal("invalid", code)
          assert.equal(2 + half, position)
          assert.is_string(message)
        end
      end
    end
  end)

  it("gives the position of the first bad character, wherever it is", function()
    local text = ("0"):rep(64)
    for at = 1, #text do
      local broken = text:sub(1, at - 1) .. "g" .. text:sub(at + 1)
      assert.equal(at, select(4, hex.decode(broken)))
      assert.equal(at, select(4, hex.decode(broken .. "zz")))
    end
  end)

  it("refuses an odd number of digits and gives the position past the end", function()
    for _, case in ipairs { { "0", 2 }, { "012", 4 }, { ("a"):rep(3967), 3968 } } do
      local bytes, _, code, position = hex.decode(case[1])
      assert.is_nil(bytes)
      assert.equal("invalid", code)
      assert.equal(case[2], position)
    end
  end)

  it("names a bad character rather than the odd length where both are wrong", function()
    assert.equal(1, select(4, hex.decode("g")))
    assert.equal(3, select(4, hex.decode("00g")))
    assert.equal(2, select(4, hex.decode("0g0")))
  end)

  it("says what is wrong and shows one character at most", function()
    local function message(text)
      return select(2, hex.decode(text))
    end
    assert.equal("character 3 is 'x', not a hex digit", message("00x1"))
    assert.equal("character 2 is byte 0x00, not a hex digit", message("0\0"))
    assert.equal("character 1 is byte 0x20, not a hex digit", message(" 0"))
    assert.equal("character 1 is byte 0xff, not a hex digit", message("\xFF0"))
    assert.equal("an odd number of hex digits (3): the last byte is cut", message("123"))
  end)

  it("raises on anything but a string", function()
    for _, value in ipairs { 10, true, {} } do
      assert.has_error(function() hex.encode(value) end)
      assert.has_error(function() hex.decode(value) end)
    end
    assert.has_error(function() hex.encode() end)
    assert.has_error(function() hex.decode() end)
  end)
end)
