-- The wires of a unit: further ones of its device, and its port over one that came back.

local visitor = require "spec.support.visitor"
local wire = require "jig.wire"
local wires = require "jig.wires"

local GO <const>, LEAVES <const> = visitor.GO, visitor.LEAVES

-- A device that says something at interface 1 whenever it is asked.
local function says(bytes)
  return function(device)
    device:interface(1):write(bytes)
    return true
  end
end

local function failed(result, name, reason)
  assert.failed(result, name)
  assert.matches(reason, result.fault.reason, 1, true)
end

local function effects(result, kind)
  local list = {}
  for _, effect in ipairs(result.trail) do
    if effect.kind == kind then list[#list + 1] = effect.what end
  end
  return list
end

describe("jig.wires", function()
  it("opens a further wire, which is closed with the port", function()
    local result = visitor.run {
      prepare = "local events = unit:open { interface = 1 } " .. GO .. "assert(events:read(3) == 'abc')",
      device = { control = says "abc" },
    }
    assert.passed(result)
    assert.same({ "port", "interface 1" }, effects(result, "open"))
    assert.same({ "interface 1", "port" }, effects(result, "close"))
  end)

  it("writes to it, too", function()
    local result = visitor.run {
      prepare = "local other = unit:open { interface = 1 } other:write 'ping' assert(other:read(4) == 'pong')",
      device = {
        firmware = function(device)
          assert(device:interface(1):read(4) == "ping")
          device:interface(1):write "pong"
          visitor.firmware(device)
        end,
      },
    }
    assert.passed(result)
    assert.same(2, #result.received)
  end)

  it("throws what its opening meets", function()
    failed(visitor.run { prepare = "unit:open { interface = 2 }" }, "connectivity.open", "no such interface")
    failed(visitor.run { prepare = "unit:open {}" }, "connectivity.open", "open already")
    failed(visitor.run { prepare = "unit:open { interface = 1 } unit:open { interface = 1 }" }, "connectivity.open",
      "open already")
    failed(visitor.run { prepare = "unit:open { baud = 1 }" }, "connectivity.open", "'baud'")
    failed(visitor.run { prepare = "unit:open { interface = 1 }:read(1)" }, "connectivity.timeout", "'read'")
  end)

  it("bounds how many are open", function()
    local all = {}
    for number = 1, 8 do all[number] = {} end
    local eight = "for number = 1, 8 do seen[number] = unit:open { interface = number } end "
    assert.passed(visitor.run { prepare = eight, device = { wires = all } })
    failed(visitor.run { prepare = eight .. "unit:open { interface = 1 }", device = { wires = all } }, "tool.recipe",
      "unit:open: 8 wires are open already")
  end)

  it("refuses what is no option", function()
    failed(visitor.run { prepare = "unit:open()" }, "tool.recipe", "unit:open takes a table: { option = value… }")
    failed(visitor.run { prepare = "unit:reopen { pid = 1.5 }" }, "tool.recipe",
      "unit:reopen: an option of the address is a string, a whole number, true or false; pid is a float")
    failed(visitor.run { prepare = "unit:open { 'x' }" }, "tool.recipe", "1 is a string")
    failed(visitor.run { prepare = "unit.open { interface = 1 }" }, "tool.recipe", "with a colon")
  end)

  it("opens no wire of another device", function()
    for _, option in ipairs { "path = '1-2'", "vid = 1", "pid = 1", "serial = 'S1'", "path = false" } do
      failed(visitor.run { prepare = ("unit:open { interface = 1, %s }"):format(option) }, "tool.recipe",
        ("unit:open: a further wire is one of the unit's own device: %s says which device"):format(option:match "%w+"))
    end
  end)

  it("goes on at no other place than one that is known", function()
    local function truth_of(address, path)
      return { recipe = { limits = { reopen = 1 } }, slot = "A", address = address,
        handle = { about = function() return { path = path } end } }
    end
    for _, truth in ipairs { truth_of("usb:1:2?path=1-1"), truth_of("usb:1:2", "1-1") } do
      local ok, thrown = pcall(wires.reopen, truth, { path = "1-2" })
      assert.is_false(ok)
      assert.matches("unit:reopen: the device is looked for where it was: path is known", thrown, 1, true)
    end
    local result = visitor.run {
      prepare = GO .. "unit:reopen { path = '1-2', vid = 1, pid = 2 }",
      device = { control = LEAVES { pid = 2 } },
    }
    assert.passed(result) -- a place that nobody knows yet
  end)

  it("keeps the port over a device that is back, and ends further wires", function()
    local result = visitor.run {
      prepare = "seen.port, seen.events = unit.port, unit:open { interface = 1 } " .. GO .. [[
        unit:reopen { pid = 2 }
        assert(seen.port == unit.port)
        local ok, thrown = pcall(seen.events.read, seen.events, 1)
        assert(not ok and thrown.name == "connectivity.lost")
        unit:open { interface = 1 } ]],
      device = { control = LEAVES { pid = 2 } },
    }
    assert.passed(result)
    assert.same({ "port", "interface 1", "port", "interface 1" }, effects(result, "open"))
    assert.same({ "interface 1", "port", "interface 1", "port" }, effects(result, "close"))
  end)

  it("leaves a port that is lost when the device does not come back", function()
    local result = visitor.run {
      prepare = GO .. [[
        local ok, thrown = pcall(unit.reopen, unit, { pid = 9 })
        assert(not ok and thrown.name == "connectivity.not_found")
        unit.port:write "x" ]],
      device = { control = LEAVES() },
    }
    failed(result, "connectivity.lost", "T: the device has left, and is not back")
  end)

  it("has a further wire closed by the recipe, too", function()
    local result = visitor.run {
      prepare = [[
        do local events <close> = unit:open { interface = 1 } end
        unit:open { interface = 1 } ]],
    }
    assert.passed(result)
    assert.equal(3, #effects(result, "close"))
  end)

  it("takes over a port of somebody else's, and closes further ones of that before", function()
    local closed, truth, handle = 0, { wires = {} }, {}
    local port = wire.open("pair:adopted_port", "A", { open = 1 })
    for i = 1, 2 do
      local one = wire.open("pair:adopted", "A", { open = 1 })
      wire.on_close(one, function() closed = closed + 1 end)
      truth.wires[i] = { wire = one }
    end
    wires.adopt(truth, port, handle, "usb:1:2", { chunk = 3, gap = 1, fresh = true })
    assert.equal(2, closed)
    assert.same({ {}, "usb:1:2", { chunk = 3, gap = 1 } }, { truth.wires, truth.address, truth.pacing })
    assert.is_true(truth.port == port and truth.handle == handle)
    wires.adopt({}, port, handle, "usb:1:2")
    assert.is_false((pcall(function() local _ <close> = port end)))
    wire.close(port)
  end)

  it("keeps its port open, though the recipe would close it", function()
    local result = visitor.run { prepare = "do local port <close> = unit.port end" }
    failed(result, "tool.recipe", "unit.port is closed when the unit is over")
    assert.matches("recipe.lua:%d+$", result.fault.line)
    result = visitor.run {
      prepare = [[
        local ok, thrown = pcall(function()
          local port <close> = unit.port
          error "mine"
        end)
        assert(not ok and thrown:find "mine")
        ok = pcall(function() local port <close> = unit.port end)
        assert(not ok)
        unit.port:discard() ]],
    }
    assert.passed(result)
  end)

  it("goes on with no other device, and still knows which one it waits for", function()
    local result = visitor.run {
      prepare = GO .. [[
        local ok, thrown = pcall(unit.reopen, unit)
        assert(not ok and thrown.name == "tool.serial")
        ok, thrown = pcall(unit.port.write, unit.port, "x")
        assert(not ok and thrown.name == "connectivity.lost")
        unit:reopen() ]],
      device = { control = LEAVES { serial = "S2" } },
    }
    failed(result, "tool.serial", "it is S2, and the one that left was S1")
  end)

  it("counts the bytes of all of them", function()
    local function port(received, sent)
      return { counts = function() return received, sent end, close = function(self) self.closed = true end }
    end
    local truth = {
      wires = { { handle = port(1, 20) }, { handle = port(2, 30) } }, handle = port(4, 40),
      moved = { received = 8, sent = 100 },
    }
    assert.same({ 15, 190 }, { wires.disconnect(truth) })
    assert.is_true(truth.handle.closed and truth.wires[1].handle.closed and truth.wires[2].handle.closed)
  end)
end)
