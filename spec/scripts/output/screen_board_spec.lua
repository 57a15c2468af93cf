local screen_board = require "jig.output.screen_board"

-- A board of slots A and B after events, each { at second, event }; its rows at a second.
local function board_after(events, now, places)
  local board = screen_board.new { "A", "B" }
  for _, entry in ipairs(events) do
    entry[2].slot = entry[2].slot or "A"
    board:show(entry[2], entry[1])
  end
  return board, board:view(now or 100, places)
end

-- The row of slot A after these events, which came at second 10.
local function row_after(...)
  local events = {}
  for i, event in ipairs { ... } do events[i] = { 10, event } end
  local _, rows = board_after(events)
  return rows[1]
end

local function started() return { event = "started" } end
local function phase() return { event = "phase", phase = "factory_init" } end
local function passed() return { event = "ended", passed = true, seconds = 3, serial = "T1" } end
local function failed(change)
  local event = { event = "ended", passed = false, seconds = 3,
    fault = { name = "lamp.dark", code = 50, phase = "prepare", advice = "Turn it on." } }
  for key, value in pairs(change or {}) do event[key] = value end
  return event
end

-- What stands in a row of these fields.
local function fields(row, ...)
  local list = {}
  for i, key in ipairs { ... } do list[i] = tostring(row[key]) end
  return table.concat(list, " ")
end

describe("jig.output.screen_board", function()
  it("begins with slots that wait", function()
    local _, rows = board_after {}
    assert.equal(2, #rows)
    assert.equal("B waiting false nil nil", fields(rows[2], "slot", "phase", "active", "seconds", "verdict"))
  end)

  it("follows a unit through its phases, with its time", function()
    assert.equal("starting true 90", fields(row_after(started()), "phase", "active", "seconds"))
    assert.equal("factory_init true 90", fields(row_after(started(), phase()), "phase", "active", "seconds"))
  end)

  it("shows a serial number as soon as it is told", function()
    assert.equal("T9", row_after(started(), { event = "serial", serial = "T9" }).serial)
    assert.equal("T1", row_after(started(), passed()).serial)
    assert.is_nil(row_after(started(), passed(), started()).serial)
  end)

  it("keeps a verdict, with time, code and advice, until the next unit", function()
    local shown = { "phase", "active", "seconds", "verdict", "code", "fault", "advice" }
    local row = row_after(started(), phase(), failed())
    assert.equal("prepare false 3 FAIL 50 lamp.dark Turn it on.", fields(row, table.unpack(shown)))
    row = row_after(started(), phase(), failed(), { event = "waiting", ["for"] = "removal" })
    assert.equal("waiting for removal false 3 FAIL 50 lamp.dark Turn it on.", fields(row, table.unpack(shown)))
    row = row_after(started(), failed(), started())
    assert.equal("starting true 90 nil nil nil nil", fields(row, table.unpack(shown)))
    row = row_after(started(), passed())
    assert.equal("done false 3 PASS nil nil nil", fields(row, table.unpack(shown)))
  end)

  it("shows that a slot waits for the token, then its phase again", function()
    local gate = { event = "gate", place = 3 }
    assert.equal("waiting for token (3)", row_after(started(), phase(), gate).phase)
    assert.equal("waiting for token", row_after(started(), phase(), { event = "gate" }).phase)
    assert.equal("factory_init", row_after(started(), phase(), gate, { event = "gate", waited = 1.5 }).phase)
    assert.equal("prepare", row_after(started(), phase(), gate, failed()).phase)
  end)

  it("asks for the places as they are now, where it can", function()
    local events = { { 0, started() }, { 0, phase() }, { 0, { event = "gate", place = 3 } } }
    local _, rows = board_after(events, 1, { A = 1 })
    assert.equal("waiting for token (1)", rows[1].phase)
    _, rows = board_after(events, 1, {})
    assert.equal("factory_init", rows[1].phase)
  end)

  it("shows a recipe's sentence for the operator until the unit ends", function()
    local status = { event = "status", text = "Press the\27 button." }
    assert.equal("Press the? button.", row_after(started(), status).advice)
    assert.is_nil(row_after(started(), status, passed()).advice)
  end)

  it("marks slots whose recipe was refused, or that crashed", function()
    local row = row_after(started(), { event = "crashed", message = "boom" })
    assert.equal("crashed false FAIL", fields(row, "phase", "active", "verdict"))
    row = row_after { event = "refused", message = "r.lua:1: bad" }
    assert.equal("recipe refused false FAIL", fields(row, "phase", "active", "verdict"))
  end)

  it("counts units, not attempts", function()
    local board = board_after {
      { 0, started() }, { 1, failed { again = true } }, { 1, started() }, { 2, failed() },
      { 2, started() }, { 3, passed() }, { 3, started() },
      { 3, { event = "started", slot = "B" } }, { 4, { event = "crashed", slot = "B", message = "" } },
    }
    assert.same({ units = 2, passed = 1, failed = 1, active = 1 }, board.totals)
  end)

  it("takes no text from outside as it is", function()
    local nasty = "\27[2J\r\n\8\127\xff\u{202E}"
    local board = screen_board.new { nasty }
    board:show({ event = "started", slot = nasty }, 0)
    board:show({ event = "phase", slot = nasty, phase = nasty }, 0)
    local ended = failed { slot = nasty, serial = nasty }
    ended.fault = { name = nasty, code = 1, phase = nasty, advice = nasty }
    board:show(ended, 1)
    local row = board:view(1)[1]
    for _, key in ipairs { "slot", "phase", "serial", "fault", "advice" } do
      assert.equal(0, select(2, row[key]:gsub("[^\32-\126]", "")), key)
    end
  end)

  it("remembers the longest serial number", function()
    local board = board_after { { 0, started() }, { 0, { event = "serial", serial = "測測" } }, { 0, passed() } }
    assert.equal(4, board.serial_width)
  end)

  it("has no row for sessions of earlier jigs, and one for a slot that it did not know", function()
    local _, rows = board_after { { 0, { event = "recovery", slot = "Z" } }, { 0, { event = "note", slot = "Z" } } }
    assert.equal(2, #rows)
    _, rows = board_after { { 0, { event = "started", slot = "C" } } }
    assert.equal("C", rows[3].slot)
  end)
end)
