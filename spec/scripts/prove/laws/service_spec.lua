local histories = require "spec.support.histories"
local service = require "jig.prove.laws.service"

describe("jig.prove.laws.service", function()
  for name, check in histories.each {
    { "clean", "1 exactly one end", "report_error after FINGERPRINT", function(history)
      local handled = history.calls[3]
      table.insert(history.calls, { command = "report_error", session = handled.session, life = 1, played = {},
        effect = handled.effect, code = 1, reason = "r", at = 100, limit = 1 })
    end },
    { "call handle_device_response:deaf", "9 one token, one caller", "report_error begins while handle",
      function(history) history.calls[4].at = history.calls[4].at - 1 end }, -- within the grace
    { "call get_device_configuration:signal", "1 exactly one end", "the report says 'broken'; the verdict is '",
      function(history) history.calls[#history.calls].reason = "broken" end },
    { "call get_device_configuration:killed_after", "1 exactly one end", "the report says code 7; the station stopped",
      function(history) history.calls[#history.calls].code = 7 end },
    { "read frame:status_0x11", "retry", "is not tried again, although factory_provisioning.memory is marked retry",
      function(history) history.attempts[2] = nil end },
    { "read frame:status_0x11", "retry", "although factory_provisioning.memory is not marked retry", function(history)
      history.attempts[1].ended.fault.retry, history.injections[1].fault.retry = nil, nil
    end },
    { "read frame:status_0x11", "retry", "although after tool.interrupted", function(history)
      history.attempts[1].ended.fault.name = "tool.interrupted"
    end },
    { "read frame:status_0x11", "retry", "although it has a FINGERPRINT", function(history)
      history.attempts[1].ended.fingerprint = "00"
    end },
    { "read frame:status_0x11", "retry", "although its report was not accepted", function(history)
      history.attempts[1].ended.unreported = true
    end },
    { "clean", "1 exactly one end", "left to the next start", function(history) history.restarts = 1 end },
    { "clean", "2 order", "new_device is called again", function(history)
      table.insert(history.calls, 2, history.calls[1])
    end },
    { "clean", "2 order", "although what comes before it was not done", function(history)
      table.remove(history.calls, 2)
    end },
    { "clean", "8 a PIN is not tried again", "after the PIN was refused", function(history)
      history.calls[1].pin_refused = true
    end },
    { "clean", "9 one token, one caller", "begins while new_device runs", function(history)
      history.calls[1].played.after = 50
    end },
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
    { "call new_device:exit", "1 exactly one end", "never opened", function(history)
      local opened = history.calls[1]
      table.insert(history.calls, { command = "report_error", session = opened.session, life = 1, played = {},
        effect = history.trail[#history.trail], code = 402, reason = "r", at = 100, limit = 1 })
    end },
  } do
    it(name, check)
  end

  it("knows that Ctrl-C leaves a call that hangs but some seconds, and its grace where it is deaf", function()
    local function complaints(at, deaf, interrupted)
      local call = { command = "new_device", life = 1, at = 1, limit = 60, played = { after = math.huge, deaf = deaf } }
      local injections = interrupted and { { fault = { name = "interrupt" }, effect = { at = interrupted } } } or {}
      local count = 0
      service.one_caller({ calls = { call, { command = "report_error", life = 1, at = at } }, injections = injections,
        stop = 10, grace = 2 }, function() count = count + 1 end)
      return count
    end
    assert.same({ 1, 0 }, { complaints(60.9), complaints(61) })
    assert.same({ 1, 0 }, { complaints(14.9, false, 5), complaints(15, false, 5) })
    assert.same({ 1, 0 }, { complaints(16.9, true, 5), complaints(17, true, 5) })
  end)
end)
