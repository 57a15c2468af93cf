local kept = require "jig.framing.kept"

describe("jig.framing.kept", function()
  it("joins pieces in order, however many", function()
    for _, count in ipairs { 0, 1, 2, 255, 256, 257, 512, 1000 } do
      local pieces, all = kept.pieces(), {}
      for i = 1, count do
        all[i] = ("%d,"):format(i)
        pieces:add(all[i])
      end
      assert.equal(#table.concat(all), pieces.size)
      assert.equal(table.concat(all), pieces:take())
      assert.equal(0, pieces.size)
      assert.equal("", pieces:take())
    end
  end)

  it("keeps few pieces of many single bytes", function()
    local pieces = kept.pieces()
    for _ = 1, 65536 do pieces:add("x") end
    assert.is_true(#pieces.many + #pieces.few <= 512)
  end)

  it("has no log without text", function()
    local log = kept.log()
    log:add("")
    assert.is_nil(log:take())
    assert.same({ "rest", 0 }, { kept.rest(log, "rest") })
  end)

  it("gives text once", function()
    local log = kept.log()
    log:add("boot")
    log:add("ing\r\n")
    assert.equal("booting\r\n", log:take())
    assert.is_nil(log:take())
  end)

  it("tells text from the bytes behind it", function()
    local log = kept.log()
    log:add("text")
    assert.same({ "text\0\1", 4 }, { kept.rest(log, "\0\1") })
  end)

  it("keeps the latest 64 KiB and says what it dropped", function()
    for _, piece in ipairs { 1, 10, 5000, 300000 } do
      local log, all = kept.log(), ("0123456789"):rep(30000)
      for first = 1, #all, piece do log:add(all:sub(first, first + piece - 1)) end
      local note = ("[%d bytes of older text dropped]\n"):format(#all - kept.LOG)
      assert.equal(note .. all:sub(-kept.LOG), log:take())
      log:add("next")
      assert.equal("next", log:take())
    end
  end)

  it("keeps exactly 64 KiB whole", function()
    local log, text = kept.log(), ("x"):rep(kept.LOG)
    log:add(text)
    assert.equal(text, log:take())
  end)

  local lines = {
    { "plain text\r\n", "plain text\r\n" },
    { "\27[32mgreen\27[0m\n", "\27[32mgreen\27[0m\n" },
    { "21 °C\n", "21 °C\n" },
    { "\0boot: ready\n", "?boot: ready\n" },
    { "latin \xE9t\xE9 text, long enough\n", "latin ?t? text, long enough\n" },
    { "\1\2\3\4abc\n", "[7 bytes]\n" },
    { "one\n\x80\x81\x82\x83\ntwo", "one\n[4 bytes]\ntwo" },
    { "\0", "?" },
    { "\0\0", "[2 bytes]" },
  }
  for i, row in ipairs(lines) do
    it("shows only what is text, case " .. i, function()
      local log = kept.log()
      log:add(row[1])
      assert.equal(row[2], log:take())
    end)
  end
end)
