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
  } do
    it(name, check)
  end
end)
