local scratch = require "spec.support.scratch"
local text = require "jig.output.text"

-- Shows events; gives what went to stdout and to stderr. `change` sets fields of the output, such as columns.
local function show(events, change)
  local output = text.new()
  output.columns, output.colour = nil, false
  for key, value in pairs(change or {}) do output[key] = value end
  return scratch.capture(function()
    for _, event in ipairs(events) do
      if event == "tick" then output:tick() else output:show(event) end
    end
  end)
end

local function failed(fault, change)
  local event = { event = "ended", slot = "A", passed = false, seconds = 1 }
  event.fault = { name = "lamp.dark", code = 5, reason = "dark", phase = "prepare" }
  for key, value in pairs(fault or {}) do event.fault[key] = value end
  for key, value in pairs(change or {}) do event[key] = value end
  return event
end

local PASSED <const> = { event = "ended", slot = "A", passed = true, fingerprint = "e603", seconds = 1.234 }
local PHASE <const> = { event = "phase", slot = "A", phase = "factory_init" }

describe("jig.output.text", function()
  -- Each: an event, what goes to stdout, what goes to stderr.
  local lines = {
    { "a unit that passed", PASSED, "PASS  A  -  e603  1.23 s\n", "" },
    { "a unit that failed", failed(nil, { serial = "S1" }), "FAIL  A  S1  lamp.dark (5): dark  in prepare\n", "" },
    { "a failure with all there is to say",
      failed({ line = "r.lua:3", advice = "Turn it on." }, { fingerprint = "e603", unreported = true }),
      "FAIL  A  -  lamp.dark (5): dark  in prepare  at r.lua:3  manufactured as e603  NOT REPORTED\n"
      .. "      Turn it on.\n", "" },
    { "the traceback of a bug", failed { name = "tool.recipe", traceback = "boom\n\tr.lua:3\27[2J" },
      "FAIL  A  -  tool.recipe (5): dark  in prepare\n", "boom\n\tr.lua:3?[2J\n" },
    { "no traceback of other faults", failed { traceback = "x" }, "FAIL  A  -  lamp.dark (5): dark  in prepare\n", "" },
    { "an attempt that is followed by another", failed(nil, { again = true }),
      "FAIL  A  -  lamp.dark (5): dark  in prepare\n", "      another attempt follows\n" },
    { "a note", { event = "note", slot = "A", text = "lit" }, "", "A  lit\n" },
    { "a report that was accepted", { event = "report", slot = "A", accepted = true }, "", "" },
    { "a report that was not", { event = "report", slot = "A", accepted = false, trouble = "no service" }, "",
      "A  NOT REPORTED: no service\n" },
    { "a unit that is not recorded", { event = "cassette", slot = "A", path = "a", trouble = "a: no\27" }, "",
      "A  NOT RECORDED: a: no?\n" },
    { "a recipe that is refused", { event = "refused", message = "r.lua:1: bad" }, "", "jig: r.lua:1: bad\n" },
    { "a crash, with its lines", { event = "crashed", message = "boom\n\tx\27" }, "", "jig: boom\n\tx?\n" },
    { "a first signal", { event = "stopping", times = 1 }, "",
      "jig: stopping: the unit is ended and reported; again = shorter limits\n" },
    { "a second signal", { event = "stopping", times = 2 }, "", "jig: stopping at once; the report is still sent\n" },
    { "the summary of one unit", { event = "summary", units = 1, passed = 1, failed = 0 }, "", "" },
    { "the summary of more", { event = "summary", units = 3, passed = 2, failed = 1 }, "",
      "3 units: 2 passed, 1 failed\n" },
    { "a phase", PHASE, "", "" },
    { "the start", { event = "started", slot = "A" }, "", "" },
    { "what it does not know", { event = "news", slot = "A" }, "", "" },
  }
  for _, case in ipairs(lines) do
    it("shows in a pipe " .. case[1], function()
      assert.same({ case[3], case[4] }, { show { case[2] } })
    end)
  end

  it("lets no text from outside move the cursor", function()
    local nasty = "\27[2J\r\n\8\127"
    local events = {
      failed({ name = nasty, reason = nasty, phase = nasty, line = nasty, advice = nasty },
        { slot = nasty, serial = nasty, fingerprint = nasty }),
      { event = "ended", passed = true, slot = nasty, serial = nasty, fingerprint = nasty, seconds = 1 },
      { event = "note", slot = nasty, text = nasty },
      { event = "refused", message = nasty },
      { event = "report", slot = nasty, trouble = nasty },
    }
    for _, event in ipairs(events) do
      local out, err = show { event }
      assert.is_nil((out .. err):gsub("\n", ""):find("%c"))
    end
  end)

  it("lets no phase move the cursor either", function()
    local _, err = show({ { event = "phase", slot = "A", phase = "\27[2J\r\nb\xC2\x9B2J" } }, { columns = 80 })
    assert.matches("^\r\27%[KA  %?%[2J%?%?b%?2J  0%.%d s$", err)
  end)

  it("shows on a terminal the phase with its time, again at each tick, and erases it before all else", function()
    local note = { event = "note", slot = "A", text = "lit" }
    local out, err = show({ PHASE, "tick", note, PASSED, "tick" }, { columns = 80 })
    assert.equal("PASS  A  -  e603  1.23 s\n", out)
    assert.matches("^\r\27%[KA  factory_init  0%.%d s\r\27%[KA  factory_init  0%.%d s\r\27%[KA  lit\n$", err)
  end)

  it("erases the phase once, before the verdict", function()
    local _, err = show({ PHASE, PASSED, PASSED }, { columns = 80 })
    assert.matches("^\r\27%[KA  factory_init  0%.%d s\r\27%[K$", err)
  end)

  it("cuts the phase at the terminal's width", function()
    local _, err = show({ { event = "phase", slot = "A", phase = ("x"):rep(100) } }, { columns = 20 })
    assert.equal("\r\27[KA  " .. ("x"):rep(16), err)
  end)

  it("has colours for verdicts when it may", function()
    assert.matches("^\27%[32mPASS\27%[0m  A", (show({ PASSED }, { colour = true })))
    assert.matches("^\27%[31mFAIL\27%[0m  A", (show({ failed() }, { colour = true })))
  end)
end)
