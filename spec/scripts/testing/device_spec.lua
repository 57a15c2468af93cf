local device = require "jig.testing.device"
local length = require "jig.framing.length"

local FRAMING <const> = length {
  header = ">I2 scp I2 length",
  reply = ">I2 scp I2 length B status",
  crc = "CRC-16/IBM-3740",
  max = 1000,
}

-- A device with a wire whose time is moved by hand.
local function plugged(description)
  local wire = { said = {}, frames = {}, timers = {} }
  function wire.arrive(bytes, frame)
    table.insert(wire.said, bytes)
    table.insert(wire.frames, frame or false)
  end
  function wire.after(seconds, f) table.insert(wire.timers, { seconds, f }) end
  function wire.lose(why) wire.lost = why end
  local made = device.new(description, FRAMING, wire)
  return made, wire
end

local function request(payload, scp)
  return FRAMING.host.encode { scp = scp or 7, payload = payload }
end

describe("jig.testing.device", function()
  it("answers each message as the list says, and then no more", function()
    local made, wire = plugged {
      { payload = "one" }, "raw", false, function(message) return { payload = message.payload:upper(), status = 2 } end,
    }
    made:opened()
    for _, payload in ipairs { "a", "b", "c", "d", "e" } do made:take(request(payload)) end
    assert.same({ "one", "D" }, { wire.frames[1].payload, wire.frames[3].payload })
    assert.equal("raw", wire.said[2])
    assert.equal(3, #wire.said)
    assert.equal(2, wire.frames[3].status)
  end)

  it("fills in the header of a reply from the message, with status 0", function()
    local made, wire = plugged { { payload = "x" } }
    made:opened()
    made:take(request("a", 257))
    assert.same({ 257, 0 }, { wire.frames[1].scp, wire.frames[1].status })
    local frame = FRAMING.host.decoder():feed(wire.said[1])
    assert.equal("x", frame.payload)
  end)

  it("takes messages in any pieces, and passes damaged ones over", function()
    for size = 1, 12 do
      local made, wire = plugged { { payload = "whole" } }
      made:opened()
      local bytes = request("abcdef")
      local damaged = bytes:sub(1, -2) .. string.char(bytes:byte(-1) ~ 1)
      for stream in (damaged .. bytes):gmatch(("."):rep(size, "?")) do
        if stream ~= "" then made:take(stream) end
      end
      assert.equal("whole", wire.frames[1] and wire.frames[1].payload, "pieces of " .. size)
      assert.equal("abcdef", made.received[1].payload)
    end
  end)

  it("runs firmware that reads and writes as plain code", function()
    local got = {}
    local made, wire = plugged(function(self)
      got[1] = self:read(3)
      got[2] = self:read_until("\r\n")
      self:write("ok\0\255")
      got[3] = self:read_some()
      self:hang_up()
    end)
    made:opened()
    for _, bytes in ipairs { "a", "", "bcde", "\r", "\nrest" } do made:take(bytes) end
    assert.same({ "abc", "de\r\n", "rest" }, got)
    assert.same({ "ok\0\255" }, wire.said)
    assert.truthy(wire.lost)
  end)

  it("sleeps, and keeps what comes meanwhile", function()
    local made, wire = plugged(function(self)
      self:sleep(2)
      self:write(self:read_some())
    end)
    made:opened()
    made:take("early")
    assert.same({}, wire.said)
    assert.equal(2, wire.timers[1][1])
    wire.timers[1][2]()
    assert.same({ "early" }, wire.said)
  end)

  it("is silent until its reset line is let go, and starts afresh each time", function()
    local made, wire = plugged { reset = "dtr", firmware = function(self)
      self:write("banner")
      self:write(self:read_some())
    end }
    made:opened()
    made:take("lost")
    assert.same({}, wire.said)
    made:set("rts", 1)
    assert.same({}, wire.said)
    made:set("dtr", 0)
    made:set("dtr", 1)
    assert.same({ "banner" }, wire.said)
    made:set("dtr", 0)
    made:take("while it is held")
    made:set("dtr", 1)
    assert.same({ "banner", "banner" }, wire.said)
    made:take("x")
    assert.same({ "banner", "banner", "x" }, wire.said)
  end)

  it("writes its banner whenever it starts", function()
    local made, wire = plugged { reset = "dtr", banner = { "SN=1\r\n", "ready\r\n" }, firmware = { "x" } }
    made:opened()
    assert.same({}, wire.said)
    made:set("dtr", 1)
    made:set("dtr", 0)
    made:set("dtr", 1)
    made:take(request "a")
    assert.same({ "SN=1\r\n", "ready\r\n", "SN=1\r\n", "ready\r\n", "x" }, wire.said)
    made, wire = plugged { banner = "hello", firmware = {} }
    made:opened()
    assert.same({ "hello" }, wire.said)
  end)

  it("is like another with replies of its own", function()
    local like = { reset = "dtr", banner = "b", latency = 1, firmware = function() end }
    assert.same({ reset = "dtr", banner = "b", latency = 1, firmware = { "x" } }, device.replying(like, { "x" }))
    assert.same({ firmware = { "x" } }, device.replying(function() end, { "x" }))
    assert.same({ firmware = { "x" } }, device.replying({ "y" }, { "x" }))
  end)

  it("gives up firmware that computes for ever, or sleeps no time for ever", function()
    for _, case in ipairs {
      { function() while true do end end, "device_spec.lua:%d+: the device's firmware computes and computes" },
      { function(self) while true do self:sleep(0) end end, "device_spec.lua:%d+: the device's firmware sleeps 0 s" },
    } do
      local made, wire = plugged(case[1])
      local ok, message = pcall(function()
        made:opened()
        for i = 1, math.huge do wire.timers[i][2]() end
      end)
      assert.is_false(ok)
      assert.truthy(message:find(case[2]), message)
    end
  end)

  it("says which reply is none", function()
    local made = plugged { "fine", function() return 7 end }
    made:opened()
    made:take(request "a")
    local ok, message = pcall(made.take, made, request "b")
    assert.is_false(ok)
    assert.truthy(message:find("reply 2 of the device: expected a frame, bytes, or false for silence, got a number"))
  end)

  it("wakes no firmware that was restarted while it slept", function()
    local made, wire = plugged { reset = "dtr", firmware = function(self)
      self:sleep(1)
      self:write("awake")
    end }
    made:opened()
    made:set("dtr", 1)
    made:set("dtr", 0)
    made:set("dtr", 1)
    wire.timers[1][2]()
    assert.same({}, wire.said)
    wire.timers[2][2]()
    assert.same({ "awake" }, wire.said)
  end)

  it("raises what the firmware raises, with its line", function()
    local made = plugged(function(self)
      self:read(1)
      error("no such command")
    end)
    made:opened()
    local ok, message = pcall(made.take, made, "x")
    assert.is_false(ok)
    assert.truthy(message:find("device_spec.lua:%d+: no such command"))
  end)

  it("refuses what is no device", function()
    for _, case in ipairs {
      { 7, "got number" },
      { { firmware = 7 }, "got number" },
      { { firmware = {}, baud = 9600 }, "no 'baud'" },
      { { firmwear = {} }, "no 'firmwear'" },
      { { reset = "dtr" }, "needs firmware" },
      { { firmware = {}, cli = { new_device = 7 } }, "the device's cli.new_device: expected a table, got a number" },
    } do
      local ok, message = pcall(device.new, case[1], FRAMING, {})
      assert.is_false(ok)
      assert.truthy(message:find(case[2], 1, true), message)
    end
  end)

  it("says what the service answers to its product", function()
    local service = { new_device = { scp = 1 } }
    assert.equal(service, device.service { firmware = {}, cli = service })
    assert.equal(service, device.service(device.replying({ firmware = {}, cli = service }, {})))
    assert.is_nil(device.service { { payload = "a" } })
    assert.is_nil(device.service(function() end))
  end)

  it("lets nobody but the firmware wait", function()
    local made = plugged(function(self) self:read(1) end)
    made:opened()
    local ok, message = pcall(made.read, made, 1)
    assert.is_false(ok)
    assert.truthy(message:find("only the device's own firmware", 1, true))
  end)

  it("ends a message by silence where nothing else does", function()
    local wire = { said = {}, timers = {} }
    function wire.arrive(bytes) table.insert(wire.said, bytes) end
    function wire.after(seconds, f) table.insert(wire.timers, { seconds, f }) end
    local raw = require "jig.framing.raw" { gap = true }
    local made = device.new({ function(message) return { payload = message.payload:upper() } end }, raw, wire)
    made:opened()
    made:take("ab")
    assert.equal(device.SILENCE, wire.timers[1][1])
    made:take("cd")
    wire.timers[1][2]() -- of the first piece, behind which more came
    assert.same({}, wire.said)
    wire.timers[2][2]()
    assert.same({ "ABCD" }, wire.said)
  end)
end)
