local clock = require "jig.clock"
local fault = require "jig.fault"
local port = require "jig.port"
local product = require "spec.support.product"
local raw = require "jig.framing.raw"
local scratch = require "spec.support.scratch"
local task = require "jig.task"
local units = require "jig.unit"

local SHORT <const> = 0.005
local LONG <const> = 60

local codec = product.framing.device

-- An attempt whose `run` is this; the device answers rightly unless told otherwise.
local function with_run(run, more)
  local t = { recipe = { run = run } }
  for key, value in pairs(more or {}) do
    if key == "recipe" then
      for name, field in pairs(value) do t.recipe[name] = field end
    else
      t[key] = value
    end
  end
  return product.attempt(t)
end

local function complete(unit)
  local init = unit:new_device()
  local provisioning = unit:get_device_configuration(unit:exchange(init))
  unit:handle_device_response(unit:exchange(provisioning))
end

-- An attempt with a device that writes these pieces as its first answer, with a pause before each that is
-- a number.
local function with_answer(pieces, more)
  local t = more or {}
  t.device = function(wire)
    if not wire:read_some() then return end
    for _, piece in ipairs(pieces) do
      if type(piece) == "number" then clock.sleep(piece) else wire:write(piece) end
    end
    while wire:read_some() do end
  end
  local response
  t.recipe = t.recipe or {}
  t.recipe.run = t.recipe.run or function(unit) response = unit:exchange { scp = 1, payload = "x" } end
  local run = product.attempt(t)
  run.response = response
  return run
end

