local lfs = require "lfs"
local loop = require "spec.loop"
local peer = require "spec.peer"
local scratch = require "spec.support.scratch"
local steps = require "spec.support.steps"

local MS <const> = 1000000
local LONG <const> = 60000 * MS

-- The processes of a session that are not yet reaped.
local function members(session)
  local count = 0
  for name in lfs.dir("/proc") do
    local file = name:match("^%d+$") and io.open("/proc/" .. name .. "/stat")
    if file then
      -- pid (name) state parent group session …: proc_pid_stat(5)
      local state, sid = (file:read("a") or ""):match("^%d+ %(.*%) (%a) %-?%d+ %-?%d+ (%-?%d+)")
      file:close()
      if math.tointeger(sid) == session and state ~= "Z" then count = count + 1 end
    end
  end
  return count
end

-- Runs a shell script in a loop of its own.
local function shell(script, options)
  local result
  steps.with_loop(function(l)
    options = options or {}
    table.move({ "/bin/sh", "-c", script }, 1, 3, 1, options)
    result = assert(steps.run(l, options))
  end)
  return result
end

describe("core/child", function()
  it("tells how it ended", function()
    local cases = {
      { "exit 0", 0, nil },
      { "exit 1", 1, nil },
      { "exit 255", 255, nil },
      { "kill -9 $$", nil, 9 },
      { "kill -15 $$", nil, 15 },
      { "kill -13 $$", nil, 13 },
      { "kill -6 $$", nil, 6 },
    }
    for _, case in ipairs(cases) do
      local result = shell(case[1])
      assert.same({ case[2], case[3] }, { result.exit, result.signal })
    end
  end)

  it("hands over the arguments as they are", function()
    steps.with_loop(function(l)
      local words = { "", " ", "a b", "$HOME", "*", "'\"", "\\n", "-n", "\xFF\x01", ("x"):rep(60000) }
      local result = steps.run(l, { "/usr/bin/printf", "[%s]", table.unpack(words) })
      assert.equal("[" .. table.concat(words, "][") .. "]", result.output)
    end)
  end)

  it("looks a program without a slash up in PATH", function()
    steps.with_loop(function(l) assert.equal("x", steps.run(l, { "printf", "x" }).output) end)
  end)

  it("says why it could not be started, and leaves nothing", function()
    if scratch.valgrind then pending "posix_spawn tells no errors under valgrind" end
    local folder <close> = scratch.folder {
      plain = "#!/bin/sh\n",
      unmarked = "exit 0\n",
      orphan = "#!/no/such/interpreter\n",
      empty = "",
    }
    local function path(name) return folder.path .. "/" .. name end
    for _, name in ipairs { "unmarked", "orphan", "empty" } do
      scratch.run { "chmod", "755", path(name) }
    end
    local long = ("x"):rep(131072)
    local cases = {
      { { path "missing" }, "not_found", "cannot start '" .. path "missing" .. "': No such file" },
      { { "no-such-program" }, "not_found", "cannot start 'no-such-program': No such file" },
      { { "" }, "not_found", "cannot start ''" },
      { { "./printf" }, "not_found", "cannot start './printf'" },
      { { path "plain" }, "denied", "cannot start '" .. path "plain" .. "': Permission denied" },
      { { folder.path }, "denied", "Permission denied" },
      { { path "orphan" }, "not_found", "the interpreter in its first line does not exist" },
      { { path "unmarked" }, "denied", "Exec format error" },
      { { path "empty" }, "denied", "Exec format error" },
      { { path "plain/below" }, "not_found", "Not a directory" },
      { { "/bin/true", cwd = path "missing" }, "not_found", "cannot enter the working directory '"
        .. path "missing" },
      { { path "missing", cwd = path "gone" }, "not_found", "cannot enter the working directory" },
      { { "/bin/true", cwd = path "plain" }, "denied", "cannot enter the working directory" },
      { { "/bin/true", long }, "limit", "its arguments and environment are too long" },
      { { "/bin/true", env = { "X=" .. long } }, "limit", "too long" },
    }
    steps.with_loop(function(l)
      for _, case in ipairs(cases) do
        local child, message, code = steps.child(l, case[1])
        assert.same({ nil, case[2] }, { child, code }, case[3])
        assert.matches(case[3], message, 1, true)
        assert.equal(0, l:children())
      end
    end)
  end)

  it("has a session and a process group of its own, and no terminal", function()
    local result = shell "cat /proc/$$/stat"
    local pid, pgrp, session, tty = result.output:match("^(%d+) %(.-%) %S+ %d+ (%d+) (%d+) (%S+)")
    assert.same({ pid, pid, "0" }, { pgrp, session, tty })
  end)

  it("has the descriptors 0, 1 and 2 and no other", function()
    local r, w = loop.pipe() -- inherited, if nobody took care
    local result = shell "ls /proc/self/fd | tr '\\n' ' '"
    loop.close(r)
    loop.close(w)
    -- 3 is what ls itself has opened
    assert.equal("0 1 2 3 ", result.output)
  end)

  it("leaves no core file, and has a usual number of descriptors", function()
    local result = shell "ulimit -c; ulimit -Hc; ulimit -n; kill -SEGV $$"
    local core, hard_core, files = result.output:match "^(%S+)\n(%S+)\n(%S+)\n$"
    assert.same({ "0", "0", 11 }, { core, hard_core, result.signal })
    -- valgrind keeps a limit on descriptors to itself
    if not scratch.valgrind then assert.is_true(tonumber(files) <= 1024) end
  end)

  it("may have more descriptors where it asks", function()
    local folder <close> = scratch.folder {
      ["look.lua"] = [[
        local proc = require "jig.proc"
        local result = assert(proc.start { "sh", "-c", "ulimit -Hn; ulimit -n" }):wait()
        io.write(result.stdout)
      ]],
    }
    local result = scratch.run { "sh", "-c", "ulimit -Hn; exec \"$0\" \"$@\"", scratch.program,
      folder.path .. "/look.lua" }
    local before, hard, soft = result.stdout:match "^(%S+)\n(%S+)\n(%S+)\n$"
    assert.equal(before, hard)
    assert.is_true(tonumber(soft) <= 1024)
  end)

  it("starts however many descriptors jig itself has, lent ones or a copy of all", function()
    local folder <close> = scratch.folder {
      ["look.lua"] = [[
        local proc = require "jig.proc"
        local open = {}
        for i = 1, 1100 do open[i] = assert(io.open "/dev/null") end
        io.write(assert(proc.start { "sh", "-c", "ulimit -n" }):wait().stdout)
      ]],
    }
    for _, memory in ipairs { "plain", false } do
      local result = scratch.run { scratch.program, folder.path .. "/look.lua", env = { JIG_MEMORY = memory } }
      if result.stderr:find("/dev/null: Too many", 1, true) then pending "this user may have too few descriptors" end
      assert.same({ "1024\n", "" }, { result.stdout, result.stderr })
    end
  end)

  it("reads and writes /dev/null where nothing was given", function()
    assert.equal("/dev/null /dev/null ",
      shell("for n in 0 2; do readlink /proc/self/fd/$n | tr '\\n' ' '; done").output)
    assert.equal("", shell("cat; echo lost >&2").output)
  end)

  it("has the descriptors that were given", function()
    steps.with_loop(function(l)
      local r, w = loop.pipe()
      loop.write(w, "from outside")
      loop.close(w)
      assert.equal("from outside", steps.run(l, { "cat", stdio = { r } }).output)
      loop.close(r)
    end)
  end)

  it("ignores no signal and blocks none, whatever jig was started with", function()
    local folder <close> = scratch.folder {
      ["look.lua"] = [[
        local proc = require "jig.proc"
        local result = assert(proc.start { "grep", "^Sig", "/proc/self/status" }):wait()
        io.write(result.stdout)
      ]],
    }
    local result = scratch.run { "env", "--ignore-signal=HUP,INT,QUIT,USR1,PIPE,CHLD,TSTP",
      "--block-signal=USR2,ALRM", scratch.program, folder.path .. "/look.lua" }
    local function set(name)
      -- without 32 and 33, which the C library keeps for itself
      return tonumber(result.stdout:match(name .. ":%s*(%x+)"), 16) & ~(3 << 31)
    end
    assert.equal(0, set "SigIgn")
    assert.equal(0, set "SigBlk")
  end)

  it("gets nothing of what is sent to jig's process group, not even while it is started", function()
    local folder <close> = scratch.folder { ["script.lua"] = [[
      local proc, system = require "jig.proc", require "jig.system"
      system.catch_signals()
      local pid = io.open("/proc/self/stat"):read("a"):match "^%d+"
      local group <close> = assert(proc.start { "sh", "-c", "while kill -HUP -" .. pid .. "; do :; done" })
      local ends = {}
      for _ = 1, 300 do
        local result = assert(proc.start { "true" }):wait(60)
        local how = result.signal and "signal " .. result.signal or "exit " .. result.exit
        ends[how] = (ends[how] or 0) + 1
      end
      for how, n in pairs(ends) do print(how, n) end
    ]] }
    local result = scratch.run { "setsid", "-w", scratch.program, folder.path .. "/script.lua" }
    assert.equal("exit 0\t300\n", result.stdout, result.stderr)
  end)

  it("is reaped with its own status where jig was started with children ignored", function()
    local folder <close> = scratch.folder {
      ["look.lua"] = [[
        local proc = require "jig.proc"
        print(assert(proc.start { "sh", "-c", "exit 3" }):wait().exit)
      ]],
    }
    local result = scratch.run { "env", "--ignore-signal=CHLD", scratch.program,
      folder.path .. "/look.lua" }
    assert.equal("3\n", result.stdout)
  end)

  it("has what is let through of jig's environment, or the one that was given", function()
    steps.with_loop(function(l)
      assert.equal(os.getenv("PATH") .. "\n", steps.run(l, { "printenv", "PATH" }).output)
      assert.is_nil(steps.run(l, { "/usr/bin/env" }).output:find("JIG_", 1, true)) -- there is JIG_BUILD, in `make test`
      assert.equal("A=1\nB=\n", steps.run(l, { "/usr/bin/env", env = { "A=1", "B=" } }).output)
      assert.equal("", steps.run(l, { "/usr/bin/env", env = {} }).output)
    end)
  end)

  it("starts in the working directory that was given", function()
    assert.equal("/\n", shell("pwd", { cwd = "/" }).output)
  end)

  describe("stop", function()
    it("ends it by TERM", function()
      steps.with_loop(function(l)
        local child, wait = steps.child(l, { "sleep", "60" })
        child:stop(LONG)
        assert.equal(15, wait().signal)
      end)
    end)

    it("ends by KILL, after the grace, one that ignores TERM", function()
      steps.with_loop(function(l)
        local child, wait = steps.child(l, { "sh", "-c", "trap '' TERM; while :; do sleep 60; done" })
        steps.until_term(l, child:pid(), "SigIgn")
        local from = l:now()
        child:stop(50 * MS)
        assert.equal(9, wait().signal)
        assert.is_true(l:now() - from >= 50 * MS)
      end)
    end)

    it("shortens the grace when it is called again, and never lengthens it", function()
      for _, graces in ipairs { { LONG, 0 }, { math.maxinteger, 0 }, { 0, LONG } } do
        steps.with_loop(function(l)
          local child, wait = steps.child(l, { "sh", "-c", "trap '' TERM; while :; do sleep 60; done" })
          steps.until_term(l, child:pid(), "SigIgn")
          child:stop(graces[1])
          child:stop(graces[2])
          assert.equal(9, wait().signal)
        end)
      end
    end)

    it("with a grace of for ever only asks", function()
      steps.with_loop(function(l)
        local child, wait = steps.child(l,
          { "sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.01; done" })
        steps.until_term(l, child:pid(), "SigCgt")
        child:stop(math.maxinteger)
        assert.equal(7, wait().exit)
      end)
    end)

    it("ends its helpers too, those that ignore TERM with it", function()
      steps.with_loop(function(l)
        local r, w = loop.pipe()
        local child = assert(l:child({ "sh", "-c", "(trap '' TERM; echo; exec sleep 60) & wait",
          stdio = { -1, w } }, function() end))
        loop.close(w)
        loop.read(r) -- from here on the helper ignores TERM
        loop.close(r)
        local pid = child:pid()
        assert.equal(2, members(pid))
        child:stop(LONG)
        steps.until_true(l, function() return l:children() == 0 end)
        steps.until_true(l, function() return members(pid) == 0 end)
      end)
    end)

    it("leaves helpers alone of one that ended by itself", function()
      steps.with_loop(function(l)
        local result = steps.run(l, { "sh", "-c", "sleep 60 >/dev/null & echo $!" })
        local helper = math.tointeger(result.output)
        assert.is_true(peer.alive(helper))
        peer.kill(helper)
      end)
    end)
  end)

  describe("abandon", function()
    it("ends it without a word; the loop reaps it", function()
      steps.with_loop(function(l)
        local told = false
        local child = assert(l:child({ "sleep", "60" }, function() told = true end))
        local pid = child:pid()
        assert.equal(1, l:children())
        child:abandon(LONG)
        assert.equal(1, l:children())
        steps.until_true(l, function() return l:children() == 0 end)
        assert.is_false(told)
        assert.is_false(peer.alive(pid))
      end)
    end)
  end)

  it("may start another when it has ended", function()
    steps.with_loop(function(l)
      local left, ends = 5, 0
      local function start()
        left = left - 1
        assert(l:child({ "true" }, function()
          ends = ends + 1
          if left > 0 then start() end
        end))
      end
      start()
      steps.until_true(l, function() return ends == 5 end)
    end)
  end)

  it("is one of 200 at once; none stays a zombie and no descriptor stays open", function()
    steps.with_loop(function(l)
      local r, w = loop.pipe()
      local ends, pids = {}, {}
      for i = 1, 200 do
        local child = assert(l:child({ "sh", "-c", "read x; exit " .. i % 256, stdio = { r } },
          function(exit) ends[#ends + 1] = exit == i % 256 end))
        pids[i] = child:pid()
      end
      assert.equal(200, l:children())
      loop.close(r)
      loop.close(w) -- end of file for all
      steps.until_true(l, function() return #ends == 200 end)
      for i = 1, 200 do
        assert.is_true(ends[i])
        assert.is_false(peer.alive(pids[i]))
      end
    end)
  end)
end)
