-- What stands in the journal of whole runs: spec/scripts/worker_spec.lua and spec/scripts/commands/.

local cjson = require "cjson"
local digest = require "jig.digest"
local fault = require "jig.fault"
local hex = require "jig.hex"
local journal = require "jig.journal"
local ledger = require "jig.ledger"
local record = require "jig.record"
local scratch = require "spec.support.scratch"

local FINGERPRINT <const> = "247024e2ab7a6144f158afa164036a32a953976e"

-- A recorder of slot A, as jig.worker makes it. `more`: further settings of the worker; `journal` of its own.
local function new(more)
  local config = {
    slot = "A", folder = "/recipes/lamp/", lot = "L7", operator = "eva",
    journal = { owner = journal.owner(), started = { owner = journal.owner(), station = "line 1", service = "00ff" } },
  }
  for key, value in pairs(more or {}) do
    if key == "journal" then
      for name, setting in pairs(value) do config.journal[name] = setting end
    else
      config[key] = value
    end
  end
  return record.new(config, { ["/recipes/lamp/recipe.lua"] = { sha256 = "abc" } })
end

-- A unit as far as the record looks at it.
local function unit(fields)
  local made = { slot = "A", number = 1, attempt = 1, serial = "T1", lot = "L7", session_id = "s1" }
  for key, value in pairs(fields or {}) do made[key] = value end
  return made
end

-- What an attempt came to.
local function result(fields)
  local made = { passed = true, seconds = 0.42, phases = { { name = "connect", seconds = 0.1 } }, session = "s1",
    attempt = 1, serial = "T1", received = 10, sent = 20, fingerprint = FINGERPRINT }
  for key, value in pairs(fields or {}) do made[key] = value end
  return made
end

local function failed(fields)
  local made = fields or {}
  made.passed = false
  made.fault = fault.new("firmware.response", { phase = "exchange" }):plain()
  made = result(made)
  made.fingerprint = fields.fingerprint
  return made
end

-- Runs body(path) with a journal.
local function with(body)
  local folder <close> = scratch.folder()
  local path = folder.path .. "/journal"
  assert(journal.open { path = path })
  local ok, thrown = xpcall(body, debug.traceback, path)
  journal.close()
  assert(ok, thrown)
end

