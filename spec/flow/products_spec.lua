-- The three examples as on a line: jig run, the simulator's device and factory_tool, judged by what these wrote.
-- What their recipes say of each status is in examples/*/recipe_spec.lua, on virtual time.

local station = require "spec.support.station"

-- Per product: its wire, and device fault, ERROR_CODE, the fault's name.
local PRODUCTS <const> = {
  thermostat = {
    wire = "length", listen = "pty",
    faults = {
      { "no-key-pair", 301, "factory_init.keygen" },
      { "unknown-factory", 302, "factory_init.unknown_factory" },
      { "no-memory", 311, "factory_provisioning.memory" },
      { "cannot-decrypt", 312, "factory_provisioning.decrypt" },
      { "unknown-command@init", 321, "firmware.unknown_command" },
      { "cannot-parse@provision", 322, "firmware.cannot_parse" },
    },
  },
  gateway = {
    wire = "ftcd", listen = "tcp",
    faults = {
      { "no-key-pair", 601, "factory_init.keygen" },
      { "unknown-factory", 602, "factory_init.unknown_factory" },
      { "no-memory", 611, "factory_provisioning.memory" },
      { "cannot-decrypt", 612, "factory_provisioning.decrypt" },
      { "unknown-command@init", 621, "firmware.unknown_command" },
      { "cannot-parse@provision", 609, "firmware.cannot_parse" },
      { "gone-mid-reply@init", 103, "connectivity.lost" },
    },
  },
  meter = {
    wire = "slip", listen = "pty",
    faults = {
      { "no-key-pair", 501, "factory_init.keygen" },
      { "unknown-factory", 502, "factory_init.unknown_factory" },
      { "no-memory", 511, "factory_provisioning.memory" },
      { "cannot-decrypt", 512, "factory_provisioning.decrypt" },
      { "unknown-command@init", 521, "firmware.unknown_command" },
      { "cannot-parse@provision", 522, "firmware.cannot_parse" },
    },
  },
}

local function openssl_fingerprint(pem)
  local told = station.execute("openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha1")
  return told:match("=([%x:]+)"):gsub(":", ""):lower()
end

-- The messages that reached the device, by their names.
local function messages(log)
  local list = {}
  for name in log:gmatch('"message":"(%w+)"') do list[#list + 1] = name end
  return table.concat(list, " ")
end

describe("the products", function()
  local place

  setup(function() place = station.place() end)
  teardown(function() place:close() end)

  -- Runs one: what jig came to, the last attempt's event, and the device's log. `more` has faults, buffer (words
  -- for the device), arguments (for jig), changes (of the recipe).
  local function run(name, more)
    local product = PRODUCTS[name]
    local words = { "--serial", "T100317" }
    table.move(more.buffer or {}, 1, 4, #words + 1, words)
    local device <close> = station.device(place, {
      wire = product.wire, listen = product.listen, faults = more.faults, arguments = words,
    })
    local result = station.run(place, {
      recipe = more.changes and place:recipe(name, more.changes) or "examples/" .. name,
      port = device.address, json = true, arguments = more.arguments,
    })
    return result, result.events[#result.events - 1], station.read(device.log)
  end

  local function check_pass(result, ended)
    assert.equal(0, result.exit)
    assert.equal(openssl_fingerprint(place.path .. "/T100317.pem"), ended.fingerprint)
    assert.equal(0, #result.audit:starts("report_error"))
  end

  for name, product in pairs(PRODUCTS) do
    describe(name, function()
      it("passes with the fingerprint of the certificate that the device stored", function()
        local result, ended = run(name, {})
        check_pass(result, ended)
        assert.equal(name == "thermostat" and "T100317" or nil, ended.serial)
      end)

      for _, case in ipairs(product.faults) do
        it("reports " .. case[1] .. " once, as " .. case[3], function()
          local result, ended = run(name, { faults = { case[1] } })
          assert.equal(1, result.exit)
          assert.equal(case[3], ended.fault.name)
          local reports = result.audit:starts("report_error")
          assert.equal(1, #reports)
          assert.equal(tostring(case[2]), reports[1].code)
          assert.equal(1, #result.audit:commits("reported"))
        end)
      end
    end)
  end

  it("thermostat: is tried again after a memory failure, when the station allows it", function()
    local result, ended = run("thermostat", { faults = { "no-memory#1" }, arguments = { "--retries", "1" } })
    assert.equal(0, result.exit)
    assert.equal(2, ended.attempt)
    assert.equal(1, #result.audit:starts("report_error"))
    assert.equal(2, #result.audit:commits("opened"))
  end)

  it("thermostat: is not begun when another serial number is expected", function()
    local result, ended = run("thermostat", { arguments = { "--serial-number", "T999999" } })
    assert.equal(1, result.exit)
    assert.equal("tool.serial", ended.fault.name)
    assert.equal(0, #result.audit:starts())
  end)

  for _, fault in ipairs { "split", "junk-before" } do
    it("gateway: passes with its trace between the frames, device fault " .. fault, function()
      local result, ended = run("gateway", { faults = { fault } })
      check_pass(result, ended)
    end)
  end

  it("meter: switches the mode, provisions, and locks, each once", function()
    local result, _, log = run("meter", {})
    assert.equal(0, result.exit)
    assert.equal("mode init provision lock", messages(log))
  end)

  it("meter: paces its writes for a buffer of 256 bytes", function()
    local buffer = { "--rx-chunk", "256", "--rx-gap", "20" }
    assert.equal(0, (run("meter", { buffer = buffer, changes = "base.port.gap = 0.05" })).exit)
    local result = run("meter", { buffer = buffer, changes = "base.port.chunk = nil; base.limits.exchange = 0.5" })
    assert.equal(1, result.exit)
  end)

  it("meter: opens no session when the mode switch fails", function()
    local result, ended = run("meter", { faults = { "unknown-command@mode" } })
    assert.equal(1, result.exit)
    assert.equal("mode_switch", ended.fault.phase)
    assert.equal(0, #result.audit:starts())
  end)

  it("meter: is manufactured with fault when the lock fails, and nothing is reported", function()
    local result, ended = run("meter", { faults = { "status=114@lock" } })
    assert.equal(1, result.exit)
    assert.equal("meter.locked", ended.fault.name)
    assert.is_true(ended.manufactured_with_fault)
    assert.equal(40, #ended.fingerprint)
    assert.equal(0, #result.audit:starts("report_error"))
  end)
end)
