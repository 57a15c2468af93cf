-- The laws, one by one, against a CLI whose every call is written down.

local ledger = require "jig.ledger"
local peer = require "spec.peer"
local scratch = require "spec.support.scratch"
local steps = require "spec.support.steps"

local ID <const> = "e78d9c272156fb9b1a5c"
local FINGERPRINT <const> = "e603eb9d1cb55d2288cb639fccf30e1687f5bb90"

-- What each command of a CLI that works does, in sh.
local right = {
  new_device = "echo SCP 256; echo PAYLOAD 01810000",
  get_device_configuration = "echo SCP 257; echo PAYLOAD 020304",
  handle_device_response = "echo FINGERPRINT " .. FINGERPRINT,
  report_error = ":",
}

local order = { "new_device", "get_device_configuration", "handle_device_response" }

-- A CLI in a folder, with `plan`: command -> sh, over what is right. It writes its calls to "calls".
local function tool(folder, plan)
  local script = { "#!/bin/sh", ("printf '%%s\\n' \"$*\" >>%s/calls"):format(folder.path), "case $1 in" }
  for command, body in pairs(right) do
    script[#script + 1] = ("%s) %s ;;"):format(command, plan and plan[command] or body)
  end
  script[#script + 1] = "esac"
  return folder:write("tool", table.concat(script, "\n"))
end

local station = {}
station.__index = station

-- Starts one call. true, or nil, message, code when nothing was started.
function station:start(command, ...)
  self.result = nil
  return self.session:call(command, ...)
end

-- The result of the call that was started.
function station:finish()
  return steps.until_true(self.l, function() return self.result end)
end

-- One call, to its end: its result, or as start.
function station:call(command, ...)
  local ok, message, code = self:start(command, ...)
  if not ok then return nil, message, code end
  return self:finish()
end

-- The first n commands, which succeed.
function station:go(n)
  for i = 1, n do
    assert.equal("ok", self:call(order[i], i > 1 and "response" or nil).code)
  end
end

-- The commands from the one after `done` to the n-th, which succeed.
function station:go_on(n)
  for i = n, n do assert.equal("ok", self:call(order[i], "response").code) end
end

-- The commands that the CLI was called with, in their order.
function station:commands()
  local commands = {}
  for line in self.folder:read("calls"):gmatch("[^\n]+") do
    commands[#commands + 1] = line:match("^%S+")
  end
  return table.concat(commands, " ")
end

-- The arguments of all reports.
function station:reports()
  local reports = {}
  for line in self.folder:read("calls"):gmatch("[^\n]+") do
    reports[#reports + 1] = line:match("^report_error " .. ID .. " (.*)")
  end
  return reports
end

function station:new_session(id)
  self:release()
  local session, message, code = self.l:session(self.service, id or ID, function(result)
    self.result = result
  end, self.record)
  if not session then return nil, message, code end
  self.session = session
  return session
end

-- Releases the session and waits for what it does in the background.
function station:release(code, reason)
  if not self.session then return end
  self.session:release(code or 902, reason or "left open")
  self.session = nil
  steps.until_true(self.l, function() return self.l:busy() == 0 end)
end

-- Runs body(s) with a session at a CLI that follows the plan; `settings` as spec.loop takes them.
local function with(plan, settings, body)
  local folder <close> = scratch.folder()
  steps.with_loop(function(l)
    local service = { program = "/bin/sh", arguments = { tool(folder, plan) } }
    for key, value in pairs(settings) do service[key] = value end
    local s = setmetatable({ l = l, folder = folder, service = service }, station)
    assert(s:new_session())
    body(s)
    s:release()
  end)
end

local RECORD <const> = '{"serial":"T1","owner":"ab","unit":"ab-A.1","run":"ab-A","number":1,"after":0}'

-- As `with`, with a journal beside the CLI; `look` sees what stands in it when all is over.
local function recorded(plan, settings, body, look)
  with(plan, settings, function(s)
    s.path = s.folder.path .. "/journal"
    s.l:journal(s.path)
    s.record = settings.record or RECORD
    assert(s:new_session())
    body(s)
    s:release()
    s.l:journal()
    look(ledger.open(s.path), s)
  end)
end

-- The kinds of all events, joined by spaces, and the session's state.
local function story(l)
  local kinds, state = {}, nil
  for row in l:rows "SELECT kind FROM event ORDER BY id" do kinds[#kinds + 1] = row.kind end
  for row in l:rows "SELECT state, ended FROM session" do state = row.state .. (row.ended and "" or " (open)") end
  l:close()
  return table.concat(kinds, " "), state
end

describe("core/session", function()
  describe("the three commands", function()
    it("give what the CLI printed, and end the session with a FINGERPRINT", function()
      with({}, {}, function(s)
        assert.same({ "idle", false, ID }, { s.session:state(), s.session:owes(), s.session:id() })
        local result = s:call "new_device"
        assert.same({ "ok", true, 0, 256, "\x01\x81\0\0" },
          { result.code, result.started, result.exit, result.scp, result.payload })
        assert.same({ "opened", true }, { s.session:state(), s.session:owes() })
        result = s:call("get_device_configuration", "\0\xFF")
        assert.same({ 257, "\2\3\4" }, { result.scp, result.payload })
        assert.same({ "configured", true }, { s.session:state(), s.session:owes() })
        result = s:call("handle_device_response", "\1")
        assert.equal(FINGERPRINT, result.fingerprint)
        assert.same({ "ended", false }, { s.session:state(), s.session:owes() })
        assert.equal(("new_device %s\nget_device_configuration %s 00ff\nhandle_device_response %s 01\n")
          :format(ID, ID, ID), s.folder:read "calls")
      end)
    end)

    it("are called once and in order; anything else calls nothing", function()
      with({}, {}, function(s)
        for done, state in ipairs { "idle", "opened", "configured", "ended" } do
          if done > 1 then assert.equal("ok", s:call(order[done - 1], "x").code) end
          for i, command in ipairs(order) do
            if i ~= done then
              local result, message, code = s:call(command, "x")
              assert.same({ nil, "misuse" }, { result, code })
              assert.equal(("%s cannot be called now: the session is %s"):format(command, state), message)
            end
          end
        end
        assert.equal(table.concat(order, " "), s:commands())
      end)
    end)

    it("do not run side by side", function()
      with({ new_device = "sleep 0.1; " .. right.new_device }, {}, function(s)
        assert.is_true(s:start "new_device")
        assert.equal("opening", s.session:state())
        for _, command in ipairs(order) do
          local ok, message, code = s:start(command, "x")
          assert.same({ nil, "misuse" }, { ok, code })
          assert.matches("the session is opening", message, 1, true)
        end
        assert.equal("misuse", select(3, s:start("report_error", 1, "x")))
        s:finish()
        assert.equal("opened", s.session:state())
        assert.equal("new_device", s:commands())
        assert.equal("ok", s:call("report_error", 1, "x").code)
      end)
    end)

    it("are not called again after one of them failed", function()
      for failing, command in ipairs(order) do
        with({ [command] = "exit 1" }, { refused = true }, function(s)
          s:go(failing - 1)
          assert.equal("refused", s:call(command, "x").code)
          assert.equal("owing a report", s.session:state())
          for _, again in ipairs(order) do
            assert.equal("misuse", select(3, s:call(again, "x")))
          end
          assert.equal(table.concat(order, " ", 1, failing), s:commands())
          s:call("report_error", 1, "x")
        end)
      end
    end)
  end)

  -- What a CLI may do wrong, and what the session says of it.
  local failures = {
    { "exits with a status", "exit 3", "refused", 3, "COMMAND: exit status 3" },
    { "exits with a status and says why", "echo 'no token' >&2; echo more >&2; exit 3", "refused", 3,
      "COMMAND: exit status 3: no token" },
    { "says why in colours", "printf '\\033[31mno\\a token\\r\\n' >&2; exit 1", "refused", 1,
      "COMMAND: exit status 1: [31mno token" },
    { "is killed", "kill -9 $$", "killed", -1, "COMMAND was ended by signal 9 (Killed)" },
    { "does not end", "exec sleep 60", "timeout", -1, "COMMAND did not end within its limit; ended after " },
    { "ignores TERM", "trap '' TERM; while :; do sleep 60; done", "timeout", -1,
      "COMMAND did not end within its limit; ended after " },
    { "has a helper that does not end", "sleep 60 & wait", "timeout", -1, "COMMAND did not end within" },
    { "ends late with success", "trap 'exit 0' TERM; while :; do sleep 0.01; done", "timeout", nil,
      "COMMAND did not end within" },
    { "prints nothing", ":", "invalid", 0, "COMMAND: " },
    { "prints rubbish", "echo hello", "invalid", 0, "COMMAND: " },
    { "prints too much", "head -c 1100000 /dev/zero", "limit", nil,
      "COMMAND printed more than 1048576 bytes on one stream" },
    { "complains too much", "head -c 1100000 /dev/zero >&2", "limit", nil,
      "COMMAND printed more than 1048576 bytes on one stream" },
  }

  -- Limits of which command i has a short one, where the limit is what ends it.
  local function one_limit(i, code)
    local limits = { 60, 60, 60, 60 }
    if code == "timeout" then limits[i] = 0.1 end
    return limits
  end

  describe("a CLI that", function()
    for _, failure in ipairs(failures) do
      local name, script, code, exit, message = table.unpack(failure, 1, 5)
      it(name .. " is told from the others, in each command", function()
        for i, command in ipairs(order) do
          with({ [command] = script }, { limits = one_limit(i, code), grace = 0.02 }, function(s)
            s:go(i - 1)
            local result = s:call(command, "x")
            assert.equal(code, result.code, result.message)
            if exit then assert.equal(exit, result.exit) end
            assert.is_true(result.started)
            assert.matches(message:gsub("COMMAND", command), result.message, 1, true)
            assert.is_nil(result.message:find("%c"))
            -- refused at new_device opened nothing; everything else may have
            local open = i > 1 or code ~= "refused"
            assert.equal(open, s.session:owes())
            assert.equal(open and "owing a report" or "ended", s.session:state())
            if open then
              assert.equal("ok", s:call("report_error", 402, "it failed").code)
              assert.same({ "402 it failed" }, s:reports())
            else
              assert.equal("misuse", select(3, s:call("report_error", 402, "it failed")))
              assert.same({}, s:reports())
            end
            assert.same({ "ended", false }, { s.session:state(), s.session:owes() })
          end)
        end
      end)
    end

    it("cannot be started opened nothing, and owes what was open before", function()
      if scratch.valgrind then pending "posix_spawn tells no errors under valgrind" end
      for opened = 0, 2 do
        with({}, {}, function(s)
          local renamed = s.folder.path .. "/there"
          s.service.program, s.service.arguments = renamed, {}
          scratch.run { "cp", s.folder.path .. "/tool", renamed }
          scratch.run { "chmod", "755", renamed }
          s:new_session()
          s:go(opened)
          os.remove(renamed)
          local result, message, code = s:call(order[opened + 1], "x")
          assert.same({ nil, "not_found" }, { result, code })
          assert.matches(("^%s: cannot start '"):format(order[opened + 1]), message)
          assert.equal(opened > 0, s.session:owes())
          assert.equal(opened > 0 and "owing a report" or "ended", s.session:state())
          if opened > 0 then
            assert.equal("not_found", select(3, s:call("report_error", 1, "x")))
            assert.is_true(s.session:owes())
            tool(s.folder)
            scratch.run { "cp", s.folder.path .. "/tool", renamed }
            scratch.run { "chmod", "755", renamed }
            assert.equal("ok", s:call("report_error", 1, "again").code)
          end
        end)
      end
    end)
  end)

  describe("new_device", function()
    it("that was refused is reported when the service says so", function()
      with({ new_device = "exit 1" }, { refused = true }, function(s)
        assert.equal("refused", s:call("new_device").code)
        assert.is_true(s.session:owes())
        assert.equal("ok", s:call("report_error", 1, "x").code)
        assert.equal("new_device report_error", s:commands())
      end)
    end)

    it("that exited with a status but printed a payload may have opened a session", function()
      local scripts = {
        right.new_device .. "; exit 1",
        "echo PAYLOAD 01; exit 1",
        "echo SCP 256; printf 'PAYLOAD 0'; exit 9",
        "echo PAYLOAD rubbish; echo PAYLOAD twice; exit 1",
      }
      for _, script in ipairs(scripts) do
        with({ new_device = script }, {}, function(s)
          assert.equal("refused", s:call("new_device").code)
          assert.same({ true, "owing a report" }, { s.session:owes(), s.session:state() })
          s:call("report_error", 1, "x")
        end)
        with({ new_device = script }, { unclear = false }, function(s)
          s:call "new_device"
          assert.is_false(s.session:owes())
        end)
      end
    end)

    it("of which it is unclear whether it opened one is not reported when the service says so", function()
      for _, failure in ipairs(failures) do
        if failure[3] ~= "refused" then
          local settings = { unclear = false, limits = one_limit(1, failure[3]), grace = 0 }
          with({ new_device = failure[2] }, settings, function(s)
            assert.equal(failure[3], s:call("new_device").code)
            assert.same({ false, "ended" }, { s.session:owes(), s.session:state() })
            assert.equal("new_device", s:commands())
          end)
        end
      end
    end)

    it("may have opened one from its start on", function()
      with({ new_device = "exec sleep 60" }, { limits = one_limit(1, "timeout"), grace = 0 }, function(s)
        s:start "new_device"
        assert.is_true(s.session:owes())
        s:finish()
        s:call("report_error", 1, "x")
      end)
    end)
  end)

  describe("accepted statuses", function()
    it("are those of the service, whatever they are", function()
      for _, case in ipairs { { { 0 }, 0, "ok" }, { { 0, 7 }, 7, "ok" }, { { 7 }, 0, "refused" },
        { { 7 }, 7, "ok" }, { { 1, 2 }, 3, "refused" }, { { 255 }, 255, "ok" }, } do
        with({ new_device = right.new_device .. "; exit " .. case[2] }, { accepted = case[1] }, function(s)
          assert.equal(case[3], s:call("new_device").code)
        end)
      end
    end)

    it("hold for reports too", function()
      with({ report_error = "exit 4", new_device = right.new_device .. "; exit 4" }, { accepted = { 4 } },
        function(s)
          s:go(1)
          assert.equal("ok", s:call("report_error", 1, "x").code)
          assert.is_false(s.session:owes())
        end)
    end)
  end)

  describe("a response", function()
    it("of 65,535 bytes is handed over, one of 65,536 is refused before the call", function()
      for i = 2, 3 do
        with({ [order[i]] = "echo ${#3} >>${0%/*}/size; " .. right[order[i]] }, {}, function(s)
          s:go(i - 1)
          assert.equal("ok", s:call(order[i], ("\xA5"):rep(65535)).code)
          assert.equal("131070\n", s.folder:read "size")
          if i == 2 then s:call("report_error", 1, "x") end
        end)
        with({}, {}, function(s)
          s:go(i - 1)
          local result, message, code = s:call(order[i], ("\xA5"):rep(65536))
          assert.same({ nil, "limit" }, { result, code })
          assert.matches("65536 bytes", message)
          assert.equal("owing a report", s.session:state())
          assert.equal(table.concat(order, " ", 1, i - 1), s:commands())
          assert.equal("ok", s:call("report_error", 1, "too long").code)
        end)
      end
    end)

    it("that is empty is refused before the call", function()
      with({}, {}, function(s)
        s:go(1)
        assert.equal("invalid", select(3, s:call("get_device_configuration", "")))
        assert.is_true(s.session:owes())
        s:call("report_error", 1, "x")
      end)
    end)
  end)

  describe("an id", function()
    it("is checked before anything is called", function()
      with({}, {}, function(s)
        for id, expected in pairs { [""] = "invalid", ["a b"] = "invalid", ["-x"] = "invalid",
          ["a\n"] = "invalid", [("x"):rep(129)] = "limit", } do
          local session, message, code = s:new_session(id)
          assert.same({ nil, expected }, { session, code })
          assert.matches("session id", message)
        end
        assert.is_truthy(s:new_session(("x"):rep(128)))
        assert.equal("", s:commands())
      end)
    end)
  end)

  describe("report_error", function()
    it("is possible at any time while a session may be open, and ends it", function()
      for opened = 1, 2 do
        with({}, {}, function(s)
          s:go(opened)
          assert.equal("ok", s:call("report_error", 301, "no key pair").code)
          assert.same({ "301 no key pair" }, s:reports())
          assert.same({ "ended", false }, { s.session:state(), s.session:owes() })
          assert.equal("misuse", select(3, s:call("report_error", 301, "again")))
          for _, command in ipairs(order) do
            assert.equal("misuse", select(3, s:call(command, "x")))
          end
          assert.equal(1, #s:reports())
        end)
      end
    end)

    it("is impossible before a session is open and after a FINGERPRINT", function()
      with({}, {}, function(s)
        local _, message, code = s:call("report_error", 1, "x")
        assert.equal("misuse", code)
        assert.equal("report_error cannot be called now: the session is idle", message)
        s:go(3)
        _, message, code = s:call("report_error", 1, "x")
        assert.equal("misuse", code)
        assert.equal("report_error cannot be called now: the session is ended", message)
        assert.same({}, s:reports())
      end)
    end)

    it("that was refused may be called again", function()
      for _, again in ipairs { true, false } do
        with({ report_error = "test $3 = 2 || exit 1" }, { again = again }, function(s)
          s:go(1)
          assert.equal("refused", s:call("report_error", 1, "x").code)
          assert.same({ "owing a report", true }, { s.session:state(), s.session:owes() })
          assert.equal("ok", s:call("report_error", 2, "y").code)
          assert.same({ "1 x", "2 y" }, s:reports())
        end)
      end
    end)

    it("whose outcome is unknown may be called again when the service says so", function()
      for _, script in ipairs { "kill -9 $$", "exec sleep 60", "head -c 1100000 /dev/zero" } do
        local limit = script:find("sleep") and 0.4 or 60
        script = "test $3 = 2 || { " .. script .. "; }"
        local settings = { limits = { 60, 60, 60, limit }, grace = 0, again = true }
        with({ report_error = script }, settings, function(s)
          s:go(1)
          assert.is_not.equal("ok", s:call("report_error", 1, "x").code)
          assert.is_true(s.session:owes())
          assert.equal("ok", s:call("report_error", 2, "y").code)
        end)
        settings.again = false
        with({ report_error = script }, settings, function(s)
          s:go(1)
          s:call("report_error", 1, "x")
          local _, message, code = s:call("report_error", 2, "y")
          assert.equal("misuse", code)
          assert.matches("its report's outcome is unknown", message)
          assert.same({ "1 x" }, s:reports())
          assert.is_true(s.session:owes())
        end)
      end
    end)

    it("passes a reason on as one argument, cleaned", function()
      with({ report_error = "echo $# >>${0%/*}/count" }, {}, function(s)
        s:go(1)
        s:call("report_error", -2147483648, "two words; $(reboot)\n\27[2J")
        assert.same({ "-2147483648 two words; $(reboot)??[2J" }, s:reports())
        assert.equal("4\n", s.folder:read "count")
      end)
    end)
  end)

  describe("a session that is released", function()
    it("reports itself in the background, exactly once", function()
      for opened = 1, 2 do
        with({}, {}, function(s)
          s:go(opened)
          s.session:release(902, "left open")
          s.session = nil
          assert.equal(1, s.l:busy())
          steps.until_true(s.l, function() return s.l:busy() == 0 end)
          assert.same({ "902 left open" }, s:reports())
          assert.equal(0, s.l:unreported())
        end)
      end
    end)

    it("owes nothing when none was opened, or it has ended", function()
      for _, opened in ipairs { 0, 3 } do
        with({}, {}, function(s)
          s:go(opened)
          s:release()
          assert.same({}, s:reports())
          assert.equal(0, s.l:unreported())
        end)
      end
      with({}, {}, function(s)
        s:go(1)
        s:call("report_error", 5, "done")
        s:release()
        assert.same({ "5 done" }, s:reports())
      end)
    end)

    it("in mid-call waits for its end, then reports what may be open", function()
      local slow = "sleep 0.05; "
      local cases = {
        { slow .. right.new_device, 1 },
        { slow .. "exit 1", 0 },
        { "kill -9 $$", 1 },
      }
      for _, case in ipairs(cases) do
        with({ new_device = case[1] }, {}, function(s)
          s:start "new_device"
          s:release(902, "left open")
          assert.equal(case[2], #s:reports())
          assert.is_nil(s.result)
          assert.equal(0, s.l:unreported())
        end)
      end
      with({ handle_device_response = slow .. right.handle_device_response }, {}, function(s)
        s:go(2)
        s:start("handle_device_response", "x")
        s:release()
        assert.same({}, s:reports())
      end)
      with({ report_error = slow }, {}, function(s)
        s:go(1)
        s:start("report_error", 7, "own")
        s:release()
        assert.same({ "7 own" }, s:reports())
        assert.equal(0, s.l:unreported())
      end)
    end)

    it("counts as unreported when nobody accepts the report, which is not tried again", function()
      for _, script in ipairs { "exit 1", "kill -9 $$" } do
        with({ report_error = script }, {}, function(s)
          s:go(1)
          s:release()
          assert.equal(1, #s:reports())
          assert.equal(1, s.l:unreported())
        end)
        with({ report_error = script }, {}, function(s)
          s:go(1)
          s:call("report_error", 1, "tried")
          s:release()
          assert.same({ "1 tried" }, s:reports())
          assert.equal(1, s.l:unreported())
        end)
      end
    end)

    it("counts as unreported when the CLI is gone", function()
      if scratch.valgrind then pending "posix_spawn tells no errors under valgrind" end
      with({}, {}, function(s)
        s.service.program, s.service.arguments = s.folder.path .. "/there", {}
        scratch.run { "cp", s.folder.path .. "/tool", s.folder.path .. "/there" }
        scratch.run { "chmod", "755", s.folder.path .. "/there" }
        s:new_session()
        s:go(1)
        os.remove(s.folder.path .. "/there")
        s:release()
        assert.equal(1, s.l:unreported())
      end)
    end)
  end)

  describe("an interrupt", function()
    local LONG <const> = { 60, 60, 60, 60 }

    it("gives a running command the time that `stop` says, and the next one `hurry`", function()
      for times, seconds in ipairs { 0.05, 0.4 } do -- the report has `hurry`, too
        with({ new_device = "exec sleep 60" },
          { limits = LONG, stop = times == 1 and seconds or 60, hurry = times == 2 and seconds or 60, grace = 0 },
          function(s)
            s:start "new_device"
            for n = 1, times do s.session:interrupt(n) end
            s:finish()
            assert.equal("interrupted", s.result.code)
            assert.matches("^new_device: interrupted, and ended by jig after ", s.result.message)
            assert.is_true(s.result.seconds >= seconds)
            assert.is_true(s.session:owes())
            assert.equal("ok", s:call("report_error", 901, "interrupted").code)
          end)
      end
    end)

    it("lets a command that ends in time succeed", function()
      with({ new_device = "sleep 0.02; " .. right.new_device }, {}, function(s)
        s:start "new_device"
        s.session:interrupt(1)
        s:finish()
        assert.equal("ok", s.result.code)
        s:call("report_error", 901, "interrupted")
      end)
    end)

    it("never lengthens a limit", function()
      with({ new_device = "exec sleep 60" }, { limits = { 0.05, 60, 60, 60 }, stop = 60, hurry = 60, grace = 0 },
        function(s)
          s:start "new_device"
          s.session:interrupt(1)
          s.session:interrupt(2)
          s:finish()
          assert.equal("timeout", s.result.code)
          s:call("report_error", 901, "interrupted")
        end)
    end)

    it("does not shorten a report the first time, but from the second on", function()
      with({ report_error = "sleep 0.2" }, { limits = LONG, stop = 0.01, hurry = 60, grace = 0 }, function(s)
        s:go(1)
        s:start("report_error", 1, "x")
        s.session:interrupt(1)
        s:finish()
        assert.equal("ok", s.result.code)
      end)
      with({ report_error = "test $3 = 2 || exec sleep 60" },
        { limits = LONG, stop = 60, hurry = 0.05, grace = 0 }, function(s)
          s:go(1)
          s:start("report_error", 1, "x")
          s.session:interrupt(2)
          s:finish()
          assert.equal("interrupted", s.result.code)
          assert.is_true(s.session:owes())
          s:call("report_error", 2, "y")
        end)
    end)

    it("that came twice before a report shortens it from its start", function()
      with({ report_error = "test $3 = 2 || exec sleep 60" }, { limits = LONG, hurry = 0.05, grace = 0 },
        function(s)
          s:go(1)
          s.session:interrupt(2)
          assert.equal("interrupted", s:call("report_error", 1, "x").code)
          s:call("report_error", 2, "y")
        end)
    end)

    it("is harmless when nothing runs", function()
      with({}, {}, function(s)
        s.session:interrupt(1)
        s.session:interrupt(2)
        s:go(3)
      end)
    end)
  end)

  describe("the CLI", function()
    it("gets the fixed arguments, the environment and the working directory of the service", function()
      local show = "pwd >${0%/*}/seen; env >>${0%/*}/seen; " .. right.new_device
      with({ new_device = show }, { cwd = "/", env = { "PATH=" .. os.getenv("PATH"), "PIN_FILE=/x y" } },
        function(s)
          s:go(1)
          local seen = s.folder:read "seen"
          assert.equal("/", seen:match("^[^\n]*"))
          assert.matches("\nPIN_FILE=/x y\n", seen, 1, true)
          assert.is_nil(seen:find("HOME="))
          s:call("report_error", 1, "x")
        end)
      local folder <close> = scratch.folder { tool = "printf '[%s]' \"$@\" >${0%/*}/words; exit 1" }
      steps.with_loop(function(l)
        local done
        local session = l:session({ program = "/bin/sh", arguments = { folder.path .. "/tool", "--slot", "", "a b" } },
          ID, function() done = true end)
        session:call "new_device"
        steps.until_true(l, function() return done end)
        assert.equal("[--slot][][a b][new_device][" .. ID .. "]", folder:read "words")
        session:release(1, "x")
      end)
    end)

    it("has a limit for each command", function()
      for i, command in ipairs { order[1], order[2], order[3], "report_error" } do
        local times = { 60, 60, 60, 60 }
        times[i] = 0.05
        with({ [command] = "test \"$3\" = 2 || exec sleep 60; " .. right[command] }, { limits = times, grace = 0 },
          function(s)
            s:go(i < 4 and i - 1 or 1)
            local result
            if command == "report_error" then
              result = s:call(command, 1, "x")
            else
              result = s:call(command, "x")
            end
            assert.equal("timeout", result.code)
            assert.is_true(result.seconds >= 0.05)
            s:call("report_error", 2, "y")
          end)
      end
    end)

    it("and its helpers are gone when the session is", function()
      local script = "(trap '' TERM; echo $$ >${0%/*}/helper; exec sleep 60) & wait"
      with({ get_device_configuration = script }, { stop = 0, grace = 0.02 }, function(s)
        s:go(1)
        s:start("get_device_configuration", "x")
        local group = steps.until_true(s.l, function() return s.folder:read("helper"):match("%d+\n") end)
        s.session:interrupt(1)
        assert.equal("interrupted", s:finish().code)
        steps.until_true(s.l, function() return not peer.alive(-math.tointeger(group)) end)
        s:call("report_error", 1, "x")
      end)
    end)
  end)

  describe("with a journal", function()
    it("intents and outcomes stand in it, in the order of the calls", function()
      recorded({}, {}, function(s) s:go(3) end, function(l)
        assert.same({ "opening opened configured finishing finished", "finished" }, { story(l) })
      end)
    end)

    it("an intent is durable before the CLI is called, an end before the caller learns it", function()
      -- the CLI looks into the file by itself, as another process does
      local count = [[grep -a -q "%s$2" ${0%%/*}/journal-wal && echo "$1" >>${0%%/*}/durable; ]]
      local plan = {
        new_device = count:format("opening") .. right.new_device,
        handle_device_response = count:format("finishing") .. right.handle_device_response,
      }
      recorded(plan, {}, function(s)
        s:go(2)
        assert.equal("new_device\n", s.folder:read "durable")
        s:go_on(3)
        assert.equal("new_device\nhandle_device_response\n", s.folder:read "durable")
        local script = s.folder:write("look.lua", [[
          for row in require("jig.ledger").open(arg[1]):rows "SELECT state, fingerprint FROM session" do
            print(row.state, row.fingerprint)
          end]])
        assert.equal("finished\t" .. FINGERPRINT .. "\n", scratch.run({ scratch.program, script, s.path }).stdout)
      end, function(l) l:close() end)
      plan = { new_device = "exit 1", report_error = count:format("reporting") }
      recorded(plan, { refused = true }, function(s)
        s:call "new_device"
        s:call("report_error", 1, "x")
        assert.equal("report_error\n", s.folder:read "durable")
      end, function(l) l:close() end)
    end)

    -- What fails, with what settings, then the story.
    for _, case in ipairs {
      { "a new_device that was refused opened nothing", { new_device = "exit 1" }, {}, 1,
        "opening refused", "refused" },
      { "one that died may have", { new_device = "kill -9 $$" }, {}, 1,
        "opening unknown reporting reported", "reported" },
      { "unless the station says otherwise", { new_device = "kill -9 $$" }, { unclear = false }, 1,
        "opening refused", "refused" },
      { "a refused configuration", { get_device_configuration = "exit 1" }, {}, 2,
        "opening opened failed reporting reported", "reported" },
      { "an unread fingerprint", { handle_device_response = "echo nothing" }, {}, 3,
        "opening opened configured finishing unknown reporting reported", "reported" },
      { "a refused device response", { handle_device_response = "exit 2" }, {}, 3,
        "opening opened configured finishing failed reporting reported", "reported" },
      { "a refused report", { get_device_configuration = "exit 1", report_error = "exit 3" }, {}, 2,
        "opening opened failed reporting refused", "owing (open)" },
      { "a report that died", { get_device_configuration = "exit 1", report_error = "kill -9 $$" }, {}, 2,
        "opening opened failed reporting unknown", "owing (open)" },
    } do
      it(case[1] .. ": " .. case[5], function()
        recorded(case[2], case[3], function(s)
          for i = 1, case[4] do s:call(order[i], "response") end
        end, function(l) assert.same({ case[5], case[6] }, { story(l) }) end)
      end)
    end

    it("a response that cannot be handed on is a failure of its own", function()
      recorded({}, {}, function(s)
        s:go(1)
        assert.equal("invalid", select(3, s:call("get_device_configuration", "")))
      end, function(l) assert.same({ "opening opened failed reporting reported", "reported" }, { story(l) }) end)
    end)

    it("a CLI that cannot be started opened nothing", function()
      if scratch.valgrind then pending "posix_spawn tells no errors under valgrind" end
      recorded({}, { program = "/no/such/program" }, function(s)
        local result = s:call "new_device"
        assert.same({ "not_found", false, "ended", false },
          { result.code, result.started, s.session:state(), s.session:owes() })
      end, function(l) assert.same({ "opening refused", "refused" }, { story(l) }) end)
    end)

    it("a report whose CLI is gone has an unknown outcome, and is tried again later", function()
      if scratch.valgrind then pending "posix_spawn tells no errors under valgrind" end
      recorded({}, {}, function(s)
        local there = s.folder.path .. "/there"
        s.service.program, s.service.arguments = there, {}
        scratch.run { "cp", "-p", s.folder.path .. "/tool", there }
        scratch.run { "chmod", "755", there }
        assert(s:new_session())
        s:go(1)
        os.remove(there)
        assert.equal("not_found", s:call("report_error", 1, "x").code)
        assert.same({ "owing a report", true, 0 }, { s.session:state(), s.session:owes(), s.l:unreported() })
        s:release()
        assert.equal(1, s.l:unreported())
      end, function(l)
        for row in l:rows "SELECT again_at > opened AS later, refusals FROM session" do
          assert.same({ later = 1, refusals = 0 }, row)
        end
        assert.same({ "opening opened reporting unknown", "owing (open)" }, { story(l) })
      end)
    end)

    it("a serial number is made once: the second session calls nothing", function()
      recorded({}, {}, function(s)
        s:go(3)
        assert(s:new_session "0badcafe")
        local result = s:call "new_device"
        assert.same({ "duplicate", false, "ended", false },
          { result.code, result.started, s.session:state(), s.session:owes() })
        assert.matches("T1", result.message, 1, true)
        assert.equal(table.concat(order, " "), s:commands())
      end, function(l) l:close() end)
    end)

    it("a journal that cannot be opened: nothing is called", function()
      with({}, {}, function(s)
        s.l:journal(s.folder.path .. "/tool/journal") -- below a file
        assert(s:new_session())
        local result = s:call "new_device"
        assert.same({ "record", false, "ended", false },
          { result.code, result.started, s.session:state(), s.session:owes() })
        assert.equal("", s.folder:read "calls")
      end)
    end)

    it("the CLI holds the lock of its session's owner", function()
      recorded({ new_device = "readlink /proc/$$/fd/3 >${0%/*}/lock; " .. right.new_device }, {}, function(s)
        s:go(1)
        assert.matches("/journal%.d/owners/%x+\n$", s.folder:read "lock")
      end, function(l) l:close() end)
    end)

    it("a session that is interrupted while its intent is recorded calls nothing", function()
      recorded({}, {}, function(s)
        s:start "new_device"
        s.session:interrupt(1)
        local result = s:finish()
        assert.same({ "interrupted", false, "ended" }, { result.code, result.started, s.session:state() })
        assert.equal("", s.folder:read "calls")
      end, function(l) assert.same({ "opening refused", "refused" }, { story(l) }) end)
    end)

    it("one that is released while its intent is recorded calls nothing more but the report", function()
      recorded({}, {}, function(s)
        s:start "new_device"
        s:release(902, "gone")
        assert.same({ "", 0 }, { s.folder:read "calls", s.l:unreported() })
      end, function(l) assert.same({ "opening refused", "refused" }, { story(l) }) end)
      recorded({}, {}, function(s)
        s:go(2)
        s:start("handle_device_response", "x")
        s:release(902, "gone")
        assert.equal("new_device get_device_configuration report_error", s:commands())
        assert.equal(0, s.l:unreported())
      end, function(l)
        assert.same({ "opening opened configured finishing failed reporting reported", "reported" }, { story(l) })
      end)
      recorded({}, {}, function(s)
        s:go(1)
        s:start("report_error", 5, "own")
        s:release(902, "gone")
        assert.same({ "5 own" }, s:reports())
      end, function(l) assert.same({ "opening opened reporting reported", "reported" }, { story(l) }) end)
    end)

    it("one that is released in the middle of a call is reported by itself", function()
      for i, command in ipairs { "new_device", "get_device_configuration" } do
        recorded({ [command] = "echo >${0%/*}/runs; sleep 0.05; " .. right[command] }, {}, function(s)
          s:go(i - 1)
          s:start(command, "x")
          steps.until_true(s.l, function() return s.folder:read "runs" ~= "" end)
          s:release(902, "gone")
          assert.same({ "902 gone" }, s:reports())
          assert.equal(0, s.l:unreported())
        end, function(l) assert.matches("reporting reported$", (story(l))) end)
      end
    end)

    it("one that is released while its outcome is recorded has that outcome", function()
      recorded({ handle_device_response = "echo >${0%/*}/runs; " .. right.handle_device_response }, {}, function(s)
        s:go(2)
        s:start("handle_device_response", "x")
        steps.until_true(s.l, function() return s.folder:read "runs" ~= "" end)
        s:release(902, "gone")
        assert.same({}, s:reports())
        assert.equal(0, s.l:unreported())
      end, function(l)
        assert.same({ "opening opened configured finishing finished", "finished" }, { story(l) })
      end)
    end)

    it("an orphaned session can be reported, and nothing else", function()
      recorded({ report_error = "readlink /proc/$$/fd/4 >${0%/*}/lock" }, {}, function(s)
        local script = s.folder:write("leave.lua", [[
          local journal = require "jig.journal"
          assert(journal.open { path = arg[1] })
          assert(journal.append("opening", arg[2], 1, arg[3]))
          assert(journal.append("opened", arg[2], 1, "{}"))]])
        assert.equal(0, scratch.run({ scratch.program, script, s.path, ID, RECORD }).exit)
        s:release()
        s.session = assert(s.l:session(s.service, ID, function(result) s.result = result end, nil, 1, 2))
        assert.same({ "owing a report", true }, { s.session:state(), s.session:owes() })
        for _, command in ipairs(order) do assert.equal("misuse", select(3, s:call(command, "x"))) end
        assert.equal("ok", s:call("report_error", 904, "orphan").code)
        assert.same({ "904 orphan" }, s:reports())
        assert.not_equal("", s.folder:read "lock")
      end, function(l) assert.same({ "opening opened reporting reported", "reported" }, { story(l) }) end)
    end)
  end)

  describe("at the gate of a token", function()
    -- As `recorded`, where the only seat is taken: s.seat:leave() frees it.
    local function queued(plan, settings, body, after)
      local locks <close> = scratch.folder()
      settings.token = settings.token or {}
      settings.token.folder = locks.path
      recorded(plan, settings, function(s)
        local gate = assert(s.l:gate { folder = locks.path, token = "t" })
        function s.take()
          local code
          s.seat, code = gate:enter({ name = "B" }, print)
          assert.equal("ok", code)
        end
        body(s)
        if s.seat then s.seat:leave() end
        gate:close()
        s:release()
      end, after or function(l) l:close() end)
    end

    local function settle(s)
      for _ = 1, 5 do s.l:step(0) end
    end

    it("a call waits before its intent is recorded, and says how long", function()
      queued({}, {}, function(s)
        s.take()
        s:start "new_device"
        settle(s)
        assert.same({ "", "opening", 1 }, { s:commands(), s.session:state(), s.session:place() })
        s.seat:leave()
        local result = s:finish()
        assert.equal("ok", result.code)
        assert.is_true(result.waited > 0)
        assert.equal(0, s.session:place())
        result = s:call("report_error", 1, "x")
        assert.same({ "ok", 0.0 }, { result.code, result.waited })
      end, function(l) assert.same({ "opening opened reporting reported", "reported" }, { story(l) }) end)
    end)

    it("the program holds the seat as long as it runs, and it is free when that ended", function()
      queued({ new_device = "readlink /proc/$$/fd/4 >${0%/*}/seat; " .. right.new_device }, {}, function(s)
        s:call "new_device"
        assert.matches("/t%.0$", (s.folder:read("seat"):gsub("\n", "")))
        s.take()
        s.seat:leave()
        s:call("report_error", 1, "x")
      end)
    end)

    it("one that could not be started gives it back", function()
      if scratch.valgrind then pending "posix_spawn tells no errors under valgrind" end
      queued({}, {}, function(s)
        s.service.program = "/no/such/program"
        s:new_session()
        assert.equal("not_found", s:call("new_device").code)
        s.take()
      end)
    end)

    it("one that waits too long is not called, and nothing of it is recorded", function()
      queued({}, { gate = 0.05 }, function(s)
        s.take()
        local result = s:call "new_device"
        assert.same({ "token", false, false, "ended" },
          { result.code, result.started, s.session:owes(), s.session:state() })
        assert.matches("^waited 0%.%d+ s at the gate of token 't': it is held by slot B of this jig; place 1 of 1",
          result.message)
        assert.is_true(result.waited >= 0.05)
      end, function(l) assert.same({ "" }, { story(l) }) end)
    end)

    it("a session that is open owes a report of one that waited too long", function()
      queued({}, { gate = 0.05 }, function(s)
        s:go(1)
        s.take()
        assert.equal("token", s:call("get_device_configuration", "x").code)
        assert.same({ true, "owing a report" }, { s.session:owes(), s.session:state() })
        assert.equal("token", s:call("report_error", 1, "x").code)
        assert.is_true(s.session:owes())
        s.seat:leave()
        assert.equal("ok", s:call("report_error", 1, "x").code)
        assert.equal("new_device report_error", s:commands())
      end, function(l) assert.same({ "opening opened failed reporting reported", "reported" }, { story(l) }) end)
    end)

    it("one that waits is called off by an interrupt", function()
      for done = 0, 2 do
        queued({}, {}, function(s)
          s:go(done)
          s.take()
          s:start(order[done + 1], "x")
          s.session:interrupt(1)
          local result = s:finish()
          assert.same({ "interrupted", false, done > 0 }, { result.code, result.started, s.session:owes() })
          s.seat:leave()
          if done > 0 then s:call("report_error", 1, "x") end
        end)
      end
    end)

    it("a report waits on when it is interrupted, and gets `hurry` when it is again", function()
      queued({}, { hurry = 0.1 }, function(s)
        s:go(1)
        s.take()
        s:start("report_error", 1, "x")
        s.session:interrupt(1)
        settle(s)
        assert.equal(1, s.session:place())
        s.session:interrupt(2)
        local result = s:finish()
        assert.same({ "interrupted", true }, { result.code, s.session:owes() })
        assert.matches("^interrupted: waited ", result.message)
        s.seat:leave()
        assert.equal("ok", s:call("report_error", 1, "x").code)
      end)
    end)

    it("one that is released while it waits begins nothing, and reports what was open", function()
      for done = 0, 1 do
        queued({}, {}, function(s)
          s:go(done)
          s.take()
          s:start(order[done + 1], "x")
          s.session:release(902, "gone")
          s.session = nil
          settle(s)
          s.seat:leave()
          steps.until_true(s.l, function() return s.l:busy() == 0 end)
          assert.equal(0, s.l:unreported())
          assert.equal(done == 0 and "" or "new_device report_error", s:commands())
        end)
      end
    end)

    it("calls of one process are as many at once as the service says, without a token too", function()
      local folder <close> = scratch.folder()
      steps.with_loop(function(l)
        local service = { program = "/bin/sh", arguments = { tool(folder, {
          new_device = "mkdir ${0%/*}/in || exit 9; sleep 0.02; rmdir ${0%/*}/in; " .. right.new_device,
        }) }, calls = 1 }
        local sessions, ended = {}, 0
        for i = 1, 5 do
          sessions[i] = l:session(service, "id" .. i, function(result)
            assert.equal("ok", result.code)
            ended = ended + 1
          end)
          sessions[i]:call "new_device"
        end
        steps.until_true(l, function() return ended == 5 end)
        for _, session in ipairs(sessions) do session:release(1, "x") end
        steps.until_true(l, function() return l:busy() == 0 end)
      end)
    end)

    -- What tells which trouble: settings; the CLI's status and stderr; the code.
    local troubles = {
      { { missing = { statuses = { 3, 4 } } }, "exit 4", "token_missing" },
      { { missing = { patterns = { "no TOKEN" } } }, "echo 'Error: No token in slot' >&2; exit 1", "token_missing" },
      { { busy = { patterns = { "xx", "in use" } } }, "echo in use >&2; exit 1", "token_busy" },
      { { busy = { patterns = { "in use" } } }, "echo in us >&2; exit 1", "refused" },
      { { busy = { statuses = { 5 }, patterns = { "in use" } } }, "exit 1", "refused" },
      { { busy = { patterns = { "SCP" } } }, right.new_device .. "; exit 1", "refused" }, -- not of stdout
      { { busy = { statuses = { 0 }, patterns = { "in use" } } }, "echo in use >&2; " .. right.new_device, "ok" },
      { { busy = { patterns = { "in use" } } }, "echo in use >&2; kill -9 $$", "killed" },
      { { busy = { statuses = { 7 } }, missing = { statuses = { 7 } } }, "exit 7", "token_missing" },
      { {}, "echo token in use, PIN wrong >&2; exit 1", "refused" },
    }
    for i, trouble in ipairs(troubles) do
      it(("a refusal says what is the matter with the token, case %d"):format(i), function()
        queued({ new_device = trouble[2] }, { token = trouble[1] }, function(s)
          s.take()
          s.seat:leave()
          local result = s:call "new_device"
          assert.equal(trouble[3], result.code)
          if trouble[3]:match "^token" then
            assert.same({ true, false, "ended" }, { result.started, s.session:owes(), s.session:state() })
            assert.matches("^new_device: exit status ", result.message)
          elseif s.session:owes() then
            s:call("report_error", 1, "x")
          end
        end)
      end)
    end

    it("a refused PIN ends all calls of the process, reports too", function()
      queued({ get_device_configuration = "echo wrong pin >&2; exit 1" }, {
        token = { pin = { patterns = { "PIN" } }, busy = { statuses = { 1 } } },
      }, function(s)
        s:go(1)
        local other = assert(s.l:session(s.service, "ab", function(result) s.other = result end))
        s:start("get_device_configuration", "x")
        other:call "new_device"
        assert.equal("pin", s:finish().code)
        steps.until_true(s.l, function() return s.other end)
        assert.same({ "pin", false }, { s.other.code, s.other.started })
        assert.equal("not called: get_device_configuration: exit status 1: wrong pin", s.other.message)
        local result, message, code = s:call("report_error", 1, "x")
        assert.same({ nil, "pin" }, { result, code })
        assert.equal("not called: get_device_configuration: exit status 1: wrong pin", message)
        other:release(1, "x")
        s:release()
        assert.equal("new_device get_device_configuration", s:commands())
        assert.equal(1, s.l:unreported())
      end, function(l) assert.same({ "opening opened failed", "owing (open)" }, { story(l) }) end)
    end)

    it("a lock folder that cannot be used makes no session", function()
      queued({}, {}, function(s)
        s.take()
        s.service.token = { folder = s.folder.path .. "/tool/x" }
        local session, message = s:new_session()
        assert.is_nil(session)
        assert.matches("Not a directory", message, 1, true)
        s.session = nil
      end)
    end)
  end)

  it("keeps the answers of many sessions apart", function()
    local folder <close> = scratch.folder()
    steps.with_loop(function(l)
      local path = tool(folder, { new_device = "echo SCP $2; echo PAYLOAD $2" })
      local sessions, right_ones = {}, 0
      for i = 1, 30 do
        local id = ("%04d"):format(i)
        sessions[i] = l:session({ program = "/bin/sh", arguments = { path } }, id, function(result)
          if result.scp == i and result.payload == string.char(i // 1000 << 4, i // 10 % 10 << 4 | i % 10) then
            right_ones = right_ones + 1
          end
        end)
        assert.is_true(sessions[i]:call "new_device")
      end
      steps.until_true(l, function() return right_ones == 30 end)
      for _, session in ipairs(sessions) do session:release(1, "x") end
      assert.equal(30, l:busy())
      steps.until_true(l, function() return l:busy() == 0 end)
      assert.equal(0, l:unreported())
    end)
  end)
end)
