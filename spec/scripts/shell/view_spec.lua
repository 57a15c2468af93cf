local line = require "jig.framing.line"
local length = require "jig.framing.length"
local raw = require "jig.framing.raw"
local view = require "jig.shell.view"

local LENGTH <const> = length { header = ">I2 scp I2 length", reply = ">I2 scp I2 length B status", start = "\165\90",
  crc = "CRC-16/IBM-3740" }

-- A view of a recipe with this framing, and the lines that it said.
local function open(framing)
  local said = {}
  local recipe = { framing = framing, status = { [5] = { "lamp.dark" } }, limits = { between = 1 } }
  return view.new(recipe, function(text) said[#said + 1] = text end), said
end

local function arrive(shown, bytes) shown:show { kind = "in", bytes = bytes } end

local function reply(status, payload)
  return LENGTH.device.encode { scp = 256, status = status, payload = payload }
end

describe("jig.shell.view", function()
  it("shows what is sent at once, with its place in all that was sent", function()
    local shown, said = open(LENGTH)
    shown:show { kind = "out", bytes = "AT\r\n" }
    shown:show { kind = "out", bytes = "\0" }
    assert.same({
      "> 00000000  41 54 0d 0a                                       |AT..|",
      "> 00000004  00                                                |.|",
    }, said)
  end)

  it("shows a frame as soon as it is whole, in whatever pieces it comes: fields, status, payload", function()
    local bytes = reply(5, "\1ok")
    for cut = 1, #bytes do
      local shown, said = open(LENGTH)
      arrive(shown, bytes:sub(1, cut - 1))
      assert.same({}, said)
      arrive(shown, bytes:sub(cut))
      assert.same({
        "< frame scp=256, status=5 (lamp.dark), 3 bytes of payload",
        "<   00000000  01 6f 6b                                          |.ok|",
      }, said)
      assert.equal("", shown.held)
    end
  end)

  it("shows the device's own text apart, and frames that come at once each", function()
    local shown, said = open(LENGTH)
    arrive(shown, "booting\r\nready\r\n" .. reply(0, "") .. reply(0, ""))
    assert.same({ "| booting", "| ready", "< frame scp=256, status=0, 0 bytes of payload",
      "< frame scp=256, status=0, 0 bytes of payload" }, said)
  end)

  it("cuts a line of text that is too long", function()
    local shown, said = open(LENGTH)
    arrive(shown, ("x"):rep(5000) .. "\nshort\n" .. reply(0, ""))
    assert.equal("| " .. ("x"):rep(1000) .. "… 4000 more bytes", said[1])
    assert.equal("| short", said[2])
  end)

  it("shows after a moment of silence what is no frame yet: text as text, bytes as a dump", function()
    local shown, said = open(LENGTH)
    assert.is_nil(shown:patience())
    arrive(shown, "login: ")
    assert.equal(0.05, shown:patience())
    shown:silence()
    arrive(shown, "\0\1")
    shown:silence()
    assert.same({ "| login: ", "< 00000007  00 01                                             |..|" }, said)
  end)

  it("shows no byte twice that was shown before its frame was whole", function()
    local shown, said = open(LENGTH)
    arrive(shown, "boot")
    shown:silence()
    arrive(shown, "ing\r\n" .. reply(0, "x"))
    assert.same({ "| boot", "| ing" }, { said[1], said[2] })
    assert.matches("^< frame ", said[3])
  end)

  it("says what is no frame, and shows its bytes", function()
    local shown, said = open(LENGTH)
    local bytes = reply(0, "ok")
    arrive(shown, bytes:sub(1, -2) .. "?")
    assert.matches("^< 00000000  a5 5a", said[1])
    assert.matches("^%* no frame: .+ %(%d+ bytes%)$", said[2])
    arrive(shown, bytes)
    assert.matches("^< frame ", said[#said - 1])
  end)

  it("takes the device's text for text, also where the framing takes it for a frame that is too long", function()
    local shown, said = open(length { header = ">I2 scp I2 length", max = 4096 })
    arrive(shown, "SN=T1\r\n")
    arrive(shown, "\1\0\0\1x")
    assert.same({ "| SN=T1", "< frame scp=256, 1 byte of payload",
      "<   00000000  78                                                |x|" }, said)
  end)

  it("tells the framing of silence once, which may end a frame", function()
    local shown, said = open(raw { gap = true })
    arrive(shown, "\1\2")
    shown:silence()
    assert.equal(1, shown:patience())
    shown:silence()
    assert.is_nil(shown:patience())
    assert.same({ "< 00000000  01 02                                             |..|",
      "< frame 2 bytes of payload", "<   00000000  01 02                                             |..|" }, said)
  end)

  it("lets nothing of the device control the terminal", function()
    local shown, said = open(line {})
    arrive(shown, "\27[2J\27]0;title\7 red\r\n\194\155x\n")
    shown:silence()
    shown:show { kind = "lost", reason = "\27[2J" }
    assert.is_true(#said >= 2)
    for _, text in ipairs(said) do assert.is_nil(text:find("[%c\127]")) end
  end)

  it("holds back 64 KiB at most", function()
    local shown, said = open(raw { length = 1000000 })
    arrive(shown, ("\1"):rep(65536))
    assert.same({}, said)
    arrive(shown, "\1")
    assert.equal(257, #said)
    assert.equal("", shown.held)
  end)

  it("shows bytes as they are once the framing has failed", function()
    local broken = { host = { decoder = function() return { feed = function() error("oh\27", 0) end } end } }
    local shown, said = open(broken)
    arrive(shown, "\1")
    arrive(shown, "\2")
    assert.same({ "* the framing failed, and frames are not shown any more: oh\\x1b",
      "< 00000000  01                                                |.|",
      "< 00000001  02                                                |.|" }, said)
  end)

  it("shows 256 lines of text at once, and says how many more there are", function()
    local shown, said = open(LENGTH)
    arrive(shown, ("y\n"):rep(257))
    shown:settle()
    assert.same({ 257, "| y", "| … 1 more lines" }, { #said, said[256], said[257] })
  end)

  it("shows lines that are set, and begins to count anew when the port is opened", function()
    local shown, said = open(LENGTH)
    arrive(shown, "\0")
    shown:show { kind = "set", name = "dtr", value = false }
    shown:show { kind = "set", name = "baud", value = 9600 }
    shown:show { kind = "open", address = "tcp:x:1" }
    arrive(shown, "\1")
    shown:settle()
    assert.same({ "= dtr off", "= baud 9600", "* open: tcp:x:1",
      "< 00000000  01                                                |.|" }, said)
  end)
end)
