local testing = require "jig.testing"

local RECIPE <const> = "examples/token"
local BOOT <const>, PROVISIONING <const> = 0x5740, 0x5742

local OWN <const> = testing.device(RECIPE .. "/")

-- The token of device.lua with something changed.
local function run(change, more)
  local device = {}
  for key, value in pairs(OWN) do device[key] = value end
  for key, value in pairs(change) do device[key] = value end
  local options = { recipe = RECIPE, device = device }
  for key, value in pairs(more or {}) do options[key] = value end
  return testing.run(options)
end

-- Firmware whose events have these statuses, one for each message. With a failure nothing else is sent.
local function telling(...)
  local statuses = { ... }
  return { firmware = function(device)
    for number, status in ipairs(device.about.pid == PROVISIONING and statuses or {}) do
      device:receive()
      device:interface(1):send { number = number, status = status }
      if status == 0 then device:send { payload = "answer" } end
    end
  end }
end

-- Control requests that were made, as request type and request, and how often the token left.
local function requests(result)
  local list, left = {}, 0
  for _, effect in ipairs(result.trail) do
    if effect.kind == "control" then list[#list + 1] = effect.what end
    if effect.kind == "leave" then left = left + 1 end
  end
  return list, left
end

-- What was done, in order.
local function deeds(result)
  local list = {}
  for _, effect in ipairs(result.trail) do
    if effect.kind ~= "wait" and effect.kind ~= "record" then list[#list + 1] = effect.kind .. " " .. effect.what end
  end
  return list
end

-- The token's answer to STATE is another; else as it is.
local function answering(state)
  return { control = function(device, request)
    return request.request == 0x02 and state or OWN.control(device, request)
  end }
end

describe("token", function()
  it("is switched to its other mode, provisioned, and put back", function()
    local result = testing.run { recipe = RECIPE }
    assert.passed(result)
    assert.equal("T300117", result.serial)
    assert.equal(2, #result.received)
    local made, left = requests(result)
    assert.same({ "c0/02", "40/01", "40/01" }, made)
    assert.equal(2, left)
    assert.equal("open port", deeds(result)[#deeds(result) - 1]) -- it is back when the unit is over
  end)

  for status, expected in pairs {
    [0x0101] = { "factory_init.keygen", 701 },
    [0x0102] = { "factory_init.unknown_factory", 702 },
    [0x0201] = { "factory_provisioning.memory", 711 },
    [0x0202] = { "factory_provisioning.decrypt", 712 },
    [0x0301] = { "firmware.unknown_command", 721 },
    [0x0302] = { "firmware.cannot_parse", 722 },
    [0x7777] = { "firmware.unknown_status", 203 },
  } do
    it(("reports an event with status 0x%04x once, as %s"):format(status, expected[1]), function()
      for _, device in ipairs { telling(status), telling(0, status) } do
        local result = run(device)
        assert.reported(result, expected[1], expected[2])
        assert.same({ "c0/02", "40/01" }, (requests(result))) -- it stays as it is
      end
    end)
  end

  it("takes a token that was left in provisioning mode, where its place alone is looked at", function()
    local result = run { usb = { vid = 0x1209, pid = PROVISIONING, serial = "T300117" } }
    assert.passed(result)
    local made, left = requests(result)
    assert.same({ { "c0/02", "40/01" }, 1 }, { made, left })
  end)

  it("reports an event that belongs to another message", function()
    assert.reported(run { firmware = function(device)
      device:receive()
      device:interface(1):send { number = 7, status = 0 }
    end }, "token.event", 731)
  end)

  it("reports what is no event", function()
    assert.reported(run { firmware = function(device)
      device:receive()
      device:interface(1):write "\x54\1\0\0"
    end }, "token.event", 731)
  end)

  it("reports an answer that does not follow its event", function()
    assert.reported(run { firmware = function(device)
      device:receive()
      device:interface(1):send { number = 1, status = 0 }
    end }, "connectivity.timeout", 104)
  end)

  it("opens no session with a token of another protocol", function()
    local result = run(answering "\0\2T300117")
    assert.failed(result, "token.version", 732)
    assert.equal(0, #result.calls)
  end)

  it("opens no session with a token that refuses to be switched", function()
    local result = run { control = function(device, request)
      return request.request ~= 0x01 and OWN.control(device, request) or nil
    end }
    assert.failed(result, "firmware.unknown_command", 201)
    assert.equal(0, #result.calls)
  end)

  it("opens no session when the token does not come back, or another one does", function()
    local function leaving(plan)
      return { control = function(device, request)
        if request.request == 0x01 then device:leave(plan) return true end
        return OWN.control(device, request)
      end }
    end
    local late = run(leaving { pid = PROVISIONING, away = 6 })
    assert.failed(late, "connectivity.not_found", 101)
    assert.matches("limits.reopen (5 s) has passed", late.fault.reason, 1, true)
    assert.failed(run(leaving { pid = BOOT }), "connectivity.not_found", 101)
    local other = run(leaving { pid = PROVISIONING, serial = "T300118" })
    assert.failed(other, "tool.serial", 906)
    assert.matches("it is T300118, and the one that left was T300117", other.fault.reason, 1, true)
    assert.equal(0, #late.calls + #other.calls)
  end)

  it("is manufactured with fault when it cannot be put back, or does not come back", function()
    for name, answer in pairs {
      ["firmware.unknown_command"] = function() return nil end,
      ["connectivity.timeout"] = function() return true end,
      ["connectivity.not_found"] = function(device) return device:leave { pid = BOOT, away = 60 } or true end,
    } do
      local result = run { control = function(device, request)
        if request.request == 0x01 and request.value == 0 then return answer(device) end
        return OWN.control(device, request)
      end }
      assert.failed(result, name)
      assert.not_reported(result)
      assert.is_true(result.ended.manufactured_with_fault)
    end
  end)

  it("refuses what it does not know, as the device of its proof", function()
    local function ask(text)
      local result = run { control = function(device)
        return OWN.control(device, { request_type = text[1], request = text[2], value = text[3] or 0 })
      end }
      return result.fault.name
    end
    for _, request in ipairs { { 0xC0, 0x03 }, { 0x40, 0x01, 2 }, { 0xC0, 0x01 }, { 0x40, 0x02 } } do
      assert.equal("firmware.unknown_command", ask(request))
    end
  end)

  it("does the same on the real clock", function()
    local virtual, real = testing.run { recipe = RECIPE }, testing.run { recipe = RECIPE, real = true }
    assert.passed(real)
    assert.same(deeds(virtual), deeds(real))
  end)
end)
