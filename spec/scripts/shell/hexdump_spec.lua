local hexdump = require "jig.shell.hexdump"

describe("jig.shell.hexdump", function()
  it("shows offset, hex and ASCII of 16 bytes in a row", function()
    assert.same({}, hexdump "")
    assert.same({ "00000000  41                                                |A|" }, hexdump "A")
    assert.same({
      "000000f8  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  |................|",
      "00000108  7e 7f ff                                          |~..|",
    }, hexdump("\0\1\2\3\4\5\6\7\8\9\10\11\12\13\14\15~\127\255", 0xf8))
  end)

  it("is what hexdump -C would print", function()
    assert.equal("00000000  41 54 2b 43 53 51 0d 0a  4f 4b 0d 0a              |AT+CSQ..OK..|",
      hexdump("AT+CSQ\r\nOK\r\n")[1])
  end)

  it("shows 4096 bytes at most, and says how many more there are", function()
    local whole = hexdump(("x"):rep(4096))
    assert.equal(256, #whole)
    local cut = hexdump(("x"):rep(4097))
    assert.equal(257, #cut)
    assert.same({ whole[256], "… 1 more bytes" }, { cut[256], cut[257] })
  end)
end)
