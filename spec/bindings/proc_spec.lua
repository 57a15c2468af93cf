-- How programs are run and ended: spec/core/proc_spec.lua.

local clock = require "jig.clock"
local peer = require "spec.peer"
local proc = require "jig.proc"
local scratch = require "spec.support.scratch"
local system = require "jig.system"
local task = require "jig.task"
local wires = require "spec.support.wires"

local LONG <const> = 60

describe("jig.proc", function()
  it("runs a program and gives all of its end", function()
    local result = assert(proc.start { "sh", "-c", "printf 'a\\000b'; printf e >&2; exit 3" }):wait(LONG)
    assert.is_true(result.seconds >= 0)
    result.seconds = nil
    assert.same({ exit = 3, stdout = "a\0b", stderr = "e" }, result)
  end)

  it("says why a program did not simply exit", function()
    local cases = {
      { { "sh", "-c", "kill -9 $$" }, { signal = 9, trouble = "killed" } },
      { { "sleep", "60", limit = 0.01, grace = LONG }, { signal = 15, trouble = "timeout" } },
      { { "sh", "-c", "echo 123456; exec sleep 60", cap = 6, grace = LONG }, { signal = 15, trouble = "limit" } },
    }
    for _, case in ipairs(cases) do
      local result = assert(proc.start(case[1])):wait(LONG)
      assert.same(case[2], { signal = result.signal, exit = result.exit, trouble = result.trouble })
    end
  end)

  it("gives nil, message and code when it cannot be started", function()
    if scratch.valgrind then pending "posix_spawn tells no errors under valgrind" end
    local p, message, code = proc.start { "/no/such/program" }
    assert.same({ nil, "not_found" }, { p, code })
    assert.matches("/no/such/program", message, 1, true)
    assert.equal("not_found", select(3, proc.start { "true", cwd = "/no/such/folder" }))
  end)

  it("may leave a core where it is told so and this process may, else none", function()
    for cores, expected in pairs { [false] = "0\n0\n", [true] = assert(io.popen "ulimit -c; ulimit -Hc"):read "a" } do
      local child = assert(proc.start { "sh", "-c", "ulimit -c; ulimit -Hc", cores = cores })
      assert.equal(expected, child:wait(LONG).stdout)
    end
  end)

  it("starts in a working directory", function()
    assert.equal("/\n", assert(proc.start { "pwd", cwd = "/" }):wait(LONG).stdout)
  end)

  it("raises for what is no program", function()
    local bad = {
      {}, { 1 }, { "true", 1 }, { "true", {} }, { "tr\0ue" }, { "true", "a\0b" },
      { "true", limit = -1 }, { "true", limit = 0 / 0 }, { "true", grace = -1 }, { "true", cap = -1 },
      { "true", cap = 1.5 }, { "true", limit = "soon" }, { "true", cwd = {} }, "true", 7,
    }
    for _, words in ipairs(bad) do
      assert.is_false(pcall(proc.start, words))
    end
    assert.has_error(function() proc.start() end)
  end)

  it("takes limits and graces of for ever", function()
    local p <close> = assert(proc.start { "sleep", "60", limit = math.huge, grace = math.huge })
    assert.is_true(p:kill())
    assert.equal(15, p:wait(LONG).signal)
  end)

  describe("wait", function()
    it("gives the end again and again", function()
      local p = assert(proc.start { "sh", "-c", "echo x; exit 5" })
      assert.same(p:wait(LONG), p:wait(0))
    end)

    it("ends at its limit; the program goes on", function()
      local p <close> = assert(proc.start { "sleep", "60" })
      local result, message, code, limit = p:wait(0.005)
      assert.same({ nil, "timeout", "wait" }, { result, code, limit })
      assert.equal("proc:wait: the limit 'wait' of 0.005 s passed", message)
      assert.is_true(peer.alive(p:pid()))
    end)

    it("is for one task", function()
      local p <close> = assert(proc.start { "sleep", "60" })
      local waiting = task.spawn(function() return select(3, p:wait()) end)
      clock.sleep(0.001)
      local ok, message = pcall(p.wait, p)
      assert.is_false(ok)
      assert.matches("another task is already waiting", message)
      waiting:interrupt()
      assert.same({ true, "interrupted" }, { waiting:join(LONG) })
    end)
  end)

  describe("close", function()
    it("ends the program, wakes who waits, and may come twice", function()
      for _, close in ipairs { function(p) p:close() end, function(p) local _ <close> = p end } do
        local p = assert(proc.start { "sleep", "60" })
        local pid = p:pid()
        local waiting = task.spawn(function() return select(3, p:wait()) end)
        clock.sleep(0.001)
        close(p)
        assert.same({ true, "closed" }, { waiting:join(LONG) })
        p:close()
        assert.is_nil(p:pid())
        local ok, message = pcall(p.wait, p)
        assert.is_false(ok)
        assert.matches("closed proc", message)
        wires.eventually(function() return not peer.alive(pid) end)
      end
    end)

    it("forgets the end that was there", function()
      local p = assert(proc.start { "true" })
      p:wait(LONG)
      p:close()
      assert.is_false(pcall(p.wait, p))
    end)

    it("is done by the collector", function()
      local pid
      do
        local p = assert(proc.start { "sleep", "60" })
        pid = p:pid()
      end
      collectgarbage()
      collectgarbage()
      wires.eventually(function() return not peer.alive(pid) end)
    end)
  end)

  it("sends signals to the program", function()
    local p <close> = assert(proc.start { "sleep", "60" })
    assert.is_true(p:kill(0))
    assert.is_true(p:kill(1))
    assert.equal(1, p:wait(LONG).signal)
    local ok, message, code = p:kill()
    assert.same({ nil, "system" }, { ok, code })
    assert.matches("cannot send signal 15", message)
    local q <close> = assert(proc.start { "sleep", "60" })
    assert.is_nil((q:kill(1000)))
  end)

  it("counts what runs, and leaves no descriptor", function()
    local before = system.descriptors()
    local many = {}
    for i = 1, 20 do many[i] = assert(proc.start { "sleep", "60" }) end
    assert.equal(20, proc.running())
    assert.is_true(system.descriptors() > before)
    for _, p in ipairs(many) do p:close() end
    wires.eventually(function() return proc.running() == 0 end)
    wires.eventually(function() return system.descriptors() == before end)
  end)
end)
