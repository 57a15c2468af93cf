local events = require "spec.support.events"
local journals = require "spec.support.journals"
local reading = require "spec.support.reading"
local scratch = require "spec.support.scratch"

-- What `jig journal list` writes on a terminal of so many columns.
local function on_terminal(at, columns, ...)
  local words = { scratch.program, "journal", "list", "--journal", at.path, ... }
  for i, word in ipairs(words) do words[i] = "'" .. word .. "'" end
  local result = scratch.run { "script", "-qec", ("stty cols %d; %s"):format(columns, table.concat(words, " ")),
    "/dev/null" }
  return result.stdout:gsub("\r", "")
end

describe("jig journal list", function()
  it("has one line per unit, newest last, and no header in a pipe", function()
    local at <close> = reading.journal()
    local result = at:read "list"
    assert.same({
      "2026-03-01T00:00:10.000Z A T1 passed  247024e2ab7a6144f158afa164036a32a953976e 1 s1 0.42",
      "2026-03-01T00:00:20.000Z A T2 fault   50 lamp.dark                             2 s3 0.42",
      "2026-03-01T00:00:40.000Z A T3 failed  -                                        1 s4    -",
      "2026-03-01T00:00:50.000Z A T4 failed  -                                        1 s5    -",
      "2026-03-01T00:01:00.000Z A T5 running -                                        1 s6    -",
      "2026-03-01T00:01:09.580Z A T6 failed  101 connectivity.lost                    1 -  0.42",
    }, result.lines)
  end)

  it("has an object per unit with --json", function()
    local at <close> = reading.journal()
    local result = at:read("list", "--json")
    assert.same({ started = "2026-03-01T00:00:10.000Z", unit = "r1.1", slot = "A", serial = "T1", lot = "L7",
      result = "passed", fingerprint = events.FINGERPRINT, session = "s1", seconds = 0.42, attempts = 1 },
      result.objects[1])
    assert.same({ started = "2026-03-01T00:00:20.000Z", unit = "r1.2", slot = "A", serial = "T2", lot = "L7",
      result = "manufactured with fault", fault = "lamp.dark", code = 50, fingerprint = events.FINGERPRINT,
      session = "s3", seconds = 0.42, attempts = 2 }, result.objects[2])
    assert.equal(6, #result.objects)
  end)

  it("counts attempts of sessions that have new ids", function()
    local at <close> = reading.journal(function(ledger)
      local fields = { unit = "r1.1", serial = "T1", passed = false, result = "failed",
        fault = { name = "x", code = 1, reason = "y", phase = "z" } }
      for _, id in ipairs { "s1", "s2" } do
        fields.session = id
        events.reach(ledger, "reported", fields)
        events.append(ledger, events.ended(fields))
      end
      local before = events.ended(fields)
      before.session, before.attempt = "", 3
      events.append(ledger, before)
      events.reach(ledger, "finished", { session = "s4" })
    end)
    assert.equal(4, at:read("list", "--json").objects[1].attempts)
  end)

  it("says on stderr that no unit fits; with --json nothing", function()
    local at <close> = reading.empty()
    local result = at:run "list"
    assert.same({ 0, "", "jig journal list: no unit fits\n" }, { result.exit, result.stdout, result.stderr })
    result = at:run("list", "--json")
    assert.same({ 0, "", "" }, { result.exit, result.stdout, result.stderr })
  end)

  it("shows the newest fifty unless it is told otherwise", function()
    local at <close> = reading.journal(function(ledger)
      for n = 1, 51 do
        events.append(ledger, events.opening { session = "s" .. n, unit = "r1." .. n, serial = "T" .. n, time = n })
      end
    end)
    local result = at:read "list"
    assert.equal(50, #result.lines)
    assert.matches(" T2 ", result.lines[1])
    assert.matches(" T51 ", result.lines[50])
    assert.equal(51, #at:read("list", "--limit", "51").lines)
  end)

  it("lets no text move the cursor, and keeps JSON whole", function()
    local at <close> = reading.journal(function(ledger)
      local evil = "\27[2J\r\n\u{9B}"
      local fields = { session = "s\27", serial = "T" .. evil, slot = "A\8",
        passed = false, result = "failed", fault = { name = "f\7", code = 1, reason = ("x"):rep(9000), phase = "\27" } }
      events.reach(ledger, "reported", fields)
      events.append(ledger, events.ended(fields))
    end)
    local result = at:read "list"
    assert.equal(1, #result.lines)
    assert.not_matches("[%c\127\194]", result.lines[1])
    assert.equal("T\27[2J\r\n\u{9B}", at:read("list", "--json").objects[1].serial)
  end)

  describe("on a terminal", function()
    it("has a header, and columns that fit", function()
      local at <close> = reading.journal(function(ledger)
        journals.fill(ledger)
        events.append(ledger, events.opening { session = ("0123456789"):rep(3), unit = "r1.9",
          serial = ("long"):rep(20), time = 90 })
      end)
      local text = on_terminal(at, 80)
      assert.matches("^start                    slot serial ", text)
      for line in text:gmatch("[^\n]+") do assert(utf8.len(line) <= 80, line) end
      assert.matches("~", text)
      assert.matches(" 01234567 ", text)
      assert.matches(events.FINGERPRINT, on_terminal(at, 200))
    end)

    it("has no header without units", function()
      local at <close> = reading.empty()
      assert.not_matches("start", on_terminal(at, 80))
    end)
  end)
end)
