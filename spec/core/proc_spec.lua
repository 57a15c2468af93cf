local peer = require "spec.peer"
local scratch = require "spec.support.scratch"
local steps = require "spec.support.steps"

local MS <const> = 1000000
local SECOND <const> = 1000 * MS

-- Runs a program in a loop of its own; gives its result.
local function run(options)
  local result
  steps.with_loop(function(l) result = assert(steps.proc(l, options)) end)
  return result
end

local function shell(script, options)
  options = options or {}
  table.move({ "/bin/sh", "-c", script }, 1, 3, 1, options)
  return run(options)
end

describe("core/proc", function()
  it("keeps stdout and stderr apart, and tells the end", function()
    local cases = {
      { "printf out; printf err >&2", "out", "err", 0 },
      { "printf '\\000\\377'", "\0\xFF", "", 0 },
      { "exit 255", "", "", 255 },
      { "printf x; kill -9 $$", "x", "", nil, 9 },
      { "exec >&- 2>&-; exit 3", "", "", 3 },
    }
    for _, case in ipairs(cases) do
      local result = shell(case[1])
      assert.same({ case[2], case[3], case[4], case[5], "" },
        { result.stdout, result.stderr, result.exit, result.signal, result.stop })
      assert.is_true(result.took >= 0)
    end
  end)

  it("gives it /dev/null to read", function()
    assert.equal("/dev/null\n", shell("readlink /proc/self/fd/0; cat").stdout)
  end)

  it("reads megabytes from both pipes at once", function()
    local half = "yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | head -c 3000000"
    local result = shell(half .. " & " .. half .. " >&2; wait", { cap = 4 << 20 })
    assert.equal(0, result.exit)
    local line = ("a"):rep(31) .. "\n"
    local expected = line:rep(3000000 // 32)
    assert.is_true(result.stdout == expected)
    assert.is_true(result.stderr == expected)
  end)

  it("has all output when the program has ended, also when a helper holds the pipes", function()
    steps.with_loop(function(l)
      local result = assert(steps.proc(l, { "/bin/sh", "-c",
        "sleep 60 & echo $!; head -c 50000 /dev/zero >&2; exit 4" }))
      peer.kill(math.tointeger(result.stdout))
      assert.same({ 4, 50000, "" }, { result.exit, #result.stderr, result.stop })
    end)
  end)

  it("says why it could not be started, and leaves nothing", function()
    if scratch.valgrind then pending "posix_spawn tells no errors under valgrind" end
    steps.with_loop(function(l)
      for program, expected in pairs { ["/no/such/program"] = "not_found", ["/etc/passwd"] = "denied" } do
        local p, message, code = l:proc({ program }, print)
        assert.same({ nil, expected }, { p, code })
        assert.matches(program, message, 1, true)
        assert.equal(0, l:children())
      end
    end)
  end)

  describe("cap", function()
    it("keeps as much as it says of each stream", function()
      for _, stream in ipairs { "", " >&2" } do
        for _, cap in ipairs { 0, 1, 1000, 16384, 70000 } do
          local result = shell(("head -c %d /dev/zero%s"):format(cap, stream), { cap = cap })
          assert.same({ 0, "", cap }, { result.exit, result.stop, #result.stdout + #result.stderr })
        end
      end
    end)

    it("ends the program that prints one byte more", function()
      for _, stream in ipairs { "", " >&2" } do
        for _, cap in ipairs { 0, 1, 16384, 70000 } do
          local result = shell(("head -c %d /dev/zero%s; sleep 60"):format(cap + 1, stream), { cap = cap })
          assert.equal("over cap", result.stop)
          assert.equal("limit", result.code)
          assert.equal(("tool printed more than %d bytes on one stream"):format(cap), result.message)
          assert.equal(cap, #result.stdout + #result.stderr)
        end
      end
    end)

    it("holds for what is read after the end", function()
      local result = shell("head -c 2000 /dev/zero; exit 0", { cap = 1999 })
      assert.same({ "over cap", 1999 }, { result.stop, #result.stdout })
    end)
  end)

  describe("limit", function()
    it("ends the program by TERM", function()
      local result = run { "sleep", "60", limit = 0.02, grace = 60 }
      assert.same({ "timed out", 15, "timeout" }, { result.stop, result.signal, result.code })
      assert.is_true(result.took >= 20 * MS)
      assert.matches("^tool did not end within its limit; ended after [%d.]+ s$", result.message)
    end)

    it("ends by KILL, after the grace, one that ignores TERM", function()
      steps.with_loop(function(l)
        local result
        local p = assert(l:proc({ "/bin/sh", "-c", "trap '' TERM; while :; do sleep 60; done", grace = 0.03 },
          function(r) result = r end))
        steps.until_term(l, p:pid(), "SigIgn")
        local from = l:now()
        p:limit(from + 10 * MS)
        steps.until_true(l, function() return result end)
        assert.same({ "timed out", 9 }, { result.stop, result.signal })
        assert.is_true(l:now() - from >= 40 * MS)
      end)
    end)

    it("is over time for one that obeys TERM and exits with success", function()
      steps.with_loop(function(l)
        local result
        local p = assert(l:proc({ "/bin/sh", "-c", "trap 'echo bye; exit 0' TERM; while :; do sleep 0.01; done",
          grace = 60, }, function(r) result = r end))
        steps.until_term(l, p:pid(), "SigCgt")
        p:limit(l:now())
        steps.until_true(l, function() return result end)
        assert.same({ "timed out", 0, "timeout", "bye\n" },
          { result.stop, result.exit, result.code, result.stdout })
      end)
    end)

    it("takes its helpers along", function()
      local folder <close> = scratch.folder()
      steps.with_loop(function(l)
        local script = ("sleep 60 & echo $! >%s/helper; wait"):format(folder.path)
        local result
        local p = assert(l:proc({ "/bin/sh", "-c", script }, function(r) result = r end))
        local helper = steps.until_true(l, function() return folder:read("helper"):match("%d+\n") end)
        p:limit(l:now())
        steps.until_true(l, function() return result end)
        steps.until_true(l, function() return not peer.alive(math.tointeger(helper)) end)
      end)
    end)

    it("that has passed already ends it at once", function()
      assert.equal("timed out", run({ "sleep", "60", limit = 0 }).stop)
    end)

    it("can be brought forward, not put off", function()
      for _, order in ipairs { { 60, 0.01 }, { 0.01, 60 }, { 1e300, 0.01 } } do
        steps.with_loop(function(l)
          local result
          local p = assert(l:proc({ "sleep", "60", limit = order[1] }, function(r) result = r end))
          p:limit(l:now() + order[2] * SECOND // 1 | 0)
          steps.until_true(l, function() return result end)
          assert.equal("timed out", result.stop)
        end)
      end
    end)
  end)

  describe("stop", function()
    it("ends it early, and says so", function()
      steps.with_loop(function(l)
        local result
        local p = assert(l:proc({ "sleep", "60" }, function(r) result = r end))
        p:stop(60 * SECOND)
        assert.is_nil(result)
        steps.until_true(l, function() return result end)
        assert.same({ "stopped", 15, "interrupted" }, { result.stop, result.signal, result.code })
        assert.matches("^tool was stopped by jig after ", result.message)
      end)
    end)

    it("keeps the first reason", function()
      steps.with_loop(function(l)
        local result
        local p = assert(l:proc({ "sleep", "60" }, function(r) result = r end))
        p:stop(60 * SECOND)
        p:limit(0)
        steps.until_true(l, function() return result end)
        assert.equal("stopped", result.stop)
      end)
    end)
  end)

  it("that is abandoned tells nothing, and is ended and reaped", function()
    steps.with_loop(function(l)
      local told = false
      local p = assert(l:proc({ "sleep", "60" }, function() told = true end))
      local pid = p:pid()
      p:abandon()
      steps.until_true(l, function() return l:children() == 0 end)
      assert.is_false(told)
      assert.is_false(peer.alive(pid))
    end)
  end)

  it("names the signal that ended it", function()
    local result = shell "kill -11 $$"
    assert.same({ "killed", "tool was ended by signal 11 (Segmentation fault)" },
      { result.code, result.message })
    assert.equal("ok", shell("exit 7").code)
  end)

  it("runs 50 at once", function()
    steps.with_loop(function(l)
      local done = 0
      for i = 1, 50 do
        assert(l:proc({ "/bin/sh", "-c", ("echo %d; exit %d"):format(i, i) }, function(result)
          if result.exit == i and result.stdout == i .. "\n" then done = done + 1 end
        end))
      end
      steps.until_true(l, function() return done == 50 end)
    end)
  end)
end)
