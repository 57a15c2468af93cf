local device = require "jig.prove.laws.device"
local histories = require "spec.support.histories"

describe("jig.prove.laws.device", function()
  for name, check in histories.each {
    { "call handle_device_response:exit", "2 order", "is not the device's answer to new_device", function(history)
      history.calls[2].response = "something else"
    end },
    { "clean", "3 nothing is handed over twice", "twice", function(history)
      table.insert(history.taken, history.taken[1])
      table.insert(history.taken_in, 1)
    end },
    { "read frame:status_0x11", "3 nothing is handed over twice", "twice", function(history)
      history.taken_in[2] = 1 -- the message of the second attempt
    end },
    { "clean", "2 order", "is not the device's answer to get_device_configuration", function(history)
      history.calls[3].response = history.calls[2].response -- which came before that message
    end },
    { "clean", "the fault has a mapped code", "no answer has a field 'status'", function(history)
      for _, effect in ipairs(history.trail) do effect.frame = nil end
    end },
  } do
    it(name, check)
  end

  it("lets blocks be sent again within a hand-over, where the link says so, and no message after another", function()
    local taken, in_first = { { payload = "a" }, { payload = "a" }, { payload = "b" } }, { 1, 1, 1, 1 }
    local history = { served = { a = true, b = true }, taken = taken, taken_in = in_first, taken_by = {},
      subject = { recipe = { link = "arq" } } }
    local function complaints()
      local count = 0
      device.once(history, function() count = count + 1 end)
      return count
    end
    assert.equal(0, complaints())
    history.subject.recipe.link = nil
    assert.equal(1, complaints())
    history.subject.recipe.link, taken[4] = "arq", { payload = "a" }
    assert.equal(1, complaints())
  end)

  it("takes an answer that comes after further messages, and none from after the service's next", function()
    local history = {
      usual = { new_device = { payload = "N" }, get_device_configuration = { payload = "G" } },
      served = { N = true, G = true }, injections = {}, subject = { recipe = {}, traits = { check = true } },
      taken = { { payload = "N" }, { payload = "poll" }, { payload = "G" } }, taken_in = { 1, 1, 1 },
      calls = { { command = "get_device_configuration", response = "R", attempt = 1 } },
    }
    for taken, complaints in pairs { [0] = 1, 0, 0, 1 } do
      local count = 0
      history.answers = { { payload = "R", taken = taken, attempt = 1 } }
      device.answers(history, function() count = count + 1 end)
      assert.equal(complaints, count, taken)
    end
  end)
end)
