-- What holds for every wire, whatever carries it.

local clock = require "jig.clock"
local peer = require "spec.peer"
local proc = require "jig.proc"
local task = require "jig.task"
local wires = require "spec.support.wires"

local kinds = { "tty", "tcp", "tls", "exec", "pair", "usb" }

local wrappings = {
  { "", "" },
  { "fault without faults around ", "fault::" },
  { "fault with splits and delays around ", "fault:seed=7,split=1500,delay=0.001:" },
}

local all_bytes = {}
for i = 0, 255 do all_bytes[i + 1] = string.char(i) end
all_bytes = table.concat(all_bytes)

-- A value that differs at every place of a long text.
local function long(n)
  local parts = {}
  for i = 1, n // 4 do parts[i] = string.pack("<I4", i * 2654435761 % 0x100000000) end
  return table.concat(parts)
end

-- Lets the tasks that were just spawned run until they wait.
local function let_run()
  clock.sleep(0.001)
end

local function contract(make, prefix)
  local function wire_of(options)
    options = options or {}
    options.prefix = prefix
    return make(options)
  end

  it("carries every byte value unchanged, both ways", function()
    local wire <close> = wire_of()
    local p <close> = wire:open()
    for _, bytes in ipairs { "\0", "\xFF", "\r", "\n", "\x03\x04\x11\x13\x1A\x1C\x7F", all_bytes } do
      assert.is_true(p:write(bytes, 5))
      assert.equal(bytes, p:read(#bytes, 5))
    end
  end)

  it("carries 64 kB out and back while both directions are busy", function()
    local wire <close> = wire_of()
    local p <close> = wire:open()
    local bytes = long(65536)
    local writer = task.spawn(function() return p:write(bytes, 20) end)
    local got = p:read(#bytes, 20)
    assert.is_true(got == bytes)
    assert.same({ true, true }, { writer:join(5) })
  end)

  it("counts what it received and sent", function()
    local wire <close> = wire_of()
    local p <close> = wire:open()
    local received, sent = p:counts()
    p:write("12345", 5)
    p:read(5, 5)
    assert.same({ received + 5, sent + 5 }, { p:counts() })
  end)

  it("ends a write that nobody takes at its limit", function()
    local wire <close> = wire_of { mute = true }
    local p <close> = wire:open()
    local from = clock.now()
    local ok, message, code = p:write(("x"):rep(16 << 20), 0.05)
    assert.same({ nil, "timeout" }, { ok, code })
    assert.is_string(message)
    assert.is_true(clock.now() - from >= 0.05)
  end)

  it("ends a read at its limit and keeps what had arrived", function()
    local wire <close> = wire_of()
    local p <close> = wire:open()
    p:write("ab", 5)
    local from = clock.now()
    local ok, _, code = p:read(3, 0.05)
    assert.same({ nil, "timeout" }, { ok, code })
    assert.is_true(clock.now() - from >= 0.05)
    assert.equal("ab", p:read(2, 5))
  end)

  it("refuses a second reader and lets the first go on", function()
    local wire <close> = wire_of()
    local p <close> = wire:open()
    local first = task.spawn(function() return p:read(2, 5) end)
    let_run()
    local fine, result, message = pcall(p.read, p, 1, 5)
    assert.matches("already wait", tostring(fine and message or result))
    p:write("ok", 5)
    assert.same({ true, "ok" }, { first:join(5) })
  end)

  it("wakes a waiting reader when it is closed", function()
    local wire <close> = wire_of { mute = true }
    local p <close> = wire:open()
    local reader = task.spawn(function() return select(3, p:read(1, 5)) end)
    let_run()
    p:close()
    assert.same({ true, "closed" }, { reader:join(5) })
  end)

  it("wakes a waiting writer when it is closed", function()
    local wire <close> = wire_of { mute = true }
    local p <close> = wire:open()
    local writer = task.spawn(function() return select(3, p:write(("x"):rep(16 << 20), 5)) end)
    let_run()
    p:close()
    assert.same({ true, "closed" }, { writer:join(5) })
  end)

  it("may be closed twice, and raises when it is used after that", function()
    local wire <close> = wire_of()
    local p = wire:open()
    p:close()
    p:close()
    assert.has_error(function() p:write("x", 1) end)
  end)

  it("hands out what had arrived before it says that the other side is gone, again and again",
    function()
      local wire <close> = wire_of()
      local p <close> = wire:open()
      p:write("abc", 5)
      assert.equal("abc", p:read(3, 5))
      p:unread("abc")
      wire:hangup()
      assert.equal("a", p:read(1, 5))
      local ok, message, code = p:read(3, 5)
      assert.same({ nil, "lost" }, { ok, code })
      assert.equal("bc", p:read(2, 5))
      assert.same({ nil, message, "lost" }, { p:read(1, 5) })
      assert.same({ nil, message, "lost" }, { p:write("x", 5) })
      assert.same({ nil, message, "lost" }, { p:drain(5) })
    end)

  it("tells a waiting reader that the other side is gone", function()
    local wire <close> = wire_of { mute = true }
    local p <close> = wire:open()
    local reader = task.spawn(function() return select(3, p:read(1, 5)) end)
    let_run()
    wire:hangup()
    assert.same({ true, "lost" }, { reader:join(5) })
  end)

  it("discards what has arrived and returns it", function()
    local wire <close> = wire_of()
    local p <close> = wire:open()
    p:write("abc", 5)
    p:unread(p:read(3, 5))
    assert.equal("abc", p:discard())
    assert.equal("", p:discard())
    p:write("d", 5)
    assert.equal("d", p:read(1, 5))
  end)

  it("drains", function()
    local wire <close> = wire_of()
    local p <close> = wire:open()
    p:write("abc", 5)
    assert.is_true(p:drain(5))
    assert.equal("abc", p:read(3, 5))
  end)

  it("refuses a setting that does not exist, by name", function()
    local wire <close> = wire_of()
    local p <close> = wire:open()
    local ok, message, code = p:set("colour", 1)
    assert.same({ nil, "unsupported" }, { ok, code })
    assert.matches("colour", message)
  end)

  it("leaves no descriptor and no process behind", function()
    local function use()
      local wire <close> = wire_of()
      local p <close> = wire:open()
      p:write("x", 5)
      assert.equal("x", p:read(1, 5))
    end
    use()
    collectgarbage()
    wires.eventually(function() return proc.running() == 0 end)
    local before = peer.descriptors()
    use()
    collectgarbage()
    wires.eventually(function() return proc.running() == 0 and peer.descriptors() <= before end)
  end)
end

for _, wrapping in ipairs(wrappings) do
  local title, prefix = table.unpack(wrapping)
  for _, kind in ipairs(kinds) do
    describe("a wire: " .. title .. kind, function() contract(wires.kinds[kind], prefix) end)
  end
end
