-- What is done to the ports of a played device, and what may go wrong with each.

local rig = require "jig.testing.rig"
local scratch = require "spec.support.scratch"
local testing = require "jig.testing"
local visitor = require "spec.support.visitor"

-- A run of a recipe that prepares so, with a device that has these settings; `actions`: by kind of effect.
local function run(prepare, device, actions)
  local folder <close> = scratch.folder { ["recipe.lua"] = visitor.RECIPE:format(prepare) }
  local plan = testing.load(folder.path)
  plan.device = { firmware = visitor.firmware, usb = { vid = 0x12, pid = 0x34, serial = "S1" }, wires = { [2] = {} } }
  for key, value in pairs(device or {}) do plan.device[key] = value end
  function plan.watch(effect)
    local action = (actions or {})[effect.kind]
    return action and (effect.phase == nil or effect.phase == "prepare") and action or nil
  end
  local made = rig.new(plan)
  made:run()
  made:close()
  for _, event in ipairs(made.events) do
    if event.event == "ended" then made.ended = event end
  end
  return made
end

local function fault_of(...)
  return (run(...).ended.fault or { name = "passed" })
end

local function last(made, kind)
  for i = #made.trail, 1, -1 do
    if made.trail[i].kind == kind then return made.trail[i] end
  end
end

local ASK <const> = "seen.told = unit.port:control { request_type = 0xC0, request = 7, length = 4 } "

describe("jig.testing.stage", function()
  it("has a device answer control requests, which takes time", function()
    local told
    local made = run(ASK .. "assert(seen.told == 'abcd')", { control = function(self, request)
      told = request
      assert.equal("S1", self.about.serial)
      return "abcdef"
    end })
    assert.is_true(made.ended.passed)
    assert.same({ request_type = 0xC0, request = 7, value = 0, index = 0, length = 4 }, told)
    local effect = last(made, "control")
    assert.same({ "c0/07", 4 }, { effect.what, effect.size })
    assert.is_true(last(made, "wait").seconds > 0)
  end)

  it("gives it what is sent, and true for what is only told", function()
    local told
    local made = run([[
      assert(unit.port:control { request_type = 0x40, request = 1, value = 2, index = 3, data = "\0xyz" } == true)
      assert(unit.port:control { request_type = 0xC0, request = 1, length = 9 } == "") ]],
      { control = function(_, request)
        told = told or request
        return true
      end })
    assert.is_true(made.ended.passed)
    assert.same({ request_type = 0x40, request = 1, value = 2, index = 3, length = 4, data = "\0xyz" }, told)
  end)

  it("has it refuse one, and have none", function()
    local refused = fault_of(ASK, { control = function() end })
    assert.equal("firmware.unknown_command", refused.name)
    assert.equal("T: the device refused control request c0/07 (stall)", refused.reason)
    assert.equal("connectivity.open", fault_of(ASK).name)
    assert.has_error(function() run(ASK, { control = function() return 7 end }) end)
  end)

  it("lets a request be refused, hang, or meet an unplugged device", function()
    local device = { control = function() return "abcd" end }
    assert.equal("firmware.unknown_command", fault_of(ASK, device, { control = { "refused", "no" } }).name)
    local hanging = fault_of(ASK, device, { control = "hang" })
    assert.same({ "connectivity.timeout", "control" }, { hanging.name, hanging.limit })
    assert.equal("connectivity.lost", fault_of(ASK, device, { control = { lose = "unplugged" } }).name)
  end)

  it("gives no late answer to the request that follows", function()
    local count = 0
    local made = run([[
      local first = { request_type = 0xC0, request = 1, length = 1, limit = 0 }
      local ok, thrown = pcall(unit.port.control, unit.port, first)
      assert(not ok and thrown.limit == "control")
      assert(unit.port:control { request_type = 0xC0, request = 2, length = 1 } == "2") ]],
      { control = function(_, request)
        count = count + 1
        return tostring(request.request)
      end })
    assert.is_true(made.ended.passed, made.ended.fault and made.ended.fault.reason)
    assert.equal(2, count)
  end)

  it("gives no answer of the time before to a device that is back", function()
    local made = run([[
      pcall(unit.port.control, unit.port, { request_type = 0xC0, request = 1, length = 9, limit = 0.1 })
      unit:reopen()
      local told = unit.port:control { request_type = 0xC0, request = 2, length = 9 }
      assert(told == "2", told) ]], { latency = 0.3, control = function(self, request)
        if request.request == 1 then self:leave { after = 0.15, away = 0.01 } end
        return tostring(request.request)
      end })
    assert.is_true(made.ended.passed, made.ended.fault and made.ended.fault.reason)
  end)

  it("knows which device an address means", function()
    local leaving = { control = function(self) self:leave() return "abcd" end }
    for options, name in pairs {
      ["vid = 0x12"] = "passed", ["pid = 0x34, serial = 'S1'"] = "passed",
      ["vid = 0x13"] = "connectivity.not_found", ["pid = 1"] = "connectivity.not_found",
      ["serial = 's1'"] = "connectivity.not_found", ["interface = 1"] = "connectivity.timeout",
    } do
      assert.equal(name, fault_of(ASK .. ("unit:reopen { %s }"):format(options), leaving).name, options)
    end
    leaving.usb = {}
    assert.equal("passed", fault_of(ASK .. "unit:reopen { vid = 1 }", leaving).name)
    for interface, name in pairs { [0] = "connectivity.open", [1] = "connectivity.open", [2] = "passed" } do
      assert.equal(name, fault_of(("unit:open { interface = %d }"):format(interface)).name)
    end
  end)

  it("has a device leave, and its wires be lost", function()
    local leaving = { control = function(self) self:leave { after = 0.5, pid = 9 } return "abcd" end }
    local made = run(ASK .. "unit.port:read(1)", leaving)
    assert.equal("connectivity.lost", made.ended.fault.name)
    assert.near(0.501, made.ended.seconds, 0.01)
    assert.equal("S1", last(made, "leave").serial)
    assert.equal("connectivity.lost", fault_of(ASK .. "unit:open { interface = 2 }:read(1)", leaving).name)
    assert.equal("passed", fault_of(ASK .. "unit:reopen { pid = 9 }", leaving).name)
  end)

  it("lets it not come back, or another come", function()
    local leaving = { control = function(self) self:leave() return "abcd" end }
    assert.equal("connectivity.not_found", fault_of(ASK .. "unit:reopen()", leaving, { leave = "never" }).name)
    local another = fault_of(ASK .. "unit:reopen()", leaving, { leave = "another" })
    assert.equal("tool.serial", another.name)
    assert.matches("S1-other", another.reason, 1, true)
  end)

  it("marks an opening that failed by itself", function()
    local made = run("pcall(unit.open, unit, { interface = 1 })")
    assert.is_true(last(made, "open").failed)
  end)
end)
