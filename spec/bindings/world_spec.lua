local cjson = require "cjson.safe"
local clock = require "jig.clock"
local lfs = require "lfs"
local played = require "spec.support.played"
local scratch = require "spec.support.scratch"
local station = require "spec.support.station"
local system = require "jig.system"
local world = require "jig.world"
local worlds = require "spec.support.worlds"

local SANITIZED <const> = (os.getenv("JIG_BUILD") or ""):find("/san", 1, true) ~= nil

local function nothing_held(w)
  for what, count in pairs(w:held()) do assert.equal(0, count, what) end
end

-- A unit on a journal of its own: run, and the rows of a query on it.
local function recorded(t)
  local folder = scratch.folder()
  local record = assert(world.record(folder.path .. "/journal.db"))
  t.options = { record = record, seed = 1 }
  local run = played.new(t)
  run.record = record
  function run.rows(sql)
    return station.query(setmetatable({ path = folder.path, names = 0 }, {
      __index = { fresh = function(_, name) return folder.path .. "/" .. name end,
        write = function(_, path, text) return folder:write(path:match("[^/]+$"), text) end },
    }), folder.path .. "/journal.db", sql)
  end
  function run.kinds()
    local kinds = {}
    for i, row in ipairs(run.rows "SELECT kind FROM event ORDER BY id") do kinds[i] = row.kind end
    return table.concat(kinds, " ")
  end
  function run.emergency() return folder:read("journal.db.d/emergency/0") end
  return setmetatable({}, {
    __index = run,
    __close = function()
      run:__close()
      record:close()
      folder:__close()
    end,
  })
end

