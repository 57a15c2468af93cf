local clock = require "jig.clock"
local told = require "spec.support.told"
local hold = require "spec.support.hold"
local journal = require "spec.journal"
local peer = require "spec.peer"
local scratch = require "spec.support.scratch"

local MS <const> = 1000000
local WAYS <const> = { { here = false }, { here = true } }

-- A journal in the folder, by a thread or here.
local function open(folder, way)
  way = way or {}
  return assert(journal.open { path = folder.path .. "/journal", here = way.here, key = way.key })
end

-- Steps until it is back; gives its outcome.
local function wait(j, number)
  while not j:outcome(number) do assert.is_true(j:step(), "nothing to wait for") end
  return j:outcome(number)
end

-- Appends one and waits; "journal", or where it is kept, code and text.
local function append(j, event)
  local outcome = wait(j, j:append(event))
  if outcome.code == "ok" and outcome.kept == "journal" then return "journal" end
  return outcome.kept, outcome.code, outcome.text
end

local function append_all(j, list)
  for _, event in ipairs(list) do assert.equal("journal", (append(j, event))) end
end

local function kinds(folder, session)
  local list = {}
  local sql = "SELECT kind FROM event WHERE session = '" .. session .. "' ORDER BY id"
  for i, row in ipairs(assert(journal.rows(folder.path .. "/journal", sql))) do list[i] = row[1] end
  return list
end

