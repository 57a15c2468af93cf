-- One wire of a played device: what the recipe's side sees of it is rig_spec's.

local line = require "jig.testing.line"
local length = require "jig.framing.length"

local framing = length { header = ">I2 length" }

-- A rig of what a line needs of one, whose clock goes on by `pass`.
local function rig()
  local made = {
    plan = { recipe = { framing = framing } }, trail = {}, taken = {}, taken_in = {}, taken_by = {}, answers = {},
    written = {}, attempt = 1, in_session = false, secrets = {}, fed = {}, lost = {}, now = 0, later = {},
    device = { latency = 1, take = function(self, bytes, number) self.got = { bytes, number } end },
  }
  made.world = {
    now = function() return made.now end,
    dead = function() return made.is_dead or false end,
    feed = function(_, name, bytes) table.insert(made.fed, { made.now, name, bytes }) end,
    lose = function(_, name, why) table.insert(made.lost, { name, why }) end,
  }
  function made:after(seconds, f) table.insert(self.later, { self.now + seconds, f }) end
  function made:keep_secret(bytes) self.secrets[bytes] = true end
  function made:note(kind, what, effect)
    effect.kind, effect.what = kind, what
    table.insert(self.trail, effect)
    return self.action
  end
  function made:pass(seconds)
    local till = self.now + seconds
    while self.later[1] and self.later[1][1] <= till do
      local due = table.remove(self.later, 1)
      self.now = due[1]
      due[2]()
    end
    self.now = till
  end
  return made
end

local function opened(number, own)
  local made = rig()
  local one = line.new(made, number or 0, own)
  one:opened(number and "device?interface=" .. number or "device")
  return one, made, one:of_device()
end

describe("jig.testing.line", function()
  it("has what is written arrive in its order, each at its time", function()
    local _, made, wire = opened()
    wire.arrive "a"
    made:pass(0.5)
    wire.arrive "b"
    made:pass(2)
    assert.same({ { 1, "device", "a" }, { 1.5, "device", "b" } }, made.fed)
    assert.same({ "text", "text" }, { made.trail[1].what, made.trail[2].what })
  end)

  it("has nothing arrive that is written or under way while nobody listens", function()
    local one, made, wire = opened()
    wire.arrive "a"
    one:closed()
    wire.arrive "b"
    made:pass(5)
    one:opened "device"
    made:pass(5)
    assert.same({}, made.fed)
  end)

  it("finds frames among what is written to the port, and what the port was given", function()
    local one, made, wire = opened()
    wire.arrive(framing.device.encode { payload = "answer" })
    one:take(framing.host.encode { payload = "message" })
    made:pass(1)
    assert.equal("frame", made.trail[1].what)
    assert.equal("answer", made.answers[1].payload)
    assert.equal("message", made.taken[1].payload)
    assert.same({ framing.host.encode { payload = "message" }, 0 }, made.device.got)
  end)

  it("knows the answer that an exchange waits for, which comes by the port alone", function()
    for number, expected in pairs { [0] = true, [2] = false } do
      local _, made, wire = opened(number > 0 and number or nil, number > 0 and framing or nil)
      made.awaits = 1
      wire.arrive("frame", { payload = "answer" })
      made:pass(1)
      assert.equal(expected, made.trail[1].awaited)
    end
  end)

  it("leaves alone what a further wire carries, but for frames of its own", function()
    local own = { device = { encode = function() return "E" end } }
    local one, made, wire = opened(2, own)
    wire.arrive "\0\1x"
    wire.arrive("E", { status = 7 })
    one:take "abc"
    made:pass(1)
    assert.same({ { "text", 2 }, { "frame", 2 } },
      { { made.trail[1].what, made.trail[1].wire }, { made.trail[2].what, made.trail[2].wire } })
    assert.equal(own.device.encode, made.trail[2].encode)
    assert.same({}, made.taken)
    assert.same({}, made.written)
    assert.same({ "abc", 2 }, made.device.got)
    assert.equal("device?interface=2", made.fed[1][2])
  end)

  it("does in place of an arrival what it is told", function()
    local _, made, wire = opened()
    made.action = { pieces = { { 0, "x" }, { 0.5, "y" } }, lose = "gone" }
    wire.arrive "ab"
    made:pass(1)
    made.action = nil
    made:pass(5)
    assert.same({ { 1, "device", "x" }, { 1.5, "device", "y" }, { 1.5, "device", "" } }, made.fed)
    assert.same({ { "device", "gone" } }, made.lost)
  end)

  it("keeps what is said in a session, and ends firmware that writes for ever", function()
    local _, made, wire = opened()
    made.in_session = true
    wire.arrive(framing.device.encode { payload = "a secret" })
    assert.is_true(made.secrets["a secret"])
    assert.has_error(function() wire.arrive(("x"):rep(64 * 1024 * 1024)) end)
  end)

  it("says nothing in a world that is dead", function()
    local _, made, wire = opened()
    wire.arrive "a"
    made.is_dead = true
    made:pass(2)
    assert.same({}, made.fed)
  end)
end)
