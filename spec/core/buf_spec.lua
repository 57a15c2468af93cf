local core = require "spec.core"

local FIRST_SIZE = 512

describe("core/buf", function()
  it("is empty at first and holds no memory", function()
    local b = core.buf()
    assert.equal("", b:data())
    assert.equal(0, b:size())
    b:consume(0)
    assert.is_true(b:append(""))
    assert.equal("", b:data())
  end)

  it("gives back what was appended, in order, whatever the bytes", function()
    local b = core.buf()
    for _, piece in ipairs { "\0", "", "\xFF\0", "text", ("x"):rep(2000) } do
      assert.is_true(b:append(piece))
    end
    assert.equal("\0\xFF\0text" .. ("x"):rep(2000), b:data())
  end)

  it("consumes from the head, one byte or all", function()
    local b = core.buf()
    b:append("abcdef")
    b:consume(1)
    assert.equal("bcdef", b:data())
    b:append("g")
    b:consume(5)
    assert.equal("g", b:data())
    b:consume(1)
    assert.equal("", b:data())
    b:append("h")
    assert.equal("h", b:data())
  end)

  it("behaves like a string under any order of operations", function()
    local b, model, x = core.buf(), "", 1
    local function random(n)
      x = (x * 1103515245 + 12345) & 0x7FFFFFFF
      return (x >> 8) % n
    end
    for step = 1, 3000 do
      local what, piece = random(4), string.char(random(256)):rep(random(300))
      if what == 0 then
        b:append(piece)
        model = model .. piece
      elseif what == 1 then
        local n = random(#model + 1)
        b:consume(n)
        model = model:sub(n + 1)
      elseif what == 2 then
        b:unread(piece)
        model = piece .. model
      else
        b:reserve(#piece + random(100), piece)
        model = model .. piece
      end
      assert(b:data() == model, "differs after step " .. step)
      if #model > 5000 then
        b:consume(#model)
        model = ""
      end
    end
  end)

  it("reuses the room in front before it grows", function()
    local b = core.buf()
    b:append(("a"):rep(FIRST_SIZE))
    assert.equal(FIRST_SIZE, b:size())
    b:consume(FIRST_SIZE - 1)
    b:append(("b"):rep(FIRST_SIZE - 1))
    assert.equal(FIRST_SIZE, b:size())
    assert.equal("a" .. ("b"):rep(FIRST_SIZE - 1), b:data())
    b:append("c")
    assert.equal(2 * FIRST_SIZE, b:size())
  end)

  it("puts bytes back in front, also more than were consumed", function()
    local b = core.buf()
    b:append("cdef")
    b:consume(2)
    assert.is_true(b:unread("d"))
    assert.equal("def", b:data())
    assert.is_true(b:unread("abc"))
    assert.equal("abcdef", b:data())
    assert.is_true(b:unread(""))
    assert.equal("abcdef", b:data())
    local empty = core.buf()
    assert.is_true(empty:unread("xy"))
    assert.equal("xy", empty:data())
  end)

  it("holds as many bytes as its cap and not one more", function()
    local b = core.buf(8)
    assert.is_true(b:append("12345678"))
    assert.is_false(b:append("9"))
    assert.is_false(b:unread("0"))
    assert.is_false(b:reserve(1, ""))
    assert.equal("12345678", b:data())
    b:consume(1)
    assert.is_false(b:append("90"))
    assert.is_true(b:append("9"))
    assert.equal("23456789", b:data())
    b:consume(8)
    assert.is_false(b:append("123456789"))
    assert.is_true(b:unread("12345678"))
  end)

  it("refuses a length that no memory could hold", function()
    local b = core.buf()
    b:append("a")
    assert.is_false(b:reserve(math.maxinteger, ""))
    assert.is_false(b:reserve(-1, ""))
    assert.equal("a", b:data())
  end)

  it("clears consumed bytes when it is empty and when they make room", function()
    local b = core.buf()
    b:append(("s"):rep(FIRST_SIZE))
    b:consume(FIRST_SIZE)
    assert.is_nil(b:outside():find("s", 1, true))
    b:append(("s"):rep(FIRST_SIZE))
    b:consume(FIRST_SIZE - 2)
    b:append("tt")
    assert.equal("sstt", b:data())
    assert.is_nil(b:outside():find("s", 1, true))
  end)

  it("is empty again after a release, which may be repeated", function()
    local b = core.buf(4)
    b:append("abcd")
    b:release()
    b:release()
    assert.equal("", b:data())
    assert.equal(0, b:size())
    assert.is_false(b:append("abcde"))
    assert.is_true(b:append("abcd"))
  end)
end)