-- All rows of a query, when all that was recorded is durable.
local function rows(path, sql)
  assert.equal("journal", journal.ready())
  local list = {}
  local from <close> = assert(ledger.open(path))
  for row in from:rows(sql) do list[#list + 1] = row end
  return list
end

-- Appends a session's way to a state, after the opening.
local function go(id, attempt, kinds)
  local facts = {
    failed = '{"command":"get_device_configuration"}',
    finished = cjson.encode { fingerprint = FINGERPRINT },
    reporting = '{"code":204,"reason":"r","fault":"firmware.response","phase":"exchange"}',
  }
  for kind in kinds:gmatch("%w+") do
    assert.equal("journal", journal.append(kind, id, attempt, facts[kind] or "{}"))
  end
end

-- Opens the unit's session in the journal; gives its attempt.
local function open(r, made)
  local facts, attempt = r:opening(made)
  assert.equal("journal", journal.append("opening", made.session_id, attempt, facts))
  return attempt
end

describe("jig.record", function()
  describe("digest", function()
    local A <const>, B <const> = { sha256 = digest.sha256 "a" }, { sha256 = digest.sha256 "b" }

    it("is one of the names and contents of all files, wherever their folder is", function()
      local one = record.digest({ ["/x/recipe.lua"] = A, ["/x/status.lua"] = B }, "/x/")
      assert.equal(one, record.digest({ ["/elsewhere/status.lua"] = B, ["/elsewhere/recipe.lua"] = A }, "/elsewhere/"))
      assert.equal(hex.encode(digest.sha256("recipe.lua\0" .. A.sha256 .. "\0status.lua\0" .. B.sha256 .. "\0")), one)
      for _, other in ipairs {
        { ["/x/recipe.lua"] = B, ["/x/status.lua"] = A },
        { ["/x/recipe.lua"] = A, ["/x/state.lua"] = B },
        { ["/x/recipe.lua"] = A },
        {},
      } do
        assert.not_equal(one, record.digest(other, "/x/"))
      end
    end)
  end)

  describe("started", function()
    it("says once what is the same for all units", function()
      with(function(path)
        local r = new()
        for _ = 1, 2 do r:started { name = "lamp", version = "2" } end
        local list = rows(path, "SELECT * FROM run")
        assert.equal(1, #list)
        local row = list[1]
        local owner = journal.owner()
        assert.same({ owner .. "-A", owner, "A", "line 1", "L7", "eva", "lamp", "2", "00ff" }, { row.id, row.owner,
          row.slot, row.station, row.lot, row.operator, row.recipe, row.version, row.service })
        assert.equal(record.digest(r.files, "/recipes/lamp/"), row.recipe_sha256)
      end)
    end)

    it("leaves out what is not known", function()
      with(function(path)
        local r = new()
        r.settings.lot, r.settings.operator = nil, nil
        r:started { name = "lamp" }
        local row = rows(path, "SELECT * FROM run")[1]
        assert.same({}, { row.lot, row.operator, row.version })
      end)
    end)
  end)

  describe("opening", function()
    it("says what a session is for", function()
      with(function(path)
        local r = new()
        r:started { name = "lamp" }
        assert.equal(1, open(r, unit { number = 3 }))
        local owner = journal.owner()
        local row = rows(path, "SELECT * FROM session")[1]
        assert.same({ "s1", 1, owner .. "-A", owner, owner .. "-A.3", "A", "T1", "00ff", "opening", 0 }, { row.id,
          row.attempt, row.run, row.owner, row.unit, row.slot, row.serial, row.service, row.state, row.after })
        assert.equal("L7", rows(path, "SELECT lot FROM unit")[1].lot)
      end)
    end)

    it("says whether something may fail after the fingerprint", function()
      local cases = { { {}, 0 }, { { run = print }, 1 }, { { finish = print }, 1 }, { { prepare = print }, 0 } }
      for _, case in ipairs(cases) do
        with(function(path)
          local r = new()
          case[1].name = "lamp"
          r:started(case[1])
          open(r, unit())
          assert.equal(case[2], rows(path, "SELECT after FROM session")[1].after)
        end)
      end
    end)

    it("takes any text for a serial number, and does without", function()
      for serial, expected in pairs { ["17"] = "17", ["a\"\\\1b"] = "a\"\\\1b", ["\u{e9}"] = "\u{e9}", [""] = "" } do
        with(function(path)
          local r = new()
          r:started { name = "lamp" }
          open(r, unit { serial = serial })
          assert.equal(expected, rows(path, "SELECT serial FROM session")[1].serial)
        end)
      end
      with(function(path)
        local r = new()
        r:started { name = "lamp" }
        for i = 1, 2 do
          local made = unit { session_id = "s" .. i }
          made.serial = nil
          open(r, made)
        end
        assert.same({ {}, {} }, rows(path, "SELECT serial, claim FROM session"))
      end)
    end)

    it("counts a unit's attempts, on from the first that was given", function()
      with(function(path)
        local r = new()
        r:started { name = "lamp" }
        assert.equal(1, open(r, unit { session_id = "s1" }))
        go("s1", 1, "failed reporting reported")
        assert.equal(2, open(r, unit { session_id = "s2", attempt = 2 }))
        assert.same({ { attempts = 2, session = "s2" } }, rows(path, "SELECT attempts, session FROM unit"))
        r = new { slot = "B", journal = { first_attempt = 7 } }
        r:started { name = "lamp" }
        assert.equal(7, open(r, unit { session_id = "s1", serial = "T2" }))
      end)
    end)

    it("says why a unit is made again", function()
      with(function(path)
        for i, again in ipairs { false, "scratched" } do
          local r = new { slot = "S" .. i, journal = { again = again or nil } }
          r:started { name = "lamp" }
          local attempt = open(r, unit { session_id = "s" .. i })
          go("s" .. i, attempt, "opened configured finishing finished")
        end
        assert.same({ { claim = nil }, { claim = "T1" } }, rows(path, "SELECT claim FROM session ORDER BY event"))
        local r = new { slot = "S3" }
        r:started { name = "lamp" }
        local facts, attempt = r:opening(unit { session_id = "s3" })
        assert.equal("duplicate", select(3, journal.append("opening", "s3", attempt, facts)))
      end)
    end)
  end)

  describe("ended", function()
    -- A unit whose session went this way; gives the recorder.
    local function at(recipe, kinds)
      local r = new()
      recipe.name = "lamp"
      r:started(recipe)
      go("s1", open(r, unit()), kinds)
      return r
    end

    it("waits for a PASS after hooks, and not where the fingerprint stands already", function()
      for _, case in ipairs { { {}, false }, { { finish = print }, true } } do
        with(function(path)
          local r = at(case[1], "opened configured finishing finished")
          local events = select(2, journal.counts())
          assert.equal("journal", r:ended(result(), 1))
          assert.equal(case[2], select(2, journal.counts()) > events)
          local row = rows(path, "SELECT * FROM unit")[1]
          assert.same({ "passed", FINGERPRINT, "T1", "L7", 420000, "s1" },
            { row.result, row.fingerprint, row.serial, row.lot, row.took, row.session })
        end)
      end
    end)

    it("says what it took: phases and bytes", function()
      with(function(path)
        local r = at({}, "opened configured finishing finished")
        r:ended(result { phases = { { name = "connect", seconds = 0.25 }, { name = "x", seconds = 1.5 } } }, 1)
        local facts = cjson.decode(rows(path, "SELECT facts FROM event WHERE kind = 'ended'")[1].facts)
        assert.same({ { name = "connect", us = 250000 }, { name = "x", us = 1500000 } }, facts.phases)
        assert.same({ 420000, 10, 20, 0, true },
          { facts.took, facts.received, facts.sent, facts.gate_us, facts.passed })
        assert.is_nil(facts.fault)
      end)
    end)

    it("says why a unit failed that was reported", function()
      with(function(path)
        local r = at({}, "failed reporting reported")
        local made = failed {}
        made.fault.by_recipe = true
        made.fault.line, made.fault.traceback = "recipe.lua:3", ("x"):rep(5000)
        assert.equal("journal", r:ended(made, 1))
        local row = rows(path, "SELECT result, fault, code, fingerprint FROM unit")[1]
        assert.same({ result = "failed", fault = "firmware.response", code = 204 }, row)
        assert.same({ { line = "recipe.lua:3", phase = "exchange" } }, rows(path, "SELECT line, phase FROM fault"))
        local facts = cjson.decode(rows(path, "SELECT facts FROM event WHERE kind = 'ended'")[1].facts)
        assert.is_true(facts.fault.by_recipe)
        assert.equal(4000, #facts.fault.traceback)
      end)
    end)

    it("records a unit that never had a session", function()
      with(function(path)
        local r = new()
        r:started { name = "lamp" }
        local made = failed { serial = nil }
        made.session, made.serial = nil, nil
        assert.equal("journal", r:ended(made, 4))
        local row = rows(path, "SELECT * FROM unit")[1]
        assert.same({ journal.owner() .. "-A.4", 4, "failed", "firmware.response" },
          { row.id, row.number, row.result, row.fault })
        assert.same({}, { row.session, row.serial })
        assert.equal("", rows(path, "SELECT session FROM event WHERE kind = 'ended'")[1].session)
      end)
    end)

    it("waits for what makes a unit manufactured with a fault", function()
      with(function(path)
        local r = at({ finish = print }, "opened configured finishing finished")
        local events = select(2, journal.counts())
        assert.equal("journal", r:ended(failed { fingerprint = FINGERPRINT, manufactured_with_fault = true }, 1))
        assert.equal(events + 2, (select(2, journal.counts())))
        local row = rows(path, "SELECT result, fault, fingerprint FROM unit")[1]
        assert.same({ result = "manufactured with fault", fault = "firmware.response", fingerprint = FINGERPRINT }, row)
        assert.equal(1, #rows(path, "SELECT * FROM fault"))
      end)
    end)

    it("is no PASS for what was not made", function()
      with(function()
        local r = at({ run = print }, "opened")
        local kept, message = r:ended(result(), 1)
        assert.is_nil(kept)
        assert.matches("it was not made", message, 1, true)
        r = new { slot = "B" }
        r:started { name = "lamp", run = print }
        assert.is_nil((r:ended(result { session = "nowhere" }, 1)))
      end)
    end)
  end)
end)
