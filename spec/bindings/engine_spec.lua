local clock = require "jig.clock"
local peer = require "spec.peer"
local proc = require "jig.proc"
local scratch = require "spec.support.scratch"
local wires = require "spec.support.wires"

local LONG <const> = 60
local INT <const>, TERM <const>, HUP <const>, QUIT <const> = 2, 15, 1, 3

-- Runs a script; `words` are its arguments.
local function script(folder, text, words)
  return scratch.jig { folder:write("try.lua", text), table.unpack(words or {}) }
end

-- Runs text outside of any task: as what the program runs first, instead of its own scripts.
local function outside(text, more)
  local folder <close> = scratch.folder()
  folder:write("jig/main.lua", "return function()\n" .. text .. "\nend")
  local words = { env = { JIG_PATH = folder.path }, scratch.program }
  for key, value in pairs(more or {}) do words[key] = value end
  return scratch.run(words)
end

describe("bindings/engine", function()
  describe("outside any task", function()
    it("a wait runs the loop until it is over", function()
      local result = outside [[
        local clock, port, proc, task = require "jig.clock", require "jig.port", require "jig.proc", require "jig.task"
        local a, b = assert(port.open "pair:x"), assert(port.open "pair:x")
        assert(clock.sleep(0.001))
        task.spawn(function()
          clock.sleep(0.001)
          b:write "hello\n"
        end)
        assert(a:read_until("\n", 60) == "hello\n")
        assert(proc.start { "printf", "x" }:wait(60).stdout == "x")
        assert(select(2, task.spawn(function() return clock.sleep(0.001) and 7 end):join()) == 7)
        local _, message, code, limit = a:read(1, 0.005)
        assert(code == "timeout" and limit == "read", message)
        assert(task.interrupted() == 0)
        print "done"
        return 3
      ]]
      assert.same({ "", "done\n", 3 }, { result.stderr, result.stdout, result.exit })
    end)

    it("a wait inside sort, gsub, a metamethod and a coroutine of Lua's own runs the loop, too", function()
      local result = outside [[
        local clock = require "jig.clock"
        local n = 0
        local function wait() n = n + (clock.sleep(0.001) and 1 or 0) end
        table.sort({ 1, 2 }, function() wait() return false end)
        string.gsub("a", ".", wait)
        getmetatable(setmetatable({}, { __index = wait })).__index()
        coroutine.wrap(wait)()
        assert(n >= 4)
        assert(pcall(wait))
      ]]
      assert.same({ "", 0 }, { result.stderr, result.exit })
    end)

    it("a wait that nothing can end raises, and the object is as it was", function()
      local result = outside [[
        local clock, port, task = require "jig.clock", require "jig.port", require "jig.task"
        local a, b = assert(port.open "pair:x"), assert(port.open "pair:x")
        for _ = 1, 2 do
          local ok, message = pcall(a.read, a, 1)
          assert(not ok and message == "port:read would wait for ever: nothing is left that could end it", message)
        end
        local ok, message = pcall(function() return task.spawn(function() return a:read(1) end):join() end)
        assert(not ok and message:find "task:join would wait for ever", message)
        local c, d = assert(port.open "pair:y"), assert(port.open "pair:y")
        assert(not pcall(c.read, c, 1))
        task.spawn(function() clock.sleep(0.001) d:write "z" end)
        assert(c:read(1) == "z")
      ]]
      assert.same({ "", 0 }, { result.stderr, result.exit })
    end)

    it("there are no limits and no shields", function()
      local result = outside [[
        local task = require "jig.task"
        for _, kind in ipairs { "limit", "shield" } do
          local ok, message = pcall(task[kind], "x", 1)
          assert(not ok and message:find("limits belong to a task: there is none here", 1, true), message)
        end
      ]]
      assert.same({ "", 0 }, { result.stderr, result.exit })
    end)

    it("system.exit ends the program", function()
      local result = outside [[require "jig.system".exit(9) print "not here"]]
      assert.same({ "", "", 9 }, { result.stdout, result.stderr, result.exit })
    end)
  end)

  it("goes on with a task that yielded by itself", function()
    local folder <close> = scratch.folder()
    local result = script(folder, [[
      local clock, task = require "jig.clock", require "jig.task"
      -- Lua's own is the last upvalue of the one that scripts see; the program has no names of upvalues
      local _, yield = debug.getupvalue(coroutine.yield, debug.getinfo(coroutine.yield, "u").nups)
      local t = task.spawn(function()
        local n = 0
        for _ = 1, 3 do n = n + select("#", yield("unasked", 1)) end
        return n
      end)
      local other = task.spawn(function() return clock.sleep(0.001) end)
      print(t:join(60))
      print(other:join(60))
    ]])
    assert.same({ 0, "true\t0\ntrue\ttrue\n", "" }, { result.exit, result.stdout, result.stderr })
  end)

  it("lets nothing wait when the program has ended", function()
    local folder <close> = scratch.folder()
    local result = script(folder, [[
      local clock = require "jig.clock"
      keep = setmetatable({}, { __gc = function() clock.sleep(3600) end })
      task_of_main = require "jig.task".spawn(function() clock.sleep(3600) end)
    ]])
    assert.same({ 0, "" }, { result.exit, result.stdout })
  end)

  describe("system.exit in a task", function()
    it("runs nothing more of it, wherever it stands", function()
      local folder <close> = scratch.folder()
      local places = {
        "leave()",
        "pcall(leave)",
        "pcall(pcall, leave)",
        "coroutine.wrap(leave)()",
        "coroutine.resume(coroutine.create(function() pcall(leave) end))",
        "setmetatable({}, { __index = leave }).x = nil local _ = setmetatable({}, { __index = leave }).y",
        "for _ in leave do end",
        "do local x <close> = setmetatable({}, { __close = leave }) end",
        "task.spawn(leave) clock.sleep(3600)",
        "task.spawn(function() pcall(leave) end):join()",
      }
      for _, place in ipairs(places) do
        local result = script(folder, [[
          local clock, system, task = require "jig.clock", require "jig.system", require "jig.task"
          local function leave() system.exit(7) end
          ]] .. place .. [[
          print "went on"
        ]])
        assert.same({ 7, "", "" }, { result.exit, result.stdout, result.stderr }, place)
      end
    end)

    it("ends child processes and reports sessions", function()
      local folder <close> = scratch.folder()
      local cli = folder:cli()
      local result = script(folder, [[
        local proc, session, system = require "jig.proc", require "jig.session", require "jig.system"
        local child = proc.start { "sleep", "3600" }
        local s = session.new(session.service { cli = arg[1], arguments = { arg[2], arg[3] } }, "s1")
        assert(s:new_device())
        io.write(child:pid())
        io.stdout:flush()
        system.exit(4)
      ]], { cli.cli, table.unpack(cli.arguments) })
      assert.same({ 4, "" }, { result.exit, result.stderr })
      assert.is_false(peer.alive(math.tointeger(result.stdout)))
      assert.equal("new_device report_error", folder:commands())
      assert.equal("902", folder:calls()[2][3])
    end)

    it("is 6 when a session stays unreported", function()
      local folder <close> = scratch.folder()
      local cli = folder:cli "{ report_error = { exit = 1 } }"
      local result = script(folder, [[
        local session = require "jig.session"
        local s = session.new(session.service { cli = arg[1], arguments = { arg[2], arg[3] } }, "s1")
        assert(s:new_device())
        os.exit(0)
      ]], { cli.cli, table.unpack(cli.arguments) })
      assert.equal(6, result.exit)
      assert.equal("new_device report_error", folder:commands())
    end)
  end)

  describe("a signal", function()
    -- A script that opened a session, as a process; wait until it has.
    local function begin(folder, text)
      local cli = folder:cli()
      local child = assert(proc.start { scratch.program, folder:write("try.lua", [[
        local clock, session = require "jig.clock", require "jig.session"
        local s = session.new(session.service { cli = arg[1], arguments = { arg[2], arg[3] } }, "s1")
        assert(s:new_device())
        io.open(arg[3] .. "/ready", "w"):close()
      ]] .. text), cli.cli, limit = 120, cli.arguments[1], cli.arguments[2] })
      wires.eventually(function()
        local file = io.open(folder.path .. "/ready")
        return file and file:close()
      end)
      return child
    end

    it("ends a script with 5, and its session is reported", function()
      for _, signum in ipairs { INT, TERM, HUP, QUIT } do
        local folder <close> = scratch.folder()
        local child <close> = begin(folder, "pcall(clock.sleep, 3600) print 'went on'")
        assert(child:kill(signum))
        local result = assert(child:wait(LONG))
        assert.same({ 5, "", "" }, { result.exit, result.stdout, result.stderr })
        assert.equal("new_device report_error", folder:commands())
      end
    end)

    it("of a terminal that goes ends nothing where it is ignored", function()
      local folder <close> = scratch.folder {
        ["try.lua"] = "os.execute('kill -HUP $PPID') require 'jig.clock'.sleep(0.01) print 'on'",
      }
      local line = ("trap '' HUP; exec %s %s/try.lua"):format(scratch.program, folder.path)
      local result = scratch.run { "sh", "-c", line }
      assert.same({ 0, "on\n" }, { result.exit, result.stdout })
    end)

    it("that comes again ends it at once", function()
      local folder <close> = scratch.folder {
        tool = [[
          echo $1 >>${0%/*}/calls
          case $1 in
          new_device) echo SCP 1; echo PAYLOAD 00 ;;
          *) echo $$ >${0%/*}/pid; exec sleep 60 ;;
          esac
        ]],
        ["try.lua"] = [[
          local session = require "jig.session"
          local s = session.new(session.service { cli = "/bin/sh", arguments = { arg[1] } }, "s1")
          assert(s:new_device())
          io.open(arg[1] .. ".ready", "w"):close()
          require "jig.clock".sleep(3600)
        ]],
      }
      local child <close> = assert(proc.start { scratch.program, folder.path .. "/try.lua",
        folder.path .. "/tool", limit = 120, })
      wires.eventually(function()
        local file = io.open(folder.path .. "/tool.ready")
        return file and file:close()
      end)
      assert(child:kill(INT))
      local pid = wires.eventually(function() return folder:read("pid"):match("%d+\n") end)
      assert.equal("new_device\nreport_error\n", folder:read "calls")
      assert(child:kill(INT))
      assert.equal(INT, assert(child:wait(LONG)).signal)
      peer.kill(math.tointeger(pid)) -- the report, which nobody waits for any more
    end)

    it("wakes who waits for it, once for each, and ends nothing when it is claimed", function()
      local folder <close> = scratch.folder()
      local child <close> = begin(folder, [[
        local system, task = require "jig.system", require "jig.task"
        system.catch_signals()
        io.open(arg[3] .. "/claimed", "w"):close()
        assert(system.wait_signal()) -- alone: nothing else can happen
        local waiting = task.spawn(system.wait_signal)
        clock.sleep(0.001)
        assert(not pcall(system.wait_signal))
        io.open(arg[3] .. "/one", "w"):close()
        print(waiting:join(60))
        local second = task.spawn(function() return select(3, system.wait_signal()) end)
        clock.sleep(0.001)
        second:interrupt()
        print(second:join(60))
        print(s:report_error(1, "done"))
      ]])
      for _, name in ipairs { "claimed", "one" } do
        wires.eventually(function()
          local file = io.open(folder.path .. "/" .. name)
          return file and file:close()
        end)
        assert(child:kill(INT))
      end
      local result = assert(child:wait(LONG))
      assert.same({ 0, "true\ttrue\tINT\ntrue\tinterrupted\ntrue\n", "" },
        { result.exit, result.stdout, result.stderr })
    end)
  end)

  it("keeps thousands of tasks and waits apart", function()
    local folder <close> = scratch.folder()
    local result = script(folder, [[
      local clock, task = require "jig.clock", require "jig.task"
      clock.simulate()
      local tasks, order = {}, {}
      for i = 1, 3000 do
        tasks[i] = task.spawn(function()
          for _ = 1, 3 do assert(clock.sleep((3001 - i) * 0.001)) end
          order[#order + 1] = i
          return i
        end)
      end
      for i = 1, 3000 do assert(select(2, tasks[i]:join()) == i) end
      for i = 1, 3000 do assert(order[i] == 3001 - i) end
      print "ok"
    ]])
    assert.same({ 0, "ok\n", "" }, { result.exit, result.stdout, result.stderr })
  end)

  it("does not spin while it waits", function()
    local before = peer.cpu()
    clock.sleep(0.05)
    assert.is_true(peer.cpu() - before < 0.04)
  end)
end)
