-- A link that repeats what was damaged, in the manner of XMODEM-CRC: blocks of 128 bytes with a number and a
-- CRC, each answered by ACK or NAK. It stands in an `exchange` hook with link = "arq"; the device speaks it
-- at the other end of a wire that is bad on purpose.

local check = require "jig.crc".new "CRC-16/XMODEM"
local hex = require "jig.hex"
local product = require "spec.support.product"

local SOH <const>, EOT <const>, ACK <const>, NAK <const>, START <const> = "\x01", "\x04", "\x06", "\x15", "C"
local SIZE <const> = 128
local BLOCK <const> = "B B c128 >I2" -- number, its complement, data, CRC; behind SOH

-- Seconds until an answer is given up, and of silence that ends rubbish.
local ANSWER <const>, SILENCE <const> = 0.05, 0.004

local function pack(number, data)
  return SOH .. BLOCK:pack(number, number ~ 0xff, data, check:sum(data))
end

-- The number and the data of a block without its SOH; nil when it is damaged.
local function unpack(bytes)
  local number, complement, data, sum = BLOCK:unpack(bytes)
  if number ~ 0xff == complement and check:sum(data) == sum then return number, data end
end

-- Both ends work on a `link`: read(n, seconds) -> bytes or nil at silence; write(bytes); log(what).

local function purge(link)
  while link.read(1, SILENCE) do end
end

-- Writes until it is acknowledged. The device's budget of patience ends this, or the recipe's limits.
local function send_until_ack(link, bytes)
  while true do
    link.write(bytes)
    local answer = link.read(1, ANSWER)
    if answer == ACK then return end
    link.log(answer == NAK and "resend" or "silence")
    purge(link)
  end
end

