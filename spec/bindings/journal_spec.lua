-- What happens to the disk: spec/core/journal_spec.lua. The program has one journal at a time: each spec
-- closes its own.

local cjson = require "cjson"
local journal = require "jig.journal"
local ledger = require "jig.ledger"
local scratch = require "spec.support.scratch"
local session = require "jig.session"
local task = require "jig.task"
local wires = require "spec.support.wires"

local LONG <const> = 60

-- Runs body(folder, path) with a journal in a folder; closes it.
local function with(options, body)
  local folder <close> = scratch.folder()
  options.path = options.path or folder.path .. "/journal"
  assert(journal.open(options))
  local ok, thrown = xpcall(body, debug.traceback, folder, options.path)
  journal.close()
  assert(ok, thrown)
end

-- The facts of an opening.
local function opening(facts)
  facts = facts or {}
  facts.owner = facts.owner or journal.owner()
  facts.run, facts.number, facts.unit = "r", 1, facts.unit or "r.1"
  return cjson.encode(facts)
end

-- "SESSION/ATTEMPT kind" of all events, in their order.
local function story(path)
  local list = {}
  local from <close> = assert(ledger.open(path))
  for row in from:rows "SELECT session || '/' || attempt || ' ' || kind AS line FROM event ORDER BY id" do
    list[#list + 1] = row.line
  end
  return list
end

-- A script in a process of its own, with `path` as its argument. Prints what it says.
local function script(folder, text, path)
  text = 'local journal = require "jig.journal"\n' .. text
  return scratch.run { scratch.program, folder:write("try.lua", text), path }
end

-- A journal that a process left behind which was killed with a session open; gives its owner.
local function killed(folder, path)
  local result = script(folder, [[
    assert(journal.open { path = arg[1] })
    local owner = journal.owner()
    local facts = '{"unit":"%s.1","run":"r","number":1,"owner":"%s"}'
    assert(journal.append("opening", "old", 1, (facts:gsub("%%s", owner))))
    print(owner)
    io.stdout:flush()
    os.execute "kill -9 $PPID"]], path)
  assert.equal(9, result.signal, result.stderr)
  return result.stdout:match("%x+")
end

describe("jig.journal", function()
  describe("open", function()
    it("gives the program one journal, and another when that was closed", function()
      with({}, function(_, path)
        local ok, message = pcall(journal.open, { path = path })
        assert.is_false(ok)
        assert.matches("the journal is open already", message, 1, true)
      end)
      with({ here = true }, function() end)
    end)

    it("raises for options that it does not know, or that are of another type", function()
      for _, options in ipairs { { paths = "x" }, { path = {} }, { key = true }, { emergency = print }, "path" } do
        assert.is_false(pcall(journal.open, options))
      end
      local _, message = pcall(journal.open, { emergency = {} })
      assert.matches("journal.open: 'emergency' must be a string", message, 1, true)
      assert.is_nil(journal.owner())
    end)

    it("does not look at the disk: journal.ready and each event say what is wrong with it", function()
      local folder <close> = scratch.folder { file = "" }
      assert.is_true(journal.open { path = folder.path .. "/file/journal" })
      for _, call in ipairs { journal.ready, function() return journal.append("started", "", 0, '{"run":"r"}') end } do
        local kept, message, code = call()
        assert.same({ nil, "record" }, { kept, code })
        assert.matches(folder.path .. "/file/journal.d", message, 1, true)
      end
      assert.is_true(journal.close())
    end)

    it("takes another folder for the emergency file", function()
      local folder <close> = scratch.folder()
      with({ path = folder.path .. "/j", emergency = folder.path .. "/elsewhere" }, function()
        assert.equal("journal", journal.ready())
        assert.equal(65536, #folder:read "elsewhere/0")
      end)
    end)

    it("is in memory without a path, without an owner", function()
      assert.is_true(journal.open {})
      assert.is_nil(journal.owner())
      assert.equal("journal", journal.append("opening", "s", 1, opening { owner = "ab" }))
      assert.equal("misuse", select(3, journal.append("opening", "s", 1, opening { owner = "ab" })))
      assert.is_true(journal.close())
    end)
  end)

  it("says what it says without a journal", function()
    for name, f in pairs {
      append = function() journal.append("opened", "s", 1, "{}") end,
      ready = journal.ready,
      counts = journal.counts,
    } do
      local ok, message = pcall(f)
      assert.is_false(ok, name)
      assert.matches("no journal is open", message, 1, true)
    end
    assert.same({ nil, 0, true }, { journal.owner(), journal.unended(), journal.close() })
  end)

  describe("append", function()
    it("keeps events in order, with a thread and without", function()
      for _, here in ipairs { false, true } do
        with({ here = here }, function(_, path)
          assert.equal("journal", journal.append("opening", "s", 1, opening()))
          assert.equal("journal", journal.append("opened", "s", 1, "{}"))
          assert.equal("journal", journal.append("failed", "s", 1, '{"command":"get_device_configuration"}'))
          assert.equal("journal", journal.append("opening", "s", 2, opening { unit = "r.2" }))
          assert.same({ "s/1 opening", "s/1 opened", "s/1 failed", "s/2 opening" }, story(path))
        end)
      end
    end)

    it("is durable when it returns: another process sees it", function()
      with({}, function(folder, path)
        journal.append("opening", "s", 1, opening { serial = "T\1\u{e9}1" })
        local result = script(folder, [[
          for row in require("jig.ledger").open(arg[1]):rows "SELECT serial, owner FROM session" do
            io.write(row.serial, " ", row.owner)
          end]], path)
        assert.equal("T\1\u{e9}1 " .. journal.owner(), result.stdout)
      end)
    end)

    it("says why an event is refused, and keeps nothing of it", function()
      with({}, function(_, path)
        assert.equal("journal", journal.append("opening", "s", 1, opening { serial = "T1" }))
        for _, case in ipairs {
          { "opening", "s", 1, opening(), "misuse", "s/1" },
          { "opening", "t", 1, opening { serial = "T1", unit = "r.2" }, "duplicate",
            "serial T1 is being made: session s" },
          { "reported", "s", 1, "{}", "misuse", "opening already" },
          { "opened", "t", 1, "{}", "misuse", "there is no such session" },
          { "opened", "s", 2, "{}", "misuse", "there is no such session" },
          { "opened", "s", 1, "[]", "misuse", "its facts are no object" },
          { "pruned", "s", 1, "{}", "misuse", "cannot be appended" },
        } do
          local kept, message, code = journal.append(table.unpack(case, 1, 4))
          assert.same({ nil, case[5] }, { kept, code })
          assert.matches(case[6], message, 1, true)
        end
        assert.equal("misuse", select(3, journal.append("opened", "s", 1, "no JSON")))
        assert.same({ "s/1 opening" }, story(path))
      end)
    end)

    it("raises for what is no event, and begins nothing", function()
      with({}, function(_, path)
        for _, case in ipairs {
          { "vanished", "s", 1, "{}", "no such kind of event" },
          { "opened", ("x"):rep(129), 1, "{}", "no session id" },
          { "opened", "a\0b", 1, "{}", "no session id" },
          { "opened", {}, 1, "{}", "string expected" },
          { "opened", "s", "one", "{}", "number expected" },
          { "opened", "s", 1.5, "{}", "no integer representation" },
          { "opened", "s", 1 << 32, "{}", "an attempt" },
          { "opened", "s", -1, "{}", "an attempt" },
          { "opened", "s", 1, {}, "string expected" },
          { "opened", "s", 1, '{"a":"\0"}', "no JSON" },
        } do
          for _, relaxed in ipairs { false, true } do
            local ok, message = pcall(journal.append, case[1], case[2], case[3], case[4], relaxed)
            assert.is_false(ok, case[5])
            assert.matches(case[5], message, 1, true)
          end
        end
        assert.equal("journal", journal.ready())
        assert.same({}, story(path))
      end)
    end)

    it("takes session ids of 128 characters", function()
      with({}, function(_, path)
        local id = ("x"):rep(128)
        assert.equal("journal", journal.append("opening", id, 1, opening()))
        assert.same({ id .. "/1 opening" }, story(path))
      end)
    end)

    it("that is relaxed does not wait, and goes with the next commit, in order", function()
      with({}, function(_, path)
        journal.append("opening", "s", 1, opening())
        local commits, events = journal.counts()
        local ok, kept = pcall(function()
          -- where nothing can wait
          table.sort({ 1, 2 }, function()
            assert.equal("journal", journal.append("opened", "s", 1, "{}", true))
            return false
          end)
          return "sorted"
        end)
        assert.same({ true, "sorted" }, { ok, kept })
        assert.equal("journal", journal.append("configured", "s", 1, "{}"))
        assert.same({ "s/1 opening", "s/1 opened", "s/1 configured" }, story(path))
        local more, all = journal.counts()
        assert.same({ commits + 1, events + 2 }, { more, all })
      end)
    end)

    it("that is relaxed does not wait for ever, either", function()
      with({}, function(_, path)
        journal.append("opening", "s", 1, opening())
        journal.append("opened", "s", 1, "{}", true)
        wires.eventually(function() return #story(path) == 2 end)
      end)
    end)

    it("begins nothing where it could not wait", function()
      with({}, function(_, path)
        for _, call in ipairs { function() journal.append("opening", "s", 1, opening()) end, journal.ready } do
          local ok, message = pcall(table.sort, { 1, 2 }, call)
          assert.is_false(ok)
          assert.matches("cannot wait here", message, 1, true)
        end
        assert.equal("journal", journal.ready())
        assert.same({}, story(path))
      end)
    end)

    it("is neither interrupted nor cut short by the task's limits", function()
      with({}, function(_, path)
        local t = task.spawn(function()
          local limit <close> = task.limit("unit", 0)
          return journal.append("opening", "s", 1, opening())
        end)
        t:interrupt()
        assert.same({ true, "journal" }, { t:join(LONG) })
        assert.same({ "s/1 opening" }, story(path))
      end)
    end)

    it("shares commits with those that wait beside it", function()
      with({}, function(_, path)
        local tasks = {}
        for i = 1, 50 do
          tasks[i] = task.spawn(function() return journal.append("opening", "s", i, opening { unit = "r." .. i }) end)
        end
        for _, t in ipairs(tasks) do assert.same({ true, "journal" }, { t:join(LONG) }) end
        assert.equal(50, #story(path))
        local commits, events = journal.counts()
        assert.equal(50, events)
        assert.is_true(commits < 50)
      end)
    end)

    it("keeps the event of a slot whose state is closed while it waits", function()
      local folder <close> = scratch.folder { ["appends.lua"] = [[
        return function(facts)
          require("jig.slot").emit { event = "here" }
          require("jig.journal").append("opening", "s", 1, facts)
        end]] }
      for _, here in ipairs { "true", "false" } do
        local path = folder.path .. "/" .. here
        local result = scratch.run { scratch.program, folder:write("try.lua", [[
          local journal = require "jig.journal"
          local slot = require "jig.slot"
          assert(journal.open { path = arg[1], here = arg[2] == "true" })
          local worker <close> = slot.new()
          worker:start("appends", '{"owner":"ab","unit":"u","number":1}')
          assert(worker:next().event == "here")
          worker:close()
          collectgarbage()
          assert(journal.ready())]]), path, here, env = { JIG_PATH = folder.path } }
        assert.same({ 0, "" }, { result.exit, result.stderr })
        assert.same({ "s/1 opening" }, story(path))
      end
    end)
  end)

  describe("close", function()
    it("makes durable what waits, also what nobody waits for", function()
      with({}, function(_, path)
        local waits = task.spawn(function() return journal.append("opening", "s", 1, opening()) end)
        local closes = task.spawn(function() -- when the other has begun to wait
          journal.append("opened", "s", 1, "{}", true)
          return journal.close()
        end)
        assert.same({ true, true }, { closes:join(LONG) })
        assert.same({ true, "journal" }, { waits:join(LONG) })
        assert.same({ "s/1 opening", "s/1 opened" }, story(path))
      end)
    end)

    it("is refused while a session is kept in it", function()
      local folder <close> = scratch.folder()
      local service = session.service(folder:cli "{ new_device = { exit = 3 } }")
      with({}, function(_, path)
        local s = assert(session.new(service, "s", "A", opening()))
        local ok, message = pcall(journal.close)
        assert.is_false(ok)
        assert.matches("a session is kept in the journal", message, 1, true)
        assert.equal("refused", select(3, s:new_device()))
        s:close()
        assert.is_true(journal.close())
        assert.same({ "s/1 opening", "s/1 refused" }, story(path))
      end)
    end)

    it("signs the head when it is clean, and says why it could not", function()
      local folder <close> = scratch.folder()
      local key = folder.path .. "/key.pem"
      scratch.run { "sh", "-c", "umask 077; exec openssl genpkey -algorithm ed25519 -out " .. key }
      local path = folder.path .. "/j"
      for _, clean in ipairs { false, true } do
        assert(journal.open { path = path, key = key })
        journal.append("started", "", 0, ('{"run":"%s"}'):format(clean))
        assert.is_true(journal.close(clean))
        assert.equal(clean, folder:read "j.head" ~= "")
      end
      assert.matches("^2 %x+ %x+\n$", folder:read "j.head")
      assert(journal.open { path = path, key = folder.path .. "/none" })
      local ok, message, code = journal.close(true)
      assert.same({ nil, "not_found" }, { ok, code })
      assert.matches(folder.path .. "/none", message, 1, true)
    end)

    it("is done at the program's end, whose status says nothing of it", function()
      local folder <close> = scratch.folder()
      local path = folder.path .. "/j"
      local result = script(folder, [[
        assert(journal.open { path = arg[1] })
        journal.append("opening", "s", 1, '{"owner":"ab","unit":"u","number":1}', true)]], path)
      assert.same({ 0, "", "" }, { result.exit, result.stdout, result.stderr })
      assert.same({ "s/1 opening" }, story(path))
    end)
  end)

  describe("take", function()
    it("takes over the lock of a process that was killed, for one at a time", function()
      local folder <close> = scratch.folder()
      local path = folder.path .. "/journal"
      local owner = killed(folder, path)
      with({ path = path }, function()
        assert.equal("journal", journal.ready())
        assert.is_true(journal.unended() > 0)
        assert.not_equal(owner, journal.owner())
        local lock = assert(journal.take(path .. ".d", owner))
        local taken, message, code = journal.take(path .. ".d", owner)
        assert.same({ nil, "busy" }, { taken, code })
        assert.matches(owner, message, 1, true)
        lock:release()
        lock:release(true) -- twice is harmless, and removes nothing
        assert.not_equal("", folder:read("journal.d/owners/" .. owner))
        do
          local closed <close> = assert(journal.take(path .. ".d", owner))
          assert.equal("busy", select(3, journal.take(path .. ".d", owner)))
          assert.is_truthy(closed)
        end
        lock = assert(journal.take(path .. ".d", owner))
        lock:release(true)
        assert.equal("", folder:read("journal.d/owners/" .. owner))
      end)
    end)

    it("is refused while the owner lives, and for what is no owner's name", function()
      with({}, function(_, path)
        assert.equal("journal", journal.ready())
        assert.equal("busy", select(3, journal.take(path .. ".d", journal.owner())))
        for _, id in ipairs { "", "../x", ("a"):rep(65), "g" } do
          assert.equal("invalid", select(3, journal.take(path .. ".d", id)))
        end
        assert.is_false(pcall(journal.take, path .. ".d"))
      end)
    end)

    it("gives a lock that session.orphaned wants, unreleased", function()
      local folder <close> = scratch.folder()
      local path = folder.path .. "/journal"
      local owner = killed(folder, path)
      local service = session.service(folder:cli())
      with({ path = path }, function()
        assert.equal("journal", journal.ready())
        local lock = assert(journal.take(path .. ".d", owner))
        for _, arguments in ipairs { { "old", "A", 1 }, { "old", "A", 1, {} }, { "old", "A", 0, lock },
          { "old", "A", 1000001, lock }, { "o\0d", "A", 1, lock } } do
          assert.is_false(pcall(session.orphaned, service, table.unpack(arguments)))
        end
        local s = assert(session.orphaned(service, "old", "A", 1, lock))
        assert.same({ "owing a report", true }, { s:state(), s:owes() })
        assert.is_true(s:report_error(904, "orphan"))
        s:close()
        lock:release(true)
        local ok, message = pcall(session.orphaned, service, "old", "A", 1, lock)
        assert.is_false(ok)
        assert.matches("the lock was released", message, 1, true)
        assert.same({ "old/1 opening", "old/1 reporting", "old/1 reported" }, story(path))
        assert.same({ { "report_error", "old", "904", "orphan" } }, folder:calls())
      end)
      local again <close> = assert(journal.take(path .. ".d", owner))
      local ok, message = pcall(session.orphaned, service, "old", "A", 1, again)
      assert.is_false(ok)
      assert.matches("no journal is open", message, 1, true)
    end)
  end)

  it("keeps each session that is made while it is open", function()
    local folder <close> = scratch.folder()
    local service = session.service(folder:cli())
    with({}, function(_, path)
      local s = assert(session.new(service, "s", "A", opening { serial = "T1", after = 0 }, 7))
      assert(s:new_device())
      assert(s:get_device_configuration "x")
      assert(s:handle_device_response "x")
      s:close()
      assert.same({ "s/7 opening", "s/7 opened", "s/7 configured", "s/7 finishing", "s/7 finished" }, story(path))
      local second = assert(session.new(service, "t", "A", opening { serial = "T1", unit = "r.2" }))
      local request, message, code, stage = second:new_device()
      assert.same({ nil, "duplicate", "start" }, { request, code, stage })
      assert.matches("serial T1 was made: session s finished at %d%d%d%d%-", message)
      second:close()
      assert.equal("new_device get_device_configuration handle_device_response", folder:commands())
    end)
  end)

end)
