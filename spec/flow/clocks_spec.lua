-- The same recipe, device and CLI on virtual time and on the real clock do the same things in the same order; and
-- by one switch the recipe meets real programs.

local device = require "jig.testing.device"
local station = require "spec.support.station"
local testing = require "jig.testing"

-- Seconds of limits that pass here on the real clock; what does not wait for one is done well within it.
local SHORT <const> = 0.06

-- Per example: the wire of the simulator, and a reply with which its device fails.
local PRODUCTS <const> = {
  thermostat = { wire = "length", failing = { { status = 0x11 } } },
  gateway = { wire = "ftcd", failing = { { payload = "x" }, { status = 0x112 } } },
  meter = { wire = "slip", failing = { { status = 0 }, { status = 0x41 } } },
}

-- Name, what is changed, and what comes of it.
local CASES <const> = {
  { "passes", {} },
  { "fails by its status", { replies = "failing" } },
  { "is silent", { replies = {} }, "connectivity.timeout" },
  { "answers what no frame is", { replies = { "\xc0\x01\x02rubbish" } } },
  { "hangs up", { device = function(self) self:read_some() self:hang_up() end } },
  { "is refused by the CLI", { cli = { new_device = { exit = 3 } } }, "cli.refused" },
  { "is refused by the CLI later", { cli = { handle_device_response = { exit = 3, err = "no" } } }, "cli.refused" },
  { "meets a CLI that dies", { cli = { get_device_configuration = { signal = 9 } } }, "cli.killed" },
  { "meets a CLI that hangs", { cli = { get_device_configuration = { after = math.huge } },
    service = { limits = { get_device_configuration = SHORT } } }, "cli.timeout" },
  { "has its report refused", { replies = "failing", cli = { report_error = { exit = 1 } } } },
  { "is tried again", { replies = "failing", retries = 1 } },
}

-- What happened, in order: not when.
local function deeds(result)
  local list = {}
  for _, effect in ipairs(result.trail) do
    local call = effect.call or {}
    list[#list + 1] = table.concat({ effect.kind, effect.what, effect.size or effect.value or effect.limit or "",
      call.code or "", call.session or "" }, " ")
  end
  for _, event in ipairs(result.events) do
    list[#list + 1] = table.concat({ event.event, event.phase or "", event.code or "",
      event.fault and event.fault.name or "", event.fingerprint or "" }, " ")
  end
  return list
end

describe("virtual and real time", function()
  local place

  setup(function() place = station.place() end)
  teardown(function() place:close() end)

  -- Options of a case for an example, whose recipe has short limits.
  local function options_of(name, change)
    local own = testing.device("examples/" .. name .. "/")
    local options = {
      recipe = place:recipe(name, ("base.limits.exchange = %s"):format(SHORT)),
      device = own, cli = change.cli, service = change.service, retries = change.retries,
    }
    local replies = change.replies == "failing" and PRODUCTS[name].failing or change.replies
    if replies then options.device = device.replying(own, replies) end
    if change.device then
      options.device = device.replying(own, {})
      options.device.firmware = change.device
    end
    return options
  end

  for name, product in pairs(PRODUCTS) do
    describe(name, function()
      for _, case in ipairs(CASES) do
        it(case[1], function()
          local options = options_of(name, case[2])
          local virtual = testing.run(options)
          options.real = true
          local real = testing.run(options)
          assert.same(deeds(virtual), deeds(real))
          assert.equal(case[1] == "passes", real.passed)
          if case[3] then assert.failed(virtual, case[3]) end
        end)
      end

      it("passes with the simulator's programs by one switch", function()
        local options = {
          recipe = "examples/" .. name,
          real = true,
          cli = station.factory_tool,
          service = { env = { SIM_DIR = place:fresh("service") } },
        }
        local store = { "--store", place.path, "--serial", "T100317" }
        -- A line that resets the device takes a terminal; the others are reached by an address alone.
        local program <close> = name == "thermostat"
          and station.device(place, { wire = product.wire, arguments = store }) or nil
        options.device = program and program.address
          or ("exec:%s --wire %s --listen stdio %s"):format(station.simulator, product.wire,
            table.concat(store, " "))
        for _ = 1, 2 do -- the service does not take the same session twice
          local result = testing.run(options)
          assert.passed(result, station.execute("openssl", "x509", "-in", place.path .. "/T100317.pem", "-noout",
            "-fingerprint", "-sha1"):match("=([%x:]+)"):gsub(":", ""):lower())
          assert.not_reported(result)
          assert.equal(3, #result.calls)
          assert.equal("finished", result.sessions[1].state)
          assert.is_nil(result.written)
        end
        assert.equal(2, #station.audit(options.service.env.SIM_DIR):commits("handed"))
      end)
    end)
  end

  it("meets a real device that goes away, and a new one in the next attempt", function()
    local folder = place:recipe("gateway", "base.status[3].retry = true")
    local function run(fault)
      return testing.run {
        recipe = folder, real = true, retries = 1,
        cli = { new_device = { scp = 256, payload = "\1\x81\0\0" } }, -- which the simulator's firmware understands
        device = ("exec:%s --wire ftcd --listen stdio --fault %s"):format(station.simulator, fault),
      }
    end
    local gone = run("gone@init")
    assert.reported(gone, "connectivity.lost", 103)
    assert.equal(1, #gone.attempts)
    assert.equal(2, #run("no-memory@any").attempts)
  end)

  it("judges reports of a real CLI, too", function()
    local result = testing.run {
      recipe = "examples/gateway", real = true, cli = station.factory_tool,
      service = { env = { SIM_DIR = place:fresh("service") } },
      device = ("exec:%s --wire ftcd --listen stdio --fault no-memory"):format(station.simulator),
    }
    assert.reported(result, "factory_provisioning.memory", 611)
    assert.has_error(function() assert.sent(result, "00") end)
  end)
end)
