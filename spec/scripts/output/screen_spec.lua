-- On a real terminal: spec/flow/terminal_spec.lua.

local screen = require "jig.output.screen"
local scratch = require "spec.support.scratch"

-- A screen with a clock and a terminal of the spec's own: `at.now`, `at.columns`, `at.rows`, `at.writable` are
-- set by the spec, `at.written` are the writes.
local function new(options)
  local at = { now = 1000, columns = 40, rows = 10, writable = true, written = {} }
  at.screen = screen.new {
    slots = options and options.slots or { "A", "B" },
    places = options and options.places,
    colour = false,
    size = function() return at.columns, at.rows end,
    now = function() return at.now end,
    write = function(text) table.insert(at.written, text) end,
    writable = function() return at.writable end,
  }
  return at
end

-- Lets time pass, and the screen look.
local function tick(at, seconds)
  at.now = at.now + (seconds or 0.1)
  at.screen:tick()
end

-- What was written since the last call, as one text.
local function taken(at)
  local text = table.concat(at.written)
  at.written = {}
  return text
end

local function started(slot) return { event = "started", slot = slot } end
local function phase(name) return { event = "phase", slot = "A", phase = name } end
local function note(text) return { event = "note", slot = "A", text = text } end
local FAILED <const> = { event = "ended", slot = "A", passed = false, seconds = 1, serial = "T1",
  fault = { name = "lamp.dark", code = 50, reason = "dark", phase = "prepare", advice = "Turn it on." } }

local FIRST <const> = "\r\27[J0 PASS 0 FAIL 0:00\nslot serial phase   elapsed verdic code\n"
  .. "A           waiting\nB           waiting\n"

