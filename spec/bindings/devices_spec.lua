-- What jig.port knows of devices; present and schemes are in port_spec.lua. That events are told is in
-- spec/transports/udev_spec.lua; here nothing is plugged in.

local clock = require "jig.clock"
local port = require "jig.port"
local task = require "jig.task"

local SHORT <const> = 0.01

describe("port.change", function()
  it("counts what has changed, and gives the same count when its limit has passed", function()
    local seen = assert(port.change(0))
    assert.equal("integer", math.type(seen))
    local began = clock.now()
    assert.equal(seen, port.change(SHORT, seen))
    assert.equal(seen, port.change(SHORT))
    assert.is_true(clock.now() - began >= 2 * SHORT)
  end)

  it("does not wait when something has changed since", function()
    local seen = port.change(0)
    assert.equal(seen, port.change(nil, seen - 1))
    assert.equal(seen, port.change(60, 0))
  end)

  it("is ended by an interrupt, and by limits outside", function()
    local result
    local waiting = task.spawn(function() result = { port.change(60) } end)
    clock.sleep(0.001)
    waiting:interrupt()
    assert.is_true(waiting:join(5))
    assert.same({ nil, "port.change: interrupted", "interrupted" }, { result[1], result[2], result[3] })
    assert.is_true(task.spawn(function()
      local limit <close> = task.limit("unit", SHORT)
      result = { port.change(60) }
    end):join(5))
    assert.same({ n = 4, nil, "port.change: the limit 'unit' of 0.01 s passed", "timeout", "unit" },
      { n = 4, result[1], result[2], result[3], result[4] })
  end)

  it("leaves nothing behind when who waits is dropped, or goes on after an error", function()
    local waiting = task.spawn(function()
      pcall(table.sort, { 1, 2 }, function() return port.change(SHORT) end)
      return port.change(SHORT)
    end)
    assert.same({ true, port.change(0) }, { waiting:join(5) })
    collectgarbage()
  end)

  it("raises for what makes no sense", function()
    assert.error_matches(function() port.change(-1) end, "seconds must be 0 or more")
    assert.error_matches(function() port.change(0 / 0) end, "seconds must be 0 or more")
    assert.error_matches(function() port.change "soon" end, "number expected")
    assert.error_matches(function() port.change(1, 1.5) end, "no integer representation")
  end)
end)
