local clock = require "jig.clock"
local fault = require "jig.fault"
local product = require "spec.support.product"
local recipe = require "jig.recipe"
local task = require "jig.task"
local units = require "jig.unit"

local SHORT <const> = 0.005
local LONG <const> = 60

local function count(run, name)
  local n = 0
  for _, event in ipairs(run.events) do
    if event.event == name then n = n + 1 end
  end
  return n
end

-- Hooks that note when they were called; `change` lays others over them.
local function noting(notes, change)
  local fields = {}
  for _, name in ipairs { "reset", "prepare", "finish" } do
    fields[name] = function() notes[#notes + 1] = name end
  end
  for name, value in pairs(change or {}) do fields[name] = value end
  return fields
end

describe("jig.attempt", function()
  it("runs the hooks in their order and passes with a fingerprint", function()
    local notes = {}
    local run <close> = product.attempt { recipe = noting(notes) }
    assert.same({ "reset", "prepare", "finish" }, notes)
    assert.equal("connect reset prepare new_device factory_init get_device_configuration factory_provisioning "
      .. "handle_device_response finish", run.phases)
    assert.same({ true, product.fingerprint, false },
      { run.result.passed, run.result.fingerprint, run.result.unreported })
    assert.is_nil(run.result.fault)
    assert.is_nil(run.result.manufactured_with_fault)
    assert.equal(1, count(run, "manufactured"))
    assert.equal(0, count(run, "report"))
  end)

  it("passes nothing that has no fingerprint", function()
    local run <close> = product.attempt { recipe = { run = function() end } }
    assert.same({ false, "tool.recipe", "run ended without handle_device_response" },
      { run.result.passed, run.result.fault.name, run.result.fault.reason })
  end)

  it("gives the line of the hook that is over when a mistake of it is found", function()
    local hook, set = load("return function() end,\nfunction(unit) unit.serial = {} end", "@shop/recipe.lua")()
    for name, case in pairs { run = { hook, "run ended without", 1 }, prepare = { set, "it is a table", 2 } } do
      local run <close> = product.attempt { folder = "shop/", recipe = { [name] = case[1] } }
      local made = run.result.fault
      assert.matches(case[2], made.reason, 1, true)
      assert.equal("shop/recipe.lua:" .. case[3], made.line)
      assert.is_nil(made.traceback:find("scripts/jig/", 1, true))
    end
  end)

  it("takes no recipe's word for a fingerprint or a session", function()
    local run <close> = product.attempt { recipe = { run = function(unit) unit.fingerprint = "00ff" end } }
    assert.same({ false, "run ended without handle_device_response" },
      { run.result.passed, run.result.fault.reason })
    assert.same({}, { run.result.fingerprint, run.result.manufactured_with_fault })
    local other <close> = product.attempt { recipe = { run = function(unit)
      unit:new_device()
      unit.session_id, unit.fingerprint = "another", "00ff"
      assert.matches("new_device was already called in this attempt", tostring(select(2, pcall(unit.new_device, unit))))
      unit:fail("lamp.dark", { code = 50, reason = "dark" })
    end } }
    assert.same({ "lamp.dark", true, false },
      { other.result.fault.name, other.result.reported, other.result.unreported })
    assert.is_nil(other.result.fingerprint)
    assert.equal("new_device report_error", other.folder:commands())
    assert.equal("50", other.folder:calls()[2][3])
  end)

  it("knows the fingerprint that was read, also when its verb was ended before it had that", function()
    local run <close> = product.attempt { recipe = { run = function(unit)
      unit:get_device_configuration(unit:exchange(unit:new_device()))
      assert(units.truth(unit).session:handle_device_response "x")
      error(fault.new("connectivity.lost", { retry = true }))
    end } }
    assert.same({ false, product.fingerprint, true, "connectivity.lost" }, { run.result.passed, run.result.fingerprint,
      run.result.manufactured_with_fault, run.result.fault.name })
    assert.equal("new_device get_device_configuration handle_device_response", run.folder:commands())
  end)

  it("opens no session once it has failed", function()
    local thrown = {}
    local run <close> = product.attempt { recipe = {
      prepare = function() error "dark" end,
      reset = function(unit)
        if unit.data.again then thrown.ok, thrown.message = pcall(unit.new_device, unit) end
        unit.data.again = true
      end,
    } }
    assert.is_false(thrown.ok)
    assert.equal("new_device comes too late: this attempt has failed", thrown.message.reason)
    assert.same({ false, false }, { run.result.passed, run.result.unreported })
    assert.equal("", run.folder:commands())
  end)

  it("names the fault that `run` swallowed, not its consequence", function()
    local run <close> = product.attempt {
      recipe = { run = function(unit) pcall(unit.exchange, unit, unit:new_device()) end },
      device = product.device(function(frame) return { scp = frame.scp, status = 5, payload = "" } end),
    }
    assert.equal("firmware.unknown_status", run.result.fault.name)
    assert.equal("203", run.folder:calls()[2][3])
  end)

  it("reports a failure once, with its code and reason, then resets the device", function()
    local notes = {}
    local run <close> = product.attempt {
      recipe = noting(notes, { status = { [5] = { "lamp.dark", code = 50, reason = "dark" } } }),
      device = product.device(function(frame) return { scp = frame.scp, status = 5, payload = "" } end),
    }
    assert.same({ "reset", "prepare", "reset" }, notes)
    assert.same({ "report_error", run.unit.session_id, "50", "dark" }, run.folder:calls()[2])
    assert.equal("new_device report_error", run.folder:commands())
    assert.matches("factory_init report reset$", run.phases)
    assert.same({ false, true, false }, { run.result.passed, run.result.reported, run.result.unreported })
    assert.equal(1, count(run, "report"))
  end)

  -- Each: the hook that fails, calls of the CLI, phases at the end.
  local before = {
    { "connect", { address = "tty:/dev/none?x=%s" }, "", "^connect$" },
    { "reset", { recipe = { reset = function() error "boom" end } }, "", "^connect reset reset$" },
    { "prepare", { recipe = { prepare = function() error "boom" end } }, "", "^connect prepare$" },
  }
  for _, case in ipairs(before) do
    it("reports nothing when " .. case[1] .. " fails: no session is open", function()
      local run <close> = product.attempt(case[2])
      assert.equal(case[3], run.folder:commands())
      assert.matches(case[4], run.phases)
      assert.equal(case[1], run.result.fault.phase)
      assert.is_nil(run.result.reported)
    end)
  end

  it("reports nothing after the fingerprint: the unit is manufactured with a fault", function()
    local notes = {}
    local run <close> = product.attempt {
      recipe = noting(notes, { finish = function(unit)
        unit:fail("lamp.dark", { code = 5, reason = "dark", retry = true })
      end }),
    }
    assert.same({ false, true, product.fingerprint, "lamp.dark", "finish" }, {
      run.result.passed, run.result.manufactured_with_fault, run.result.fingerprint, run.result.fault.name,
      run.result.fault.phase,
    })
    assert.equal("new_device get_device_configuration handle_device_response", run.folder:commands())
    assert.is_nil(run.result.reported)
    assert.same({ "reset", "prepare", "reset" }, notes)
  end)

  it("reports nothing when `run` fails behind the fingerprint", function()
    local run <close> = product.attempt { recipe = { run = function(unit)
      require "jig.flow"(unit)
      error "too late"
    end } }
    assert.same({ false, true }, { run.result.passed, run.result.manufactured_with_fault })
    assert.equal("new_device get_device_configuration handle_device_response", run.folder:commands())
  end)

  it("says that a report was not accepted", function()
    local run <close> = product.attempt {
      recipe = { run = function(unit) unit:new_device() error "boom" end },
      cli = "{ report_error = { exit = 9, stderr = 'no service' } }",
    }
    assert.same({ false, true }, { run.result.reported, run.result.unreported })
    assert.matches("report_error", run.result.report_trouble, 1, true)
    for _, event in ipairs(run.events) do
      if event.event == "report" then
        assert.same({ false, 902, run.result.report_trouble }, { event.accepted, event.code, event.trouble })
      end
    end
  end)

  it("goes on after a reset that fails, and says so", function()
    local resets = 0
    local run <close> = product.attempt { recipe = {
      reset = function()
        resets = resets + 1
        if resets > 1 then error(fault.new("lamp.dark", { code = 5, reason = "dark" })) end
      end,
      prepare = function() error "boom" end,
    } }
    assert.equal("prepare", run.result.fault.phase)
    assert.equal("lamp.dark (5): dark", run.result.reset_trouble)
  end)

  describe("serial number", function()
    local function with(serial, expected)
      return product.attempt {
        recipe = { prepare = function(unit) unit.serial = serial or unit.serial end },
        serial = expected,
        fields = { serial = expected },
      }
    end

    it("must be the one that the station expects, before a session is open", function()
      local run <close> = with("S2", "S1")
      assert.equal("tool.serial", run.result.fault.name)
      assert.equal("the device says it is S2, the station expects S1", run.result.fault.reason)
      assert.equal("", run.folder:commands())
    end)

    it("must still be that one at new_device", function()
      local run <close> = product.attempt {
        recipe = {
          prepare = function(unit) unit.serial = "S1" end,
          run = function(unit)
            unit.serial = "S2"
            unit:new_device()
          end,
        },
        serial = "S1",
      }
      assert.same({ "tool.serial", "the device says it is S2, the station expects S1", "" },
        { run.result.fault.name, run.result.fault.reason, run.folder:commands() })
    end)

    -- Runs the flow, with a change of unit.serial by one of the hooks.
    local function changed_by(hook, serial, first)
      local function change(unit) unit.serial = serial end
      local hooks = { prepare = function(unit) unit.serial = first end }
      function hooks.run(unit)
        local init = unit:new_device()
        if hook == "run" then change(unit) end
        return unit:handle_device_response(unit:exchange(unit:get_device_configuration(unit:exchange(init))))
      end
      if hook == "finish" then hooks.finish = change end
      if hook == "exchange" then
        function hooks.exchange(unit)
          change(unit)
          return "ok"
        end
      end
      return product.attempt { recipe = hooks }
    end

    it("stays what it was at new_device: else the unit fails, and is reported", function()
      for _, hook in ipairs { "run", "exchange" } do
        local run <close> = changed_by(hook, "S2", "S1")
        assert.same({ "tool.recipe", "new_device report_error", "S1" },
          { run.result.fault.name, run.folder:commands(), units.truth(run.unit).serial })
        assert.equal(hook .. ": unit.serial became S2, and the session was opened for S1: set it before new_device, "
          .. "and never again", run.result.fault.reason)
      end
    end)

    it("stays so after the fingerprint: else it is manufactured with a fault", function()
      for serial, reason in pairs { S2 = "finish: unit.serial became S2", [{}] = "finish: unit.serial is the device's",
          [false] = "it is a boolean" } do
        local run <close> = changed_by("finish", serial, "S1")
        assert.same({ "tool.recipe", true, "finish" },
          { run.result.fault.name, run.result.manufactured_with_fault, run.result.fault.phase })
        assert.matches(reason, run.result.fault.reason, 1, true)
      end
    end)

    it("may come late where there was none, once", function()
      local run <close> = changed_by("finish", "S1")
      assert.same({ true, "S1" }, { run.result.passed, units.truth(run.unit).serial })
    end)

    it("is told again when it is another at new_device", function()
      local run <close> = product.attempt { recipe = {
        prepare = function(unit) unit.serial = "S1" end,
        run = function(unit)
          unit.serial = "S2"
          require "jig.flow"(unit)
        end,
      } }
      assert.is_true(run.result.passed)
      local told = {}
      for _, event in ipairs(run.events) do told[#told + 1] = event.event == "serial" and event.serial or nil end
      assert.same({ "S1", "S2" }, told)
    end)

    it("is free where the station expects none, or the device says none", function()
      for _, case in ipairs { { "S1", "S1" }, { "S1", nil }, { nil, "S1" } } do
        local run <close> = with(case[1], case[2])
        assert.is_true(run.result.passed)
      end
    end)
  end)

  describe("limits", function()
    -- Waits as a recipe does.
    local function sleep()
      local ok, message, code, limit = clock.sleep(LONG)
      if not ok then fault.throw_io(message, code, limit) end
    end

    -- Each: limit, hooks, the fault's name, its phase, and whether it is reported.
    local cases = {
      { "open", { port = "pair:x" }, "connectivity.timeout", "connect", nil, "tcp:127.0.0.1:1#%s" },
      { "reset", { reset = sleep }, "connectivity.timeout", "reset" },
      { "prepare", { prepare = sleep }, "connectivity.timeout", "prepare" },
      { "finish", { finish = sleep }, "connectivity.timeout", "finish" },
      { "exchange", { exchange = sleep }, "connectivity.timeout", "factory_init", true },
      { "unit", { prepare = sleep }, "connectivity.timeout", "prepare" },
      { "unit", { exchange = sleep }, "connectivity.timeout", "factory_init", true },
      { "unit", { run = function(unit) unit:new_device() sleep() end }, "connectivity.timeout", "new_device", true },
    }
    for _, case in ipairs(cases) do
      it(("end the wait in %s, by the name of %s"):format(case[4], case[1]), function()
        local fields = { limits = { [case[1]] = case[1] == "unit" and 0.1 or SHORT } }
        if case[1] == "open" then fields.limits.open = 1e-9 end
        for name, value in pairs(case[2]) do fields[name] = value end
        local run <close> = product.attempt { recipe = fields, address = case[6] and "tcp:127.0.0.1:1" or nil }
        local made = run.result.fault
        local wanted = case[1] == "unit" and "tool.limit" or case[3]
        assert.same({ wanted, case[4], case[5] }, { made.name, made.phase, run.result.reported })
        assert.matches(("'%s'"):format(case[1]), made.reason, 1, true)
      end)
    end

    it("of the unit do not end the report, nor the reset behind it", function()
      local slept
      local run <close> = product.attempt {
        recipe = {
          limits = { unit = 1 }, -- new_device is over by then, on a slow machine, too
          run = function(unit) unit:new_device() sleep() end,
          reset = function() slept = clock.sleep(0.02) end,
        },
        cli = "{ report_error = { hang = 0.2 } }",
      }
      assert.equal("tool.limit", run.result.fault.name)
      assert.is_true(run.result.reported)
      assert.is_true(slept)
      assert.is_nil(run.result.reset_trouble)
    end)

    it("of reset end the reset behind a failure", function()
      local resets = 0
      local run <close> = product.attempt { recipe = {
        limits = { reset = SHORT },
        reset = function()
          resets = resets + 1
          if resets > 1 then sleep() end
        end,
        prepare = function() error "boom" end,
      } }
      assert.matches("'reset' of 0.005 s", run.result.reset_trouble, 1, true)
    end)

    it("are inherited from the defaults where the recipe is silent", function()
      local made = recipe.new({ name = "x", port = "pair:x", framing = product.framing }, "x")
      assert.equal(5, made.limits.exchange)
      assert.equal(300, made.limits.unit)
    end)
  end)

  it("ends as interrupted, whatever the recipe made of it, but for a fault that was there before", function()
    local function interrupted(hooks)
      local job, run
      job = task.spawn(function() run = product.attempt { recipe = hooks(function() job:interrupt() end) } end)
      assert.is_true(job:join(LONG))
      run.folder:__close()
      return run.result.fault
    end
    local made = interrupted(function(stop)
      return { prepare = function(unit)
        stop()
        for _ = 1, 3 do pcall(unit.port.expect, unit.port, "ready") end
        unit:fail("lamp.dark", { code = 50, reason = "dark" })
      end }
    end)
    assert.same({ "tool.interrupted", 901, "interrupted at the station; the recipe made of it: lamp.dark", "prepare" },
      { made.name, made.code, made.reason, made.phase })
    made = interrupted(function(stop)
      return { run = function(unit)
        unit:new_device()
        pcall(unit.get_device_configuration, unit, "")
        stop()
        pcall(clock.sleep, 1)
      end }
    end)
    assert.equal("firmware.response", made.name)
  end)

  it("cleans up in an interrupted task, within the limit of reset", function()
    local job, run, slept
    job = task.spawn(function()
      run = product.attempt { recipe = {
        run = function(unit)
          unit:new_device()
          job:interrupt()
          unit.port:read(1)
        end,
        reset = function() slept = clock.sleep(0.01) end,
      } }
    end)
    assert.is_true(job:join(LONG))
    assert.equal("tool.interrupted", run.result.fault.name)
    assert.same({ true, true }, { run.result.reported, slept })
    run.folder:__close()
  end)

  describe("a bug of the recipe", function()
    it("is tool.recipe, with line and traceback, reported like any malfunction", function()
      local line
      local run <close> = product.attempt { recipe = { run = function(unit)
        unit:new_device()
        line = debug.getinfo(1, "l").currentline + 1
        local x = nil + unit
        return x
      end } }
      local made = run.result.fault
      assert.equal("tool.recipe", made.name)
      assert.equal(("spec/scripts/attempt_spec.lua:%d"):format(line), made.line)
      assert.matches("attempt to perform arithmetic on a nil value", made.reason)
      assert.matches("stack traceback:.*attempt_spec.lua:" .. line, made.traceback)
      assert.same({ "report_error", run.unit.session_id, "902", made.reason }, run.folder:calls()[2])
    end)

    local odd = { { "nil", nil }, { "a table", {} }, { "a number", 5 },
      { "an object whose __tostring fails", setmetatable({}, { __tostring = function() error "no" end }) } }
    for _, case in ipairs(odd) do
      it("may throw " .. case[1], function()
        local run <close> = product.attempt { recipe = { run = function(unit)
          unit:new_device()
          error(case[2])
        end } }
        assert.equal("tool.recipe", run.result.fault.name)
        assert.is_true(run.result.reported)
      end)
    end

    it("may be a recursion without end", function()
      local run <close> = product.attempt { recipe = { run = function(unit)
        unit:new_device()
        local function deep() return 1 + deep() end
        deep()
      end } }
      assert.equal("tool.recipe", run.result.fault.name)
      assert.matches("stack overflow", run.result.fault.reason)
      assert.is_true(run.result.reported)
    end)
  end)

  it("runs <close> variables of the recipe on failure, which may wait, before the report", function()
    local notes = {}
    local run <close> = product.attempt { recipe = { run = function(unit)
      unit:new_device()
      local lamp <close> = setmetatable({}, { __close = function()
        notes[1] = clock.sleep(0.001)
        notes[2] = units.truth(unit).session:state()
      end })
      error(lamp and "boom")
    end } }
    assert.same({ true, "opened" }, notes)
    assert.equal("tool.recipe", run.result.fault.name)
  end)

  describe("a recipe that writes into its unit", function()
    local FIELDS <const> = {
      "started", "phases", "phase", "port", "enter", "context", "catch", "recipe", "complete", "fail", "handed",
      "served", "slot", "durations", "open", "report", "shown",
    }
    for _, name in ipairs(FIELDS) do
      it("fails as any other, with one report: " .. name, function()
        local run <close> = product.attempt { recipe = {
          prepare = function(unit) unit[name] = "08:00" end,
          run = function(unit)
            unit:new_device()
            error "boom"
          end,
          reset = function() end,
        } }
        assert.same({ false, "tool.recipe", true, false },
          { run.result.passed, run.result.fault.name, run.result.reported, run.result.unreported })
        assert.equal("new_device report_error", run.folder:commands())
        assert.is_true(run.result.seconds >= 0)
        assert.matches("^connect reset prepare new_device report reset$", run.phases)
        assert.equal("integer", math.type(run.result.sent))
      end)
    end

    it("loses no port", function()
      local handle
      local run <close> = product.attempt { recipe = { prepare = function(unit)
        handle = units.truth(unit).handle
        unit.port.handle, unit.port.close, unit.port.counts = nil, 5, 5
        unit.port = nil
        error "boom"
      end } }
      assert.matches("boom", run.result.fault.reason, 1, true)
      assert.has_error(function() handle:read(1) end)
    end)

    it("finds no way to say that its unit ended", function()
      local context
      local run <close> = product.attempt { recipe = { prepare = function(unit) context = unit.context end } }
      assert.is_nil(context)
      assert.is_true(run.result.passed)
    end)
  end)

  describe("a fault into which a recipe writes", function()
    -- Each: the field, what it becomes, and code and reason of the report.
    local cases = {
      { "phase", {}, "50", "dark" }, { "code", "x", "902", "dark" }, { "code", 1 << 40, "902", "dark" },
      { "reason", nil, "50", "the recipe has a bug" }, { "name", 5, "50", "dark" }, { "name", nil, "50", "dark" },
      { "traceback", 5, "50", "dark" }, { "line", {}, "50", "dark" }, { "slot", 5, "50", "dark" },
    }
    for _, case in ipairs(cases) do
      it(("is reported once, in order: %s = %s"):format(case[1], type(case[2])), function()
        local run <close> = product.attempt { recipe = { run = function(unit)
          unit:new_device()
          local made = fault.new("lamp.dark", { code = 50, reason = "dark" })
          made.traceback = "here"
          made[case[1]] = case[2]
          error(made)
        end } }
        assert.same({ "report_error", run.unit.session_id, case[3], case[4] }, run.folder:calls()[2])
        assert.equal("new_device report_error", run.folder:commands())
        assert.same({ true, "string", "string" },
          { run.result.reported, type(run.result.fault.name), type(run.result.fault.reason) })
        assert.matches("string", type(tostring(run.result.fault)))
      end)
    end
  end)

  it("tells the beginning alone of an error that has no end", function()
    local run <close> = product.attempt { recipe = {
      prepare = function(unit) unit.data.failed = true error(("p"):rep(100000)) end,
      reset = function(unit) if unit.data.failed then error(("r"):rep(100000)) end end,
    } }
    assert.same({ 1000, 1000 }, { #run.result.fault.reason, #run.result.reset_trouble })
  end)

  it("counts bytes and seconds, and closes port and session", function()
    local run <close> = product.attempt {}
    assert.is_true(run.result.received > 0 and run.result.sent > 0)
    assert.is_true(run.result.seconds > 0)
    assert.has_error(function() run.unit.port:read(1) end)
    assert.has_error(function() units.truth(run.unit).session:state() end)
  end)
end)