describe("jig.world", function()
  it("runs a unit against a device and a CLI that are played, in no time", function()
    local run <close> = played.new()
    assert.equal("ended", run.world:run())
    local verdict = run:verdict()
    assert.is_true(verdict.passed)
    assert.equal("e603eb9d1cb55d2288cb639fccf30e1687f5bb90", verdict.fingerprint)
    assert.equal("new_device get_device_configuration handle_device_response", table.concat(run.calls, " "))
    assert.equal(2, #run.received)
    assert.equal(0.0, run.world:now())
    assert.equal(0, run.world:unreported())
    nothing_held(run.world)
  end)

  it("raises what it does not know", function()
    assert.error_matches(function() world.new { strat = print } end, "unknown option 'strat'")
    assert.error_matches(function() world.new { start = 1 } end, "the hook 'start' must be a function")
    assert.error_matches(function() world.new({}, { sed = 1 }) end, "unknown option 'sed'")
    assert.error_matches(function() world.new({}, { seed = 0.5 }) end, "'seed' must be an integer")
    assert.error_matches(function() world.new({}, { record = {} }) end, "jig.world.record expected")
    assert.error_matches(function() world.new(1) end, "table expected")
    local w <close> = world.new()
    assert.error_matches(function() w:run(-1) end, "seconds must be 0 or more")
    assert.error_matches(function() w:run(0 / 0) end, "seconds must be 0 or more")
    assert.error_matches(function() w:after(-1, print) end, "seconds must be 0 or more")
    assert.error_matches(function() w:after(1) end, "function expected")
    assert.error_matches(function() w:feed("a\0b", "x") end, "no name of a port")
    assert.error_matches(function() w:opened("a", "x", "sad") end, "no failure has this code")
    assert.error_matches(function() w:slot(0) end, "more than 0 bytes")
  end)

  it("is not there in a slot", function()
    worlds.run({ worker = [[
      local slot = require "jig.slot"
      return function() slot.emit { pcall(require, "jig.world") } end
    ]] }, [[
      local w <close>, s = started({}, "worker")
      same(false, all(w, s)[1][1])
    ]])
  end)

  describe("time", function()
    it("begins at 0 and moves only to what is due", function()
      worlds.run({ worker = [[
        local clock, slot = require "jig.clock", require "jig.slot"
        return function()
          slot.emit { clock.now() }
          clock.sleep(3600)
          slot.emit { clock.now() }
        end
      ]] }, [[
        local w <close>, s = started({}, "worker")
        same(0.0, w:now())
        same("limit", w:run(0))
        same("limit", w:run(0.25))
        same(0.25, w:now())
        local list, code = messages(s)
        same(0.0, list[1][1])
        same("again", code)
        same("ended", w:run())
        list, code = messages(s)
        same(3600.0, list[1][1])
        same("closed", code)
        same("ended", w:run())
        nothing_held(w)
      ]])
    end)

    it("is stuck where nothing can come", function()
      worlds.run({ worker = [[
        local slot = require "jig.slot"
        return function() slot.emit { slot.receive() } end
      ]] }, [[
        local w <close>, s = started({}, "worker")
        same("stuck", w:run())
        same("stuck", w:run(7))
        same(0.0, w:now())
        s:send("hello")
        same("hello", all(w, s)[1][1])
      ]])
    end)

    it("is busy where something is told again and again, and none passes", function()
      worlds.run({ worker = [[
        local port = require "jig.port"
        return function()
          local p = assert(port.open("stage:wire"))
          while p:write("x", 1) do end
        end
      ]] }, [[
        -- it would block, and may be written again at once, for ever
        local w
        w = world.new { write = function(name)
          w:after(0, function() w:writable(name) end)
          return 0
        end }
        local s = w:slot()
        s:start("worker")
        same("busy", w:run())
        w:close()
      ]])
    end)

    it("is busy where a function asks for itself again and again, at once", function()
      worlds.run({ worker = [[
        local clock = require "jig.clock"
        return function() clock.sleep(1) end
      ]] }, [[
        local w = started({}, "worker")
        local times = 0
        local function again()
          times = times + 1
          w:after(0, again)
        end
        again()
        same("busy", w:run())
        same(true, times > 1000)
        w:close()
      ]])
    end)

    it("is the real one where that is wanted", function()
      worlds.run({ worker = [[
        local clock = require "jig.clock"
        return function() clock.sleep(0.02) end
      ]] }, [[
        local before = clock.now()
        local w <close> = started({}, "worker", nil, { simulated = false })
        same("ended", w:run())
        assert(clock.now() - before >= 0.02)
        assert(w:now() >= before)
      ]])
    end)

    it("calls functions later, those of one time in their order", function()
      local w <close> = world.new()
      local got = {}
      local function note(what) return function() got[#got + 1] = ("%s %g"):format(what, w:now()) end end
      for _, name in ipairs { "a", "b", "c", "d", "e" } do w:after(1, note(name)) end
      w:after(0.5, function()
        got[#got + 1] = "first"
        w:after(0, note "now")
      end)
      local never = w:after(0.75, note "never")
      w:after(math.huge, note "never")
      never:cancel()
      never:cancel()
      w:after(0.25, function() never:cancel() end)
      assert.equal("ended", w:run()) -- nobody works
      assert.same({}, got)
      w:close()
      never:cancel()
    end)

    it("calls them while somebody works", function()
      worlds.run({ worker = "local clock = require 'jig.clock' return function() clock.sleep(2) end" }, [[
        local w <close> = started({}, "worker")
        local got = {}
        local function note(what) return function() got[#got + 1] = ("%s %g"):format(what, w:now()) end end
        for _, name in ipairs { "a", "b", "c", "d", "e" } do w:after(1, note(name)) end
        w:after(0.5, function()
          note "first" ()
          w:after(0, note "now")
        end)
        local never = w:after(0.75, note "never")
        w:after(0.25, function() never:cancel() end)
        w:after(math.huge, note "never")
        local late = w:after(9, note "late")
        same("ended", w:run())
        same("first 0.5|now 0.5|a 1|b 1|c 1|d 1|e 1", table.concat(got, "|"))
        same(1, w:held().timers)
        late:cancel()
        nothing_held(w)
      ]])
    end)
  end)

  it("makes chance follow from the seed", function()
    worlds.run({ worker = [[
      local slot, system = require "jig.slot", require "jig.system"
      return function()
        slot.emit { system.random(256), system.random(1), system.random(0), system.random(20), math.random(1 << 60) }
      end
    ]] }, [[
      local function bytes(seed)
        local w <close>, s = started({}, "worker", nil, { seed = seed })
        local list = all(w, s)[1]
        same(256 + 1 + 0 + 20, #list[1] + #list[2] + #list[3] + #list[4])
        return table.concat(list, "|")
      end
      same(bytes(1), bytes(1))
      assert(bytes(1) ~= bytes(2))
      assert(bytes(math.mininteger) ~= bytes(0))
      assert(bytes(nil) ~= bytes(nil))
    ]])
  end)

  it("gives the same run for the same seed", function()
    local place <close> = scratch.folder()
    local function trace()
      local lines = {}
      local run <close> = played.new { options = { seed = 5 },
        cli = { new_device = { exit = 9, err = "token busy" } },
        config = { retries = 3, service = { cli = "factory_tool", token = { name = "spec",
          folder = place.path .. "/locks", busy = { statuses = { 9 } }, missing = { statuses = { 8 } } } } },
        hooks = { wait = function(...) lines[#lines + 1] = table.concat({ ... }, " ") end } }
      assert.equal("ended", run.world:run())
      if not run:verdict() then error(run.messages[#run.messages].message) end
      lines[#lines + 1] = run.world:now()
      lines[#lines + 1] = table.concat(run.calls, " ")
      lines[#lines + 1] = run:verdict().session
      return table.concat(lines, "\n")
    end
    local first = trace()
    assert.equal(first, trace())
    assert.matches("new_device new_device new_device new_device new_device", first)
  end)

  describe("waits", function()
    it("are told with the limit that ends them, and end by it at once where they should", function()
      worlds.run({ worker = [[
        local clock, port, slot, task = require "jig.clock", require "jig.port", require "jig.slot", require "jig.task"
        return function()
          local p = assert(port.open("stage:dev"))
          slot.emit { p:read(1, 3) }
          slot.emit { p:read(1, 4) }
          do
            local limit <close> = task.limit("mine", 2)
            slot.emit { p:read(1, 5) }
          end
          slot.emit { clock.sleep(6) }
          slot.emit { slot.receive() }
          slot.emit { clock.now() }
          p:close()
        end
      ]] }, [[
        local told = {}
        local w, s
        w, s = started({ wait = function(what, limit, seconds)
          told[#told + 1] = ("%s %s %g"):format(what, limit, seconds)
          if what == "slot.receive" then s:send("sent") end
          return seconds ~= 4 and "limit" or nil
        end, open = function() w:after(1, function() w:feed("dev", "x") end) end }, "worker")
        local list = all(w, s)
        same("port:read read 3|port:read read 4|port:read mine 2|clock.sleep  6|slot.receive receive inf",
          table.concat(told, "|"))
        same("read", list[1][4])
        same("x", list[2][1]) -- which came too late for the first
        same("mine", list[3][4])
        same(true, list[4][1])
        same("sent", list[5][1])
        same(3.0 + 2.0 + 6.0, list[6][1])
        nothing_held(w)
        w:close()
      ]])
    end)

    it("go on where nothing is said", function()
      worlds.run({ worker = "local clock = require 'jig.clock' return function() clock.sleep(2) end" }, [[
        local w <close> = started({ wait = function() end }, "worker")
        same("ended", w:run())
        same(2.0, w:now())
        local v <close> = started({ wait = function() return "soon" end }, "worker")
        throws("the hook 'wait' gave soon", v.run, v)
      ]])
    end)

    it("may be ended by what is done while they are told", function()
      worlds.run({ worker = [[
        local clock, slot = require "jig.clock", require "jig.slot"
        return function() slot.emit { clock.sleep(9) } end
      ]] }, [[
        local w, s
        w, s = started({ wait = function() s:interrupt() return "limit" end }, "worker")
        same("interrupted", all(w, s)[1][3])
        same(0.0, w:now())
        w:close()
        w, s = started({ wait = function() w:die() end }, "worker")
        same("interrupted", all(w, s)[1][3])
        w:close()
      ]])
    end)
  end)

  describe("a hook", function()
    it("that raises ends the world, and the run raises the same when all has ended", function()
      local thrown = { "a table" }
      for _, hook in ipairs { "start", "open", "write", "wait", "close" } do
        local times = 0
        local run <close> = played.new { hooks = { [hook] = function()
          times = times + 1
          error(thrown)
        end } }
        local ok, got = pcall(run.world.run, run.world)
        assert.is_false(ok)
        assert.equal(thrown, got)
        assert.equal(1, times)
        assert.is_true(run.world:dead())
        assert.equal("ended", run.world:run())
        if hook ~= "close" then assert.is_false(run:verdict().passed) end
        nothing_held(run.world)
      end
    end)

    it("of a function that comes later, too", function()
      local run <close> = played.new { cli = { new_device = { after = 1 } } }
      run.world:after(0.5, function() error("first", 0) end)
      run.world:after(0.5, function() error("second", 0) end)
      assert.error_matches(function() run.world:run() end, "^first$")
      assert.equal("ended", run.world:run())
    end)

    it("that raises outside a run lets the close raise", function()
      local run = played.new { hooks = { close = function() error("late", 0) end },
        cli = { new_device = { after = 9 } } }
      assert.equal("limit", run.world:run(1))
      run.slots[1]:close()
      assert.is_true(run.world:dead())
      assert.error_matches(function() run.world:close() end, "^late$")
      run.world:close()
      run.folder:__close()
    end)

    it("may not yield, run a world, or close what it is called from", function()
      local errors = {}
      local function try(f, ...) errors[#errors + 1] = select(2, pcall(f, ...)) end
      local other <close> = world.new()
      local run <close> = played.new { hooks = { open = function() return true end }, answer = function(frame, n, self)
        if n == 1 then
          try(clock.sleep, 1)
          try(coroutine.yield)
          try(other.run, other)
          try(self.world.run, self.world)
          try(self.world.close, self.world)
          try(self.slots[1].close, self.slots[1])
        end
        return { scp = frame.scp, status = 0, payload = "ok" }
      end }
      assert.equal("ended", run.world:run())
      assert.is_true(run:verdict().passed)
      assert.equal(6, #errors)
      assert.matches("cannot wait here", errors[1])
      assert.matches("coroutine.yield outside of any coroutine", errors[2])
      assert.matches("a world already runs", errors[3])
      assert.matches("a world already runs", errors[4])
      assert.matches("a world cannot be closed from within", errors[5])
      assert.matches("a slot cannot be closed from within", errors[6])
    end)

    it("that answers nonsense raises", function()
      for hook, answer in pairs { open = "maybe", write = -1, record = "perhaps" } do
        local run <close> = recorded { hooks = { [hook] = function() return answer end } }
        assert.error_matches(function() run.world:run() end, "the hook '" .. hook .. "' gave " .. answer, 1, true)
      end
      for _, answer in ipairs { 1000000, 0.5, "all" } do
        local run <close> = played.new { hooks = { write = function() return answer end } }
        assert.error_matches(function() run.world:run() end, "the hook 'write' gave " .. answer, 1, true)
      end
      local run <close> = played.new { hooks = { open = function() return nil, "no", "sad" end } }
      assert.error_matches(function() run.world:run() end, "no failure has the code 'sad'", 1, true)
    end)

    it("hears what a slot emits at once, and it is not queued then", function()
      worlds.run({ worker = [[
        local slot, clock = require "jig.slot", require "jig.clock"
        return function()
          slot.emit { event = "first", bytes = "\0\255", list = { 1, 2 } }
          clock.sleep(3)
          slot.emit { event = "second" }
        end
      ]] }, [[
        local heard = {}
        local w, s
        w, s = started({ event = function(event) heard[#heard + 1] = { event, w:now() } end }, "worker")
        same("ended", w:run())
        same(0, #messages(s))
        same(2, #heard)
        same("first", heard[1][1].event)
        same("\0\255", heard[1][1].bytes)
        same(2, heard[1][1].list[2])
        same(0.0, heard[1][2])
        same(3.0, heard[2][2])
        nothing_held(w)
        w:close()
        -- one that raises ends the world
        w, s = started({ event = function() error("no event wanted") end }, "worker")
        throws("no event wanted", w.run, w)
        w:close()
      ]])
    end)

    it("hears what is logged", function()
      local lines = {}
      local run <close> = recorded { hooks = {
        log = function(line) lines[#lines + 1] = line end,
        record = function(kind) return kind == "ended" and "refuse" or nil end,
      } }
      assert.equal("ended", run.world:run())
      assert.matches("journal: 'ended' of session", table.concat(lines, "\n"))
    end)
  end)

  it("knows the line of the recipe that is at work", function()
    local lines = {}
    local function note(run, what) lines[#lines + 1] = what .. " " .. tostring(run.world:line(run.folder.path)) end
    local text = scratch.recipe([[
      prepare = function(unit)
        unit.port:write("hello")
        unit.port:set("dtr", true)
      end,]])
    local at
    local n = 0
    for line in text:gmatch("[^\n]*\n?") do
      n = n + 1
      if line:find("hello", 1, true) then at = n end
    end
    local run
    run = played.new { text = text, idle = true, write = function(self, _, bytes)
      note(self, bytes == "hello" and "write" or "frame")
      if bytes == "hello" then return #bytes end
    end, hooks = {
      set = function() note(run, "set") end,
      wait = function(what) note(run, what) end,
    } }
    assert.is_nil(run.world:line(run.folder.path))
    run:work()
    assert.equal("ended", run.world:run())
    local file = run.folder.path .. "/recipe.lua:"
    assert.equal("write " .. file .. at, lines[1 + (lines[1]:match("^session") and 1 or 0)])
    assert.is_truthy(table.concat(lines, "\n"):find("set " .. file .. at + 1, 1, true))
    assert.is_truthy(table.concat(lines, "\n"):find("frame nil", 1, true))
    assert.is_nil(run.world:line(run.folder.path))
    run:__close()
  end)

  it("knows it as well where it is the loop that goes on, for each of several slots", function()
    local text = scratch.recipe([[
      run = function(unit)
        local init
        if unit.slot == "A1" then
          init = unit:new_device() -- one
        else
          init = unit:new_device() -- two
        end
        local key = unit:exchange(init)
        local provisioning = unit:get_device_configuration(key)
        local fingerprint = unit:handle_device_response(unit:exchange(provisioning)) -- last
        return fingerprint
      end,]])
    local marks, n = {}, 0
    for line in text:gmatch("[^\n]*\n?") do
      n = n + 1
      local mark = line:match("%-%- (%a+)\n$")
      if mark then marks[tostring(n)] = mark end
    end
    local lines, run = {}, nil
    local function note(what)
      local line = run.world:line(run.folder.path)
      lines[#lines + 1] = ("%s %s"):format(what, line and (marks[line:match("%d+$")] or "elsewhere"))
    end
    run = recorded { text = text, idle = true, hooks = {
      start = function(argv)
        note(argv[2])
        return { after = 1, out = played.right[argv[2]].out }
      end,
      record = function(kind) if kind == "opening" or kind == "finished" then note(kind) end end,
    } }
    run:work()
    run:work()
    assert.equal("ended", run.world:run())
    local count = 0
    for _, message in ipairs(run:read()) do if message.passed then count = count + 1 end end
    assert.equal(2, count)
    table.sort(lines)
    assert.same({ "finished last", "finished last", "get_device_configuration elsewhere",
      "get_device_configuration elsewhere", "handle_device_response last", "handle_device_response last",
      "new_device one", "new_device two", "opening one", "opening two" }, lines)
    getmetatable(run).__close()
  end)

  describe("a record", function()
    it("keeps what a unit says, one world after another", function()
      local folder <close> = scratch.folder()
      local record <close> = assert(world.record(folder.path .. "/journal.db"))
      local owner = record:owner()
      assert.matches("^%x+$", owner)
      local kinds = {}
      for seed = 1, 3 do
        local run <close> = played.new { options = { record = record, seed = seed },
          hooks = { record = function(kind, session, attempt, facts)
            kinds[#kinds + 1] = kind
            assert.equal(kind == "started", session == "")
            assert.equal(kind == "started" and 0 or 1, attempt)
            assert.is_table(cjson.decode(facts))
          end } }
        assert.equal("ended", run.world:run())
        assert.is_true(run:verdict().passed)
        assert.is_nil(run:verdict().unrecorded)
        nothing_held(run.world)
      end
      assert.equal(("started opening opened configured finishing finished ended "):rep(3),
        table.concat(kinds, " ") .. " ")
      assert.equal(owner, record:owner())
    end)

    it("refuses as a disk that fails", function()
      -- what is refused -> the fault, the calls, what the emergency file has
      local full = "new_device get_device_configuration handle_device_response"
      local cases = {
        { "opening", "tool.journal", "" },
        { "opened", "tool.journal", "new_device get_device_configuration report_error", "opened" },
        { "finishing", "tool.journal", "new_device get_device_configuration report_error", "finishing" },
        { "finished", "tool.journal", full, "finished" },
        { "ended", nil, full, "ended" },
      }
      for _, case in ipairs(cases) do
        local kind, fault, calls, kept = table.unpack(case)
        local run <close> = recorded { hooks = { record = function(k) return k == kind and "refuse" or nil end } }
        assert.equal("ended", run.world:run())
        local verdict = run:verdict()
        assert.equal(fault, verdict.fault and verdict.fault.name, kind)
        assert.equal(calls, table.concat(run.calls, " "), kind)
        assert.is_false(run.world:dead())
        assert.is_nil((" " .. run.kinds() .. " "):find(" " .. kind .. " ", 1, true), kind)
        if kept then assert.is_truthy(run.emergency():find(kept, 1, true), kind) end
        nothing_held(run.world)
      end
    end)

    it("stands as it was when the world dies", function()
      local order = { "started", "opening", "opened", "configured", "finishing", "finished", "ended" }
      for i, kind in ipairs(order) do
        for _, how in ipairs { "die", "before" } do
          local run
          run = recorded { hooks = { record = function(k)
            if k ~= kind then return end
            if how == "die" then return "die" end
            run.world:die()
          end } }
          assert.equal("ended", run.world:run())
          assert.is_true(run.world:dead())
          nothing_held(run.world)
          assert.equal(table.concat(order, " ", 1, how == "die" and i or i - 1), run.kinds(), kind .. " " .. how)
          assert.is_nil(run.emergency():find("ENTR", 1, true))
          getmetatable(run).__close()
        end
      end
    end)

    it("refuses to be closed or taken over under a world", function()
      local folder <close> = scratch.folder()
      local record = assert(world.record(folder.path .. "/journal.db"))
      local w = world.new({}, { record = record })
      assert.error_matches(function() record:close() end, "a world writes this record")
      assert.error_matches(function() record:succeed() end, "a world still writes this record")
      w:die()
      assert.is_true(record:succeed())
      assert.error_matches(function() record:close() end, "a world writes this record")
      w:close()
      record:close()
      record:close()
      assert.error_matches(function() record:owner() end, "closed record")
      assert.error_matches(function() world.new({}, { record = record }) end, "closed record")
    end)

    it("is in memory where that is wanted, under its path, with its locks in files", function()
      local ledger = require "jig.ledger"
      local folder <close> = scratch.folder()
      local path = folder.path .. "/journal.db"
      local record <close> = assert(world.record(path, true))
      local run <close> = played.new { options = { record = record } }
      assert.equal("ended", run.world:run())
      assert.is_true(run:verdict().passed)
      local reader <close> = assert(ledger.open(path, "shared"))
      for row in reader:rows "SELECT state FROM session" do assert.equal("finished", row.state) end
      assert.is_nil(system.realpath(path))
      assert.truthy(system.realpath(path .. ".d"))
      run.world:close()
      assert.is_true(record:succeed())
      for row in reader:rows "SELECT count(*) AS n FROM session" do assert.equal(1, row.n) end
    end)

    it("that cannot be opened says why", function()
      local record, message, code = world.record("/proc/nowhere/journal.db")
      assert.same({ nil, "record" }, { record, code })
      assert.matches("cannot open the journal", message)
    end)

    it("gives way to a successor, which folds in what was left", function()
      local run <close> = recorded { hooks = {
        record = function(kind) return kind == "finished" and "refuse" or nil end,
      } }
      assert.equal("ended", run.world:run())
      local before = run.record:owner()
      assert.is_nil(run.kinds():find("finished", 1, true))
      run.world:close()
      assert.is_true(run.record:succeed())
      assert.are_not.equal(before, run.record:owner())
      assert.matches("finished", run.kinds())
      assert.is_nil(run.emergency():find("ENTR", 1, true))
    end)

    it("lets the successor report what the dead left open", function()
      for _, kind in ipairs { "opening", "opened", "configured", "finishing" } do
        local folder <close> = scratch.folder { ["worker.lua"] = [[
          local recovery, session, slot = require "jig.recovery", require "jig.session", require "jig.slot"
          return function(t)
            local result = recovery.run { path = t.path, service = session.service { cli = "factory_tool" },
              signature = "s", refusals = 3, now = 0, say = slot.emit }
            slot.emit(result)
          end
        ]] }
        folder:write("try.lua", [[
          package.path = arg[2] .. "/?.lua;" .. package.path
          local played, world = require "spec.support.played", require "jig.world"
          local path = arg[1] .. "/journal.db"
          local record = assert(world.record(path))
          do
            local run <close> = played.new { options = { record = record },
              hooks = { record = function(kind) return kind == arg[3] and "die" or nil end } }
            assert(run.world:run() == "ended" and run.world:dead())
          end
          assert(record:succeed())
          local calls = {}
          local w <close> = world.new({ start = function(argv)
            calls[#calls + 1] = argv[2]
            return {}
          end }, { record = record })
          local s = w:slot()
          s:start("worker", { path = path })
          assert(w:run() == "ended")
          local message = assert(s:next())
          assert(message.outcome == "reported", message.text or message.message)
          message = assert(s:next())
          assert(message.found == 1 and message.reported == 1 and message.unreported == 0)
          print(table.concat(calls, " "))
        ]])
        local result = scratch.run { scratch.program, folder.path .. "/try.lua", folder.path,
          assert(system.realpath(".")), kind, env = { JIG_PATH = folder.path } }
        assert.equal("", result.stderr)
        assert.equal("report_error\n", result.stdout)
      end
    end)
  end)

  it("dies at any effect, and what is left of it unwinds", function()
    -- at the n-th call of any hook, for all n
    local total
    local n = 0
    repeat
      n = n + 1
      local calls, run = 0, nil
      local function count()
        calls = calls + 1
        if calls == n then run.world:die() end
      end
      run = recorded { hooks = {
        start = function(argv) count() return played.right[argv[2]] end,
        open = count, close = count, set = count, record = count, wait = count,
      }, write = count, cli = { get_device_configuration = { exit = 1 } },
        config = { retries = 1 }, more = "reset = function(unit) unit.port:set('dtr', true) end," }
      assert.equal("ended", run.world:run())
      if run.world:dead() then assert.equal(n, calls) end
      nothing_held(run.world)
      total = calls
      getmetatable(run).__close()
    until total < n
    assert.is_true(n > 15, tostring(n))
  end)

  it("is closed however far it has come", function()
    for seconds = 0, 12 do
      local run <close> = recorded {
        cli = { new_device = { after = 3, out = played.right.new_device.out },
          get_device_configuration = { after = 3, exit = 1 }, report_error = { after = 3 } },
      }
      run.world:run(seconds)
      run.world:close()
      run.world:close()
      assert.error_matches(function() run.world:run() end, "closed world")
      assert.equal("closed", select(3, run.slots[1]:next()) or "closed")
      assert.error_matches(function() run.slots[1]:start("jig.worker", {}) end, "closed slot")
    end
  end)

  it("is closed by the collector, too", function()
    local folder <close> = scratch.folder()
    local weak = setmetatable({}, { __mode = "k" })
    for _ = 1, 5 do
      local run = played.new { folder = folder, cli = { new_device = { after = 3 } } }
      run.world:run(1)
      weak[run.world] = true
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(weak))
  end)

  it("reports a session that its slot leaves open", function()
    local run <close> = played.new { cli = { get_device_configuration = { after = 60, exit = 1 },
      report_error = { after = 1, exit = 1 } } }
    assert.equal("limit", run.world:run(5))
    run.slots[1]:close()
    assert.equal("ended", run.world:run())
    assert.equal("new_device get_device_configuration report_error", table.concat(run.calls, " "))
    assert.equal(1, run.world:unreported())
    nothing_held(run.world)
  end)

  it("has slots that share its gate", function()
    local running, most = 0, 0
    local function call(argv, _, self)
      running = running + 1
      most = math.max(most, running)
      self.world:after(1, function() running = running - 1 end)
      return { after = 1, out = played.right[argv[2]].out }
    end
    local cli = {}
    for name in pairs(played.right) do cli[name] = call end
    local service = { cli = "factory_tool", calls = 2 }
    local run <close> = played.new { cli = cli, config = { service = service } }
    for _ = 2, 6 do run:work { service = service } end
    assert.equal("ended", run.world:run())
    local passed = 0
    for _, message in ipairs(run:read()) do if message.passed then passed = passed + 1 end end
    assert.same({ 6, 2, 9.0 }, { passed, most, run.world:now() })
  end)

  it("is an island: two go on by turns", function()
    local a <close> = played.new { cli = { new_device = { after = 5, out = played.right.new_device.out } } }
    local b <close> = played.new { cli = { new_device = { after = 7, exit = 7 } } }
    b.world:after(3, function() a.world:after(0, function() a.touched = true end) end)
    for second = 1, 4 do
      assert.equal("limit", a.world:run(1))
      assert.equal("limit", b.world:run(1))
      assert.same({ second + 0.0, second + 0.0 }, { a.world:now(), b.world:now() })
    end
    a.world:die()
    assert.equal("ended", b.world:run())
    assert.equal("ended", a.world:run())
    assert.is_false(b.world:dead())
    assert.equal("cli.refused", b:verdict().fault.name)
    assert.is_true(a.touched)
  end)

  it("ends a recipe that computes for ever", function()
    for _ = 1, 2 do
      local run <close> = played.new { more = "prepare = function() while true do end end," }
      assert.equal("ended", run.world:run())
      local fault = run:verdict().fault
      assert.equal("tool.limit", fault.name)
      assert.matches("recipe%.lua:%d+$", fault.line)
    end
  end)

  it("does not charge a recipe for what the hooks compute", function()
    local run <close> = played.new { more = "prepare = function(unit) unit.port:write('x') end,",
      write = function(_, _, bytes)
        if bytes ~= "x" then return end
        local stop = os.clock() + 1.5
        while os.clock() < stop do end -- luacheck: ignore 542 (it is to compute)
        return 1
      end }
    assert.equal("ended", run.world:run())
    assert.is_true(run:verdict().passed)
  end)

  it("leaves nothing behind, a thousand times", function()
    if scratch.valgrind then pending "valgrind keeps what was freed for a while, to notice who still uses it" end
    local folder <close> = scratch.folder()
    local record <close> = assert(world.record(folder.path .. "/journal.db"))
    local function descriptors()
      local n = 0
      for _ in lfs.dir("/proc/self/fd") do n = n + 1 end
      return n
    end
    local function timers() return select(2, station.read("/proc/self/timers"):gsub("ID:", "")) end
    local function pages() return tonumber(station.read("/proc/self/statm"):match("^%d+ (%d+)")) end
    local function some(n)
      for seed = 1, n do
        local run <close> = played.new { folder = folder, kept = seed > 1,
          options = { seed = n + seed, record = seed % 2 == 0 and record or nil },
          cli = seed % 7 == 0 and { new_device = { after = math.huge } } or nil }
        run.world:run(seed % 7 == 0 and 1 or nil)
      end
      collectgarbage()
    end
    some(50)
    local before, armed, size = descriptors(), timers(), pages()
    some(SANITIZED and 100 or 1000)
    assert.equal(before, descriptors())
    assert.equal(armed, timers())
    if not SANITIZED then assert.is_true(pages() - size < 2000, ("%d pages more"):format(pages() - size)) end
  end)

  it("runs real programs on the real clock", function()
    local place <close> = station.place()
    local run <close> = played.new {
      options = { simulated = false },
      hooks = { start = false },
      config = { service = { cli = station.factory_tool, env = { SIM_DIR = place:fresh("service") } } },
    }
    local how = run.world:run(station.PATIENCE)
    assert.equal("ended", how)
    assert.equal("new_device", run:verdict().phases[2].name)
    assert.are_not.equal("cli.missing", (run:verdict().fault or {}).name)
    nothing_held(run.world)
  end)

  it("ends real programs when it is closed", function()
    local run <close> = played.new {
      options = { simulated = false },
      hooks = { start = false },
      config = { service = { cli = "sh", arguments = { "-c", "exec sleep 1000" }, grace = 100 } },
    }
    assert.equal("limit", run.world:run(0.05))
    assert.equal(1, run.world:held().programs)
    run.world:close()
  end)
end)
