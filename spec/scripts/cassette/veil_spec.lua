local hex = require "jig.hex"
local veil = require "jig.cassette.veil"

local SECRET <const> = "\1\2\3payload of a message\250\251\252"

-- In base64, as the program of that name writes it.
local BASE64 <const> = "AQIDcGF5bG9hZCBvZiBhIG1lc3NhZ2X6+/w="

describe("jig.cassette.veil", function()
  it("tells bytes by their size and digest, or as they are when asked to", function()
    assert.same({ size = 0, digest = "e3b0c44298fc1c14" }, veil.payload(""))
    assert.same({ size = 3, digest = "ba7816bf8f01cfea" }, veil.payload("abc"))
    assert.same({ size = 3, bytes = "abc" }, veil.payload("abc", true))
  end)

  it("makes a filler of the same size that follows from the digest alone", function()
    for _, size in ipairs { 0, 1, 31, 32, 33, 65535 } do
      local one = { size = size, digest = "0123456789abcdef" }
      assert.equal(size, #veil.filler(one))
      assert.equal(veil.filler(one), veil.filler(one))
    end
    assert.not_equal(veil.filler { size = 8, digest = "0123456789abcdef" },
      veil.filler { size = 8, digest = "0123456789abcdee" })
    assert.equal("abc", veil.filler { size = 3, bytes = "abc" })
    assert.is_nil(veil.filler(veil.payload(SECRET)):find(SECRET:sub(4, 11), 1, true))
  end)

  for how, text in pairs {
    ["as it is"] = "log: " .. SECRET,
    ["in part"] = "log: " .. SECRET:sub(5, 12),
    ["as hex"] = "got " .. hex.encode(SECRET) .. " here",
    ["as hex, at an odd place"] = "f" .. hex.encode(SECRET:sub(3, 12)),
    ["as upper-case hex with blanks"] = hex.encode(SECRET):upper():gsub("..", "%0 "),
    ["as C does"] = hex.encode(SECRET):gsub("..", "0x%0, "),
    ["as hex with dots"] = hex.encode(SECRET):gsub("..", "%0."),
    ["as hex with slashes"] = hex.encode(SECRET):gsub("..", "%0/"),
    ["as hex in brackets"] = hex.encode(SECRET):gsub("..", "<%0>"),
    ["as little-endian words of 32 bits"] = hex.encode(SECRET):gsub("(..)(..)(..)(..)", "%4%3%2%1 "),
    ["as little-endian words of 16 bits"] = hex.encode(SECRET):gsub("(..)(..)", "0x%2%1, "),
    ["as decimal"] = "{ " .. table.concat({ SECRET:byte(1, -1) }, ", ") .. " }",
    ["as base64"] = "pem " .. BASE64,
    ["as base64, further on"] = "pem " .. BASE64:sub(6),
    ["as base64 in lines"] = BASE64:sub(1, 9) .. "\r\n" .. BASE64:sub(10),
  } do
    it("finds a message that stands in a text " .. how, function()
      assert.is_false(veil.is_free(text, { "another", SECRET }))
    end)
  end

  it("finds no message where none stands, nor less than eight bytes of one", function()
    assert.is_true(veil.is_free("log: " .. SECRET:sub(5, 11), { SECRET }))
    assert.is_true(veil.is_free("SN=T100317\r\nready\r\n", { SECRET, "", "short" }))
    assert.is_true(veil.is_free("", { SECRET }))
    assert.is_true(veil.is_free(SECRET, {}))
  end)

  it("knows digits that may be any message's", function()
    for text, found in pairs {
      ["key 0123456789abcdef"] = true, ["key 0123456789abcde"] = false, ["AQIDcGF5bG9"] = true, ["AQIDcGF5bG"] = false,
      ["factory_provisioning begins"] = false, ["serial T100317, boot v4.0"] = false, [""] = false,
    } do
      assert.equal(found, veil.has_digits(text), text)
    end
  end)

  it("takes text with few other bytes for almost text, and what is shorter than a message", function()
    for bytes, is in pairs {
      ["\255SN=T1\r\n"] = true, ["\255\254SN=T1\r\n"] = true, ["\255\254\253SN=T1\r\n"] = false, [""] = true,
      ["\0\1\2\3\4\5\6"] = true, ["\0\1\2\3\4\5\6\7"] = false, ["\0abcd\0efg\0"] = true, ["\0abc\0ef\0"] = false,
    } do
      assert.equal(is, veil.is_almost_text(bytes), bytes)
    end
  end)

  it("takes printable ASCII, line ends, tabs and colours for text", function()
    assert.is_true(veil.is_text("\27[32mok\27[0m\t\r\n"))
    assert.is_true(veil.is_text(""))
    for _, byte in ipairs { "\0", "\7", "\127", "\128", "\255" } do assert.is_false(veil.is_text("a" .. byte)) end
  end)
end)
