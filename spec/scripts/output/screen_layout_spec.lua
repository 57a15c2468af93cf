local layout = require "jig.output.screen_layout"
local width = require "jig.output.width"

local function row(fields)
  local made = { phase = "waiting", active = false }
  for key, value in pairs(fields) do made[key] = value end
  return made
end

local WAITS <const> = row { slot = "A4" }
local WORKS <const> = row { slot = "A1", serial = "T100317", phase = "factory_init", active = true, seconds = 42.9 }
local PASSES <const> = row { slot = "A2", serial = "T100318", phase = "done", seconds = 65, verdict = "PASS" }
local FAILS <const> = row { slot = "A3", phase = "connect", seconds = 7261, verdict = "FAIL", code = "104",
  fault = "connectivity.timeout", advice = "Look at the cable." }

-- The lines of a table of these rows; `change` sets fields of the view.
local function lines(rows, change)
  local view = { columns = 80, rows = 24, slots = rows, serial_width = 7, seconds = 70,
    totals = { units = 2, passed = 1, failed = 1, active = 1 } }
  for key, value in pairs(change or {}) do view[key] = value end
  return layout.lines(view)
end

-- So many slots: the first of them fail, the next work, the next passed, the others wait.
local function many(count, failed, working, passed)
  local rows = {}
  for i = 1, count do
    local made = row { slot = ("S%03d"):format(count - i) } -- states in the opposite of the station's order
    rows[count + 1 - i] = made
    if i <= failed then
      made.verdict, made.code, made.advice = "FAIL", "1", "Look."
    elseif i <= failed + working then
      made.active, made.phase, made.seconds = true, "connect", 1
    elseif i <= failed + working + passed then
      made.verdict = "PASS"
    end
  end
  return rows
end

describe("jig.output.screen_layout", function()
  it("is a table of the slots in 80 columns, with advice below its row", function()
    assert.same({
      "2 units: 1 passed, 1 failed, 1 in work, 1:10",
      "slot serial  phase                    elapsed verdict code",
      "A1   T100317 factory_init                0:42",
      "A2   T100318 done                        1:05 PASS",
      "A3           connect                    2h01m FAIL!   104 connectivity.timeout",
      "    Look at the cable.",
      "A4           waiting",
    }, lines { WORKS, PASSES, FAILS, WAITS })
  end)

  it("gives long phases more in 200 columns", function()
    local rows = { row { slot = "A1", phase = ("p"):rep(39), active = true, seconds = 1 },
      row { slot = "A2", phase = ("q"):rep(41), active = true, seconds = 1 } }
    assert.same({
      "2 units: 1 passed, 1 failed, 1 in work, 1:10",
      "slot serial  phase                                    elapsed verdict code",
      "A1           " .. ("p"):rep(39) .. "     0:01",
      "A2           " .. ("q"):rep(39) .. "…    0:01",
    }, lines(rows, { columns = 200, rows = 60 }))
  end)

  it("keeps in 20 columns slot, phase, verdict and the whole code", function()
    assert.same({
      "1 PASS 1 FAIL 1:10",
      "slo phase verdi cod",
      "A1  fact…",
      "A2  done  PASS",
      "A3  conn… FAIL! 104",
      "    Look at the ca…",
      "A4  wait…",
    }, lines({ WORKS, PASSES, FAILS, WAITS }, { columns = 20 }))
  end)

  it("does not cut a code for the sake of its fault's name", function()
    for columns = 20, 80 do
      assert.matches("FAIL! +104", lines({ FAILS }, { columns = columns })[3])
    end
  end)

  it("has a line less than the terminal, and none that could wrap, in any size", function()
    local rows = many(30, 3, 5, 7)
    rows[1].slot, rows[2].serial, rows[30].advice = "a long name of a slot", ("測"):rep(40), ("é"):rep(300)
    rows[30].phase, rows[30].code, rows[30].fault = ("Ａ"):rep(50), "-2147483648", ("x"):rep(100)
    for columns = 1, 130 do
      for _, height in ipairs { 1, 2, 3, 4, 5, 10, 24, 60 } do
        local found = lines(rows, { columns = columns, rows = height, serial_width = 80, colour = true })
        assert.is_true(#found <= math.max(height - 1, 1))
        for _, line in ipairs(found) do
          assert.is_true(layout.cells(line) <= math.max(columns - 1, 1), line)
        end
      end
    end
  end)

  it("lines columns up by cells, not by bytes", function()
    local rows = { row { slot = "測1", serial = "é", phase = "x" }, row { slot = "A", serial = "ab", phase = "x" } }
    local found = lines(rows)
    assert.equal(width.of(found[3]), width.of(found[4]))
  end)

  it("shows of 256 slots those that failed first, then those in work, and counts the others", function()
    local found = lines(many(256, 4, 12, 200))
    assert.equal(23, #found)
    assert.matches("^S252 .*FAIL!", found[3])
    assert.matches("^S255 .*FAIL!", found[6])
    assert.matches("^S240 .*connect", found[7])
    assert.matches("^S251 .*connect", found[18])
    assert.matches("^S040 .*PASS", found[19])
    assert.equal("… 236 more: 196 passed, 40 waiting", found[23])
    assert.is_nil(table.concat(found, "\n"):find("Look.", 1, true))
  end)

  it("counts failures that have no row, too", function()
    local found = lines(many(256, 30, 26, 0))
    assert.equal("… 236 more: 10 failed, 26 in work, 200 waiting", found[23])
  end)

  it("keeps the station's order where all have a row", function()
    local found = lines({ WAITS, PASSES, WORKS, FAILS }, { rows = 7 })
    assert.same({ "A4", "A2", "A1", "A3" }, { found[3]:sub(1, 2), found[4]:sub(1, 2), found[5]:sub(1, 2),
      found[6]:sub(1, 2) })
    assert.equal(6, #found) -- no room for advice
  end)

  -- Each: rows of the terminal, how the lines begin.
  local low = {
    { 1, { "2 units" } }, { 2, { "2 units" } }, { 3, { "2 units", "… 3 more" } },
    { 4, { "2 units", "A3 ", "… 2 more" } }, { 5, { "2 units", "slot", "A3", "… 2 more" } },
  }
  for _, case in ipairs(low) do
    it(("makes do with %d rows"):format(case[1]), function()
      local found = lines({ PASSES, FAILS, WAITS }, { rows = case[1] })
      assert.equal(#case[2], #found)
      for i, start in ipairs(case[2]) do assert.equal(start, found[i]:sub(1, #start)) end
    end)
  end

  it("paints verdicts: a failure inverse, not by its colour alone", function()
    local found = lines({ PASSES, FAILS }, { colour = true })
    assert.matches("1:05 \27[32mPASS\27[0m", found[3], 1, true)
    assert.matches("2h01m \27[1;7mFAIL!\27[0m   104 connectivity.timeout", found[4], 1, true)
    assert.equal(width.of(lines({ PASSES, FAILS })[4]), layout.cells(found[4]))
  end)

  it("writes durations in six cells", function()
    local cases = { [0] = "0:00", [59.99] = "0:59", [60] = "1:00", [3599] = "59:59", [3600] = "1h00m",
      [359999] = "99h59m", [360000] = "100h" }
    for seconds, text in pairs(cases) do assert.equal(text, layout.duration(seconds)) end
  end)
end)