local function send(link, message)
  local mark
  repeat
    mark = link.read(1, ANSWER)
    if mark == EOT then link.write(ACK) end -- its ACK was lost: the other side is still sending
  until mark == START
  local text = (">s4"):pack(message)
  local number = 0
  for at = 1, #text, SIZE do
    number = (number + 1) & 0xff
    local data = text:sub(at, at + SIZE - 1)
    send_until_ack(link, pack(number, data .. ("\x1a"):rep(SIZE - #data)))
  end
  send_until_ack(link, EOT)
end

local function receive(link)
  local parts, expected, begun = {}, 1, false
  while true do
    if not begun then link.write(START) end
    local mark = link.read(1, ANSWER)
    local block = mark == SOH and link.read(BLOCK:packsize(), ANSWER)
    local number, data
    if block then number, data = unpack(block) end
    if number == expected then
      begun, expected = true, (expected + 1) & 0xff
      parts[#parts + 1] = data
      link.write(ACK)
    elseif number and number == (expected - 1) & 0xff then
      link.log "duplicate"
      link.write(ACK)
    elseif mark == EOT and begun then
      link.write(ACK)
      return ((">s4"):unpack(table.concat(parts)))
    elseif mark then
      purge(link)
      if begun then link.write(NAK) end
    end
  end
end

-- The host's end: a read that only its own limit ended is silence; any other failure ends the exchange.
local function host_link(unit)
  return {
    write = function(bytes) unit.port:write(bytes) end,
    log = function() end,
    read = function(n, seconds)
      local ok, got = pcall(unit.port.read, unit.port, n, seconds)
      if ok then return got end
      if got.limit ~= "read" then error(got, 0) end
    end,
  }
end

local function exchange(unit, request)
  local link = host_link(unit)
  send(link, request.payload)
  return receive(link)
end

-- The device: takes messages and answers each with an answer of its own, until the wire is closed. `spoil`
-- may change what it writes. `seen` gets the messages and what was logged.
local function device(seen, answers, spoil)
  return function(wire)
    local link = {
      log = function(what) seen[what] = (seen[what] or 0) + 1 end,
      write = function(bytes)
        bytes = spoil and spoil(bytes) or bytes
        if not wire:write(bytes) then error "gone" end
      end,
      read = function(n, seconds)
        local bytes, _, code = wire:read(n, seconds)
        if not bytes and code ~= "timeout" then error "gone" end
        return bytes
      end,
    }
    pcall(function()
      for _, answer in ipairs(answers) do
        seen[#seen + 1] = receive(link)
        send(link, answer)
      end
      while link.read(1, 60) do end
    end)
  end
end

local payload = {}
for i = 1, 1984 do payload[i] = string.char((i * 167 + i // 256) & 0xff) end
payload = table.concat(payload)

local plan = ("{ get_device_configuration = { stdout = 'SCP 257\\nPAYLOAD %s\\n' } }"):format(
  hex.encode(payload))

local function provision(t)
  local seen = {}
  local answers = { ("K"):rep(90), ("A"):rep(24) }
  local run = product.attempt {
    recipe = { exchange = exchange, link = "arq", limits = t.limits },
    device = device(seen, answers, t.spoil),
    address = t.address,
    cli = plan,
  }
  return run, seen, answers
end

describe("an ARQ link in an exchange hook", function()
  local function assert_provisioned(run, seen, answers)
    assert.is_true(run.result.passed, tostring(run.result.fault))
    assert.same({ "\x01\x81\0\0", payload }, { seen[1], seen[2] })
    assert.equal(2, #seen)
    local calls = run.folder:calls()
    for i, answer in ipairs(answers) do
      assert.equal(hex.encode(answer), calls[i + 1][3])
    end
  end

  it("carries both messages over a good wire, with no block sent again", function()
    local run <close>, seen, answers = provision {}
    assert_provisioned(run, seen, answers)
    assert.is_nil(seen.duplicate)
  end)

  for seed = 1, 3 do
    it(("carries them over a wire that loses and corrupts bytes (seed %d)"):format(seed), function()
      local run <close>, seen, answers = provision {
        address = ("fault:seed=%d,loss=0.0005,corrupt=0.0005:%%s"):format(seed),
      }
      assert_provisioned(run, seen, answers)
    end)
  end

  it("sends a block again when it is refused; the device gets the message once", function()
    local acks = 0
    local run <close>, seen, answers = provision { spoil = function(bytes)
      if bytes ~= ACK then return bytes end
      acks = acks + 1
      return acks % 4 == 0 and NAK or ACK -- taken, but called damaged: comes again as a duplicate
    end }
    assert_provisioned(run, seen, answers)
    assert.is_true(seen.duplicate >= 4)
  end)

  it("ends a device that refuses without end: what is sent again is bounded", function()
    local run <close>, seen = provision { spoil = function(bytes) return bytes == ACK and NAK or bytes end }
    assert.same({ "connectivity.lost", "blocks were sent again too often", "factory_init" },
      { run.result.fault.name, run.result.fault.reason, run.result.fault.phase })
    assert.same({}, { seen[1], seen[2] })
    assert.is_true(run.result.sent <= 12 * 4 + 65536)
    assert.is_true(run.result.reported)
  end)

  it("ends a device that is silent by the limit of the exchange", function()
    local run <close> = provision { limits = { exchange = 0.1 }, spoil = function() return "" end }
    assert.same({ "connectivity.timeout", "exchange" }, { run.result.fault.name, run.result.fault.limit })
    assert.is_true(run.result.reported)
  end)

  it("bounds the exchange alone: the reset behind a failure may write again", function()
    local written
    local run <close> = product.attempt {
      recipe = {
        link = "arq",
        exchange = function(unit)
          while true do unit.port:write(("x"):rep(1024)) end
        end,
        reset = function(unit) written = unit.fingerprint == nil and pcall(unit.port.write, unit.port, "reset") end,
      },
      device = function(wire)
        while wire:read_some() do end
      end,
    }
    assert.equal("blocks were sent again too often", run.result.fault.reason)
    assert.is_true(written)
  end)

  it("has no bound without link = \"arq\"", function()
    local run <close> = product.attempt {
      recipe = { exchange = function(unit)
        for _ = 1, 200 do unit.port:write(("x"):rep(1024)) end
        return "ok"
      end },
      device = function(wire)
        while wire:read_some() do end
      end,
    }
    assert.is_true(run.result.passed, tostring(run.result.fault))
  end)
end)
