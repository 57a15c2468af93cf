-- The lines of each event: spec/scripts/output/text_spec.lua.

local messages = require "jig.output.messages"

describe("jig.output.messages", function()
  it("says of a failure why, then what to do", function()
    local event = { event = "ended", slot = "A", passed = false,
      fault = { name = "lamp.dark", code = 5, reason = "dark", phase = "prepare", advice = "Turn it on." } }
    assert.same({ "FAIL  A  -  lamp.dark (5): dark  in prepare", "      Turn it on." }, messages.failed(event))
    assert.matches("^<FAIL>  A", messages.failed(event, "<FAIL>")[1])
    event.fault.advice = nil
    assert.equal(1, #messages.failed(event))
  end)

  it("says behind a verdict the traceback of a bug, and what follows", function()
    local event = { event = "ended", again = true, fault = { name = "tool.recipe", traceback = "boom\n\tx\27" } }
    assert.same({ "boom\n\tx?", "      another attempt follows" }, messages.behind(event))
    assert.same({}, messages.behind { event = "ended", fault = { name = "lamp.dark", traceback = "x" } })
    assert.same({}, messages.behind { event = "ended", fault = { name = "tool.recipe", traceback = "boom" } })
    assert.same({}, messages.behind { event = "ended", passed = true })
  end)

  it("leaves a traceback the letters that it has, and what is none becomes '?'", function()
    local fault = { name = "tool.recipe", traceback = "unit:…(…) für\n\ta\200b\27[2J\t…\n\194\155x" }
    assert.same({ "unit:…(…) für\n\ta?b?[2J\t…\n?x" }, messages.behind { event = "ended", fault = fault })
  end)

  it("says of an old session what became of it", function()
    local event = { event = "recovery", session = "s1", state = "opened", outcome = "left", text = "no service" }
    assert.equal("recovery: session s1 of slot -, which was opened: left: no service", messages.line(event))
    event.slot, event.text = "A", nil
    assert.equal("recovery: session s1 of slot A, which was opened: left", messages.line(event))
  end)

  it("counts units", function()
    assert.equal("jig: STOPPED, at every slot: bad ?PIN\n"
      .. "  three tries block a token: see to its PIN before the next start",
      messages.line { event = "halted", reason = "bad \27PIN" })
    assert.equal("jig: stopped 60 s ago: what is still open is not reported by this jig",
      messages.line { event = "leaving", seconds = 60 })
    assert.equal("jig: 1 session is not reported: the next start reports them, or jig recover",
      messages.line { event = "unreported", sessions = 1, kept = true })
    assert.equal("jig: 2 sessions are not reported: without a journal nobody will",
      messages.line { event = "unreported", sessions = 2 })
    local event = { event = "summary", units = 1, passed = 1, failed = 0 }
    assert.equal("1 unit: 1 passed, 0 failed", messages.line(event))
    event.units, event.failed = 3, 2
    assert.equal("3 units: 1 passed, 2 failed", messages.line(event))
  end)

  it("has nothing to say of phases, and of what it does not know", function()
    assert.is_nil(messages.line { event = "phase", slot = "A", phase = "reset" })
    assert.is_nil(messages.line { event = "news" })
  end)
end)
