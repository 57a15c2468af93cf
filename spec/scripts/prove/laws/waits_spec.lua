local histories = require "spec.support.histories"

describe("jig.prove.laws.waits", function()
  for name, check in histories.each {
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
    { "read frame:silence", "4 every wait ends", "after the fault; limits.exchange is 2 s", function(history)
      local at = history.injections[1].effect.number
      for i = at + 1, #history.trail do history.trail[i].at = history.trail[i].at + 0.01 end
      for i = at + 1, #history.trail do history.trail[i].seconds = 100 end
    end },
    { "read frame:drip", "4 every wait ends", "after the fault; limits.exchange is 2 s", function(history)
      for i = history.injections[1].effect.number + 1, #history.trail do history.trail[i].at = 50 end
    end },
    { "clean", "4 every wait ends", "the hook took 11.000 s; limits.reset is 10 s", function(history)
      history.seconds_of_run = history.seconds_of_run + 11
      for i, effect in ipairs(history.trail) do
        if i > 4 then effect.at = effect.at + 11 end -- what follows the hook, and the line that it sets
      end
    end },
  } do
    it(name, check)
  end
end)
