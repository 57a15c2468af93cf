-- Played programs, as jig.proc sees them in a world (jig.world): core/proc.c does the same as with real ones.

local worlds = require "spec.support.worlds"

-- Starts one program after the other and emits what each came to.
local WORKER <const> = [[
local clock, proc, slot = require "jig.clock", require "jig.proc", require "jig.slot"
return function(list)
  for _, words in ipairs(list) do
    local before = clock.now()
    local program, message, code = proc.start(words)
    if program then
      if words.signals then for _, number in ipairs(words.signals) do assert(program:kill(number)) end end
      slot.emit { pid = program:pid() }
      local r = program:wait()
      r.at = clock.now() - before
      slot.emit(r)
    else
      slot.emit { message = message, code = code }
    end
  end
end
]]

-- Each play, the program it is given to, and what comes of it.
local function run(script)
  worlds.run({ worker = WORKER }, [[
    local function check(play, words, expected)
      words[1] = words[1] or "tool"
      local asked
      local w <close>, s = started({ start = function(argv, limit)
        asked = { argv = argv, limit = limit }
        return play
      end }, "worker", { words })
      local list = all(w, s)
      local got = list[#list]
      for key, value in pairs(expected) do same(value, got[key], key) end
      nothing_held(w)
      return got, asked, list
    end
  ]] .. script)
end

describe("core/player", function()
  it("is asked with the arguments and the seconds until the limit", function()
    run [[
      local _, asked = check({}, { "tool", "", "a b", "\xFF\1" }, { exit = 0, stdout = "", stderr = "" })
      same("tool||a b|\xFF\1", table.concat(asked.argv, "|"))
      same(math.huge, asked.limit)
      _, asked = check({}, { "tool", limit = 2.5 }, { exit = 0 })
      same(2.5, asked.limit)
    ]]
  end)

  it("ends it when it says, as it says, with every byte", function()
    run [[
      local bytes = "\0\xFF\n\0" .. ("x"):rep(70000)
      check({ out = bytes, err = "\0" }, {}, { exit = 0, stdout = bytes, stderr = "\0", seconds = 0.0, at = 0.0 })
      check({ exit = 3, after = 1.5 }, {}, { exit = 3, seconds = 1.5, at = 1.5 })
      check({ exit = 255 }, {}, { exit = 255 })
      check({ signal = 11, after = 0.25, err = "oops" },
        {}, { signal = 11, trouble = "killed", stderr = "oops", at = 0.25 })
    ]]
  end)

  it("has no process", function()
    run [[
      local _, _, list = check({ after = 1 }, {}, {})
      same(0, list[1].pid)
    ]]
  end)

  it("ends by TERM at its limit, by KILL after the grace when it is deaf, exactly then", function()
    run [[
      local never = math.huge
      check({ after = never, out = "so far" }, { limit = 2, grace = 3 },
        { signal = 15, trouble = "timeout", at = 2.0, stdout = "so far" })
      check({ after = never, deaf = true }, { limit = 2, grace = 3 }, { signal = 9, trouble = "timeout", at = 5.0 })
      check({ after = 4, deaf = true }, { limit = 2, grace = 3 }, { exit = 0, trouble = "timeout", at = 4.0 })
      check({ after = never, deaf = true }, { limit = 2, grace = 0 }, { signal = 9, trouble = "timeout", at = 2.0 })
      check({ after = 1.999 }, { limit = 2 }, { exit = 0, at = 1.999 })
    ]]
  end)

  it("is stopped when it prints more than the cap", function()
    run [[
      check({ out = ("x"):rep(10) }, { cap = 10 }, { exit = 0, stdout = ("x"):rep(10) })
      check({ out = ("x"):rep(11), after = 1 }, { cap = 10 },
        { signal = 15, trouble = "limit", stdout = ("x"):rep(10), at = 0.0 })
      check({ err = ("x"):rep(11), after = 9, deaf = true }, { cap = 10, grace = 2 },
        { signal = 9, trouble = "limit", stderr = ("x"):rep(10), at = 2.0 })
    ]]
  end)

  it("takes signals as it would", function()
    run [[
      check({ after = 8 }, { signals = { 0 } }, { exit = 0, at = 8.0 })
      check({ after = 8 }, { signals = { 1 } }, { signal = 1, at = 0.0 })
      check({ after = 8, deaf = true }, { signals = { 15, 2 } }, { exit = 0, at = 8.0 })
      check({ after = 8, deaf = true }, { signals = { 15, 9 } }, { signal = 9, at = 0.0 })
    ]]
  end)

  it("cannot be started where it says so", function()
    run [[
      check({ missing = true }, {}, { code = "not_found", message = "cannot start 'tool': No such file or directory" })
      check({ error = "denied", message = "not yours" }, {}, { code = "denied",
        message = "cannot start 'tool': not yours" })
      check({ error = "memory" }, {}, { code = "memory", message = "cannot start 'tool': memory" })
    ]]
  end)

  it("leaves to the system what is not played", function()
    run [[
      check(nil, { "echo", "real" }, { exit = 0, stdout = "real\n" })
      check(nil, { "./nothing" }, { code = "not_found" })
    ]]
  end)

  it("runs one that is given up to its end, in the background", function()
    worlds.run({ worker = [[
      local proc = require "jig.proc"
      return function() assert(proc.start { "tool", grace = 3 }):close() end
    ]] }, [[
      local w <close> = started({ start = function() return { after = math.huge, deaf = true } end }, "worker")
      same("ended", w:run())
      same(3.0, w:now())
      nothing_held(w)
    ]])
  end)

  it("never ends where nothing ends it", function()
    worlds.run({ worker = WORKER }, [[
      local w <close>, s = started({ start = function() return { after = math.huge } end }, "worker", { { "tool" } })
      same("stuck", w:run())
      same("stuck", w:run(5))
      same(1, w:held().programs)
    ]])
  end)

  it("refuses what cannot be played", function()
    worlds.run({ worker = WORKER }, [[
      local function wrong(play, message)
        local w <close> = started({ start = function() return play end }, "worker", { { "tool" } })
        throws(message, w.run, w)
        assert(w:dead())
      end
      wrong({ stdout = "" }, "unknown option 'stdout'")
      wrong({ after = -1 }, "'after' is seconds, 0 or more")
      wrong({ after = 0 / 0 }, "'after' is seconds, 0 or more")
      wrong({ exit = 256 }, "'exit' is 0 to 255")
      wrong({ exit = -1 }, "'exit' is 0 to 255")
      wrong({ signal = 65 }, "'signal' is 1 to 64")
      wrong({ error = "ok" }, "no failure has the code 'ok'")
      wrong({ error = "sad" }, "no failure has the code 'sad'")
      wrong("tool", "table expected")
    ]])
  end)
end)
