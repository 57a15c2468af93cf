local histories = require "spec.support.histories"

describe("jig.prove.laws.record", function()
  for name, check in histories.each {
    { "clean", "1 exactly one end", "PASS with a fingerprint that the CLI did not print", function(history)
      history.ended.fingerprint = "00"
    end },
    { "clean", "5 PASS means recorded", "has no such fingerprint", function(history) history.sessions = {} end },
    { "clean", "5 PASS means recorded", "before its record", function(history)
      history.attempts[1].recorded = false
    end },
    { "clean", "6 nothing is lost", "still has session", function(history)
      history.unended = { { id = "sid", attempt = 1, state = "opened" } }
    end },
    { "clean", "6 nothing is lost", "was not recorded before", function(history)
      for _, effect in ipairs(history.trail) do
        if effect.what == "opening" then effect.injected = "refused" end
      end
    end },
    { "clean", "5 PASS means recorded", "the journal's result of the unit is failed; it is passed", function(history)
      history.sessions[1].result = "failed"
    end },
    { "call get_device_configuration:signal", "5 PASS means recorded", "the journal's code of the unit is nil; it is",
      function(history) history.sessions[1].code = nil end },
    { "call get_device_configuration:signal", "5 PASS means recorded", "the journal's fault of the unit is a; it is",
      function(history) history.sessions[1].fault = "a" end },
    { "clean", "5 PASS means recorded", "the journal's serial of the unit is nil; it is S1", function(history)
      table.insert(history.events, { event = "serial", serial = "S1" })
    end },
  } do
    it(name, check)
  end
end)
