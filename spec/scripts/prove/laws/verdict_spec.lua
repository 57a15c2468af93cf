local histories = require "spec.support.histories"
local verdict = require "jig.prove.laws.verdict"

describe("jig.prove.laws.verdict", function()
  for name, check in histories.each {
    { "clean", "10 slots are islands", "jig failed", function(history)
      table.insert(history.events, { event = "crashed", message = "an error\nwith a traceback" })
    end },
    { "clean", "closed", "1 ports are left", function(history) history.held.ports = 1 end },
    { "clean", "closed", "still open when the verdict is told", function(history)
      history.attempts[1].ports_open = 1
    end },
    { "clean", "recipe", "no such file", function(history)
      table.insert(history.events, { event = "refused", message = "no such file" })
    end },
    { "clean", "verdict", "no verdict", function(history) history.attempts = {} end },
    { "clean", "verdict", "the run without any fault did not pass: r", function(history)
      history.ended.passed, history.ended.fault = false, { name = "cli.refused", code = 402, reason = "r" }
    end },
    { "read frame:status_0x11", "the fault has a mapped code", "verdict is cli.refused; expected passed",
      function(history)
        history.ended.passed, history.ended.fault = false, { name = "cli.refused", code = 402, reason = "r" }
      end },
    { "read frame:silence", "the fault has a mapped code", "connectivity.timeout has code 7; the map says 104",
      function(history)
        history.ended.fault.code, history.calls[#history.calls].code = 7, 7
      end },
    { "read frame:silence", "the fault has a mapped code", "verdict is passed; expected connectivity.timeout",
      function(history)
        history.ended.passed, history.ended.fault = true, nil
      end },
    { "clean", "no plain Lua error", "reset: oh", function(history) history.ended.reset_trouble = "oh" end },
    { "call get_device_configuration:signal", "no plain Lua error", "recipe.lua:7: oh", function(history)
      history.ended.fault = { name = "tool.recipe", code = 902, reason = "oh", line = "recipe.lua:7" }
    end },
    { "call get_device_configuration:signal", "the fault has a mapped code", "expected cli.killed", function(history)
      history.ended.fault.name = "firmware.unknown_status"
    end },
    { "read frame:status_0x11", "the fault has a mapped code", "has code 7; the map says 311", function(history)
      history.attempts[1].ended.fault.code = 7
      for _, call in ipairs(history.calls) do
        if call.command == "report_error" then call.code = 7 end
      end
    end },
    { "read frame:silence", "reset", "the unit failed, and reset was not called after it", function(history)
      for i = #history.trail, 1, -1 do
        if history.trail[i].kind == "hook" then
          history.trail[i].kind = "record"
          break
        end
      end
    end },
    { "read frame:status_0x11", "the fault has a mapped code", "has the reason 'r'; the map says 'no memory'",
      function(history)
        history.attempts[1].ended.fault.reason = "r"
        history.calls[3].reason = "r"
      end },
    { "read frame:in_pieces", "verdict", "PASS with serial other", function(history)
      history.ended.serial = "other"
    end },
  } do
    it(name, check)
  end

  it("wants PASS under two faults only where both allow it, and a failure where one does", function()
    local function complaints(name, ...)
      local injections = {}
      for i, allowed in ipairs { ... } do
        injections[i] = { allowed = allowed, fault = {}, effect = { life = 1, attempt = 1 } }
      end
      local ended = { passed = name == "passed", fault = name ~= "passed" and { name = name, code = 105 } or nil }
      local count = 0
      local history = {
        injections = injections, attempts = { { ended = ended } }, subject = { recipe = { faults = {} } },
      }
      verdict.mapped(history, function() count = count + 1 end)
      return count
    end
    local may, must_not = { "passed", "connectivity.corrupt" }, { "connectivity.timeout" }
    assert.equal(0, complaints("passed", may, may))
    assert.equal(1, complaints("passed", may, must_not))
    assert.equal(1, complaints("passed", { "own" }))
    assert.equal(0, complaints("connectivity.corrupt", may, must_not))
    assert.equal(1, complaints("connectivity.lost", may, must_not))
  end)
end)