describe("jig.output.screen", function()
  it("writes nothing before the first tick, then the whole table at once", function()
    local at = new()
    at.screen:show(started "A")
    assert.same({}, at.written)
    at = new()
    tick(at, 0)
    assert.same({ FIRST }, at.written)
  end)

  it("draws again what has changed, and only that", function()
    local at = new()
    tick(at, 0)
    taken(at)
    at.screen:show(started "B")
    tick(at)
    assert.same({ "\r\27[4A\n\n\n\27[2KB           starti…    0:00\n" }, at.written)
  end)

  it("writes once a second while nothing happens, and not for events that change nothing", function()
    local at = new()
    for _ = 1, 48 do tick(at) end -- 4.8 s
    assert.equal(5, #at.written)
    at.screen:show { event = "news", slot = "A" }
    tick(at)
    assert.equal(5, #at.written)
  end)

  it("draws ten times a second at most, however many events come", function()
    local at = new()
    at.screen:show(started "A")
    for i = 1, 10000 do -- in ten seconds
      at.screen:show(phase("p" .. i))
      tick(at, 0.001)
    end
    assert.is_true(#at.written >= 90 and #at.written <= 101, #at.written)
    at.screen:show(phase "last")
    tick(at)
    assert.matches("A           last", at.written[#at.written], 1, true)
  end)

  it("says above the table what there is to say", function()
    local at = new()
    tick(at, 0)
    taken(at)
    at.screen:show(note "one\27")
    at.screen:show(note "two")
    tick(at)
    assert.same({ "\r\27[4A\27[JA  one?\nA  two\n" .. FIRST:sub(5) }, at.written)
  end)

  -- Each: an event, what it says.
  local messages = {
    { FAILED, "FAIL  A  T1  lamp.dark (50): dark  in prepare\n      Turn it on.\n" },
    { { event = "ended", slot = "A", passed = false, seconds = 1, again = true,
      fault = { name = "tool.recipe", code = 902, reason = "boom", phase = "run", traceback = "boom\n\tr.lua:3" } },
      "FAIL  A  -  tool.recipe (902): boom  in run\nboom\n\tr.lua:3\n      another attempt follows\n" },
    { { event = "ended", slot = "A", passed = true, seconds = 1, fingerprint = "e6" }, "" },
    { { event = "report", slot = "A", accepted = false, trouble = "no" }, "A  NOT REPORTED: no\n" },
    { { event = "recovery", session = "s", outcome = "left" },
      "recovery: session s of slot -, which was made: left\n" },
    { { event = "refused", slot = "A", message = "r.lua:1: bad" }, "jig: r.lua:1: bad\n" },
    { { event = "crashed", slot = "A", message = "boom" }, "jig: boom\n" },
    { { event = "stopping", times = 2 }, "jig: stopping at once; the report is still sent\n" },
  }
  for _, case in ipairs(messages) do
    it(("says of %s %q"):format(case[1].event, case[2]:match("^[^\n]*")), function()
      local at = new()
      at.screen:show(case[1])
      tick(at)
      assert.equal("\r\27[J" .. case[2], taken(at):match("^(.-)%d+ PASS"))
    end)
  end

  it("erases the rows that the old table takes on a terminal that became narrower", function()
    local at = new()
    tick(at, 0)
    taken(at)
    at.columns = 18 -- lines of 18, 39, 19 and 19 cells: 1 + 3 + 2 + 2
    tick(at, 1)
    assert.matches("^\r\27%[8A\27%[J0 PASS 0 FAIL 0:…\n", taken(at))
    at.columns = 40 -- what was ended stays ended
    tick(at, 1)
    assert.matches("^\r\27%[4A\27%[J0 PASS 0 FAIL 0:02\n", taken(at))
  end)

  it("draws a table of other rows anew", function()
    local at = new { slots = { "A", "B", "C", "D", "E" } }
    at.rows = 6
    tick(at, 0)
    assert.matches("\n… 3 more: 3 waiting\n$", taken(at))
    at.rows = 20
    tick(at, 1)
    assert.matches("^\r\27%[5A\27%[J.*\nE           waiting\n$", taken(at))
  end)

  it("leaves a terminal alone that takes nothing, and goes on with all there is to say", function()
    local at = new()
    at.writable = false
    at.screen:show(note "one")
    tick(at)
    at.screen:show(note "two")
    tick(at)
    assert.same({}, at.written)
    at.writable = true
    tick(at)
    assert.matches("^\r\27%[JA  one\nA  two\n0 PASS", taken(at))
  end)

  it("asks for the places in the queue each time", function()
    local places = { A = 2 }
    local at = new { places = function() return places end }
    at.columns = 80
    tick(at)
    assert.matches("A +waiting for token %(2%)\nB +waiting\n", taken(at))
    places = { B = 1 }
    tick(at, 1)
    assert.matches("A +waiting\n\27%[2KB +waiting for token %(1%)\n", taken(at))
  end)

  it("ends with the table as it is, and the summary below it, once", function()
    local at = new()
    tick(at, 0)
    at.screen:show(started "A")
    at.screen:show(FAILED)
    at.screen:show { event = "summary", units = 1, passed = 0, failed = 1 }
    taken(at)
    at.screen:close() -- at once, whatever the last tick was
    local text = taken(at)
    assert.matches("\nA    T1     prepare    0:01 FAIL!  50\n    Turn it on.\nB           waiting\n"
      .. "1 unit: 0 passed, 1 failed\n$", text)
    at.screen:close()
    tick(at, 5)
    assert.same({}, at.written)
    at.screen:show(note "late")
    assert.same({ "A  late\n" }, at.written)
  end)

  it("can be closed by a variable that goes", function()
    local at = new()
    do local _ <close> = at.screen end
    assert.same({ FIRST }, at.written)
  end)

  it("has no colours under NO_COLOR", function()
    local folder <close> = scratch.folder { ["try.lua"] = [[
      local screen = require("jig.output.screen").new { slots = { "A" } }
      screen:show { event = "ended", slot = "A", passed = true, seconds = 1 }
      screen:close()
    ]] }
    local function shown(value)
      return scratch.jig({ folder.path .. "/try.lua", env = { NO_COLOR = value } }).stderr
    end
    assert.matches("\27[32mPASS\27[0m", shown(false), 1, true)
    assert.matches("\27[32mPASS\27[0m", shown "", 1, true)
    assert.matches(" PASS", shown "1")
    assert.is_nil(shown("1"):find("\27%[[%d;]*m"))
  end)
end)
