local explorer = require "jig.prove.explorer"
local laws = require "jig.prove.laws"
local proofs = require "spec.support.proofs"

-- What is changed in the history of a path, and the law that is then broken.
local BROKEN <const> = {
  { "clean", "1 exactly one end", "report_error after FINGERPRINT", function(history)
    local handled = history.calls[3]
    table.insert(history.calls, { command = "report_error", session = handled.session, life = 1, played = {},
      effect = handled.effect, code = 1, reason = "r", at = 100, limit = 1 })
  end },
  { "clean", "1 exactly one end", "PASS with a fingerprint that the CLI did not print", function(history)
    history.ended.fingerprint = "00"
  end },
  { "clean", "1 exactly one end", "left to the next start", function(history) history.restarts = 1 end },
  { "clean", "2 order", "new_device is called again", function(history)
    table.insert(history.calls, 2, history.calls[1])
  end },
  { "clean", "2 order", "although what comes before it was not done", function(history)
    table.remove(history.calls, 2)
  end },
  { "clean", "2 order", "is not the device's answer to new_device", function(history)
    history.calls[2].response = "something else"
  end },
  { "clean", "3 nothing is handed over twice", "twice", function(history)
    table.insert(history.taken, history.taken[1])
  end },
  { "clean", "4 every wait ends", "without a limit", function(history) history.unlimited["port:read"] = true end },
  { "clean", "4 every wait ends", "is called without a limit", function(history)
    history.calls[1].limit = math.huge
  end },
  { "clean", "4 every wait ends", "nothing is left that could end", function(history) history.outcome = "stuck" end },
  { "clean", "4 every wait ends", "does not end", function(history) history.outcome = "limit" end },
  { "clean", "4 every wait ends", "spins", function(history) history.outcome = "busy" end },
  { "clean", "4 every wait ends", "its limit is", function(history)
    for _, effect in ipairs(history.trail) do
      if effect.kind == "wait" then effect.seconds = 0 end
    end
  end },
  { "clean", "5 PASS means recorded", "has no such fingerprint", function(history) history.sessions = {} end },
  { "clean", "5 PASS means recorded", "before its record", function(history) history.recorded_before = false end },
  { "clean", "6 nothing is lost", "still has session", function(history)
    history.unended = { { id = "sid", attempt = 1, state = "opened" } }
  end },
  { "clean", "6 nothing is lost", "was not recorded before", function(history)
    for _, effect in ipairs(history.trail) do
      if effect.what == "opening" then effect.injected = "refused" end
    end
  end },
  { "clean", "7 opaque and unseen", "stands in what was said", function(history)
    history.secrets["\1secret bytes\255"] = true
    table.insert(history.facts, "01736563726574206279746573ff")
  end },
  { "clean", "7 opaque and unseen", "stands in what was said", function(history)
    history.secrets["readable secret"] = true
    table.insert(history.said, "it said: readable secret.")
  end },
  { "clean", "8 a PIN is not tried again", "after the PIN was refused", function(history)
    history.calls[1].pin_refused = true
  end },
  { "clean", "9 one token, one caller", "begins while new_device runs", function(history)
    history.calls[1].played.after = 50
  end },
  { "clean", "10 slots are islands", "jig failed", function(history)
    table.insert(history.events, { event = "crashed", message = "an error\nwith a traceback" })
  end },
  { "clean", "closed", "1 ports are left", function(history) history.held.ports = 1 end },
  { "clean", "closed", "still open when the verdict is told", function(history) history.ports_open = 1 end },
  { "clean", "recipe", "no such file", function(history)
    table.insert(history.events, { event = "refused", message = "no such file" })
  end },
  { "clean", "verdict", "no verdict", function(history) history.ended = nil end },
  { "clean", "the fault has a mapped code", "the verdict is cli.refused; expected passed", function(history)
    history.ended.passed, history.ended.fault = false, { name = "cli.refused", code = 402, reason = "r" }
  end },
  { "clean", "the fault has a mapped code", "no answer has a field 'status'", function(history)
    for _, effect in ipairs(history.trail) do effect.frame = nil end
  end },
  { "clean", "no plain Lua error", "reset: oh", function(history) history.ended.reset_trouble = "oh" end },
  { "call get_device_configuration:signal", "1 exactly one end", "was opened and never reported", function(history)
    table.remove(history.calls)
  end },
  { "call get_device_configuration:signal", "1 exactly one end", "although it was accepted", function(history)
    table.insert(history.calls, history.calls[#history.calls])
  end },
  { "call get_device_configuration:signal", "1 exactly one end", "the report says code 7", function(history)
    history.calls[#history.calls].code = 7
  end },
  { "call get_device_configuration:signal", "1 exactly one end", "without a reason", function(history)
    history.calls[#history.calls].reason = ""
  end },
  { "call get_device_configuration:signal", "1 exactly one end", "says that its report is owed", function(history)
    history.ended.unreported = true
  end },
  { "call get_device_configuration:signal", "no plain Lua error", "recipe.lua:7: oh", function(history)
    history.ended.fault = { name = "tool.recipe", code = 902, reason = "oh", line = "recipe.lua:7" }
  end },
  { "call get_device_configuration:signal", "the fault has a mapped code", "expected cli.killed", function(history)
    history.ended.fault.name = "firmware.unknown_status"
  end },
  { "call new_device:exit", "1 exactly one end", "never opened", function(history)
    local opened = history.calls[1]
    table.insert(history.calls, { command = "report_error", session = opened.session, life = 1, played = {},
      effect = history.trail[#history.trail], code = 402, reason = "r", at = 100, limit = 1 })
  end },
  { "read frame:status_0x11", "the fault has a mapped code", "has code 7; the map says 311", function(history)
    history.ended.fault.code = 7
    history.calls[#history.calls].code = 7
  end },
  { "read frame:in_pieces", "verdict", "PASS with serial other", function(history) history.ended.serial = "other" end },
}

describe("jig.prove.laws", function()
  local subject, clean

  setup(function()
    subject = proofs.subject()
    clean = select(2, explorer.go(subject, {}))
  end)
  teardown(function() getmetatable(subject).__close(subject) end)

  -- A path by the first effect that it hits: "call new_device:exit".
  local function history_of(path)
    local place, name = path:match("^(.*):(.*)$")
    for number, effect in ipairs(clean.trail) do
      if effect.kind .. " " .. effect.what == place then
        return select(2, explorer.go(subject, { { at = number, name = name } }))
      end
    end
    return select(2, explorer.go(subject, {}))
  end

  for _, case in ipairs(BROKEN) do
    local path, law, text, change = table.unpack(case)
    it(("finds %q on the path %s"):format(text, path), function()
      local history = history_of(path)
      assert.same({}, laws.check(history))
      change(history)
      local found
      for _, violation in ipairs(laws.check(history)) do
        if violation.law == law and violation.text:find(text, 1, true) then found = violation end
      end
      assert.is_truthy(found, "no such violation")
    end)
  end

  it("has no violation without a fault, and none with one whose end is right", function()
    assert.same({}, laws.check(clean))
    assert.same({}, laws.check(history_of "call handle_device_response:killed_after"))
    assert.same({}, laws.check(history_of "record reported:killed"))
  end)

  it("looks at nothing else where a fault did not happen", function()
    local history = select(2, explorer.go(subject, { { at = 999, name = "lost" } }))
    local found = laws.check(history)
    assert.equal(1, #found)
    assert.equal("injected", found[1].law)
  end)
end)
