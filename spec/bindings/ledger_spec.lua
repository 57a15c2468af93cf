-- What a ledger is: spec/core/ledger_spec.lua. Here it is filled by spec.ledger, which is closed before
-- jig.ledger opens the file: they have an SQLite each.

local events = require "spec.support.events"
local journals = require "spec.support.journals"
local ledger = require "jig.ledger"
local ledgers = require "spec.ledger"
local scratch = require "spec.support.scratch"

-- A file with something of everything in it, or what `fill` appends.
local function filled(folder, fill)
  local path = folder.path .. "/journal"
  local made = assert(ledgers.ledger(path, "write"));
  (fill or journals.fill)(made)
  made:close()
  return path
end

-- A run with one unit that ends `seconds` after the start; `n` tells it from others.
local function unit(made, n, seconds)
  events.append(made, events.started { run = "p" .. n, time = seconds })
  events.unit(made, { session = "p" .. n, run = "p" .. n, unit = "p" .. n .. ".1", serial = "P" .. n, time = seconds })
end

-- All rows of a query.
local function all(l, ...)
  local list = {}
  for row in l:rows(...) do list[#list + 1] = row end
  return list
end

-- Runs body(l, path) on a filled ledger.
local function with(mode, body)
  local folder <close> = scratch.folder()
  local path = filled(folder)
  local l <close> = assert(ledger.open(path, mode))
  body(l, path, folder)
end

local function new_key(folder)
  local key = folder.path .. "/key.pem"
  scratch.run { "sh", "-c", "umask 077; exec openssl genpkey -algorithm ed25519 -out " .. key }
  return key
end

describe("jig.ledger", function()
  describe("open", function()
    it("reads a file that is there, and changes nothing of it", function()
      with(nil, function(l)
        assert.equal(1, all(l, "SELECT count(*) AS n FROM run")[1].n)
        local ok, message = pcall(all, l, "DELETE FROM event")
        assert.is_false(ok)
        assert.is_string(message)
      end)
    end)

    it("says why it cannot", function()
      local folder <close> = scratch.folder { text = ("no ledger, but long enough to be one\n"):rep(100) }
      for path, expected in pairs {
        [folder.path .. "/none"] = "not_found",
        [folder.path .. "/text"] = "invalid",
      } do
        local l, message, code = ledger.open(path)
        assert.same({ nil, expected }, { l, code })
        assert.matches(path, message, 1, true)
      end
      assert.equal("", folder:read "none")
      assert.equal("invalid", select(3, ledger.open(folder.path .. "/text", "write")))
    end)

    it("makes a file that is missing for \"write\" alone", function()
      local folder <close> = scratch.folder()
      local l <close> = assert(ledger.open(folder.path .. "/new", "write"))
      assert.same({}, all(l, "SELECT * FROM event"))
      assert.not_equal("", folder:read "new")
    end)

    it("raises for what is no path and no mode", function()
      for _, arguments in ipairs { {}, { {} }, { "x", "append" }, { "x", 1 } } do
        assert.is_false(pcall(ledger.open, table.unpack(arguments)))
      end
    end)
  end)

  describe("rows", function()
    it("gives each row by its columns' names, NULL being absent", function()
      with(nil, function(l)
        local list = all(l, "SELECT id, serial, result, fault, took FROM unit WHERE number IN (1, 2) ORDER BY number")
        assert.same({
          { id = "r1.1", serial = "T1", result = "passed", took = 420000 },
          { id = "r1.2", serial = "T2", result = "manufactured with fault", fault = "lamp.dark", took = 420000 },
        }, list)
      end)
    end)

    it("takes a value of each kind for each parameter", function()
      with(nil, function(l)
        local row = all(l, "SELECT ?1 AS a, ?2 AS b, ?3 AS c, ?4 AS d, ?5 AS e, ?6 AS f, typeof(?1) AS type",
          1 << 62, 0.5, true, "x\0\u{e9}\xFF", nil, false)[1]
        assert.same({ a = 1 << 62, b = 0.5, c = 1, d = "x\0\u{e9}\xFF", f = 0, type = "integer" }, row)
        assert.equal(-1 << 63, all(l, "SELECT ?1 AS a", -1 << 63)[1].a)
        assert.same({ a = "" }, all(l, "SELECT ?1 AS a", "")[1])
        assert.equal(32, #all(l, "SELECT hash FROM event WHERE id = 1")[1].hash)
      end)
    end)

    it("keeps what was bound as long as it is read", function()
      with(nil, function(l)
        local made = {}
        local function text(i) return ("long text %d "):format(i):rep(50) end
        for i = 1, 20 do made[i] = table.pack(l:rows("SELECT ?1 AS a FROM event", text(i))) end
        collectgarbage()
        collectgarbage()
        for i, iterator in ipairs(made) do assert.equal(text(i), iterator[1](iterator[2]).a) end
      end)
    end)

    it("raises for a mistake in the SQL, and for parameters too few or too many", function()
      with(nil, function(l)
        for _, case in ipairs {
          { { "SELECT" }, "" },
          { { "SELECT x FROM event" }, "no such column: x" },
          { { "" }, "an empty statement" },
          { { "SELECT ?1, ?2", 1 }, "the query has 2 parameters, 1 were given" },
          { { "SELECT 1", nil, nil }, "the query has 0 parameters, 2 were given", 3 },
          { { "SELECT ?1", {} }, "string expected, got table" },
          { { "SELECT ?1", print }, "string expected, got function" },
          { { {} }, "string expected, got table" },
          { { "SELECT 1\0" }, "holds no NUL" },
        } do
          local ok, message = pcall(l.rows, l, table.unpack(case[1], 1, case[3] or #case[1]))
          assert.is_false(ok, case[2])
          assert.matches(case[2], message, 1, true)
        end
      end)
    end)

    it("ends with break, with an error and with the ledger, whatever is collected first", function()
      with(nil, function(l, path)
        for row in l:rows "SELECT id FROM event" do
          if row.id == 2 then break end
        end
        pcall(function() for _ in l:rows "SELECT id FROM event" do error "boom" end end)
        local step, state = l:rows "SELECT id FROM event"
        assert.equal(1, step(state).id)
        l:close()
        assert.is_nil(step(state))
        do
          local other = assert(ledger.open(path))
          step, state = other:rows "SELECT id FROM event"
        end
        collectgarbage()
        collectgarbage()
        assert.equal(1, step(state).id) -- the rows hold their ledger
        step, state = nil, nil
        collectgarbage()
        collectgarbage()
        assert.is_nil(step or state)
      end)
    end)

    it("gives nothing more after the end", function()
      with(nil, function(l)
        local step, state = l:rows "SELECT 1 AS a"
        assert.same({ a = 1 }, step(state))
        for _ = 1, 3 do assert.is_nil(step(state)) end
        step, state = l:rows "SELECT 1 AS a WHERE 0"
        assert.is_nil(step(state))
      end)
    end)

    it("does not keep a writer out, and sees one consistent state", function()
      local folder <close> = scratch.folder()
      local path = filled(folder, function(made) unit(made, 1, 10) end)
      local l <close> = assert(ledger.open(path))
      local step, state = l:rows "SELECT id FROM event ORDER BY id"
      assert.equal(1, step(state).id)
      local writer <close> = assert(ledger.open(path, "write"))
      assert.equal(7, writer:prune(events.at(20)))
      assert.equal(2, step(state).id)
      assert.equal(1, #all(writer, "SELECT id FROM event"))
    end)
  end)

  it("is closed once; what is done with it then raises", function()
    with(nil, function(l)
      l:close()
      l:close()
      for _, method in ipairs { "rows", "verify", "sign", "prune" } do
        local ok, message = pcall(l[method], l, "SELECT 1")
        assert.is_false(ok)
        assert.matches("attempt to use a closed ledger", message, 1, true)
      end
    end)
    local ok, message = pcall(function() return ledger.open("/dev/null").rows({}, "SELECT 1") end)
    assert.is_false(ok)
    assert.is_string(message)
  end)

  describe("verify", function()
    it("tells what it looked at", function()
      with(nil, function(l)
        local report = assert(l:verify())
        local last = all(l, "SELECT id, lower(hex(hash)) AS hash FROM event ORDER BY id DESC LIMIT 1")[1]
        assert.same({ true, last.id, 1, last.id, 0, 0, last.hash }, { report.sound, report.events, report.first,
          report.last, report.pruned, report.signed_through, report.hash })
        assert.is_string(report.text)
      end)
    end)

    it("says what is wrong", function()
      local folder <close> = scratch.folder()
      local path = filled(folder, function(made)
        journals.fill(made)
        made:rows("UPDATE event SET facts = '{}' WHERE id = 2")
      end)
      local l <close> = assert(ledger.open(path))
      local report = assert(l:verify())
      assert.is_false(report.sound)
      assert.matches("event 2", report.text, 1, true)
    end)

    it("takes a key, or says why that is none", function()
      with("write", function(l, _, folder)
        local key = new_key(folder)
        assert.is_true(l:sign(key))
        assert.same({ true, l:verify().last }, { l:verify(key).sound, l:verify(key).signed_through })
        local report, _, code = l:verify(folder.path .. "/none")
        assert.same({ nil, "not_found" }, { report, code })
        assert.is_false(pcall(l.verify, l, {}))
      end)
    end)
  end)

  describe("sign", function()
    it("signs the last event, and writes the copy", function()
      with("write", function(l, _, folder)
        local key = new_key(folder)
        assert.is_true(l:sign(key, folder.path .. "/head"))
        local report = assert(l:verify(key))
        assert.matches(("^%d %s %%x+\n$"):format(report.last, report.hash), folder:read "head")
        assert.equal(report.last, report.signed_through)
      end)
    end)

    it("says why it cannot", function()
      with("write", function(l, _, folder)
        local ok, message, code = l:sign(folder.path .. "/none")
        assert.same({ nil, "not_found" }, { ok, code })
        assert.matches(folder.path .. "/none", message, 1, true)
        assert.equal("invalid", select(3, l:sign(folder:tool("no_key", "no key"))) == "denied" and "invalid")
        assert.is_false(pcall(l.sign, l))
        ok = l:sign(new_key(folder), folder.path .. "/none/head")
        assert.is_nil(ok)
      end)
    end)
  end)

  describe("prune", function()
    it("removes what is old and has ended, and tells how many events", function()
      local folder <close> = scratch.folder()
      local path = filled(folder, function(made)
        for n = 1, 3 do unit(made, n, 10 * n) end
      end)
      local l <close> = assert(ledger.open(path, "write"))
      assert.equal(0, l:prune(events.at(10)))
      assert.equal(14, l:prune(events.at(30)))
      local report = assert(l:verify())
      assert.same({ true, 14, 15, 22 }, { report.sound, report.pruned, report.first, report.last })
      local reads <close> = assert(ledger.open(path))
      local removed, message, code = reads:prune(events.at(100))
      assert.same({ nil, "denied" }, { removed, code })
      assert.matches(path, message, 1, true)
    end)

    it("raises for what is no time", function()
      with("write", function(l)
        for _, time in ipairs { "yesterday", 1.5, {} } do assert.is_false(pcall(l.prune, l, time)) end
        assert.is_false(pcall(l.prune, l))
      end)
    end)
  end)
end)
