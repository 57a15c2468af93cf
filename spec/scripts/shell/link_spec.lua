local clock = require "jig.clock"
local fault = require "jig.fault"
local link = require "jig.shell.link"
local peer = require "spec.peer"
local port = require "jig.port"
local scratch = require "spec.support.scratch"
local wires = require "spec.support.wires"

local LIMITS <const> = { open = 5, read = 5, write = 5, ready = 5 }

-- A link to an address, and what its hooks were told, as words.
local function new(address)
  local told = {}
  local function note(word)
    return function(event) told[#told + 1] = type(event) == "table" and event.kind or word end
  end
  return link.new({ address = address, limits = LIMITS, pacing = {}, name = "A", folder = "/" }, {
    sink = note(), opened = note "opened", lost = note "told of it", failed = note "failed",
    patience = function() return nil end, silence = note "silence",
  }), told
end

local function text(told) return table.concat(told, " ") end

describe("jig.shell.link", function()
  it("opens, hands what happens to one function, and closes", function()
    local one, told = new "pair:link1"
    local other <close> = assert(port.open "pair:link1")
    one:open()
    assert.is_true(one:is_open())
    one.wire:write("a")
    assert.equal("a", other:read(1))
    one:close()
    assert.is_false(one:is_open())
    assert.equal("open opened out", text(told))
  end)

  it("looks at what arrives while nobody reads, and lets others read it then", function()
    local one, told = new "pair:link2"
    local other <close> = assert(port.open "pair:link2")
    one:open()
    one:watch()
    other:write("abc")
    wires.eventually(function() return text(told):find("in$") end)
    one:pause()
    other:write("d")
    assert.equal("abcd", one.wire:read(4))
    one:watch()
    other:write("e")
    wires.eventually(function() return text(told):find("in in in$") end)
    one:pause()
    one:close()
  end)

  it("can be paused though the device never stops, and lets others have their turn", function()
    local MANY <const> = 100000000
    local one = new "nowhere"
    local pieces = 0
    one.tap = { trim = function() end, fetch = function()
      pieces = pieces + 1
      return pieces < MANY or nil, "it is over", "closed"
    end }
    one:watch()
    wires.eventually(function() return pieces > 10 end)
    one:pause()
    assert.is_true(pieces < MANY)
    local count = pieces
    clock.sleep(0.01)
    assert.equal(count, pieces)
  end)

  it("tells of silence as it is asked to", function()
    local one, told = new "pair:link3"
    local other <close> = assert(port.open "pair:link3")
    one.hooks.patience = function() return text(told):find("silence") == nil and 0.001 or nil end
    one:open()
    one:watch()
    wires.eventually(function() return text(told):find("silence") end)
    one:pause()
    one:close()
    other:close()
  end)

  it("throws when it cannot be opened, and keeps the address that it had", function()
    local one = new "pair:link4"
    local ok, thrown = pcall(one.open, one, "tty:/nowhere")
    assert.same({ false, "connectivity.not_found" }, { ok, fault.is(thrown) and thrown.name })
    one:open()
    assert.equal("pair:link4", one.plan.address)
    one:close()
  end)

  it("says that a wire is lost, which cannot be looked for, and opens it when told to", function()
    local one, told = new "pair:link5"
    local other = assert(port.open "pair:link5")
    one:open()
    one:watch()
    other:close()
    wires.eventually(function() return text(told):find("told of it") end)
    assert.is_nil(one.awaiting)
    assert.equal("open opened lost told of it", text(told))
    one:open()
    assert.is_true(one:is_open())
    one:close()
  end)

  it("gets a device again that was taken away and put back, and looks at it again", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/dut"
    local first = assert(peer.pty())
    scratch.run { "ln", "-s", first:path(), path }
    local one, told = new("tty:" .. path)
    one.hooks.opened = function() one:watch() end
    one:open()
    first:close()
    os.remove(path)
    wires.eventually(function() return text(told):find("told of it") end)
    assert.is_not_nil(one.awaiting)
    local second <close> = assert(peer.pty(true))
    scratch.run { "ln", "-s", second:path(), path }
    wires.eventually(function() return one:is_open() end)
    wires.write(second, "hello")
    wires.eventually(function() return text(told):find("open in$") end)
    one:pause()
    one:close()
  end)

  it("looks for a device no longer when it is closed", function()
    local one = new "tty:/nowhere/at/all"
    assert.is_true(one:await())
    local looking = one.awaiting
    one:close()
    assert.is_true(looking:join(5))
    assert.is_nil(one.awaiting)
  end)

  it("tells why it looks no longer where what it tells fails", function()
    local one, told = new "pair:link6"
    local other <close> = assert(port.open "pair:link6")
    one:open()
    one.hooks.sink = function() error "broken" end
    one:watch()
    other:write("x")
    wires.eventually(function() return text(told):find("failed") end)
    clock.sleep(0)
    one:close()
  end)
end)
