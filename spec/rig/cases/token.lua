--- The token of examples/token on a real kernel: control requests, a mode switch by which it leaves the bus and comes
-- back as another product, events on a second interface.

local guest = require "spec.rig.guest"
local station = require "spec.support.station"

local function token(faults)
  local list = { "no-banner", table.unpack(faults or {}) }
  return guest.device { product = "token", serial = "T300117", program = guest.simulator("length", list) }
end

local function start(place, more)
  return station.start(place, { recipe = "examples/token", port = "usb:1209:5740", json = true, arguments = more })
end

local function ended(result, number)
  local list = {}
  for _, event in ipairs(result.events) do
    if event.event == "ended" then list[#list + 1] = event end
  end
  return list[number or 1]
end

describe("the token", function()
  it("is made, twice, and is back in boot mode each time", function()
    local place <close> = station.place()
    local device <close> = token()
    device:plug()
    for number = 1, 2 do
      local result <const> = start(place, number == 2 and { "--again", "made once more" } or nil):finish()
      assert.equal(0, result.exit, result.stderr .. result.stdout)
      local unit = ended(result)
      assert.equal("T300117", unit.serial)
      assert.equal(1, #result.audit:commits "handed")
      guest.figure(("the token: a unit with two re-enumerations in %.2f s"):format(unit.seconds))
    end
  end)

  it("says by an event what went wrong", function()
    local place <close> = station.place()
    local device <close> = token { "no-memory" }
    device:plug()
    local result = start(place):finish()
    assert.equal(1, result.exit, result.stderr)
    assert.equal("factory_provisioning.memory", ended(result).fault.name)
    local reported = result.audit:commits "reported"
    assert.equal(1, #reported)
    assert.equal(711, ended(result).fault.code)
  end)

  it("that leaves and does not come back opens no session", function()
    local place <close> = station.place()
    local device <close> = token()
    device:plug()
    local run <close> = start(place)
    device:await "left"
    device:unplug()
    local result = run:finish()
    assert.equal(1, result.exit, result.stderr)
    assert.equal(0, #result.audit:starts())
    guest.figure("the token: does not come back: " .. tostring(ended(result).fault.reason))
  end)

  it("that is pulled out while its event is awaited is reported once, and the next one is made", function()
    local place <close> = station.place()
    local device = token { "silence@init" }
    device:plug()
    local run <close> = start(place, { "--watch" })
    run:await("phase", "factory_init")
    device:unplug()
    device:close()
    run:await "ended"
    local next_one <close> = token()
    next_one:plug()
    guest.eventually("the next one is made", function()
      local n = 0
      for _, event in ipairs(run:events()) do n = n + (event.event == "ended" and 1 or 0) end
      return n == 2
    end)
    run:signal(15)
    local result = run:finish()
    assert.equal("connectivity.lost", ended(result, 1).fault.name)
    assert.is_true(ended(result, 2).passed, ended(result, 2).fault and ended(result, 2).fault.reason)
    assert.equal(1, #result.audit:commits "reported")
    assert.equal(1, #result.audit:commits "handed")
  end)
end)
