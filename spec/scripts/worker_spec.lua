local budget = require "jig.budget"
local journal = require "jig.journal"
local ledger = require "jig.ledger"
local port = require "jig.port"
local product = require "spec.support.product"
local scratch = require "spec.support.scratch"
local slot = require "jig.slot"
local task = require "jig.task"

local LONG <const> = 60
local SANITIZED <const> = (os.getenv("JIG_BUILD") or ""):find("/san", 1, true) ~= nil

-- Counts how often the recipe's file ran in the same environment.
local COUNTING <const> = 'local units = require "helper"\nunits.count = (units.count or 0) + 1\n'

-- What a loop may take in cases that have many of them, in seconds.
local SHORT <const> = 0.2
local SHORT_REASON <const> = "it computed for more than 0.2 s without waiting"

local numbers = 0

-- Runs units in a slot of their own against a device that answers by `answer(frame, n, unit)`. Gives a
-- value to be closed: messages, folder.
local function work(t)
  numbers = numbers + 1
  local address = ("pair:worker%d"):format(numbers)
  local folder = scratch.folder { ["helper.lua"] = "return {}" }
  local config = {
    slot = "A",
    file = folder:write("recipe.lua", t.text or COUNTING .. scratch.recipe(t.more)),
    folder = folder.path .. "/",
    address = address,
    service = folder:cli(t.cli),
    count = 1,
    retries = 0,
  }
  for key, value in pairs(t.config or {}) do config[key] = value end
  if t.token then
    config.service.token = t.token
    t.token.folder = folder.path .. "/lock"
  end
  local received, stopped = {}, false
  local device = task.spawn(function()
    while not stopped do
      local wire <close> = assert(port.open(address))
      product.device(t.answer)(wire, received)
    end
  end)
  local run = { messages = {}, folder = folder, received = received }
  local worker <close> = slot.new()
  worker:start("jig.worker", config)
  local message = worker:next(LONG)
  while message do
    run.messages[#run.messages + 1] = message
    if t.watch then t.watch(message, worker) end
    message = worker:next(LONG)
  end
  worker:close()
  stopped = true
  local last <close> = assert(port.open(address))
  last:close()
  device:join(LONG)
  return setmetatable(run, { __close = function() folder:__close() end })
end

local function of(run, name)
  local found = {}
  for _, message in ipairs(run.messages) do
    if message.event == name then found[#found + 1] = message end
  end
  return found
end

-- A token that is busy, missing, or refuses its PIN when the CLI says so with 7, 8, 9.
local function token(more)
  more = more or {}
  more.busy, more.missing, more.pin = { statuses = { 7 } }, { statuses = { 8 } }, { statuses = { 9 } }
  return more
end

-- A device that answers this status to the first `times` messages, then is well.
local function failing(status, times)
  return function(frame, n)
    return { scp = frame.scp, status = n <= times and status or 0, payload = "ok" }
  end
end

describe("jig.worker", function()
  before_each(function() budget.limit(1) end)
  teardown(function() budget.limit(1) end)

  it("tells a unit from its start to its end, each message with slot, unit, attempt and session", function()
    local run <close> = work { config = { serial = "S1", lot = "L" } }
    local names = {}
    for i, message in ipairs(run.messages) do
      names[i] = message.event == "phase" and message.phase or message.event
      assert.same({ "A", 1, 1 }, { message.slot, message.unit, message.attempt })
    end
    assert.equal("started connect serial new_device factory_init get_device_configuration factory_provisioning "
      .. "handle_device_response ended", table.concat(names, " "))
    local started, ended = run.messages[1], run.messages[#run.messages]
    assert.same({ "lamp", "2" }, { started.recipe, started.version })
    assert.is_nil(started.session)
    assert.same({ true, product.fingerprint, "S1", false },
      { ended.passed, ended.fingerprint, ended.serial, ended.unreported })
    assert.is_nil(ended.fault)
    assert.is_nil(ended.again)
    assert.equal(6, #ended.phases)
    assert.matches("^" .. ("%x"):rep(20) .. "$", ended.session)
    assert.equal(ended.session, run.folder:calls()[1][2])
  end)

  it("says nothing of phases where it is told to be quiet", function()
    local run <close> = work { config = { quiet = true } }
    assert.same({ 0, 1, 1 }, { #of(run, "phase"), #of(run, "started"), #of(run, "ended") })
    assert.is_nil(of(run, "ended")[1].phases)
  end)

  it("runs as many units as asked, each with a session and an environment of its own", function()
    local run <close> = work { config = { count = 3 }, more = [[
      prepare = function(unit) unit:log(("%d"):format(units.count)) end,
    ]] }
    local sessions = {}
    for i, ended in ipairs(of(run, "ended")) do
      assert.same({ i, true }, { ended.unit, ended.passed })
      assert.is_nil(sessions[ended.session])
      sessions[ended.session] = true
    end
    local notes = of(run, "note")
    assert.equal(3, #notes)
    for _, note in ipairs(notes) do assert.equal("1", note.text) end
  end)

  it("uses the session id that it is given", function()
    local run <close> = work { config = { session_id = "e78d9c272156fb9b1a5c" } }
    assert.equal("e78d9c272156fb9b1a5c", run.folder:calls()[1][2])
  end)

  it("goes on with the next unit after one that failed", function()
    local run <close> = work { config = { count = 2 }, answer = failing(6, 1) }
    local ended = of(run, "ended")
    assert.same({ "lamp.broken", 51, true }, { ended[1].fault.name, ended[1].fault.code, ended[1].reported })
    assert.same({ false, true }, { ended[1].passed, ended[2].passed })
  end)

  for _, name in ipairs { "started", "phases", "port", "enter", "context", "catch", "recipe" } do
    it("goes on after a recipe that made nonsense of a field of its unit: " .. name, function()
      local run <close> = work { config = { count = 2 }, more = ([[
        finish = function(unit)
          if unit.number == 1 then
            unit.%s = "08:00"
            error "boom"
          end
        end,
      ]]):format(name) }
      local ended = of(run, "ended")
      assert.same({ 2, 0 }, { #ended, #of(run, "crashed") })
      assert.same({ false, "tool.recipe", true }, { ended[1].passed, ended[1].fault.name, ended[2].passed })
    end)
  end

  it("goes on after a recipe that made nonsense of itself and its unit", function()
    budget.limit(SHORT)
    local run <close> = work { config = { count = 2, retries = 1 }, answer = failing(5, 1), text =
      'local made\n' .. scratch.recipe [[
        run = function(unit)
          if unit.number == 1 then
            for _, name in ipairs { "port", "name", "version", "limits", "faults", "reset" } do made[name] = 5 end
            setmetatable(unit, { __index = function() while true do end end })
            error "boom"
          end
          unit:new_device()
        end,
      ]]:gsub("return jig.recipe", "made = jig.recipe") .. "\nreturn made\n" }
    local ended = of(run, "ended")
    assert.same({ 0, 2 }, { #of(run, "crashed"), #ended })
    assert.equal("tool.recipe", ended[1].fault.name)
  end)

  it("refuses a recipe with a mistake before anything is called", function()
    local run <close> = work { text = "return 5", config = { count = 2 } }
    assert.equal(1, #run.messages)
    assert.equal("refused", run.messages[1].event)
    assert.matches("recipe.lua: must return jig.recipe", run.messages[1].message, 1, true)
    assert.equal("", run.folder:commands())
  end)

  describe("tries again", function()
    it("after a fault marked retry, with a session of its own, and reset before each attempt", function()
      local run <close> = work { config = { retries = 2 }, answer = failing(5, 2), more = [[
        reset = function(unit) unit:log(("reset %d"):format(unit.attempt)) end,
      ]] }
      local ended, notes = of(run, "ended"), {}
      for i, note in ipairs(of(run, "note")) do notes[i] = note.text end
      assert.equal(3, #ended)
      assert.same({ true, true }, { ended[1].again, ended[2].again })
      assert.is_nil(ended[3].again)
      assert.same({ false, false, true }, { ended[1].passed, ended[2].passed, ended[3].passed })
      assert.same({ 1, 2, 3 }, { ended[1].attempt, ended[2].attempt, ended[3].attempt })
      assert.are_not.equal(ended[1].session, ended[2].session)
      assert.same({ "reset 1", "reset 1", "reset 2", "reset 2", "reset 3" }, notes)
      assert.equal("new_device report_error new_device report_error new_device get_device_configuration "
        .. "handle_device_response", run.folder:commands())
    end)

    it("no more often than allowed", function()
      local run <close> = work { config = { retries = 1 }, answer = failing(5, 9) }
      assert.equal(2, #of(run, "ended"))
      assert.is_nil(of(run, "ended")[2].again)
    end)

    -- Each: why not; what `work` gets. All have retries.
    local never = {
      { "without a retry mark", { answer = failing(6, 9) } },
      { "when the report was not accepted", { answer = failing(5, 9), cli = "{ report_error = { exit = 9 } }" } },
      { "after the fingerprint", { more = [[
        finish = function(unit) unit:fail("lamp.dark", { code = 5, reason = "dark", retry = true }) end,
      ]] } },
      { "after token trouble", { token = token(), cli = "{ new_device = { exit = 8 } }", more = [[
        run = function(unit)
          local _, made = pcall(unit.new_device, unit)
          made.retry = true
          error(made, 0)
        end,
      ]] } },
      { "after a bug of the recipe", { more = [[ prepare = function() error "boom" end, ]] } },
      { "after an interrupt", {
        more = [[ prepare = function(unit) unit:log "here" jig.sleep(60) end, ]],
        watch = function(message, worker)
          if message.event == "note" then worker:interrupt() end
        end,
      } },
    }
    for _, case in ipairs(never) do
      it("never " .. case[1], function()
        case[2].config = { retries = 3 }
        local run <close> = work(case[2])
        assert.equal(1, #of(run, "ended"))
        assert.is_false(of(run, "ended")[1].passed)
        assert.is_nil(of(run, "ended")[1].again)
      end)
    end

    it("when the device had to be opened in vain, for nothing needs a report then", function()
      local run <close> = work {
        config = { retries = 1 },
        more = [[ prepare = function(unit)
          if unit.attempt == 1 then unit:fail("connectivity.timeout", { retry = true }) end
        end, ]],
      }
      assert.equal(2, #of(run, "ended"))
      assert.is_true(of(run, "ended")[2].passed)
    end)
  end)

  it("stops between units when it is interrupted", function()
    local run <close> = work { config = { count = 5 }, watch = function(message, worker)
      if message.event == "ended" then worker:interrupt() end
    end }
    local ended = of(run, "ended")
    assert.is_true(#ended <= 2)
    assert.is_true(ended[1].passed)
  end)

  it("reports a unit that ate all its memory, and goes on", function()
    local run <close> = work { config = { count = 2 }, more = [[
      exchange = function(unit, request)
        if unit.number == 1 then
          local t = {}
          while true do t[#t + 1] = ("x"):rep(100000) .. #t end
        end
        return request.payload
      end,
    ]] }
    local ended = of(run, "ended")
    assert.same({ "tool.limit", true }, { ended[1].fault.name, ended[1].reported })
    if not scratch.valgrind then assert.matches("not enough memory", ended[1].fault.reason) end
    assert.is_true(ended[2].passed)
  end)

  describe("reports a unit that filled its memory to the brim, which it still holds,", function()
    local FILL <const> = "local d = unit.data while true do d.l = { d.l } end"
    -- Each: where; the recipe; whether there is a fingerprint.
    local brims = {
      { "in run", "run = function(unit) unit:new_device() if unit.number == 1 then %s end error 'second' end,", false },
      { "in prepare", "prepare = function(unit) if unit.number == 1 then %s end error 'second' end,", false },
      { "in finish", "finish = function(unit) if unit.number == 1 then %s end error 'second' end,", true },
      { "in pcall", [[run = function(unit)
        unit:new_device()
        while unit.number == 1 do
          pcall(function() %s end)
          error(jig.fault("tool.limit", { reason = "not enough memory" }))
        end
        error 'second'
      end,]], false },
      { "in run and reset", [[
        reset = function(unit)
          local d = {}
          while unit.session_id and unit.number == 1 do d = { d } end
        end,
        run = function(unit) unit:new_device() if unit.number == 1 then %s end error 'second' end,]], false },
    }
    for _, case in ipairs(brims) do
      it(case[1] .. ", and goes on", function()
        if scratch.valgrind then pending "its second of computing comes first" end
        local run <close> = work { config = { count = 2 }, more = case[2]:format(FILL) }
        local ended = of(run, "ended")
        assert.equal(2, #ended, run.messages[#run.messages].message)
        local made = ended[1].fault
        assert.same({ "tool.limit", "A" }, { made.name, made.slot })
        assert.matches("not enough memory", made.reason)
        assert.matches("recipe%.lua:%d+$", made.line)
        assert.is_false(ended[1].unreported)
        assert.equal(case[3], ended[1].fingerprint ~= nil)
        assert.matches("second", ended[2].fault.reason)
      end)
    end
  end)

  it("passes on plain values, whatever the recipe made of unit.serial or a fault", function()
    local run <close> = work { more = [[
      prepare = function(unit)
        unit.serial = 17
        error(jig.fault("lamp.dark", { code = 5, reason = "dark", cause = unit, advice = {} }))
      end,
    ]] }
    local ended = of(run, "ended")[1]
    assert.equal("17", ended.serial)
  end)

  it("tells and records what it made, whatever the recipe calls it", function()
    local place <close> = scratch.folder()
    local path = place.path .. "/journal"
    assert(journal.open { path = path })
    local run <close> = work {
      config = { journal = { owner = journal.owner(), started = { owner = journal.owner(), service = "x" } } },
      more = [[ prepare = function(unit)
        unit.serial, unit.number, unit.attempt, unit.slot = "T1", "seven", {}, "Z"
      end,
      finish = function(unit) unit.session_id, unit.fingerprint = "another", nil end, ]],
    }
    assert.is_true(journal.close())
    local ended = of(run, "ended")[1]
    assert.same({ true, product.fingerprint, run.folder:calls()[1][2], 1, 1, "A" },
      { ended.passed, ended.fingerprint, ended.session, ended.unit, ended.attempt, ended.slot })
    local l <close> = assert(ledger.open(path))
    for row in l:rows "SELECT result, fingerprint, session, number, attempts, slot FROM unit" do
      assert.same({ result = "passed", fingerprint = product.fingerprint, session = ended.session, number = 1,
        attempts = 1, slot = "A" }, row)
    end
    assert.is_true(l:verify().sound)
  end)

  it("has no serial number where that cannot be told as text", function()
    local run <close> = work { more = [[
      prepare = function(unit)
        unit.serial = setmetatable({}, { __tostring = function() error "boom" end })
        unit:fail("lamp.dark", { code = 5, reason = "dark" })
      end,
    ]] }
    local ended = of(run, "ended")[1]
    assert.same({ "lamp.dark", nil }, { ended.fault.name, ended.serial })
  end)

  it("says in one message what it died of", function()
    local run <close> = work { config = { count = "many" } }
    assert.same({ "crashed" }, { run.messages[1].event })
    assert.matches("bad 'for' limit", run.messages[1].message)
  end)

  describe("with a token that is busy", function()
    it("tries a new device again, after a reset and a pause; that is no retry", function()
      local run <close> = work {
        token = token(), cli = "{ new_device = { { exit = 7 }, { exit = 7 }, {} } }",
        more = "reset = function(unit) unit:log(('reset %d'):format(unit.attempt)) end,",
      }
      local ended, notes = of(run, "ended"), {}
      assert.equal(3, #ended)
      for i = 1, 2 do
        assert.same({ "cli.token_busy", 408, true, i },
          { ended[i].fault.name, ended[i].fault.code, ended[i].again, ended[i].attempt })
        assert.is_nil(ended[i].reported)
      end
      assert.is_true(ended[3].passed)
      for i, note in ipairs(of(run, "note")) do notes[i] = note.text end
      assert.same({ "reset 1", "reset 1", "reset 2", "reset 2", "reset 3" }, notes)
      assert.equal("new_device new_device new_device get_device_configuration handle_device_response",
        run.folder:commands())
    end)

    it("leaves the retries for what they are meant for, and gives up after `tries`", function()
      local run <close> = work {
        token = token { tries = 2 }, config = { retries = 1 }, answer = failing(5, 1),
        cli = "{ new_device = { { exit = 7 }, {}, { exit = 7 } } }",
      }
      local names = {}
      for i, ended in ipairs(of(run, "ended")) do names[i] = ended.fault.name end
      assert.same({ "cli.token_busy", "lamp.dark", "cli.token_busy" }, names)
      assert.equal("new_device new_device report_error new_device", run.folder:commands())
    end)

    it("does not believe a recipe that it is", function()
      local run <close> = work { token = token(), more = [[ prepare = function(unit)
        unit:fail("cli.token_busy", { reason = "fake" })
      end, ]] }
      local ended = of(run, "ended")
      assert.same({ 1, "cli.token_busy", "fake", true },
        { #ended, ended[1].fault.name, ended[1].fault.reason, ended[1].fault.by_recipe })
    end)

    it("does not try again where a session is open", function()
      local run <close> = work { token = token(), cli = "{ get_device_configuration = { exit = 7 } }" }
      local ended = of(run, "ended")
      assert.equal(1, #ended)
      assert.same({ "cli.token_busy", true }, { ended[1].fault.name, ended[1].reported })
      assert.equal("new_device get_device_configuration report_error", run.folder:commands())
    end)

    it("does not try again what was interrupted in the pause", function()
      local run <close> = work {
        token = token(), cli = "{ new_device = { exit = 7 } }",
        watch = function(message, worker)
          if message.event == "phase" and message.phase == "new_device" then
            task.spawn(function()
              require("jig.clock").sleep(0.05)
              worker:interrupt()
            end)
          end
        end,
      }
      local ended = of(run, "ended")
      assert.equal(1, #ended)
      assert.is_nil(ended[1].again)
    end)
  end)

  it("does not try again with a token that is missing, whatever the retries", function()
    local run <close> = work { token = token(), config = { retries = 3 }, cli = "{ new_device = { exit = 8 } }" }
    assert.equal(1, #of(run, "ended"))
    assert.same({ "cli.token_missing", 407 }, { of(run, "ended")[1].fault.name, of(run, "ended")[1].fault.code })
  end)

  describe("ends a unit alone whose recipe", function()
    local HELD <const> = "it computed for more than 0.1 s where it cannot be suspended"

    -- Each: what it does, as code of the exchange hook in the first unit; the fault's name and reason.
    local deeds = {
      { "loops", "while true do end", "tool.limit", SHORT_REASON },
      { "loops in pcall", "while true do pcall(looping) end", "tool.limit", SHORT_REASON },
      { "loops in a message handler", "xpcall(error, looping)", "tool.limit", HELD },
      { "loops in __close", "local x <close> = setmetatable({}, { __close = looping })", "tool.limit", SHORT_REASON },
      { "loops in a comparison", "table.sort({ 1, 2, 3 }, looping)", "tool.limit", HELD },
      { "loops in a replacement", "local _ = ('x'):gsub('x', looping)", "tool.limit", HELD },
      { "loops in a coroutine", "coroutine.wrap(function() while true do pcall(looping) end end)()",
        "tool.limit", SHORT_REASON },
      { "loops in __index", "local _ = setmetatable({}, { __index = looping }).x", "tool.limit", SHORT_REASON },
      { "loops around the verbs", "while true do pcall(unit.exchange, unit, {}) pcall(unit.fail, unit, 5) end",
        "tool.limit", SHORT_REASON },
      { "has a finalizer", "setmetatable({}, { __gc = looping })", "tool.recipe", "__gc is not for recipes" },
      { "has a bomb for a pattern", "local _ = ('a'):rep(300):find('.-.-.-.-b')",
        "tool.recipe", "more than 10000000 steps" },
      { "has a long set in a pattern", "local _ = ('b'):rep(200000):find('[' .. ('a'):rep(100000) .. ']')",
        "tool.recipe", "more than 10000000 steps" },
      { "has a long replacement", "local _ = ('a'):rep(100000):gsub('(b-)', ('%1'):rep(100000))",
        "tool.recipe", "more than 10000000 steps" },
      { "compares by string.find", [[
        local list = {}
        for i = 1, 5000 do list[i] = '.-.-%z' .. ('a'):rep(200) end
        table.sort(list, string.find) ]], "tool.limit", HELD },
      { "compares by string.upper", [[
        local list = {}
        list[1] = ('x'):rep(1 << 20)
        for i = 2, 60000 do list[i] = list[1] end
        table.sort(list, string.upper) ]], "tool.limit", HELD },
      { "replaces by table.concat", [[
        local t = {}
        for i = 1, 100000 do t[i] = '' end
        local _ = ('a'):rep(100000):gsub('b-', setmetatable(t, { __index = table.concat })) ]], "tool.limit", HELD },
      { "moves by table.concat", [[
        local t = {}
        for i = 1, 10000 do t[i] = '' end
        setmetatable(t, { __index = table.concat })
        table.move(t, 20000, 1000000, 1, setmetatable({}, { __newindex = rawequal })) ]], "tool.limit", HELD },
      { "unpacks by table.unpack", [[
        local t = {}
        for i = 1, 100000 do t[i] = 'x' end
        setmetatable(t, { __index = tostring, __tostring = table.unpack })
        table.unpack(t, 200000, 900000) ]], "tool.limit", HELD },
      { "takes what C throws", [[
        local t = {}
        for i = 1, 100000 do t[i] = '' end
        setmetatable(t, { __index = table.concat })
        while true do xpcall(string.gsub, looping, ('a'):rep(100000), 'b-', t) end ]], "tool.limit", HELD },
      { "has a long format for a date", "local _ = os.date(('%c'):rep(1000))",
        "tool.recipe", "os.date takes a format of 1024 characters at most" },
      { "repeats a string", "local _ = ('x'):rep(1 << 30)", "tool.limit", "not enough memory" },
      { "moves a table", "table.move({}, 1, 1 << 60, 2)", "tool.recipe", "table.move goes over 1048576" },
      { "fills a table", "local t = {} for i = 1, 1 << 30 do t[i] = i end", "tool.limit", "not enough memory" },
      -- by memory, or on a slow machine by time
      { "recurses", "local function f() return 1 + f() end f()", "tool.limit", "" },
    }

    -- The deed at slot A, three units at slot B meanwhile: the other slot passes, and so does the unit after.
    local function side_by_side(deed)
      local text = scratch.recipe(([[
        exchange = function(unit, request)
          if unit.number == 1 then
            %s
          end
          return "ok"
        end,
      ]]):format(deed))
      text = "local function looping() while true do end end\n" .. text
      local other
      local beside = task.spawn(function()
        other = work { config = { slot = "B", count = 3 } }
      end)
      local run = work { text = text, config = { count = 2 } }
      assert(beside:join(LONG))
      return run, other
    end

    for _, deed in ipairs(deeds) do
      it(deed[1], function()
        if deed[4] == SHORT_REASON then budget.limit(SHORT) end
        -- on a slow machine they take more than a second, and under valgrind more than a slot may stay away
        if deed[4]:find "steps$" and not scratch.valgrind then budget.limit(60) end
        if deed[1] == "recurses" and SANITIZED then pending "each frame is a block of the sanitizer's" end
        local run <close>, beside = side_by_side(deed[2])
        local other <close> = beside
        local ended = of(run, "ended")
        assert.equal(2, #ended)
        local fault = ended[1].fault
        local name, reason = deed[3], deed[4]
        if scratch.valgrind then -- so slow that whatever is bounded takes more than its second
          name, reason = fault.name, fault.reason
        end
        assert.equal(name, fault.name, fault.reason)
        assert.matches(reason, fault.reason, 1, true)
        if deed[4] ~= "" and not reason:find "memory" then assert.matches("/recipe.lua:%d+$", fault.line) end
        assert.equal("factory_init", fault.phase)
        assert.same({ true, false }, { ended[1].reported, ended[1].unreported })
        assert.is_true(ended[2].passed)
        assert.equal("new_device report_error new_device get_device_configuration handle_device_response",
          run.folder:commands())
        assert.equal(name == "tool.limit" and "903" or "902", run.folder:calls()[2][3])
        for _, one in ipairs(of(other, "ended")) do assert.is_true(one.passed) end
        assert.equal(3, #of(other, "ended"))
      end)
    end
  end)

  it("ends a loop in each hook, and says of `reset` that it had trouble", function()
    budget.limit(SHORT)
    local run <close> = work { more = [[
      reset = function(unit)
        if unit.session_id then while true do pcall(error) end end
      end,
      run = function(unit)
        unit:new_device()
        while true do end
      end,
    ]] }
    local ended = of(run, "ended")
    assert.equal("tool.limit", ended[1].fault.name)
    assert.is_true(ended[1].reported)
    assert.matches("/recipe.lua:%d+: " .. SHORT_REASON, ended[1].reset_trouble)
    assert.equal("new_device report_error", run.folder:commands())
  end)

  it("refuses a recipe whose chunk does not end, with its line", function()
    budget.limit(SHORT)
    local run <close> = work { text = "\nwhile true do pcall(error) end" }
    assert.equal("refused", run.messages[1].event)
    assert.matches("/recipe.lua:2: " .. SHORT_REASON .. "$", run.messages[1].message)
  end)

  it("calls nothing of a recipe when the unit is over", function()
    local run <close> = work { more = [[
      finish = function(unit)
        unit.serial = setmetatable({}, { __tostring = function() while true do end end })
      end,
    ]] }
    local ended = of(run, "ended")
    assert.same({ 1, "tool.recipe", true, nil },
      { #ended, ended[1].fault.name, ended[1].manufactured_with_fault, ended[1].serial })
  end)

  it("records the serial number that new_device was called for, whatever becomes of unit.serial", function()
    local place <close> = scratch.folder()
    local path = place.path .. "/journal"
    assert(journal.open { path = path })
    local run <close> = work {
      config = { journal = { owner = journal.owner(), started = { owner = journal.owner(), service = "x" } } },
      more = [[ prepare = function(unit) unit.serial = "LA1" end,
        finish = function(unit) unit.serial = "LB1" end, ]],
    }
    assert.is_true(journal.close())
    local ended = of(run, "ended")[1]
    assert.same({ "LA1", false, true, "tool.recipe", "finish" },
      { ended.serial, ended.passed, ended.manufactured_with_fault, ended.fault.name, ended.fault.phase })
    local l <close> = assert(ledger.open(path))
    for row in l:rows "SELECT u.serial, s.claim, s.serial AS opened FROM unit u JOIN session s ON s.unit = u.id" do
      assert.same({ serial = "LA1", claim = "LA1", opened = "LA1" }, row)
    end
  end)

  for _, value in ipairs { "{}", "true", "1.5", "setmetatable({}, { __tostring = function() return 'S' end })" } do
    it("takes " .. value .. " for no serial number, before anything is called", function()
      local run <close> = work { more = ("prepare = function(unit) unit.serial = %s end,"):format(value) }
      local ended = of(run, "ended")[1]
      assert.same({ "tool.recipe", nil, "" }, { ended.fault.name, ended.serial, run.folder:commands() })
      assert.matches("^unit.serial is the device's serial number, a string; it is a ", ended.fault.reason)
    end)
  end
end)
