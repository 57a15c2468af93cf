-- The gate of a token: in one process, and between processes that a spec holds and kills.

local hold = require "spec.support.hold"
local loop = require "spec.loop"
local peer = require "spec.peer"
local scratch = require "spec.support.scratch"
local steps = require "spec.support.steps"

local REPORT <const>, CONFIGURED <const>, NEW <const> = 0, 1, 2
local SECOND <const> = 1000000000

local at = {}
at.__index = at

-- A passage of one that enters; `told` collects "name code" when it was made to wait.
function at:enter(name, options)
  options = options or {}
  options.name = name
  local passage, code, why = self.gate:enter(options, function(result, message)
    self.told[#self.told + 1] = name .. " " .. result
    self.messages[name] = message
  end)
  self.passages[name] = passage or nil
  return code, why
end

function at:leave(...)
  for _, name in ipairs { ... } do self.passages[name]:leave() end
end

-- Until `n` have been told; what they were.
function at:await(n)
  steps.until_true(self.l, function() return #self.told >= n end)
  return table.concat(self.told, ", ")
end

-- Lets the loop do what is ready: nobody is told of what is not.
function at:settle()
  for _ = 1, 5 do self.l:step(0) end
  return table.concat(self.told, ", ")
end

-- The time on the boot's clock is not asked for: this is how long a body took.
local function seconds(l, body)
  local before = l:now()
  body()
  return (l:now() - before) / SECOND
end

local function with(options, body)
  local folder <close> = scratch.folder()
  steps.with_loop(function(l)
    options.folder = options.folder or folder.path .. "/lock"
    options.token = options.token or "t"
    local s = setmetatable({ l = l, gate = assert(l:gate(options)), told = {}, messages = {}, passages = {},
      folder = options.folder }, at)
    body(s, folder)
    for _, passage in pairs(s.passages) do passage:leave() end
    s.gate:close()
  end)
end

describe("core/gate", function()
  describe("the files", function()
    it("are made for a group, and say who holds the seat", function()
      with({ token = "a-B_1.x" }, function(s, folder)
        assert.equal("ok", s:enter "one")
        local path = s.folder .. "/a-B_1.x."
        assert.equal("2775\n660\n660\n",
          scratch.run({ "stat", "-c", "%a", s.folder, path .. "0", path .. "waiting" }).stdout)
        local own = scratch.run({ "sh", "-c", "echo $PPID" }).stdout:match("%d+")
        local text = folder:read "lock/a-B_1.x.0"
        local pid, start = text:match("^ *(%d+) +(%d+) +0 +0 +0\n$")
        assert.equal(own, pid)
        assert.equal(loop.process_start(math.tointeger(tonumber(own))), math.tointeger(tonumber(start)))
        s.passages.one:calls(math.tointeger(tonumber(own)), 5)
        local cli, begun, deadline = folder:read("lock/a-B_1.x.0"):match("^ *%d+ +%d+ +(%d+) +(%d+) +(%d+)\n$")
        assert.same({ own, start }, { cli, begun })
        local file <close> = io.open "/proc/uptime"
        local uptime = file:read("n")
        assert.is_true(deadline / SECOND > uptime and deadline / SECOND < uptime + 10)
        s:leave "one"
        assert.matches("^ *%d+ +%d+ +0 +0 +0\n$", folder:read "lock/a-B_1.x.0")
      end)
    end)

    it("are refused under names and widths that are none", function()
      steps.with_loop(function(l)
        local folder <close> = scratch.folder { file = "" }
        for _, token in ipairs { "", ".", ".a", "a/b", "a b", "ä", ("x"):rep(65) } do
          local gate, message, code = l:gate { folder = folder.path, token = token }
          assert.same({ nil, "invalid" }, { gate, code }, token)
          assert.matches("a token's name has 1 to 64", message, 1, true)
        end
        for _, width in ipairs { 0, 1025, -1 } do
          assert.equal("a token's width is 1 to 1024",
            select(2, l:gate { folder = folder.path, token = "t", width = width }))
        end
        local gate, message = l:gate { folder = folder.path .. "/file", token = "t" }
        assert.is_nil(gate)
        assert.matches("cannot use .*/file: Not a directory", message)
        assert(l:gate { folder = folder.path, token = ("x"):rep(64), width = 1024 }):close()
      end)
    end)

    it("are not waited for where they are no files, and not trusted where everybody writes", function()
      steps.with_loop(function(l)
        local folder <close> = scratch.folder()
        scratch.run { "mkfifo", folder.path .. "/t.waiting", folder.path .. "/u.0" }
        local gate, message = l:gate { folder = folder.path, token = "t" }
        assert.is_nil(gate)
        assert.matches("cannot open the lock files of token 't' in .*: Invalid argument", message)
        scratch.run { "chmod", "o+w", folder.path }
        local code
        gate, message, code = l:gate { folder = folder.path, token = "v" }
        assert.same({ nil, "denied" }, { gate, code })
        assert.matches("the lock folder .* may be written by everybody", message)
      end)
    end)

    it("are made anew when they were removed", function()
      with({}, function(s)
        assert.equal("ok", s:enter "one")
        os.remove(s.folder .. "/t.0")
        s:leave "one"
        assert.equal("ok", s:enter "two")
        assert.is_true(scratch.run({ "test", "-f", s.folder .. "/t.0" }).exit == 0)
        scratch.run { "rm", "-r", s.folder }
        s:leave "two"
        local message, code = s:enter "three"
        assert.equal("token", code)
        assert.matches("cannot open the lock files of token 't' in .*: No such file", message)
      end)
    end)
  end)

  describe("in one process", function()
    it("lets in one, then who waits: reports, then devices that wait, then new ones, each in turn", function()
      with({}, function(s)
        assert.equal("ok", s:enter "first")
        for _, who in ipairs { { "n1", NEW }, { "c1", CONFIGURED }, { "n2", NEW }, { "r1", REPORT },
          { "c2", CONFIGURED }, { "r2", REPORT }, } do
          assert.equal("again", s:enter(who[1], { order = who[2] }))
        end
        assert.same({ r1 = 1, r2 = 2, c1 = 3, c2 = 4, n1 = 5, n2 = 6 }, s.l:places())
        assert.equal(3, (s.passages.c1:about()))
        assert.equal("", s:settle())
        s:leave "first"
        for i, name in ipairs { "r1", "r2", "c1", "c2", "n1", "n2" } do
          s:await(i)
          s:settle()
          assert.equal(i, #s.told)
          assert.equal(0, (s.passages[name]:about()))
          s:leave(name)
        end
        assert.equal("r1 ok, r2 ok, c1 ok, c2 ok, n1 ok, n2 ok", table.concat(s.told, ", "))
        assert.same({}, s.l:places())
      end)
    end)

    it("passes a seat on without letting go of it", function()
      with({}, function(s)
        s:enter "one"
        s:enter "two"
        s:enter "three"
        local _, _, seat = s.passages.one:about()
        s:leave "one"
        s:await(1)
        assert.equal(seat, (select(3, s.passages.two:about())))
        s:leave "two"
        s:await(2)
        assert.equal(seat, (select(3, s.passages.three:about())))
      end)
    end)

    it("lets in as many as the token's width", function()
      with({ width = 2 }, function(s)
        assert.same({ "ok", "ok", "again" }, { s:enter "one", s:enter "two", s:enter "three" })
        assert.not_equal(select(3, s.passages.one:about()), (select(3, s.passages.two:about())))
        s:leave "two"
        assert.equal("three ok", s:await(1))
      end)
    end)

    it("is one for a folder and token, and another for each other", function()
      with({}, function(s)
        local same = assert(s.l:gate { folder = s.folder, token = "t", width = 9 })
        local other = assert(s.l:gate { folder = s.folder, token = "u" })
        s:enter "one"
        local passage, code = same:enter({ name = "x" }, print)
        assert.equal("again", code)
        passage:leave()
        passage, code = other:enter({}, print)
        assert.equal("ok", code)
        passage:leave()
        same:close()
        other:close()
      end)
    end)

    it("counts calls of the process, whatever the token and its width", function()
      with({ width = 5 }, function(s)
        local none = assert(s.l:gate {})
        assert.equal("ok", s:enter("one", { calls = 2 }))
        local free, code = none:enter({ calls = 2 }, print)
        assert.equal("ok", code)
        assert.equal(-1, (select(3, free:about())))
        assert.equal("again", s:enter("two", { calls = 2 }))
        assert.equal("again", s:enter("three", { calls = 2 }))
        assert.equal("", s:settle())
        free:leave()
        assert.equal("two ok", s:await(1))
        assert.equal("two ok", s:settle())
        s:leave "one"
        assert.equal("two ok, three ok", s:await(2))
        none:close()
      end)
    end)

    it("tells who waited too long which token it is, who holds it, and the place", function()
      with({}, function(s)
        s:enter "B"
        s:enter("late", { limit = 0.01, order = NEW })
        s:enter("report", { order = REPORT })
        assert.equal("late token", s:await(1))
        assert.matches("^waited 0%.0%d+ s at the gate of token 't': it is held by slot B of this jig; place 2 of 2 in "
          .. "the queue$", s.messages.late)
        assert.is_true(select(2, s.passages.late:about()) >= 0.01)
        s:leave "B"
        assert.equal("late token, report ok", s:await(2))
      end)
    end)

    it("forgets who leaves while it waits", function()
      with({}, function(s)
        s:enter "one"
        s:enter "two"
        s:enter "three"
        s:leave("two", "two", "one")
        assert.equal("three ok", s:await(1))
        assert.equal("three ok", s:settle())
      end)
    end)

    it("lets nobody in any more when it is shut, and says why", function()
      with({}, function(s)
        assert.is_nil(s.l:shut())
        s:enter "one"
        s:enter("two", { order = REPORT })
        s:enter "three"
        s.l:shut "the PIN was refused"
        s.l:shut "another reason"
        assert.equal("two pin, three pin", s:await(2))
        assert.equal("not called: the PIN was refused", s.messages.two)
        assert.equal("not called: the PIN was refused", s.l:shut())
        assert.equal("not called: the PIN was refused", (s:enter "four"))
        s:leave "one"
        assert.equal("two pin, three pin", s:settle())
      end)
    end)

    it("knows how long each waited", function()
      with({}, function(s)
        s:enter "one"
        assert.equal(0.0, (select(2, s.passages.one:about())))
        s:enter "two"
        local took = seconds(s.l, function() s.l:step(s.l:now() + SECOND // 50) end)
        s:leave "one"
        s:await(1)
        local waited = select(2, s.passages.two:about())
        assert.is_true(waited >= took, waited)
        s:leave "two"
        assert.equal(waited, (select(2, s.passages.two:about())))
      end)
    end)

    it("holds in simulated time, too", function()
      local folder <close> = scratch.folder()
      local l = loop.new(true)
      local gate = assert(l:gate { folder = folder.path, token = "t" })
      local words, finish <close> = hold("seat", folder.path, "u")
      local other = assert(l:gate { folder = folder.path, token = "u" })
      local told
      local first = gate:enter({}, print)
      gate:enter({ limit = 5 }, function(code) told = code end)
      while not told do l:step(math.maxinteger) end
      assert.same({ "token", 5 }, { told, l:now() // SECOND })
      other:enter({ limit = 5 }, function(code, why) told = code .. why end)
      told = nil
      while not told do l:step(math.maxinteger) end
      assert.matches("held by jig %(process " .. words[1] .. "%)", told)
      assert.equal(10, l:now() // SECOND)
      first:leave()
      gate:close()
      other:close()
      l:free()
      finish()
    end)
  end)

  describe("between processes", function()
    it("waits for who holds the seat, and has it when that was killed", function()
      with({}, function(s)
        local _, finish <close> = hold("seat", s.folder, "t")
        assert.equal("again", s:enter "one")
        assert.equal("", s:settle())
        finish()
        assert.equal("one ok", s:await(1))
      end)
    end)

    -- A look that no event asked for comes a quarter of a second later, so one of some rounds that takes less
    -- shows that an event did it, however busy the machine is in the others.
    it("is told of a seat that becomes free rather than asking for it", function()
      local least = math.huge
      for _ = 1, 8 do
        with({}, function(s)
          local _, finish <close> = hold("seat", s.folder, "t")
          s:enter "one"
          s:settle()
          finish()
          least = math.min(least, seconds(s.l, function() s:await(1) end))
        end)
        if least < 0.1 then break end
      end
      assert.is_true(least < 0.1, least)
    end)

    it("waits for the CLI of one that was killed during a call", function()
      with({}, function(s)
        local words, finish <close> = hold("cli", s.folder, "t", 50)
        local cli = math.tointeger(tonumber(words[2]))
        assert.equal("again", s:enter "one")
        s:enter("late", { limit = 0.6 })
        finish()
        assert.equal("late token", s:await(1)) -- two looks later
        assert.matches(("held by a CLI %%(process %d%%) whose jig %%(process %s%%) is gone"):format(cli, words[1]),
          s.messages.late)
        assert.is_true(loop.process_start(cli) > 0)
        peer.kill(cli)
        assert.equal("late token, one ok", s:await(2))
      end)
    end)

    it("ends the CLI of one that was killed when its time has passed, and not before", function()
      with({ grace = 50 }, function(s)
        local words, finish <close> = hold("cli", s.folder, "t", 1.5)
        local cli = math.tointeger(tonumber(words[2]))
        local start = loop.process_start(cli)
        s:enter "one"
        finish()
        local took = seconds(s.l, function()
          s:await(1)
          steps.until_true(s.l, function() return not loop.process_lives(cli, start) end) -- its files go first
        end)
        assert.is_true(took > 1, took)
      end)
    end)

    it("kills one that ignores TERM, its helpers too, when the grace has passed", function()
      with({ grace = 0.1 }, function(s, folder)
        local tool = folder:write("tool", "#!/bin/sh\ntrap '' TERM\necho up >" .. folder.path
          .. "/up\nsleep 60 &\nwhile :; do sleep 60; done\n")
        local _, finish <close> = hold("cli", s.folder, "t", 0.01, "/bin/sh", tool)
        steps.until_true(s.l, function() return folder:read "up" ~= "" end)
        s:enter "one"
        finish()
        assert.equal("one ok", s:await(1))
      end)
    end)

    it("kills none when the grace is for ever", function()
      with({ grace = math.huge }, function(s, folder)
        local tool = folder:write("tool", "#!/bin/sh\ntrap '' TERM\necho up >" .. folder.path
          .. "/up\nwhile :; do sleep 60; done\n")
        local words, finish <close> = hold("cli", s.folder, "t", 0.01, "/bin/sh", tool)
        local cli = math.tointeger(tonumber(words[2]))
        steps.until_true(s.l, function() return folder:read "up" ~= "" end)
        s:enter("one", { limit = 0.8 })
        finish()
        assert.equal("one token", s:await(1))
        assert.is_true(loop.process_start(cli) > 0)
        peer.kill(cli)
      end)
    end)

    it("leaves a CLI alone while its jig lives, whatever its deadline", function()
      with({ grace = 0 }, function(s)
        local words, finish <close> = hold("cli", s.folder, "t", 0)
        local cli = math.tointeger(tonumber(words[2]))
        s:enter("one", { limit = 0.6 })
        assert.equal("one token", s:await(1))
        assert.matches("held by jig %(process " .. words[1] .. "%);", s.messages.one)
        assert.is_true(loop.process_start(cli) > 0)
        peer.kill(cli)
        finish()
      end)
    end)

    it("leaves a process alone that has the id of a CLI, but another start", function()
      with({ grace = 0 }, function(s)
        local words, finish <close> = hold("cli", s.folder, "t", 0)
        local cli = math.tointeger(tonumber(words[2]))
        local file = assert(io.open(s.folder .. "/t.0", "r+"))
        file:write(("%10d %20d %10d %20d %20d\n"):format(1 << 22, 1, cli, loop.process_start(cli) + 1, 0))
        file:close()
        s:enter("one", { limit = 0.6 })
        assert.equal("one token", s:await(1))
        assert.is_true(loop.process_start(cli) > 0)
        peer.kill(cli)
        finish()
      end)
    end)

    it("leaves a process alone that does not hold the seat, whatever stands in the file", function()
      with({ grace = 0 }, function(s)
        local _, finish <close> = hold("cli", s.folder, "t", 0)
        local other = assert(s.l:child({ "/bin/sleep", "60" }, function() end))
        local file = assert(io.open(s.folder .. "/t.0", "r+"))
        file:write(("%10d %20d %10d %20d %20d\n"):format(1 << 22, 1, other:pid(), loop.process_start(other:pid()), 0))
        file:close()
        s:enter("one", { limit = 0.6 })
        assert.equal("one token", s:await(1))
        assert.is_true(loop.process_start(other:pid()) > 0)
        other:stop(0)
        finish()
      end)
    end)

    it("gives a seat to another process that waits before it takes it again", function()
      with({}, function(s, folder)
        s:enter "one"
        -- says when it has to wait, and that it has the seat; when it is told to, it goes
        local other = folder:write("other.lua", ([[
          package.cpath, package.path = %q .. "/?.so;" .. package.cpath, "./?.lua;" .. package.path
          local l = require("spec.loop").new()
          local gate = assert(l:gate { folder = %q, token = "t" })
          local got
          local passage, code = gate:enter({}, function(result) got = result end)
          print(code)
          io.stdout:flush()
          while not got do l:step(math.maxinteger) end
          print(got)
          io.stdout:flush()
          while not io.open(arg[0] .. ".go") do os.execute "sleep 0.01" end
          passage:leave()
          gate:close()
          l:free()]]):format(os.getenv "JIG_BUILD" or "build", s.folder))
        local pipe = assert(io.popen(scratch.program .. " " .. other))
        assert.equal("again", pipe:read("l"))
        s:enter "two"
        s:leave "one"
        assert.equal("", s:settle()) -- it is not passed on
        assert.equal("ok", pipe:read("l"))
        folder:write("other.lua.go", "")
        pipe:close()
        assert.equal("two ok", s:await(1))
      end)
    end)

    it("never lets in more than the width, however many want to", function()
      with({}, function(s, folder)
        local baton, with_me = folder.path .. "/baton", folder.path .. "/with"
        local racer = folder:write("racer.lua", ([[
          package.cpath, package.path = %q .. "/?.so;" .. package.cpath, "./?.lua;" .. package.path
          local l = require("spec.loop").new()
          local gate = assert(l:gate { folder = %q, token = "t" })
          for i = 1, 15 do
            local got
            local passage, code = gate:enter({}, function(result) got = result end)
            while code ~= "ok" and not got do l:step(math.maxinteger) end
            local taken = assert(os.rename(%q, %q .. arg[1]), "two are in")
            assert(os.rename(%q .. arg[1], %q))
            passage:leave()
          end
          gate:close()
          l:free()]]):format(os.getenv "JIG_BUILD" or "build", s.folder, baton, with_me, with_me, baton))
        folder:write("baton", "")
        local pipes = {}
        for i = 1, 3 do pipes[i] = assert(io.popen(("%s %s %d 2>&1"):format(scratch.program, racer, i))) end
        for i = 1, 3 do
          assert.equal("", pipes[i]:read("a"))
          assert.is_true(pipes[i]:close())
        end
      end)
    end)
  end)
end)
