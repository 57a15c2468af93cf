local cjson = require "cjson.safe"
local cli = require "jig.testing.cli"
local clock = require "jig.clock"
local hex = require "jig.hex"
local length = require "jig.framing.length"
local rig = require "jig.testing.rig"
local scratch = require "spec.support.scratch"
local slip = require "jig.framing.slip"
local testing = require "jig.testing"

-- Defines the checks of `f` for a stand-in of busted. Gives the titles of the checks that fail.
local function failures(f, options)
  local failed, titles = {}, {}
  local busted = package.loaded.busted
  package.loaded.busted = {
    describe = function(_, body) body() end,
    it = function(title, body)
      titles[#titles + 1] = title
      if not pcall(body) then failed[#failed + 1] = title end
    end,
  }
  local ok, message = pcall(testing.framing, f, options)
  package.loaded.busted = busted
  if not ok then error(message, 0) end
  return failed, titles
end

-- A framing like `good` but for the ends, whose parts `change` may replace.
local function broken(good, change)
  local function wrap(from)
    local made = { encode = from.encode, decoder = from.decoder, sample = from.sample }
    change(made)
    return made
  end
  local copy = {}
  for key, value in pairs(good) do copy[key] = value end
  copy.host = wrap(good.host)
  copy.device = copy.host
  return copy
end

-- Makes an end's decoders answer feed through `through(frame, answer, skipped, why)`.
local function refeed(made, through)
  local decoder = made.decoder
  made.decoder = function()
    local inner = decoder()
    return {
      feed = function(_, bytes) return through(inner:feed(bytes)) end,
      idle = function() return inner:idle() end,
      rest = function() return inner:rest() end,
    }
  end
end

describe("jig.testing", function()
  describe("framing", function()
    local good = length {
      header = ">I2 length", start = "\x7e", crc = "CRC-16/IBM-3740", max = 1000,
    }
    local announced = { oversize = { host = "\x7e\xff\xff" } }

    it("finds no fault with a good framing", function()
      local failed, titles = failures(good, announced)
      assert.same({}, failed)
      assert.equal(12, #titles)
    end)

    local function has(list, title)
      for _, entry in ipairs(list) do
        if entry == title then return true end
      end
      return false
    end

    local mistakes = {
      { "gives back every payload", function(made)
        refeed(made, function(frame, ...)
          if frame then frame.payload = frame.payload:gsub("\0", "") end
          return frame, ...
        end)
      end },
      { "takes max bytes and refuses one more", function(made)
        local encode = made.encode
        made.encode = function(frame)
          if #frame.payload > 1000 then frame = { payload = "" } end
          return encode(frame)
        end
      end },
      { "refuses a frame without payload", function(made)
        local encode = made.encode
        made.encode = function(frame) return encode { payload = frame.payload or "" } end
      end },
      { "does not care where its input is split", function(made)
        local decoder = made.decoder
        made.decoder = function()
          local inner = decoder()
          return {
            feed = function(_, bytes)
              local frame, answer, skipped, why = inner:feed(bytes)
              if not frame and bytes ~= "" then inner:rest() end
              return frame, answer, skipped, why
            end,
            idle = function() return inner:idle() end,
            rest = function() return inner:rest() end,
          }
        end
      end },
      { "gives one frame a call and keeps the rest", function(made)
        local decoder = made.decoder
        made.decoder = function()
          local inner = decoder()
          return {
            feed = function(_, bytes)
              local frame, answer, skipped, why = inner:feed(bytes)
              if frame then inner:rest() end
              return frame, answer, skipped, why
            end,
            idle = function() return inner:idle() end,
            rest = function() return inner:rest() end,
          }
        end
      end },
      { "gives no frame that is cut short, and silence ends it", function(made)
        local decoder = made.decoder
        made.decoder = function()
          local inner = decoder()
          return {
            feed = function(_, bytes) return inner:feed(bytes) end,
            idle = function() return nil, "more" end,
            rest = function() return inner:rest() end,
          }
        end
      end },
      { "starts afresh after rest()", function(made)
        local decoder = made.decoder
        made.decoder = function()
          local inner = decoder()
          return {
            feed = function(_, bytes) return inner:feed(bytes) end,
            idle = function() return inner:idle() end,
            rest = function() return "", 0 end,
          }
        end
      end },
      { "finds the frame behind junk", function(made)
        made.decoder = length {
          header = ">I2 length", start = "", crc = "CRC-16/IBM-3740", max = 1000,
        }.host.decoder
        local encode = made.encode
        made.encode = function(frame) return encode(frame):sub(2) end
      end },
      { "never takes a damaged frame for another", function(made)
        local unchecked = length { header = ">I2 length", start = "\x7e", max = 1000 }
        made.encode, made.decoder = unchecked.host.encode, unchecked.host.decoder
      end },
      { "keeps a bounded number of bytes", function(made)
        local decoder = made.decoder
        made.decoder = function()
          local inner, all = decoder(), {}
          return {
            feed = function(_, bytes)
              all[#all + 1] = bytes
              return inner:feed(bytes)
            end,
            idle = function() return inner:idle() end,
            rest = function() return inner:rest() end,
          }
        end
      end },
      { "refuses at once what announces more than max", function(made)
        made.decoder = length {
          header = ">I2 length", start = "\x7e", crc = "CRC-16/IBM-3740",
        }.host.decoder
      end },
    }
    for _, row in ipairs(mistakes) do
      it("sees when a framing breaks: " .. row[1], function()
        local failed = failures(broken(good, row[2]), announced)
        assert.is_true(has(failed, row[1]), table.concat(failed, "; "))
      end)
    end

    it("sees when \"bad\" comes without a number", function()
      local failed = failures(broken(good, function(made)
        refeed(made, function(frame, answer) return frame, answer end)
      end))
      assert.is_true(has(failed, "finds the frame behind junk"))
    end)

    it("checks a framing without traits as its options say", function()
      local bare = broken(slip { max = 500 }, function() end)
      bare.traits, bare.max = nil, nil
      local failed, titles = failures(bare, { junk = true, max = 500 })
      assert.same({}, failed)
      assert.is_true(has(titles, "finds the frame behind junk"))
      assert.is_false(has(titles, "never takes a damaged frame for another"))
      failed = failures(bare, { check = true, max = 500 })
      assert.same({ "never takes a damaged frame for another" }, failed)
    end)

    it("checks both directions when they differ", function()
      local _, titles = failures(slip { header = "", reply = "B status", max = 500 })
      assert.equal(20, #titles)
    end)

    it("refuses what it does not know", function()
      local function call(f, options)
        local ok, message = pcall(function()
          testing.framing(f, options)
        end)
        assert.is_false(ok)
        return message
      end
      assert.truthy(call(good, { jnuk = true })
        :find('testing_spec.lua:%d+: testing.framing: unknown option "jnuk"$'))
      assert.truthy(call({ host = {}, device = {} })
        :find("testing_spec.lua:%d+: testing.framing: max: expected integer$"))
    end)
  end)
end)

-- ---- whole runs ----

-- What testing.run raises.
local function raised(options)
  local ok, message = pcall(testing.run, options)
  assert.is_false(ok)
  return message
end

-- What each effect of a run was, without its time; of payloads their size.
local function steps(result)
  local list = {}
  for i, effect in ipairs(result.trail) do
    list[i] = ("%s %s %s %.9g"):format(effect.kind, effect.what, effect.size or effect.value or "", effect.at)
  end
  return list
end

-- A folder with a recipe of specs (scratch.recipe), run with options.
local function with_recipe(more, options)
  local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe(more) }
  options.recipe = folder.path
  options.device = options.device or {}
  return testing.run(options), folder.path
end

describe("jig.testing", function()
  describe("run", function()
    it("gives a PASS with all that became of it", function()
      local result = testing.run { recipe = "examples/thermostat" }
      assert.is_true(result.passed)
      assert.is_nil(result.fault)
      assert.equal("T100317", result.serial)
      assert.equal(cli.usual.handle_device_response.fingerprint, result.fingerprint)
      assert.equal(result.fingerprint, result.ended.fingerprint)
      assert.same({ result.ended }, result.attempts)
      assert.equal("started", result.events[1].event)
      assert.equal(result.ended, result.events[#result.events])
      local commands = {}
      for i, call in ipairs(result.calls) do commands[i] = call.command end
      assert.same({ "new_device", "get_device_configuration", "handle_device_response" }, commands)
      assert.same({}, result.reports)
      assert.equal("answer of the thermostat to 256", result.calls[2].response)
      assert.same({ 256, 257 }, { result.received[1].scp, result.received[2].scp })
      assert.equal(cli.usual.new_device.payload, result.received[1].payload)
      assert.equal(result.ended.sent, #result.written)
      assert.is_true(math.abs(result.seconds - 0.133) < 1e-6)
      assert.same({ 1, "finished", "T100317" },
        { #result.sessions, result.sessions[1].state, result.sessions[1].serial })
      assert.equal(result.calls[1].session, result.sessions[1].id)
      assert.matches("0.101  factory_tool new_device: exit 0\n", result:transcript(), 1, true)
      assert.equal(3, select(2, result:transcript(3):gsub("\n", "")))
    end)

    it("gives a FAIL with its fault and its report", function()
      local result = testing.run { recipe = "examples/gateway", device = { { status = 3 } } }
      assert.reported(result, "factory_provisioning.memory", 611)
      assert.same({ 611, "gateway cannot allocate memory", result.calls[1].session },
        { result.reports[1].code, result.reports[1].reason, result.reports[1].session })
      assert.equal("reported", result.sessions[1].state)
      assert.is_nil(result.fingerprint)
    end)

    it("takes a recipe's file as well as its folder", function()
      assert.passed(testing.run { recipe = "examples/gateway/recipe.lua" })
      assert.passed(testing.run { recipe = "examples/gateway/" })
    end)

    describe("device", function()
      local function answer(device)
        device:receive()
        device:send { payload = "first" }
        device:receive()
        device:send { payload = "second" }
      end
      for name, case in pairs {
        ["a function"] = { answer, function(device) device:receive() device:send { status = 3 } end },
        ["a list"] = { { { payload = "first" }, { payload = "second" } }, { { status = 3 } } },
        ["a list with bytes and functions"] = {
          { function(message) return { payload = message.payload:sub(1, 1) } end,
            require "jig.framing.ftcd" {}.device.encode { status = 0, payload = "second" } },
          { function() return { status = 3 } end },
        },
        ["a table with a function"] = { { firmware = answer, latency = 2 }, { firmware = { { status = 3 } } } },
      } do
        it("is " .. name, function()
          assert.passed(testing.run { recipe = "examples/gateway", device = case[1] })
          assert.reported(testing.run { recipe = "examples/gateway", device = case[2] },
            "factory_provisioning.memory")
        end)
      end

      it("is silent where the list says so, or ends", function()
        for _, replies in ipairs { {}, { false }, { { payload = "x" } }, { { payload = "x" }, false } } do
          local result = testing.run { recipe = "examples/gateway", device = replies }
          assert.reported(result, "connectivity.timeout", 104)
          assert.is_true(result.seconds > 10)
        end
      end)

      it("hangs up", function()
        local result = testing.run { recipe = "examples/gateway", device = function(device)
          device:receive()
          device:write("mbed")
          device:hang_up()
        end }
        assert.reported(result, "connectivity.lost", 103)
      end)

      it("is, as a list, what device.lua says but for the firmware", function()
        local result = testing.run { recipe = "examples/thermostat", device = { { status = 0x11 } } }
        assert.reported(result, "factory_provisioning.memory", 311)
        assert.equal("T100317", result.serial)
      end)
    end)

    describe("cli", function()
      for _, case in ipairs {
        { "new_device", { exit = 3, err = "no licence" }, "cli.refused", false },
        { "new_device", { signal = 9 }, "cli.killed", true },
        { "new_device", { missing = true }, "cli.missing", false },
        { "new_device", { error = "denied", message = "not yours" }, "cli.missing", false },
        { "new_device", { out = "SCP 1\n" }, "cli.output", true },
        { "new_device", { after = math.huge }, "cli.timeout", true },
        { "get_device_configuration", { exit = 3 }, "cli.refused", true },
        { "get_device_configuration", { after = math.huge, deaf = true }, "cli.timeout", true },
        { "handle_device_response", { out = "" }, "cli.output", true },
        { "handle_device_response", function(call) return { exit = call.number } end, "cli.refused", true },
      } do
        it(("%s fails with %s"):format(case[1], case[3]), function()
          local result = testing.run { recipe = "examples/gateway", cli = { [case[1]] = case[2] } }
          assert.failed(result, case[3])
          if case[4] then assert.reported(result) else assert.not_reported(result) end
        end)
      end

      it("gives what it is told", function()
        local result = testing.run { recipe = "examples/gateway", cli = {
          new_device = { scp = 7, payload = "\0\255" },
          handle_device_response = { fingerprint = "00ff", after = 2 },
        } }
        assert.passed(result, "00ff")
        assert.equal("\0\255", result.received[1].payload)
        assert.is_true(result.seconds > 2)
      end)

      it("refuses a report, and the session stays open", function()
        local result = testing.run { recipe = "examples/gateway", device = { { status = 3 } },
          cli = { report_error = { exit = 4 } } }
        assert.failed(result, "factory_provisioning.memory")
        assert.is_true(result.ended.unreported)
        assert.is_nil(result.sessions[1].ended)
      end)
    end)

    it("service: settings of the CLI", function()
      local refusing = { new_device = { exit = 7 } }
      local result = testing.run { recipe = "examples/gateway", cli = refusing,
        service = { limits = { new_device = 3 } } }
      assert.equal(3, result.calls[1].limit)
      assert.failed(result, "cli.refused")
      assert.passed(testing.run { recipe = "examples/gateway", service = { accept = { 0, 7 } },
        cli = { new_device = { exit = 7, scp = 1, payload = "x" } } })
      assert.is_true(#testing.run { recipe = "examples/gateway", cli = refusing,
        service = { report = { refused = true } } }.reports == 1)
      assert.same({ "factory_tool", "--profile", "line3", "new_device" }, { table.unpack(testing.run {
        recipe = "examples/gateway", service = { arguments = { "--profile", "line3" } } }.calls[1].argv, 1, 4) })
    end)

    it("retries: so often as the fault allows it, each attempt with its session", function()
      local function answering(status)
        return testing.run { recipe = "examples/thermostat", device = { { status = status } }, retries = 2 }
      end
      local result = answering(0x11)
      assert.same({ 3, 3, 3 }, { #result.attempts, #result.reports, #result.sessions })
      assert.same({ true, true }, { result.attempts[1].again, result.attempts[2].again })
      assert.not_equal(result.reports[1].session, result.reports[2].session)
      assert.equal(1, #answering(0x12).attempts)
      local boots = 0
      result = testing.run { recipe = "examples/thermostat", retries = 2, device = { function()
        boots = boots + 1
        return { status = boots == 1 and 0x11 or 0, payload = "x" }
      end, { payload = "y" } } }
      assert.passed(result)
      assert.same({ 2, 1 }, { #result.attempts, #result.reports })
    end)

    it("serial: another device is not begun", function()
      assert.passed(testing.run { recipe = "examples/thermostat", serial = "T100317" })
      local result = testing.run { recipe = "examples/thermostat", serial = "T999999" }
      assert.failed(result, "tool.serial", 906)
      assert.same({}, result.calls)
    end)

    it("interrupt: Ctrl-C after so many seconds, which is harmless behind the end", function()
      local early = testing.run { recipe = "examples/thermostat", interrupt = 0 }
      assert.failed(early, "tool.interrupted", 901)
      assert.same({}, early.calls)
      assert.reported(testing.run { recipe = "examples/thermostat", device = {}, interrupt = 3 }, "tool.interrupted")
      assert.passed(testing.run { recipe = "examples/thermostat", interrupt = 1e6 })
    end)

    it("journal: none is kept when it is false", function()
      local result = testing.run { recipe = "examples/gateway", journal = false }
      assert.passed(result)
      assert.same({}, result.sessions)
      assert.is_true(result.ended.unrecorded)
      for _, step in ipairs(steps(result)) do assert.is_nil(step:find("^record")) end
    end)

    it("seed: the same gives the same trail, another other sessions", function()
      local function run(seed)
        local result = testing.run { recipe = "examples/thermostat", device = { { status = 0x11 } }, retries = 1,
          seed = seed }
        local sessions = {}
        for i, call in ipairs(result.calls) do sessions[i] = call.session end
        return steps(result), sessions
      end
      local trail, sessions = run()
      for _, seed in ipairs { 1, 1 } do
        local again, same = run(seed)
        assert.same(trail, again)
        assert.same(sessions, same)
      end
      for _, seed in ipairs { 2, -1, math.mininteger } do
        local again, others = run(seed)
        assert.same(trail, again)
        for i, session in ipairs(sessions) do assert.not_equal(session, others[i]) end
      end
    end)

    it("says which option is wrong, at the line that calls it", function()
      for _, case in ipairs {
        { 7, "takes a table: { recipe = … }" },
        { {}, "recipe: its file or folder is needed" },
        { { recipe = 7 }, "recipe: expected a string, got 7" },
        { { recipe = "x", recipes = 7 }, "there is no option 'recipes'" },
        { { recipe = "x", "y" }, "there is no option '1'" },
        { { recipe = "x", device = 7 }, "device: expected a function, table or string, got 7" },
        { { recipe = "x", cli = print }, "cli: expected a table or string, got a function" },
        { { recipe = "x", real = 1 }, "real: expected a boolean, got 1" },
        { { recipe = "x", service = "x" }, "service: expected a table, got a string" },
        { { recipe = "x", retries = 0.5 }, "retries: expected an integer, got 0.5" },
        { { recipe = "x", retries = -1 }, "retries: must be 0 or more, got -1" },
        { { recipe = "x", serial = 7 }, "serial: expected a string, got 7" },
        { { recipe = "x", journal = "no" }, "journal: expected a boolean, got a string" },
        { { recipe = "x", seed = "1" }, "seed: expected an integer, got a string" },
        { { recipe = "x", interrupt = true }, "interrupt: expected a number, got a boolean" },
        { { recipe = "x", interrupt = -0.1 }, "interrupt: must be 0 or more, got -0.1" },
        { { recipe = "x", device = "tcp:1" }, "what is real takes real time: real = true" },
        { { recipe = "x", cli = "tool" }, "what is real takes real time: real = true" },
      } do
        local ok, message = pcall(function() testing.run(case[1]) end)
        assert.is_false(ok)
        local at, text = message:match("testing_spec.lua:(%d+): testing.run: (.*)$")
        assert.truthy(at, message)
        assert.equal(case[2], text)
      end
    end)

    it("raises what a part is told that nobody can do", function()
      for text, options in pairs {
        ["there is no command 'format_disk'"] = { cli = { format_disk = {} } },
        ["cli.new_device: there is no 'status'"] = { cli = { new_device = { status = 3 } } },
        ["it has no 'firmwear'"] = { device = { firmwear = {} } },
        ["reply 1 of the device: expected a frame"] = { device = { 7 } },
        ["session.service: unknown option 'path'"] = { service = { path = "x" } },
      } do
        options.recipe = "examples/gateway"
        local message = raised(options)
        assert.truthy(message:find(text, 1, true), message)
      end
    end)

    it("raises what the code of a device or a CLI raises, with its line", function()
      assert.matches("testing_spec.lua:%d+: firmware bug", raised { recipe = "examples/gateway",
        device = function(device) device:receive() error "firmware bug" end })
      assert.matches("testing_spec.lua:%d+: CLI bug", raised { recipe = "examples/gateway",
        cli = { report_error = function() error "CLI bug" end }, device = { { status = 3 } } })
      assert.passed(testing.run { recipe = "examples/gateway" }) -- and the next run is as ever
    end)

    it("raises when the recipe is refused, or is not there", function()
      local folder <close> = scratch.folder { ["recipe.lua"] = "return 7", ["device.lua"] = "return {}" }
      assert.matches("recipe.lua: must return jig.recipe", raised { recipe = folder.path })
      assert.matches("no/such/folder", raised { recipe = "no/such/folder" }, 1, true)
    end)

    it("names a run that never ends", function()
      local ok, message = pcall(with_recipe,
        "limits = { prepare = 1e7, unit = 1e7 }, prepare = function() jig.sleep(1e6) end", {})
      assert.is_false(ok)
      assert.matches("^the run does not end: it was given up\n", message)
      assert.matches("wait in clock.sleep, at most 1e%+06 s", message)
    end)

    it("names a run that waits for what cannot come", function()
      local message = raised { recipe = "examples/gateway", cli = { new_device = { after = math.huge } },
        service = { limits = { new_device = math.huge } } }
      assert.matches("^the run waits for ever: nothing is left that could end it\n.*new_device: hangs\n", message)
    end)

    it("names firmware that spins", function()
      assert.matches("testing_spec.lua:%d+: the device's firmware computes and computes",
        raised { recipe = "examples/gateway", device = function() while true do end end })
      assert.matches("testing_spec.lua:%d+: the device's firmware sleeps 0 s again and again",
        raised { recipe = "examples/gateway", device = function(device) while true do device:sleep(0) end end })
    end)

    it("fails a recipe that spins by its own bound, with its line", function()
      local result = with_recipe("prepare = function() while true do end end", {})
      assert.failed(result, "tool.limit", 903)
    end)

    -- A recipe cannot leave anything: what it opened and began is closed with its slot. So here somebody else
    -- does, in the run's own world.
    it("raises when something is left behind, with what there is", function()
      local real = rig.new
      local ok, message
      rig.new = function(plan) -- luacheck: ignore 122 (put back below)
        local run = real(plan)
        run.world:after(1e6, print)
        return run
      end
      ok, message = pcall(testing.run, { recipe = "examples/gateway" })
      rig.new = real -- luacheck: ignore 122 (as it was)
      assert.is_false(ok)
      assert.matches("^the run is over and still holds 1 timers\n.*the journal takes 'ended'$", message)
    end)

    it("names each kind of what is left behind", function()
      local real = rig.new
      rig.new = function(plan) -- luacheck: ignore 122 (put back below)
        local run = real(plan)
        function run:close()
          rig.close(self)
          self.held = { ports = 1, programs = 2, timers = 0, tasks = 3, sessions = 4, appends = 5, descriptors = 6 }
        end
        return run
      end
      local ok, message = pcall(testing.run, { recipe = "examples/gateway" })
      rig.new = real -- luacheck: ignore 122 (as it was)
      assert.is_false(ok)
      assert.matches("holds 1 ports, 2 programs, 3 tasks, 4 sessions, 5 appends, 6 descriptors\n", message)
    end)

    it("leaves nothing of a recipe that waits when it is stopped", function()
      for _, body in ipairs {
        "unit.port:read(1, 100)", "jig.sleep(100)", "unit.port:expect('x', 100)", "error 'bug'",
        "local c = coroutine.wrap(function() unit.port:read(1, 100) end) c()",
      } do
        local result = with_recipe("prepare = function(unit) " .. body .. " end, limits = { prepare = 200 }",
          { interrupt = 1 })
        assert.is_false(result.passed, body)
      end
    end)

    -- No timed test: of virtual time there would be 3000 s. The bound is for a clock that was not virtual.
    it("takes no time for a hundred time-outs of 30 s", function()
      local began = clock.now()
      local result = with_recipe([[limits = { prepare = 1e4, unit = 1e4 },
        prepare = function(unit) for _ = 1, 100 do pcall(unit.port.read, unit.port, 1, 30) end end]], {})
      assert.is_true(result.seconds >= 3000)
      assert.is_true(clock.now() - began < 5)
    end)

    it("shows the recipe file's own path in faults", function()
      local result, folder = with_recipe("prepare = function()\nerror 'bug'\nend", {})
      assert.failed(result, "tool.recipe", 902)
      assert.matches("^" .. folder:gsub("%p", "%%%0") .. "/recipe.lua:%d+$", result.fault.line)
      local early = testing.run { recipe = "examples/thermostat", device = function() end }
      assert.matches("^examples/thermostat/recipe.lua:%d+$", early.fault.line)
    end)

    it("carries payloads of any bytes, up to what the framing takes", function()
      local MAX <const> = 4096 -- of scratch.recipe
      for _, payload in ipairs { "\0", "\xff", "\0\xff\0", ("\0"):rep(MAX), ("\xff"):rep(MAX) } do
        local result = with_recipe("", {
          device = { { payload = payload }, { payload = payload } },
          cli = { new_device = { scp = 0, payload = payload } },
        })
        assert.passed(result)
        assert.equal(payload, result.received[1].payload)
        assert.equal(payload, result.calls[2].response)
      end
      local over = with_recipe("", { cli = { new_device = { scp = 0, payload = ("x"):rep(MAX + 1) } } })
      assert.reported(over)
      assert.same({}, over.received)
      local empty = with_recipe("", { device = { { payload = "" } } })
      assert.reported(empty, "firmware.response", 204)
      local ok, message = pcall(with_recipe, "", { device = { { payload = ("x"):rep(MAX + 1) } } })
      assert.is_false(ok) -- the device's own framing refuses it
      assert.matches("4096", message)
    end)

    it("shows bytes of messages in no event, and not in the transcript", function()
      local secret = { "a message to the device", "another message to it", "what it answers first", "and what then" }
      local function run(replies)
        return with_recipe("", { device = replies, cli = {
          new_device = { scp = 0, payload = secret[1] },
          get_device_configuration = { scp = 0, payload = secret[2] },
        } })
      end
      for _, result in ipairs {
        run { { payload = secret[3] }, { payload = secret[4] } },
        run { { payload = secret[3] }, { payload = secret[4], status = 5 } },
        (run { secret[3] }),
      } do
        local said = cjson.encode(result.events) .. result:transcript() .. cjson.encode(result.sessions)
        for _, bytes in ipairs(secret) do
          assert.is_nil(said:find(bytes, 1, true))
          assert.is_nil(said:find(hex.encode(bytes), 1, true))
        end
      end
    end)
  end)

  describe("load", function()
    it("gives a recipe with its file and folder", function()
      local loaded = testing.load "examples/meter"
      assert.same({ "examples/meter/recipe.lua", "examples/meter/", "meter" },
        { loaded.file, loaded.folder, loaded.recipe.name })
      assert.same(loaded.file, testing.load("examples/meter/recipe.lua").file)
    end)

    it("raises what is wrong with it", function()
      local folder <close> = scratch.folder { ["recipe.lua"] = "local x = \n" }
      local ok, message = pcall(testing.load, folder.path)
      assert.is_false(ok)
      assert.matches("recipe.lua:%d+: ", message)
    end)
  end)

  describe("device", function()
    it("is what device.lua beside the recipe returns", function()
      assert.equal("dtr", testing.device("examples/thermostat/").reset)
      assert.equal("function", type(testing.device("examples/gateway/")))
    end)

    it("requires the files beside it, each once, and what a spec may", function()
      local folder <close> = scratch.folder {
        ["device.lua"] = [[
          local map, again, hex = require "status", require "status", require "jig.hex"
          assert(map == again and hex == require("parts.one") and require "string" == string)
          here = 1 -- a global of its own
          return { firmware = {}, statuses = map }
        ]],
        ["status.lua"] = "return { ... }",
        ["parts/one.lua"] = "require 'status'; return require 'jig.hex'",
        ["jig/hex.lua"] = "error 'jig is not to be played'",
      }
      local made = testing.device(folder.path .. "/")
      assert.same({ "status", folder.path .. "/status.lua" }, made.statuses)
      assert.is_nil(rawget(_G, "here"))
      assert.not_equal(made.statuses, testing.device(folder.path .. "/").statuses)
    end)

    it("says what is wrong with what it requires", function()
      for text, pattern in pairs {
        ["\nrequire 'none'"] = "device.lua:2: module 'none' not found: neither a file beside it, nor installed",
        ["require '../x'"] = "device.lua:1: module '../x' not found",
        ["require 'jig.none'"] = "device.lua:1: module 'jig.none' not found",
        ["require 'outer'"] = "outer.lua:2: module 'inner' not found",
        ["require 'bad'"] = "bad.lua:1: syntax error",
        ["require(7)"] = "device.lua:1: module '7' not found",
        ["require {}"] = "device.lua:1: bad argument #1 to 'require'",
      } do
        local folder <close> = scratch.folder { ["device.lua"] = text, ["bad.lua"] = "x x",
          ["outer.lua"] = "\nrequire 'inner'" }
        local ok, message = pcall(testing.device, folder.path .. "/")
        assert.is_false(ok)
        assert.matches(pattern, message, 1, true)
        assert.is_nil(message:find("\n", 1, true))
      end
    end)

    it("waits for no FIFO that has its name, or that of a file beside it", function()
      local folder <close> = scratch.folder { ["good/recipe.lua"] = scratch.recipe(),
        ["beside/recipe.lua"] = scratch.recipe(), ["beside/device.lua"] = "return require 'part'" }
      scratch.run { "mkfifo", folder.path .. "/good/device.lua", folder.path .. "/beside/part.lua" }
      for name, reason in pairs { good = "/good/device.lua: it is no regular file",
        beside = "/beside/part.lua: it is no regular file" } do
        local told = scratch.jig { "prove", folder.path .. "/" .. name, limit = 20 }
        assert.equal(2, told.exit)
        assert.matches(folder.path .. reason .. "\n", told.stderr, 1, true)
      end
    end)

    it("says what is wrong with it", function()
      for text, pattern in pairs {
        ["return 7"] = "device.lua: must return a device: a function or a table",
        ["x x"] = "device.lua:1: syntax error",
        ["error 'bug'"] = "device.lua:1: bug",
      } do
        local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe(), ["device.lua"] = text }
        assert.matches(pattern, raised { recipe = folder.path })
      end
      local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
      assert.matches("device.lua: there is none: the option `device` says", raised { recipe = folder.path })
    end)
  end)
end)