local function owners(folder)
  local list = {}
  for name in scratch.run({ "ls", folder.path .. "/journal.d/owners" }).stdout:gmatch("[^\n]+") do
    list[#list + 1] = name
  end
  return list
end

-- While f runs, the disk of all ledgers fails.
local function failing(kind, f)
  journal.disk.fail(kind, 0)
  f()
  journal.disk.fail("none")
end

describe("core/journal", function()
  before_each(function() journal.disk.start {} end)
  after_each(function() journal.disk.stop() end)

  it("keeps events in order, with a thread and without", function()
    for _, way in ipairs(WAYS) do
      local folder <close> = scratch.folder()
      local j = open(folder, way)
      local list = told.session("s1", j:about().owner)
      local numbers = {}
      for i, event in ipairs(list) do numbers[i] = j:append(event) end
      assert.equal(#list, j:about().busy)
      assert.is_nil(j:outcome(numbers[1]))
      for _, number in ipairs(numbers) do
        assert.same({ kept = "journal", code = "ok" }, wait(j, number))
      end
      assert.equal(0, j:about().busy)
      assert.equal(#list, j:about().events)
      assert.is_false(j:step())
      assert.is_true(j:close())
      assert.same(told.kinds(list), kinds(folder, "s1"))
      assert.equal(#list, journal.verify(folder.path .. "/journal"))
    end
  end)

  it("writes what waits together in one commit", function()
    local folder <close> = scratch.folder()
    local j = open(folder)
    assert.equal("journal", (append(j, told.event("started", "", { run = "first" }))))
    local last
    for i = 1, 600 do last = j:append(told.event("started", "", { run = "r" .. i })) end
    wait(j, last)
    assert.equal(601, j:about().events)
    assert.is_true(j:about().commits < 200, j:about().commits .. " commits")
    j:close()
  end)

  it("lets a relaxed event wait for company, and not longer", function()
    local folder <close> = scratch.folder()
    local j = open(folder)
    append_all(j, { told.event("started", "", { run = "r" }) })
    local before = j:about()
    local relaxed = told.event("started", "", { run = "relaxed" })
    relaxed.relaxed = true
    assert.equal("journal", (append(j, relaxed)))
    assert.is_true(j:about().now - before.now >= 20 * MS)
    -- of ten that take a relaxed one along, some do, however slow the machine
    before = j:about()
    for i = 1, 10 do
      relaxed.facts = '{"run":"a' .. i .. '"}'
      j:append(relaxed)
      append_all(j, { told.event("started", "", { run = "b" .. i }) })
    end
    assert.equal(20, j:about().events - before.events)
    assert.is_true(j:about().commits - before.commits < 20)
    j:close()
  end)

  it("knows its owner at once, and holds its lock when the first append is back", function()
    for _, way in ipairs(WAYS) do
      local folder <close> = scratch.folder()
      local j = open(folder, way)
      local id = j:about().owner
      assert.matches("^%x+$", id)
      assert.equal(-1, j:about().lock)
      append_all(j, { told.event("started", "", { run = "r" }) })
      local link = scratch.run({ "readlink", "/proc/self/fd" }) and peer.descriptors() > 0
      assert.is_true(link and j:about().lock > 2)
      assert.same({ id }, owners(folder))
      local other, _, code = journal.owner(folder.path .. "/journal.d", id)
      assert.same({ nil, "busy" }, { other, code })
      j:close()
      assert.same({}, owners(folder))
    end
  end)

  it("leaves its owner when a session has not ended, for others to take", function()
    local folder <close> = scratch.folder()
    local j = open(folder)
    local id = j:about().owner
    append_all(j, { told.opening("s1", id) })
    j:close()
    assert.same({ id }, owners(folder))
    local owner = assert(journal.owner(folder.path .. "/journal.d", id))
    owner:release(true)
  end)

  it("is in memory without a path: no owner, no file", function()
    for _, way in ipairs { {}, { here = true }, { simulated = true } } do
      local j = assert(journal.open(way))
      assert.is_nil(j:about().owner)
      append_all(j, told.session("s1"))
      assert.equal(-1, j:about().lock)
      local kept, code = append(j, told.event("opened", "s1"))
      assert.same({ "nowhere", "misuse" }, { kept, code })
      j:close()
    end
  end)

  it("tells outcomes in the next pass, and moves no simulated time", function()
    local j = assert(journal.open { simulated = true })
    local number = j:append(told.event("started", "", { run = "r" }))
    assert.is_nil(j:outcome(number))
    assert.is_true(j:step())
    assert.equal("journal", j:outcome(number).kept)
    assert.equal(1, j:about().now)
    assert.is_false(j:step())
    j:close()
  end)

  it("passes on what the ledger says about one event, and keeps the others", function()
    for _, way in ipairs(WAYS) do
      local folder <close> = scratch.folder()
      local j = open(folder, way)
      local first, second = told.opening("s1", "o"), told.opening("s2", "o")
      second.facts = first.facts:gsub("r%.s1", "r.s2")
      local numbers = { j:append(first), j:append(second), j:append(told.event("reported", "s1")),
        j:append(told.event("opened", "s1")) }
      local codes = {}
      for i, number in ipairs(numbers) do
        local outcome = wait(j, number)
        codes[i] = outcome.kept .. " " .. outcome.code
      end
      assert.same({ "journal ok", "nowhere duplicate", "nowhere misuse", "journal ok" }, codes)
      assert.matches("s1", j:outcome(numbers[2]).text, 1, true)
      j:close()
    end
  end)

  it("refuses to begin what there was no memory to describe", function()
    local j = assert(journal.open { here = true })
    local opening = told.opening("s1", "o")
    local facts = opening.facts
    opening.facts = false
    assert.same({ "nowhere", "record", "not recorded: there was no memory for what it says" }, { append(j, opening) })
    opening.facts = facts
    append_all(j, { opening, { kind = "opened", session = "s1", facts = false } })
    j:close()
  end)

  describe("when the ledger cannot be written", function()
    it("lets nothing begin, and keeps what happened in the emergency file", function()
      for _, way in ipairs(WAYS) do
        local folder <close> = scratch.folder()
        local j = open(folder, way)
        local list = told.session("s1", j:about().owner)
        append_all(j, { list[1], list[2] })
        failing("full", function()
          local full = "the disk is full: free space on the file system of " .. folder.path .. "/journal"
          for _, event in ipairs { told.event("started", "", { run = "r" }), told.opening("s2", "o") } do
            assert.same({ "nowhere", "record", "not recorded: " .. full }, { append(j, event) })
          end
          assert.same({ "emergency", "ok", "kept in the emergency file: " .. full }, { append(j, list[3]) })
        end)
        -- the disk is well again, but the order must not be turned round
        local there = "kept in the emergency file: earlier events of this session are there"
        for i = 4, #list do assert.same({ "emergency", "ok", there }, { append(j, list[i]) }) end
        assert.same({ "nowhere", "record", "not recorded: earlier events of this session are there" },
          { append(j, told.opening("s1", "o")) })
        -- other sessions are not concerned
        append_all(j, told.session("s2", j:about().owner))
        assert.same({ "opening", "opened" }, kinds(folder, "s1"))
        -- a clean end folds in its own
        j:close()
        assert.same(told.kinds(list), kinds(folder, "s1"))
        assert.equal(12, journal.verify(folder.path .. "/journal"))
        assert.same({}, owners(folder))
      end
    end)

    it("gives each kind of trouble a sentence", function()
      for kind, text in pairs {
        full = "the disk is full", write = "the disk of", sync = "the disk of", torn = "the disk of",
        readonly = "cannot be written",
      } do
        local folder <close> = scratch.folder()
        local j = open(folder, { here = true })
        append_all(j, { told.opening("s1", j:about().owner) })
        failing(kind, function()
          local kept, code, said = append(j, told.event("opened", "s1"))
          assert.same({ "emergency", "ok" }, { kept, code })
          assert.matches(text, said, 1, true)
        end)
        j:close()
        assert.same({ "opening", "opened" }, kinds(folder, "s1"))
      end
    end)

    it("keeps the file for the next start when the disk stays full", function()
      local folder <close> = scratch.folder()
      local j = open(folder)
      local id = j:about().owner
      local list = told.session("s1", id)
      append_all(j, table.move(list, 1, 4, 1, {}))
      failing("full", function()
        assert.equal("emergency", (append(j, list[5])))
        j:close()
      end)
      assert.same({ id }, owners(folder))
      assert.equal(4, #kinds(folder, "s1"))
      j = open(folder)
      append_all(j, { list[6] })
      j:close()
      assert.same(told.kinds(list), kinds(folder, "s1"))
    end)

    it("says so when the emergency file is full, too", function()
      local folder <close> = scratch.folder()
      local j = open(folder)
      append_all(j, table.move(told.session("s1", j:about().owner), 1, 4, 1, {}))
      failing("full", function()
        local long = told.event("finished", "s1", { fingerprint = ("x"):rep(30000) })
        assert.equal("emergency", (append(j, long)))
        assert.equal("emergency", (append(j, long)))
        local kept, code, text = append(j, long)
        assert.same({ "nowhere", "record" }, { kept, code })
        assert.matches("^not recorded: .*; the emergency file .* is full$", text)
        -- a short one still fits
        assert.equal("emergency", (append(j, told.event("finished", "s1", { fingerprint = "x" }))))
      end)
      j:close()
    end)

    it("has room there for the fingerprints of hundreds that are under way", function()
      local folder <close> = scratch.folder()
      local j = open(folder, { here = true })
      local id, lost = j:about().owner, nil
      for i = 1, 256 do append_all(j, table.move(told.session("s" .. i, id), 1, 4, 1, {})) end
      failing("full", function()
        for i = 1, 256 do
          local made = told.event("finished", "s" .. i, { fingerprint = ("ab"):rep(20) })
          local ended = told.event("ended", "s" .. i, { result = "passed", unit = "r.s" .. i, lot = ("x"):rep(100) })
          assert.equal("emergency", (append(j, made)))
          lost = select(3, append(j, ended))
        end
      end)
      assert.matches("^not recorded: .*; what is left of the emergency file is for outcomes$", lost)
      j:close()
      local count = "SELECT count(*) FROM session WHERE state = 'finished'"
      assert.same({ { 256 } }, journal.rows(folder.path .. "/journal", count))
    end)

    it("tells by the log what nobody waits for", function()
      local folder <close> = scratch.folder()
      local j = open(folder)
      append_all(j, { told.opening("s1", j:about().owner) })
      local forgotten = j:append(told.event("opened", "s1"))
      j:forget(forgotten)
      j:append { kind = "configured", session = "s1", silent = true }
      while j:about().busy > 0 do j:step() end
      assert.same({}, j:says())
      assert.is_nil(j:outcome(forgotten))
      j:append { kind = "configured", session = "s1", silent = true }
      while j:about().busy > 0 do j:step() end
      failing("full", function()
        j:append { kind = "finishing", session = "s1", silent = true }
        j:append { kind = "started", facts = '{"run":"r"}', silent = true }
        while j:about().busy > 0 do j:step() end
      end)
      local says = j:says()
      assert.matches("^journal: 'configured' of session s1: 'configured' of session s1/1: ", says[1])
      assert.matches("^journal: 'finishing' of session s1: kept in the emergency file: the disk is full", says[2])
      assert.matches("^journal: 'started' of session : not recorded: the disk is full", says[3])
      assert.equal(3, #says)
      j:close()
    end)
  end)

  describe("when it cannot be opened", function()
    it("fails each append with the reason, and tries again after a second", function()
      for _, way in ipairs(WAYS) do
        local folder <close> = scratch.folder { ["a"] = "" }
        local j = assert(journal.open { path = folder.path .. "/a/journal", here = way.here })
        local started = told.event("started", "", { run = "r" })
        local kept, code, text = append(j, started)
        assert.same({ "nowhere", "record" }, { kept, code })
        assert.equal("not recorded: cannot open the journal: cannot make the folder " .. folder.path
          .. "/a/journal.d: Not a directory", text)
        scratch.run { "rm", folder.path .. "/a" }
        scratch.run { "mkdir", folder.path .. "/a" }
        assert.same({ "nowhere", "record", text }, { append(j, started) })
        assert.same({ "nowhere", "record", text }, { append(j, told.event("opened", "s1")) })
        clock.sleep(1.1)
        append_all(j, { started })
        assert.is_true(j:about().lock > 2)
        assert.is_true(j:close())
      end
    end)

    it("makes the folder of its emergency files again, and says which one is missed that it was not told of", function()
      for _, way in ipairs(WAYS) do
        local folder <close> = scratch.folder()
        local apart = folder.path .. "/apart"
        local function open_at(emergency)
          local o = { path = folder.path .. "/journal", emergency = emergency }
          for key, value in pairs(way) do o[key] = value end
          return assert(journal.open(o))
        end
        local started = told.event("started", "", { run = "r" })
        for i = 1, 2 do
          local j = open_at(apart)
          append_all(j, { told.event("started", "", { run = "r" .. i }) })
          j:close()
          scratch.run { "rm", "-r", apart }
        end
        local j = open_at()
        local text = select(3, append(j, started))
        assert.matches("cannot read the emergency files that .*/journal%.d/elsewhere leads to", text)
        j:close()
      end
    end)

    it("keeps the one emergency file that it has, however often it tries", function()
      for _, way in ipairs(WAYS) do
        local folder <close> = scratch.folder()
        local path = folder.path .. "/journal"
        local started = told.event("started", "", { run = "r" })
        open(folder, way):close()
        assert(journal.append(path, {}, "ALTER TABLE unit RENAME TO hidden"))
        local j = open(folder, way)
        assert.matches("no such table: unit", (select(3, append(j, started))))
        local before = peer.descriptors()
        for _ = 1, 2 do
          clock.sleep(1.1)
          assert.equal("nowhere", (append(j, started)))
          assert.equal("emergency", (append(j, told.event("opened", "s1"))))
        end
        assert.equal("0\n", scratch.run({ "ls", path .. ".d/emergency" }).stdout)
        assert.equal(before, peer.descriptors())
        assert(journal.append(path, {}, "ALTER TABLE hidden RENAME TO unit"))
        clock.sleep(1.1)
        append_all(j, { started })
        j:close()
      end
    end)

    it("closes all the same", function()
      local folder <close> = scratch.folder { ["journal"] = "no database, but long enough to be taken for one\n" }
      local j = open(folder)
      local number = j:append(told.event("started", "", { run = "r" }))
      assert.is_true(j:close())
      assert.equal("record", j:outcome(number).code)
      assert.same({}, owners(folder))
    end)

    it("does not open while emergency files wait that cannot be folded in", function()
      local folder <close> = scratch.folder()
      local j = open(folder)
      append_all(j, table.move(told.session("s1", j:about().owner), 1, 4, 1, {}))
      j:close()
      local e = assert(journal.emergency(folder.path .. "/journal.d/emergency"))
      assert(e:append(told.event("finished", "s1", { fingerprint = "f" })))
      e:close()
      failing("full", function()
        j = open(folder)
        local kept, code = append(j, told.event("reporting", "s1", { code = 1, reason = "r" }))
        assert.same({ "nowhere", "record" }, { kept, code })
        j:close()
      end)
    end)
  end)

  it("says what it had to set aside", function()
    local folder <close> = scratch.folder { ["journal.d/emergency/7"] = "nonsense" }
    local j = open(folder)
    append_all(j, { told.event("started", "", { run = "r" }) })
    append_all(j, { told.event("started", "", { run = "r2" }) })
    assert.equal(1, #j:says())
    assert.matches("^journal: an emergency file was set aside as .*/7%.damaged: ", j:says()[1])
    j:close()
  end)

  it("folds in again when asked: a process died that lived when it was opened", function()
    for _, way in ipairs(WAYS) do
      local folder <close> = scratch.folder()
      local j = open(folder, way)
      for i = 1, 2 do
        append_all(j, table.move(told.session("s" .. i, j:about().owner), 1, 4, 1, {}))
      end
      local _, finish <close> = hold("emergency", folder.path .. "/journal.d/emergency")
      assert.equal("ok", wait(j, j:fold()).code)
      assert.equal(4, #kinds(folder, "s1"))
      finish()
      assert.equal("ok", wait(j, j:fold()).code)
      assert.same({ "finished", "finished" }, { kinds(folder, "s1")[5], kinds(folder, "s2")[5] })
      j:close()
      local memory = assert(journal.open { here = way.here })
      assert.equal("ok", wait(memory, memory:fold()).code)
      memory:close()
    end
  end)

  describe("closing", function()
    it("makes all that waits durable, and what is appended meanwhile", function()
      for _, way in ipairs(WAYS) do
        local folder <close> = scratch.folder()
        local j = open(folder, way)
        local list = told.session("s1", j:about().owner)
        local function follow(i)
          local event = list[i]
          event.relaxed = i % 2 == 0
          event.done = i < #list and function() follow(i + 1) end or nil
          j:append(event)
        end
        follow(1)
        local relaxed = told.event("started", "", { run = "r" })
        relaxed.relaxed = true
        local number = j:append(relaxed)
        assert.is_true(j:close())
        assert.equal("journal", j:outcome(number).kept)
        assert.same(told.kinds(list), kinds(folder, "s1"))
      end
    end)

    it("signs the head of a clean end alone, with a copy beside the ledger, and says why it could not", function()
      for _, way in ipairs(WAYS) do
        local folder <close> = scratch.folder()
        local key = folder.path .. "/key.pem"
        way = { here = way.here, key = key }
        local function heads()
          return assert(journal.rows(folder.path .. "/journal", "SELECT event FROM head"))
        end
        local function run(clean, name)
          local j = open(folder, way)
          append_all(j, { told.event("started", "", { run = name }) })
          return j:close(clean)
        end
        local closed, message, code = run(true, "a")
        assert.same({ nil, "not_found" }, { closed, code })
        assert.matches("key.pem", message, 1, true)
        assert.equal(0, scratch.run { "openssl", "genpkey", "-algorithm", "ed25519", "-out", key }.exit)
        scratch.run { "chmod", "600", key }
        assert.is_true(run(false, "b"))
        assert.same({}, heads())
        assert.is_true(run(true, "c"))
        assert.same({ { 3 } }, heads())
        assert.matches("^3 %x+ %S+\n$", folder:read "journal.head")
        assert.equal(3, journal.verify(folder.path .. "/journal"))
      end
    end)

    it("is quick where nothing was appended, and leaves no thread and no descriptor", function()
      local folder <close> = scratch.folder()
      open(folder):close()
      local before = peer.descriptors()
      for _ = 1, 3 do open(folder):close() end
      assert.equal(before, peer.descriptors())
      assert.same({}, owners(folder))
    end)
  end)

  it("keeps signals from its thread", function()
    local folder <close> = scratch.folder()
    local j = open(folder)
    append_all(j, { told.event("started", "", { run = "r" }) })
    local masks = {}
    local main = scratch.run({ "sh", "-c", "echo $PPID" }).stdout:match("%d+")
    for task in scratch.run({ "ls", "/proc/" .. main .. "/task" }).stdout:gmatch("%d+") do
      local file = io.open(("/proc/%s/task/%s/status"):format(main, task))
      if file and task ~= main then
        masks[#masks + 1] = file:read("a"):match("SigBlk:%s*(%x+)")
        file:close()
      end
    end
    local blocked = 0
    for _, mask in ipairs(masks) do
      local bits = tonumber(mask, 16)
      if bits & 1 << 14 ~= 0 and bits & 1 << 1 ~= 0 and bits & 1 << 16 ~= 0 then blocked = blocked + 1 end
    end
    assert.is_true(blocked >= 1)
    j:close()
  end)

  it("has, after a kill at any time, all that it told to be durable, and at most one event more", function()
    local seen = 0
    for round = 1, 8 do
      local folder <close> = scratch.folder()
      local path = folder.path .. "/journal"
      local first, finish <close> = hold("journal", path)
      clock.sleep(0.003 * round)
      local lines = { first[2] .. " " .. first[3] }
      for session, kind in finish():gmatch("%d+ (%S+) (%S+)\n") do lines[#lines + 1] = session .. " " .. kind end
      local rows = assert(journal.rows(path, "SELECT session || ' ' || kind, id FROM event ORDER BY id"))
      for i, line in ipairs(lines) do assert.same({ line, i }, rows[i]) end
      assert.is_true(#rows - #lines <= 1, #rows .. " of " .. #lines)
      assert.equal(#rows, journal.verify(path))
      seen = seen + #rows
    end
    assert.is_true(seen > 20)
  end)

  it("shares a ledger with other processes", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/journal"
    local lines = {}
    local _, finish_a <close> = hold("journal", path)
    local _, finish_b <close> = hold("journal", path)
    local j = open(folder)
    local own = 0
    for i = 1, 5 do
      for _, event in ipairs(told.session("s" .. i, j:about().owner)) do
        assert.equal("journal", (append(j, event)))
        own = own + 1
      end
    end
    for _, finish in ipairs { finish_a, finish_b } do
      local text = finish()
      assert.is_nil(text:find("failed", 1, true), text)
      for session, kind in text:gmatch("%d+ (%S+) (%S+)\n") do lines[#lines + 1] = session .. " " .. kind end
    end
    j:close()
    local there = {}
    local rows = assert(journal.rows(path, "SELECT session || ' ' || kind, id FROM event ORDER BY id"))
    for i, row in ipairs(rows) do
      there[row[1]] = true
      assert.equal(i, row[2])
    end
    for _, line in ipairs(lines) do assert.is_true(there[line], line) end
    assert.is_true(own == 30 and #lines > 10)
    assert.equal(#rows, journal.verify(path))
    -- the two were killed: their owners can be taken, ours is gone
    assert.equal(2, #owners(folder))
    for _, id in ipairs(owners(folder)) do assert(journal.owner(folder.path .. "/journal.d", id)):release(true) end
  end)

  it("gives the emergency file back before the owner's lock when its process dies", function()
    local folder <close> = scratch.folder()
    local script = folder:write("open.lua", [[
      local journal, proc = require "jig.journal", require "jig.proc"
      assert(journal.open { path = arg[1] })
      assert(journal.ready())
      print(assert(proc.start { "ls", "-l", "/proc/" .. io.open("/proc/self/stat"):read("n") .. "/fd" }):wait().stdout)
    ]])
    local listed = scratch.run({ scratch.program, script, folder.path .. "/journal" }).stdout
    local owner = tonumber(listed:match("(%d+) %-> [^\n]*/journal%.d/owners/"))
    local emergency = tonumber(listed:match("(%d+) %-> [^\n]*/journal%.d/emergency/"))
    assert(owner > emergency, listed) -- descriptors are closed in their order
  end)

end)