describe("jig.unit", function()
  it("tells hooks what it is about", function()
    local run <close> = with_run(function(unit)
      unit.data.seen = { unit.slot, unit.number, unit.attempt, unit.serial, unit.lot, unit.operator }
    end, { fields = { slot = "B", number = 3, attempt = 2, serial = "S1", lot = "L", operator = "O" } })
    assert.same({ "B", 3, 2, "S1", "L", "O" }, run.unit.data.seen)
  end)

  it("says which field of the header the standard flow does not fill", function()
    local length = require "jig.framing.length"
    local run <close> = product.attempt {
      recipe = { framing = length { header = "<B command I2 scp I2 length", reply = "<I2 length" } },
    }
    local fault_of = run.result.fault
    assert.equal("tool.recipe", fault_of.name)
    assert.equal("the header has a field `command`, which the standard flow does not fill: write a `run`",
      fault_of.reason)
  end)

  it("says what a message lacks without a line of its own", function()
    local run <close> = with_run(function(unit) unit:exchange { payload = "x" } end)
    assert.matches("^%l+: scp: expected integer, got nil$", run.result.fault.reason)
    assert.matches("unit_spec.lua:%d+$", run.result.fault.line)
  end)

  describe("order", function()
    -- Each: what `run` does wrong, the reason, the CLI's calls.
    local mistakes = {
      { "new_device twice", function(u) u:new_device() u:new_device() end,
        "new_device was already called in this attempt", "new_device report_error" },
      { "get_device_configuration first", function(u) u:get_device_configuration "x" end,
        "new_device comes first", "" },
      { "handle_device_response first", function(u) u:handle_device_response "x" end, "new_device comes first", "" },
      { "handle_device_response too early", function(u) u:new_device() u:handle_device_response "x" end,
        "session", "new_device report_error" },
      { "get_device_configuration twice", function(u)
        u:new_device()
        u:get_device_configuration "x"
        u:get_device_configuration "x"
      end, "session", "new_device get_device_configuration report_error" },
      { "a response that is no bytes", function(u) u:new_device() u:get_device_configuration(5) end,
        "expected the device's response: the frame that exchange gave, or its bytes", "new_device report_error" },
      { "a frame without a payload", function(u) u:new_device() u:get_device_configuration { scp = 1 } end,
        "expected the device's response: the frame that exchange gave, or its bytes", "new_device report_error" },
      { "a message that is no frame", function(u) u:exchange "x" end, "expected a message: { payload = … }", "" },
      { "an end without handle_device_response", function(u) u:new_device() end,
        "run ended without handle_device_response", "new_device report_error" },
    }
    for _, case in ipairs(mistakes) do
      it("is kept: " .. case[1] .. " is a bug of the recipe, with its line", function()
        local run <close> = with_run(case[2])
        assert.equal("tool.recipe", run.result.fault.name)
        assert.matches(case[3], run.result.fault.reason, 1, true)
        assert.equal(case[4], run.folder:commands())
        local at = debug.getinfo(case[2], "S")
        if not case[3]:find("^run ended") then
          assert.matches("^spec/scripts/unit_spec%.lua:%d+$", run.result.fault.line)
          local line = tonumber(run.result.fault.line:match("%d+$"))
          assert.is_true(line >= at.linedefined and line <= at.lastlinedefined)
        end
      end)
    end

    it("is kept when exchanges come out of it: a response that no command asked for goes nowhere", function()
      local run <close> = with_run(function(unit)
        local answer = unit:exchange { scp = 9, payload = "early" }
        unit:new_device()
        unit:handle_device_response(answer)
      end)
      assert.equal("tool.recipe", run.result.fault.name)
      assert.equal("new_device report_error", run.folder:commands())
    end)
  end)

  it("hands a message over once", function()
    local run <close> = with_run(function(unit)
      local init = unit:new_device()
      unit:exchange(init)
      unit:exchange(init)
    end)
    assert.equal("tool.recipe", run.result.fault.name)
    assert.equal("this message was already given to the device: a message is handed over once", run.result.fault.reason)
    assert.equal(1, #run.received)
  end)

  it("hands a payload of the service over once, also in another table", function()
    local run <close> = with_run(function(unit)
      local init = unit:new_device()
      unit:exchange { scp = 7, payload = init.payload }
      unit:exchange { scp = 8, payload = init.payload }
    end)
    assert.matches("handed over once", run.result.fault.reason)
    assert.equal(1, #run.received)
  end)

  it("gives a message of the recipe's own again when it is another table", function()
    local run <close> = with_run(function(unit)
      unit:exchange { scp = 9, payload = "mode" }
      unit:exchange { scp = 9, payload = "mode" }
    end)
    assert.equal("tool.recipe", run.result.fault.name) -- run ended without the service
    assert.equal(2, #run.received)
  end)

  it("hands a message over once also when the first time failed", function()
    local run <close> = with_run(function(unit)
      local message = { scp = 9, payload = "mode" }
      pcall(unit.exchange, unit, message)
      unit:exchange(message)
    end, { recipe = { limits = { exchange = SHORT } }, device = product.device(function() end) })
    assert.matches("handed over once", run.result.fault.reason)
    assert.equal(1, #run.received)
  end)

  it("does not go on after a fault that the recipe swallowed while a session is open", function()
    local seen = {}
    local run <close> = with_run(function(unit)
      local init = unit:new_device()
      for _, verb in ipairs { "exchange", "get_device_configuration", "handle_device_response", "new_device" } do
        local ok, thrown = pcall(unit[verb], unit, verb == "exchange" and init or "x")
        seen[#seen + 1] = { ok, thrown.name }
      end
    end, {
      recipe = { status = { [5] = { "factory_init.keygen", code = 41 } } },
      device = product.device(function(frame) return { scp = frame.scp, status = 5, payload = "" } end),
    })
    for _, result in ipairs(seen) do assert.same({ false, "factory_init.keygen" }, result) end
    assert.equal(4, #seen)
    assert.same({ "factory_init.keygen", 41, "factory_init" },
      { run.result.fault.name, run.result.fault.code, run.result.fault.phase })
    assert.equal("new_device report_error", run.folder:commands())
  end)

  it("does not go on either when one fails while the response is made that another is given", function()
    local seen = {}
    local run <close> = with_run(function(unit)
      local response = setmetatable({}, { __index = function()
        pcall(unit.exchange, unit, seen.init)
        return "x"
      end })
      seen.init = unit:new_device()
      for _, verb in ipairs { "get_device_configuration", "exchange" } do
        local ok, thrown = pcall(unit[verb], unit, response)
        seen[#seen + 1] = { ok, thrown.name }
      end
    end, { device = product.device(function(frame) return { scp = frame.scp, status = 5, payload = "" } end) })
    assert.same({ { false, "firmware.unknown_status" }, { false, "firmware.unknown_status" } },
      { seen[1], seen[2] })
    assert.equal("new_device report_error", run.folder:commands())
    assert.equal(1, #run.received)
  end)

  it("bounds what blocks a hook sends again by the bytes of the message, not by a length that is told", function()
    local run <close> = with_run(function(unit)
      unit:exchange { payload = setmetatable({}, { __len = function() return math.huge end }) }
    end, {
      recipe = { link = "arq", exchange = function(unit)
        for _ = 1, 2 do unit.port:write(("x"):rep(40000)) end
        return "ok"
      end },
      device = function(wire) while wire:read_some() do end end,
    })
    assert.equal("blocks were sent again too often", run.result.fault.reason)
  end)

  it("is over with its attempt: no verb goes on", function()
    local run <close> = with_run(function() error "dark" end)
    for _, verb in ipairs { "new_device", "exchange", "open", "reopen" } do
      assert.error_matches(function() run.unit[verb](run.unit, {}) end,
        "the attempt at this unit is over: each has a unit of its own")
    end
    assert.equal("", run.folder:commands())
  end)

  it("lets a recipe try another message before the session is open", function()
    local run <close> = with_run(function(unit)
      local ok = pcall(unit.exchange, unit, { scp = 9, payload = "old" })
      assert(not ok)
      unit:exchange { scp = 10, payload = "new" }
      complete(unit)
    end, {
      device = product.device(function(frame)
        return { scp = frame.scp, status = frame.scp == 9 and 5 or 0, payload = "ok" }
      end),
    })
    assert.is_true(run.result.passed)
  end)

  describe("status", function()
    local map = {
      [1] = { "factory_init.keygen" },
      [2] = { "lamp.dark", code = 50, reason = "dark", retry = true, advice = "look" },
      [3] = { "factory_init.unknown_factory", code = 51 },
    }
    local faults = {
      ["factory_init.keygen"] = { code = 60, reason = "over", advice = "ask" },
      ["factory_init.unknown_factory"] = { code = 61, reason = "over" },
      ["firmware.unknown_status"] = { code = 62 },
    }
    -- Each: status, with the recipe's faults or not, then name, code, reason, retry, advice.
    local cases = {
      { 1, nil, "factory_init.keygen", 301, "device cannot generate a key pair" },
      { 1, faults, "factory_init.keygen", 60, "over", nil, "ask" },
      { 2, nil, "lamp.dark", 50, "dark", true, "look" },
      { 3, nil, "factory_init.unknown_factory", 51, "firmware does not know the factory ID" },
      { 3, faults, "factory_init.unknown_factory", 51, "over" },
      { 4, nil, "firmware.unknown_status", 203, "the device answered status 4 (0x04), which is not in the map" },
      { 255, faults, "firmware.unknown_status", 62, "the device answered status 255 (0xff), which is not in the map" },
    }
    for _, case in ipairs(cases) do
      it(("%d is thrown as the map says%s"):format(case[1], case[2] and ", with the recipe's codes" or ""), function()
        local run <close> = product.attempt {
          recipe = { status = map, faults = case[2] },
          device = product.device(function(frame) return { scp = frame.scp, status = case[1], payload = "" } end),
        }
        local made = run.result.fault
        assert.same({ table.unpack(case, 3, 7) }, { made.name, made.code, made.reason, made.retry, made.advice })
        assert.equal("factory_init", made.phase)
        assert.same({ "report_error", run.unit.session_id, tostring(case[4]), case[5] }, run.folder:calls()[2])
      end)
    end

    it("may mean success by another number than 0", function()
      local run <close> = product.attempt {
        recipe = { success = 7, status = { [0] = { "lamp.dark", code = 1, reason = "dark" } } },
        device = product.device(function(frame, n)
          return { scp = frame.scp, status = n == 1 and 7 or 0, payload = "ok" }
        end),
      }
      assert.same({ "lamp.dark", "factory_provisioning" }, { run.result.fault.name, run.result.fault.phase })
    end)

    it("is not asked of a framing that carries none", function()
      local run <close> = product.attempt {
        recipe = { framing = raw { gap = true }, limits = { between = 0.02 } },
        device = function(wire)
          while wire:read_some() do wire:write "ok" end
        end,
      }
      assert.is_true(run.result.passed, tostring(run.result.fault))
    end)
  end)

  describe("fault", function()
    it("takes code and reason as given before the recipe's, and those before the catalogue's", function()
      local run <close> = with_run(function(unit) unit.data.faults = {
        units.fault(unit, "cli.refused"),
        units.fault(unit, "cli.refused", { code = 5, reason = "r" }),
        units.fault(unit, "cli.killed"),
        units.fault(unit, "cli.token"),
      } end, { recipe = { faults = {
        ["cli.refused"] = { code = 7, reason = "over", advice = "ask" },
        ["cli.token"] = { reason = "over" },
      } } })
      local got = {}
      for i, made in ipairs(run.unit.data.faults) do got[i] = { made.code, made.reason, made.advice } end
      assert.same({
        { 7, "over", "ask" }, { 5, "r", "ask" }, { 403, "the Secure Factory CLI was ended by a signal" },
        { 406, "over" },
      }, got)
    end)

    it("is thrown by fail, with phase, slot, session and the recipe's line", function()
      local line
      local run <close> = with_run(function(unit)
        unit:new_device()
        line = debug.getinfo(1, "l").currentline + 1
        unit:fail("lamp.dark", { code = 5, reason = "dark" })
      end)
      local made = run.result.fault
      local place = "spec/scripts/unit_spec.lua:" .. line
      assert.same({ "lamp.dark", 5, "dark", "new_device", "A", run.unit.session_id, place },
        { made.name, made.code, made.reason, made.phase, made.slot, made.session, made.line })
    end)

    it("of a name without a code is a bug of the recipe, with its line", function()
      local run <close> = with_run(function(unit) unit:fail("lamp.dark") end)
      assert.equal("tool.recipe", run.result.fault.name)
      assert.matches("'lamp.dark' is not in the catalogue", run.result.fault.reason, 1, true)
      assert.matches("^spec/scripts/unit_spec%.lua:%d+$", run.result.fault.line)
    end)
  end)

  it("says with the line that its methods are called with a colon", function()
    local run <close> = with_run(function(unit)
      local decoder = product.framing.host.decoder()
      for message, call in pairs {
        ["it is unit:fail(…), with a colon"] = function() unit.fail("x.y", { code = 5, reason = "r" }) end,
        ["it is unit:log(…), with a colon"] = function() unit.log(("x"):rep(201)) end,
        ["it is unit:read_frame(…), with a colon"] = function() unit.read_frame(decoder) end,
        ["unit:read_frame: expected a decoder, got nil"] = function() unit:read_frame() end,
        ["it is unit:…(…), with a colon"] = function() unit.exchange { payload = "x" } end,
      } do
        local ok, thrown = pcall(call)
        assert(not ok and tostring(thrown):find("^spec/scripts/unit_spec.lua:%d+: "), tostring(thrown))
        assert(thrown:find(message, 1, true), thrown)
      end
      unit:fail("lamp.dark", { code = 5, reason = "dark" })
    end)
    assert.equal("lamp.dark", run.result.fault.name, tostring(run.result.fault))
  end)

  describe("read_frame", function()
    local good = codec.encode { scp = 1, status = 0, payload = "answer" }

    it("takes the answer however it is cut", function()
      for at = 1, #good - 1 do
        local run <close> = with_answer { good:sub(1, at), 0, good:sub(at + 1) }
        assert.equal("answer", run.response and run.response.payload, tostring(run.result.fault))
      end
    end)

    it("leaves what follows the answer in the port", function()
      local run <close> = with_answer({ good .. "tail" }, { recipe = { run = function(unit)
        unit:exchange { scp = 1, payload = "x" }
        unit.data.tail = unit.port:read(4)
      end } })
      assert.equal("tail", run.unit.data.tail)
    end)

    it("passes over damaged bytes while more follow", function()
      local bad = good:sub(1, -2) .. "\0"
      local run <close> = with_answer { bad, good }
      assert.equal("answer", run.response.payload)
    end)

    -- Each: what the device sends, the recipe's limits, the fault's name, parts of its reason.
    local cases = {
      { "silence for `exchange`", {}, { exchange = SHORT }, "connectivity.timeout", "'exchange' of 0.005 s" },
      { "silence for `first`", {}, { first = SHORT }, "connectivity.timeout", "'first' of 0.005 s" },
      { "silence for `first` when `between` is the same", {}, { first = SHORT, between = SHORT },
        "connectivity.timeout", "'first' of 0.005 s" },
      { "an answer that is cut short by silence for `between`", { good:sub(1, 5) }, { between = SHORT },
        "connectivity.corrupt", "(5 bytes dropped)" },
      { "an answer that is cut short, no silence ending it", { good:sub(1, 5) }, { exchange = SHORT },
        "connectivity.timeout", "'exchange' of 0.005 s" },
      { "a damaged answer, then silence for `between`", { good:sub(1, -2) .. "\0" }, { between = SHORT },
        "connectivity.corrupt", ("(%d bytes dropped)"):format(#good) },
      { "a damaged answer, then silence for `exchange`", { good:sub(1, -2) .. "\0" }, { exchange = SHORT },
        "connectivity.corrupt", ("(%d bytes dropped)"):format(#good) },
    }
    for _, case in ipairs(cases) do
      it("throws " .. case[4] .. " for " .. case[1], function()
        local run <close> = with_answer(case[2], { recipe = { limits = case[3] } })
        assert.equal(case[4], run.result.fault.name, tostring(run.result.fault))
        assert.matches(case[5], run.result.fault.reason, 1, true)
        assert.equal("exchange", run.result.fault.phase)
      end)
    end

    it("does not take silence before the first byte for the end of a frame", function()
      local run <close> = with_answer({ 0.02, good }, { recipe = { limits = { between = SHORT } } })
      assert.equal("answer", run.response.payload)
    end)

    it("ends a frame by silence where the framing says so", function()
      local run <close> = with_answer({ "ab", 0, "cd" }, {
        recipe = { framing = raw { gap = true }, limits = { between = 0.05 } },
      })
      assert.equal("abcd", run.response and run.response.payload, tostring(run.result.fault))
    end)

    it("throws connectivity.lost when the device goes", function()
      local run <close> = product.attempt { device = function(wire)
        wire:read_some()
        wire:write(good:sub(1, 5))
        wire:close()
      end }
      assert.same({ "connectivity.lost", "factory_init" }, { run.result.fault.name, run.result.fault.phase })
    end)

    it("can be used by hooks, with a decoder of their own", function()
      local run <close> = product.attempt { recipe = { exchange = function(unit, request)
        unit.port:write(product.framing.host.encode(request))
        return unit:read_frame(product.framing.host.decoder())
      end } }
      assert.is_true(run.result.passed, tostring(run.result.fault))
    end)
  end)

  it("hands a message over once, whatever methods the recipe has put into its port", function()
    local called = {}
    local run <close> = product.attempt { recipe = { run = function(unit)
      local write = unit.port.write
      for _, name in ipairs { "discard", "read_some", "unread" } do
        unit.port[name] = function() called[#called + 1] = name end
      end
      function unit.port.write(self, bytes)
        called[#called + 1] = "write"
        write(self, bytes)
        write(self, bytes)
      end
      require "jig.flow"(unit)
    end } }
    assert.is_true(run.result.passed, tostring(run.result.fault))
    assert.same({ {}, 2 }, { called, #run.received })
  end)

  describe("device log", function()
    local ftcd = require "jig.framing.ftcd" {}

    it("keeps the text before, between and behind frames, and shows it nowhere", function()
      local run <close> = product.attempt {
        recipe = { framing = ftcd },
        device = function(wire)
          wire:write "booting\n"
          while wire:read_some() do
            wire:write("working\n" .. ftcd.device.encode { status = 0, payload = "ok" } .. "idle\n")
          end
        end,
      }
      assert.is_true(run.result.passed, tostring(run.result.fault))
      assert.equal("booting\nworking\nidle\nworking\n", table.concat(units.truth(run.unit).device_log))
      for _, event in ipairs(run.events) do
        for _, value in pairs(event) do
          assert.is_nil(tostring(value):find("working", 1, true))
        end
      end
    end)

    it("keeps the latest alone", function()
      local run <close> = with_run(function(unit)
        for i = 1, 70 do
          unit.port:unread(("%d;"):format(i) .. ("x"):rep(70000))
          unit:exchange { scp = i, payload = "" }
        end
      end)
      local log = units.truth(run.unit).device_log
      assert.equal(64, #log)
      for _, text in ipairs(log) do assert.is_true(#text <= 65536) end
    end)

    it("is kept whatever the recipe has at its name", function()
      local called = 0
      local run <close> = with_run(function(unit)
        unit.device_log = setmetatable({}, { __newindex = function() called = called + 1 end })
        unit.port:unread "booting"
        unit:exchange { scp = 1, payload = "" }
      end)
      assert.same({ 0, { "booting" } }, { called, units.truth(run.unit).device_log })
    end)
  end)

  describe("exchange hook", function()
    it("stands in for the framing, and its answer is checked as any", function()
      local run <close> = product.attempt { recipe = {
        exchange = function(_, request)
          return { payload = request.payload, status = request.scp == 257 and 9 or 0 }
        end,
      } }
      assert.equal("firmware.unknown_status", run.result.fault.name)
      assert.equal("new_device get_device_configuration report_error", run.folder:commands())
      assert.same({}, run.received)
    end)

    it("may return the bytes alone", function()
      local run <close> = product.attempt { recipe = { exchange = function() return "\1\2" end } }
      assert.is_true(run.result.passed)
      assert.equal("0102", run.folder:calls()[2][3])
    end)

    for _, answer in ipairs { 5, false, { status = 0 }, { payload = 5 } } do
      it("must return a response, not " .. type(answer), function()
        local run <close> = product.attempt { recipe = { exchange = function() return answer end } }
        assert.equal("tool.recipe", run.result.fault.name)
        assert.matches("the exchange hook must return the response", run.result.fault.reason)
      end)
    end

    it("has its own line and traceback in a fault, though the standard flow calls it", function()
      local line
      local function helper(unit)
        line = debug.getinfo(1, "l").currentline + 1
        unit:fail("lamp.dark", { code = 5, reason = "dark" })
      end
      local run <close> = product.attempt { recipe = { exchange = function(unit) helper(unit) return "" end } }
      assert.equal("spec/scripts/unit_spec.lua:" .. line, run.result.fault.line)
      assert.matches("unit_spec.lua:" .. line .. ":", run.result.fault.traceback, 1, true)
    end)

    it("may use coroutines around its reads", function()
      local coroutines = require "jig.coroutines"
      local run <close> = product.attempt { recipe = { exchange = function(unit, request)
        local bytes = coroutines.wrap(function()
          while true do coroutines.yield(unit.port:read(1)) end
        end)
        unit.port:write(product.framing.host.encode(request))
        local decoder = product.framing.host.decoder()
        local frame
        repeat frame = decoder:feed(bytes()) until frame
        return frame
      end } }
      assert.is_true(run.result.passed, tostring(run.result.fault))
    end)
  end)

  it("has no empty and no endless response", function()
    local run <close> = product.attempt { recipe = { exchange = function() return ("x"):rep(65536) end } }
    assert.equal("firmware.response", run.result.fault.name)
    assert.matches("65535", run.result.fault.reason, 1, true)
    assert.equal("new_device report_error", run.folder:commands())
  end)

  -- Each: what the CLI does, the fault, the calls.
  local cli = {
    { "refuses new_device", "{ new_device = { exit = 3, stderr = 'no token' } }", "cli.refused", "new_device" },
    { "refuses get_device_configuration", "{ get_device_configuration = { exit = 3 } }", "cli.refused",
      "new_device get_device_configuration report_error" },
    { "refuses handle_device_response", "{ handle_device_response = { exit = 3 } }", "cli.refused",
      "new_device get_device_configuration handle_device_response report_error" },
    { "is killed", "{ new_device = { kill = true } }", "cli.killed", "new_device report_error" },
    { "prints rubbish", "{ new_device = { stdout = 'PAYLOAD xyz\\n' } }", "cli.output", "new_device report_error" },
    { "hangs", "{ new_device = { hang = 600 } }", "cli.timeout", "new_device report_error" },
  }
  for _, case in ipairs(cli) do
    it(("throws %s when the CLI %s"):format(case[3], case[1]), function()
      local limits = case[3] == "cli.timeout" and { new_device = 0.3 } or nil
      local run <close> = product.attempt { cli = case[2], service = { limits = limits } }
      assert.equal(case[3], run.result.fault.name, tostring(run.result.fault))
      assert.equal(1, (run.result.fault.reason:find(run.result.fault.phase, 1, true)))
      assert.equal(case[4], run.folder:commands())
    end)
  end

  it("throws cli.missing when the CLI cannot be started", function()
    if scratch.valgrind then pending "posix_spawn tells no errors under valgrind" end
    local run <close> = product.attempt { service = { cli = "/nowhere/tool" } }
    assert.equal("cli.missing", run.result.fault.name)
    assert.matches("/nowhere/tool", run.result.fault.reason, 1, true)
    assert.is_false(run.result.unreported)
  end)

  it("throws tool.interrupted when its task is interrupted, and still reports", function()
    local job
    local run
    job = task.spawn(function()
      run = product.attempt { device = function(wire)
        wire:read_some()
        job:interrupt()
        wire:read_some()
      end }
    end)
    assert.is_true(job:join(LONG))
    assert.same({ "tool.interrupted", "factory_init" }, { run.result.fault.name, run.result.fault.phase })
    assert.is_true(run.result.reported)
    assert.equal("new_device report_error", run.folder:commands())
    run.folder:__close()
  end)

  it("says one printable line of 200 characters to the people", function()
    local refused = {}
    local run <close> = with_run(function(unit)
      unit:log "lamp is lit: 5 °C"
      unit:log(5)
      unit:log(("x"):rep(200))
      for _, text in ipairs { ("x"):rep(201), "two\nlines", "\27[2J", "\0", "\127", "\xff" } do
        refused[#refused + 1] = select(2, pcall(unit.log, unit, text))
      end
    end)
    local notes = {}
    for _, event in ipairs(run.events) do
      if event.event == "note" then notes[#notes + 1] = event.text end
    end
    assert.same({ "lamp is lit: 5 °C", "5", ("x"):rep(200) }, notes)
    assert.equal(6, #refused)
    for _, message in ipairs(refused) do assert.matches("unit:log takes one line of printable text", message) end
  end)

  it("tells how long each phase took", function()
    local run <close> = with_run(function(unit)
      units.enter(unit, "warm_up")
      clock.sleep(0.01)
      units.enter(unit, "measure")
    end)
    assert.equal("connect warm_up measure", run.phases)
    assert.is_true(run.result.phases[2].seconds >= 0.01)
    for _, phase in ipairs(run.result.phases) do assert.is_true(phase.seconds >= 0) end
  end)

  it("keeps a thousand phases apart, and files what comes later under the last", function()
    local count = 999 -- behind "connect"
    local run <close> = with_run(function(unit)
      for i = 1, count + 500 do units.enter(unit, ("p%d"):format(i)) end
      unit:fail("lamp.dark", { code = 5, reason = "dark" })
    end)
    assert.equal(count + 1, #run.result.phases)
    assert.equal("p999", run.result.phases[count + 1].name)
    assert.equal("p1499", run.result.fault.phase)
    assert.equal(count + 1, select(2, run.phases:gsub("%S+", "")))
  end)

  it("is what jig.port is not: a port that throws", function()
    local handle = assert(port.open "pair:unit_spec_plain")
    assert.is_nil((handle:read(1, 0)))
    handle:close()
    local run <close> = with_run(function(unit) unit.port:read(1, 0) end)
    assert.is_true(fault.is(run.result.fault))
    assert.equal("connectivity.timeout", run.result.fault.name)
  end)
end)
