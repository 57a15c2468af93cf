local cli = require "jig.testing.cli"
local hex = require "jig.hex"

local function called(made, ...)
  local call = made:call({ "factory_tool", ... }, 60, 1.5)
  return call, made:answer(call)
end

describe("jig.testing.cli", function()
  it("answers as the real one does where it is told nothing", function()
    local made = cli.new()
    local _, new = called(made, "new_device", "sid")
    assert.equal("SCP 256\nPAYLOAD " .. hex.encode(cli.usual.new_device.payload) .. "\n", new.out)
    local _, configured = called(made, "get_device_configuration", "sid", "00ff")
    assert.truthy(configured.out:find("^SCP 257\nPAYLOAD %x+\n$"))
    local _, handled = called(made, "handle_device_response", "sid", "00")
    assert.equal("FINGERPRINT " .. cli.usual.handle_device_response.fingerprint .. "\n", handled.out)
    local _, reported = called(made, "report_error", "sid", "-7", "a reason")
    assert.same({ out = "", after = cli.LATENCY }, reported)
  end)

  it("keeps each call with what it says", function()
    local made = cli.new()
    called(made, "new_device", "sid")
    called(made, "get_device_configuration", "sid", "00ff")
    called(made, "report_error", "sid", "-7", "a reason")
    called(made, "report_error", "sid", "8", "another")
    assert.equal(4, #made.calls)
    local new, configured, first, second = table.unpack(made.calls)
    assert.same({ "new_device", "sid", 1, 60, 1.5 }, { new.command, new.session, new.number, new.limit, new.at })
    assert.equal("\0\255", configured.response)
    assert.same({ -7, "a reason", 1 }, { first.code, first.reason, first.number })
    assert.same({ 8, "another", 2 }, { second.code, second.reason, second.number })
  end)

  it("finds the command behind fixed arguments", function()
    local call = cli.new():call({ "/opt/tool", "--profile", "line3", "new_device", "sid" }, 1, 0)
    assert.same({ "new_device", "sid" }, { call.command, call.session })
  end)

  it("answers as it is told, by a table or by a function of the call", function()
    local made = cli.new {
      new_device = { scp = 1, payload = "\0\255" },
      handle_device_response = { exit = 3, err = "no", after = 2 },
      report_error = function(call) return { exit = call.number == 1 and 1 or 0 } end,
    }
    local _, new = called(made, "new_device", "sid")
    assert.equal("SCP 1\nPAYLOAD 00ff\n", new.out)
    local _, handled = called(made, "handle_device_response", "sid", "00")
    assert.same({ out = "", exit = 3, err = "no", after = 2 }, handled)
    assert.equal(1, select(2, called(made, "report_error", "sid", "1", "r")).exit)
    assert.equal(0, select(2, called(made, "report_error", "sid", "1", "r")).exit)
  end)

  it("leaves what it was told as it is", function()
    local told = { new_device = { payload = "x" } }
    called(cli.new(told), "new_device", "sid")
    assert.same({ new_device = { payload = "x" } }, told)
  end)

  it("answers as a product's service does where that is said, and as usual elsewhere", function()
    local made = cli.new(nil, { new_device = { scp = 1, payload = "\1\2" } })
    assert.equal("SCP 1\nPAYLOAD 0102\n", select(2, called(made, "new_device", "sid")).out)
    assert.equal(cli.usual.get_device_configuration.payload, made.usual.get_device_configuration.payload)
    assert.equal(256, cli.usual.new_device.scp)
    local told = cli.new({ new_device = { exit = 3 } }, { new_device = { scp = 1 } })
    assert.equal(3, select(2, called(told, "new_device", "sid")).exit)
  end)

  it("says what no product's service answers", function()
    assert.is_nil(cli.mistake { new_device = { scp = 1 }, handle_device_response = { fingerprint = "00" } })
    for expected, given in pairs {
      ["cli: expected a table, got a string"] = "x",
      ["cli: there is no command 'format'"] = { format = {} },
      ["cli.new_device: expected a table, got a function"] = { new_device = print },
      ["cli.new_device: it gives no 'fingerprint'"] = { new_device = { fingerprint = "00" } },
      ["cli.report_error: it gives no 'exit'"] = { report_error = { exit = 1 } },
      ["cli.new_device.scp: expected a number, got a string"] = { new_device = { scp = "1" } },
    } do
      assert.equal(expected, cli.mistake(given))
    end
  end)

  it("refuses what nobody can be told", function()
    assert.has_error(function() cli.new { format_disk = {} } end, "cli: there is no command 'format_disk'")
    local made = cli.new { new_device = { status = 3 }, report_error = function() return 7 end }
    local call = made:call({ "factory_tool", "new_device", "sid" }, 1, 0)
    assert.has_error(function() made:answer(call) end, "cli.new_device: there is no 'status'")
    for key, value in pairs { scp = "1", payload = 7, fingerprint = 7, exit = "1", after = "1", deaf = 1 } do
      local odd = cli.new { new_device = { [key] = value } }
      local ok, message = pcall(odd.answer, odd, odd:call({ "factory_tool", "new_device", "sid" }, 1, 0))
      assert.is_false(ok)
      assert.truthy(message:find(("cli.new_device: %s: expected a "):format(key), 1, true), message)
    end
    call = made:call({ "factory_tool", "report_error", "sid", "1", "r" }, 1, 0)
    assert.has_error(function() made:answer(call) end,
      "cli.report_error: expected a table or a function that gives one, got number")
    assert.has_error(function() made:call({ "factory_tool", "--help" }, 1, 0) end,
      "not a call of the CLI: factory_tool --help")
  end)
end)
