-- The laws: spec/core/session_spec.lua.

local clock = require "jig.clock"
local scratch = require "spec.support.scratch"
local session = require "jig.session"
local task = require "jig.task"
local wires = require "spec.support.wires"

local LONG <const> = 60
local ID <const> = "e78d9c272156fb9b1a5c"

-- A folder with a fake CLI, and a session at it. `more`: settings of session.service.
local function open(plan, more)
  local folder = scratch.folder()
  local settings = folder:cli(plan)
  for key, value in pairs(more or {}) do settings[key] = value end
  return folder, assert(session.new(session.service(settings), ID, "A"))
end

local function nothing_in_the_background()
  return wires.eventually(function() return select(2, session.unreported()) == 0 end)
end

describe("jig.session", function()
  it("runs the three commands", function()
    local folder <close>, s = open()
    assert.same({ "idle", false, ID }, { s:state(), s:owes(), s:id() })
    assert.same({ scp = 256, payload = "\x01\x81\0\0" }, s:new_device())
    assert.same({ "opened", true }, { s:state(), s:owes() })
    assert.same({ scp = 257, payload = "\2\3\4\5\6\7\8" }, s:get_device_configuration("\0\xFF"))
    assert.equal("configured", s:state())
    assert.is_nil(s:fingerprint())
    assert.equal("e603eb9d1cb55d2288cb639fccf30e1687f5bb90", s:handle_device_response("\1"))
    assert.same({ "ended", false }, { s:state(), s:owes() })
    assert.equal("e603eb9d1cb55d2288cb639fccf30e1687f5bb90", s:fingerprint())
    s:close()
    assert.same({
      { "new_device", ID }, { "get_device_configuration", ID, "00ff" }, { "handle_device_response", ID, "01" },
    }, folder:calls())
  end)

  it("reports once, and true is the answer", function()
    local folder <close>, s = open()
    s:new_device()
    assert.is_true(s:report_error(301, "no key pair"))
    assert.same({ "report_error", ID, "301", "no key pair" }, folder:calls()[2])
    s:close()
  end)

  it("gives nil, message, code and stage when the world fails", function()
    local cases = {
      { "{ new_device = { exit = 3, stderr = 'no' } }", "refused", "new_device: exit status 3: no" },
      { "{ new_device = { stdout = 'x' } }", "invalid", "^new_device: " },
      { "{ new_device = { kill = true } }", "killed", "new_device was ended by signal 9" },
    }
    for _, case in ipairs(cases) do
      local folder <close>, s = open(case[1])
      local answer, message, code, stage = s:new_device()
      assert.same({ nil, case[2], "call" }, { answer, code, stage })
      assert.matches(case[3], message)
      if s:owes() then assert.is_true(s:report_error(1, "x")) end
      s:close()
      assert.equal("new_device", folder:calls()[1][1])
    end
  end)

  it("says when the CLI cannot be started", function()
    if scratch.valgrind then pending "posix_spawn tells no errors under valgrind" end
    local s <close> = assert(session.new(session.service { cli = "/no/such/tool" }, ID))
    local answer, message, code, stage = s:new_device()
    assert.same({ nil, "not_found", "start" }, { answer, code, stage })
    assert.matches("new_device: cannot start '/no/such/tool'", message, 1, true)
  end)

  it("refuses a response that is too long before the call", function()
    local folder <close>, s = open()
    s:new_device()
    local answer, _, code, stage = s:get_device_configuration(("x"):rep(65536))
    assert.same({ nil, "limit", "start" }, { answer, code, stage })
    assert.equal("new_device", folder:commands())
    assert.is_true(s:report_error(1, "x"))
    s:close()
  end)

  it("raises out of order, with the state's name, and calls nothing", function()
    local folder <close>, s = open()
    for method, pattern in pairs {
      get_device_configuration = "get_device_configuration cannot be called now: the session is idle",
      handle_device_response = "handle_device_response cannot be called now: the session is idle",
    } do
      local ok, message = pcall(s[method], s, "x")
      assert.is_false(ok)
      assert.matches(pattern, message, 1, true)
    end
    local ok, message = pcall(s.report_error, s, 1, "x")
    assert.is_false(ok)
    assert.matches("report_error cannot be called now: the session is idle", message, 1, true)
    s:new_device()
    ok, message = pcall(s.new_device, s)
    assert.is_false(ok)
    assert.matches("new_device cannot be called now: the session is opened", message, 1, true)
    assert.is_true(s:report_error(1, "x"))
    s:close()
    assert.equal("new_device report_error", folder:commands())
  end)

  it("raises for arguments that are none", function()
    local folder <close>, s = open()
    s:new_device()
    assert.is_false(pcall(s.get_device_configuration, s))
    assert.is_false(pcall(s.get_device_configuration, s, {}))
    assert.is_false(pcall(s.report_error, s, 1.5, "x"))
    assert.is_false(pcall(s.report_error, s, 1 << 31, "x"))
    assert.is_false(pcall(s.report_error, s, -(1 << 31) - 1, "x"))
    assert.is_false(pcall(s.report_error, s, 1))
    assert.equal("opened", s:state())
    assert.is_true(s:report_error(-(1 << 31), "x"))
    s:close()
    assert.equal("new_device report_error", folder:commands())
  end)

  it("refuses ids that the CLI cannot take", function()
    local service = session.service { cli = "x" }
    for id, expected in pairs { [""] = "invalid", ["a b"] = "invalid", [("x"):rep(129)] = "limit" } do
      local s, message, code = session.new(service, id)
      assert.same({ nil, expected }, { s, code })
      assert.matches("session id", message)
    end
    assert.is_false(pcall(session.new, service, "a\0b"))
    assert.is_false(pcall(session.new, {}, "a"))
  end)

  it("closes: twice is harmless, anything else then raises", function()
    local folder <close>, s = open()
    s:close()
    s:close()
    for _, method in ipairs { "new_device", "state", "owes", "id", "report_error" } do
      local ok, message = pcall(s[method], s, 1, "x")
      assert.is_false(ok)
      assert.matches("attempt to use a closed session", message)
    end
    assert.equal("", folder:commands())
  end)

  it("that is left open is reported in the background, exactly once, with code 902", function()
    local ways = {
      function(s) s:close() end,
      function(s) do local _ <close> = s end end,
      function() collectgarbage() collectgarbage() end,
    }
    local before = session.unreported()
    for _, leave in ipairs(ways) do
      local folder = scratch.folder()
      do
        local s = assert(session.new(session.service(folder:cli()), ID))
        s:new_device()
        leave(s)
      end
      collectgarbage()
      collectgarbage()
      nothing_in_the_background()
      assert.same({ "report_error", ID, "902", "the script left its session open" }, folder:calls()[2])
      assert.equal(2, #folder:calls())
      local _ <close> = folder
    end
    assert.equal(before, (session.unreported()))
  end)

  it("counts what stayed unreported", function()
    local folder <close> = scratch.folder()
    local settings = folder:cli "{ report_error = { exit = 1 } }"
    local result = scratch.jig { folder:write("try.lua", [[
      local clock, session = require "jig.clock", require "jig.session"
      local service = session.service { cli = arg[1], arguments = { arg[2], arg[3] } }
      for i = 1, 3 do
        local s <close> = session.new(service, "s" .. i)
        s:new_device()
      end
      local first, going = session.unreported()
      print(first + going)
      repeat
        clock.sleep(0.001)
        local unreported, busy = session.unreported()
      until busy == 0
      print(session.unreported())
    ]]), settings.cli, settings.arguments[1], settings.arguments[2] }
    assert.same({ 6, "3\n3\t0\n" }, { result.exit, result.stdout })
  end)

  describe("in an interrupted task", function()
    it("begins no command, but reports", function()
      local folder <close>, s = open()
      local t = task.spawn(function()
        assert(s:new_device())
        clock.sleep(LONG)
        local _, _, code, stage = s:get_device_configuration("x")
        return code, stage, s:report_error(901, "interrupted")
      end)
      wires.eventually(function() return s:state() == "opened" end)
      t:interrupt()
      assert.same({ true, "interrupted", "start", true }, { t:join(LONG) })
      s:close()
      assert.equal("new_device report_error", folder:commands())
    end)

    it("lets the running command go on for as long as `stop` says", function()
      local folder <close>, s = open("{ new_device = { hang = 60 } }", { stop = 0.02, grace = 0 })
      local t = task.spawn(function()
        local _, message, code, stage = s:new_device()
        return message, code, stage, s:report_error(901, "interrupted")
      end)
      wires.eventually(function() return folder:commands() ~= "" end)
      t:interrupt()
      local _, message, code, stage, reported = t:join(LONG)
      assert.same({ "interrupted", "call", true }, { code, stage, reported })
      assert.matches("^new_device: interrupted, and ended by jig after ", message)
      s:close()
    end)

    it("shortens a running report only the second time", function()
      local folder <close>, s = open("{ report_error = { { hang = 60 }, {} } }", { stop = 0, hurry = 1, grace = 0 })
      local t = task.spawn(function()
        s:new_device()
        local _, _, code = s:report_error(1, "x")
        return code
      end)
      wires.eventually(function() return folder:commands() == "new_device report_error" end)
      t:interrupt()
      assert.equal("timeout", select(3, t:join(0.02)))
      t:interrupt()
      assert.same({ true, "interrupted" }, { t:join(LONG) })
      assert.is_true(s:report_error(2, "y"))
      s:close()
    end)
  end)

  it("is not cut short by the task's limits", function()
    local folder <close>, s = open("{ new_device = { hang = 0.05 } }")
    local unit_limit <close> = task.limit("unit", 0.001)
    assert.equal(256, s:new_device().scp)
    assert.is_true(s:report_error(1, "x"))
    s:close()
    assert.equal("new_device report_error", folder:commands())
  end)

  it("begins nothing where it could not wait for the answer", function()
    local folder <close>, s = open()
    local calls = {
      function() s:new_device() end,
      function() s:get_device_configuration "x" end,
      function() s:handle_device_response "x" end,
      function() s:report_error(1, "x") end,
    }
    for _, call in ipairs(calls) do
      local ok, message = pcall(table.sort, { 1, 2 }, call)
      assert.is_false(ok)
      assert.matches("cannot wait here", message)
    end
    assert.same({ "idle", "" }, { s:state(), folder:commands() })
    s:close()
  end)

  it("tells a task that waits for a call that the session was closed", function()
    local folder <close>, s = open("{ new_device = { hang = 0.05 } }")
    local t = task.spawn(function() return select(3, s:new_device()) end)
    wires.eventually(function() return folder:commands() ~= "" end)
    s:close()
    assert.same({ true, "closed" }, { t:join(LONG) })
    nothing_in_the_background()
    assert.equal("new_device report_error", folder:commands())
  end)

  describe("service", function()
    it("takes every setting", function()
      local folder <close>, s = open("{ new_device = { exit = 4, stdout = 'SCP 1\\nPAYLOAD 00\\n' } }", {
        accept = { 0, 4 },
        cwd = "/",
        env = { JIG_SPEC = "1", HOME = false },
        grace = 1,
        hurry = 1,
        limits = { new_device = LONG, get_device_configuration = LONG, handle_device_response = LONG,
          report_error = LONG },
        report = { refused = true, unclear = true, again = true },
        stop = 1,
      })
      assert.same({ scp = 1, payload = "\0" }, s:new_device())
      assert.is_true(s:report_error(1, "x"))
      s:close()
      assert.equal(2, #folder:calls())
    end)

    it("outlives its script's reference as long as a session needs it", function()
      local folder <close>, s = open()
      collectgarbage()
      collectgarbage()
      s:new_device()
      assert.is_true(s:report_error(1, "x"))
      s:close()
      assert.equal(2, #folder:calls())
    end)

    it("uses the setting that a refused new_device is reported", function()
      local folder <close>, s = open("{ new_device = { exit = 1 } }", { report = { refused = true } })
      s:new_device()
      assert.is_true(s:owes())
      assert.is_true(s:report_error(1, "x"))
      s:close()
      assert.equal(2, #folder:calls())
    end)

    it("raises for unknown keys and wrong values, by name", function()
      local bad = {
        { {}, "string expected" },
        { { cli = "x", path = "x" }, "unknown option 'path'" },
        { { cli = "x", limits = { new = 1 } }, "unknown option 'new'" },
        { { cli = "x", limits = { new_device = -1 } }, "'new_device' must be seconds" },
        { { cli = "x", limits = { new_device = 0 / 0 } }, "'new_device' must be seconds" },
        { { cli = "x", report = { maybe = true } }, "unknown option 'maybe'" },
        { { cli = "x", grace = -1 }, "'grace' must be seconds" },
        { { cli = "x", grace = "soon" }, "'grace' must be seconds" },
        { { cli = "x", stop = {} }, "'stop' must be seconds" },
        { { cli = "x", accept = {} }, "accept must list 1 to 64" },
        { { cli = "x", accept = { "a" } }, "number expected" },
        { { cli = "x", arguments = { 1 } }, "arguments[1] must be a string" },
        { { cli = "x", arguments = { "a", "b\0c" } }, "arguments[2] holds a NUL" },
        { { cli = "x", calls = -1 }, "'calls' must be" },
        { { cli = "x", token = { depth = 1 } }, "unknown option 'depth'" },
        { { cli = "x", token = { pin = { texts = {} } } }, "unknown option 'texts'" },
        { { cli = "x", token = { pin = { statuses = {} } } }, "statuses must list 1 to 64" },
        { { cli = "x", token = { busy = { patterns = { 5 } } } }, "patterns[1] must be a string" },
        { { cli = "x", arguments = "a" }, "table expected" },
        { { cli = "x", env = { A = 1 } }, "the value of 'A'" },
      }
      for _, case in ipairs(bad) do
        local ok, message = pcall(session.service, case[1])
        assert.is_false(ok)
        assert.matches(case[2], message, 1, true)
      end
    end)
  end)

  describe("at the gate of a token", function()
    -- Two sessions at a CLI whose new_device takes a moment; body(a, b) with the second waiting for the first.
    local function pair(plan, more, body)
      local locks <close> = scratch.folder()
      more = more or {}
      more.token = { folder = locks.path }
      local folder <close>, a = open(plan, more)
      local settings = folder:cli(plan)
      for key, value in pairs(more) do settings[key] = value end
      local b = assert(session.new(session.service(settings), "ab", "B"))
      body(a, b, folder)
      a:close()
      b:close()
      nothing_in_the_background()
    end

    local SLOW <const> = "{ new_device = { hang = 0.3 } }"

    it("a call says its place when it waits, and how long it did", function()
      pair(SLOW, nil, function(a, b)
        local places = {}
        a:on_wait(function(place) places[#places + 1] = "a" .. place end)
        b:on_wait(function(place) places[#places + 1] = "b" .. place end)
        local first = task.spawn(function() return a:new_device() end)
        clock.sleep(0.01)
        assert.equal("table", type(b:new_device()))
        first:join(LONG)
        assert.same({ "b1" }, places)
        assert.same({ 0.0, 0.0 }, { a:waited() })
        local last, all = b:waited()
        assert.is_true(last > 0.01 and last == all)
        b:report_error(1, "x")
        assert.same({ 0.0, all }, { b:waited() })
        a:report_error(1, "x")
      end)
    end)

    it("a call that waits goes on when who hears of it raises", function()
      pair(SLOW, nil, function(a, b)
        b:on_wait(function() error "deaf" end)
        local first = task.spawn(function() return a:new_device() end)
        clock.sleep(0.01)
        assert.equal("table", type(b:new_device()))
        first:join(LONG)
        assert.is_true(b:report_error(1, "x"))
        a:report_error(1, "x")
      end)
    end)

    it("what it waited does not count against the limits of its task", function()
      pair(SLOW, nil, function(a, b)
        local first = task.spawn(function() return a:new_device() end)
        local second = task.spawn(function()
          local limit <close> = task.limit("unit", 100)
          local inner_limit <close> = task.limit("hook", 0.35)
          assert(b:new_device()) -- it took longer than that, most of it at the gate, and no wait came after
          local took = clock.now()
          local ok, message, code, which = clock.sleep(60)
          return ok, code, which, clock.now() - took, b:waited(), message
        end)
        first:join(LONG)
        local _, ok, code, which, slept, waited = second:join(LONG)
        assert.same({ nil, "timeout", "hook" }, { ok, code, which })
        assert.is_true(waited > 0.1 and slept < 0.35)
        a:report_error(1, "x")
        b:report_error(1, "x")
      end)
    end)

    it("an interrupted task waits no more", function()
      pair(SLOW, nil, function(a, b, folder)
        local first = task.spawn(function() return a:new_device() end)
        local second = task.spawn(function() return b:new_device() end)
        clock.sleep(0.01)
        second:interrupt()
        local _, answer, _, code, stage = second:join(LONG)
        assert.same({ nil, "interrupted", "start" }, { answer, code, stage })
        first:join(LONG)
        a:report_error(1, "x")
        assert.equal("new_device report_error", folder:commands())
      end)
    end)

    it("one that waits too long was not started", function()
      pair(SLOW, { limits = { gate = 0.02 } }, function(a, b)
        local first = task.spawn(function() return a:new_device() end)
        clock.sleep(0.01)
        local answer, message, code, stage = b:new_device()
        assert.same({ nil, "token", "start" }, { answer, code, stage })
        assert.matches("at the gate of token 'default': it is held by slot A of this jig", message, 1, true)
        first:join(LONG)
        a:report_error(1, "x")
      end)
    end)

    it("a service whose lock folder cannot be used is none", function()
      local folder <close> = scratch.folder { file = "" }
      local service, message, code = session.service { cli = "x", token = { folder = folder.path .. "/file" } }
      assert.same({ nil, "not_found" }, { service, code })
      assert.matches("/file: Not a directory", message, 1, true)
      service, message, code = session.service { cli = "x", token = { folder = folder.path, width = 1025 } }
      assert.same({ nil, "invalid", "a token's width is 1 to 1024" }, { service, code, message })
    end)
  end)
end)
