local explorer = require "jig.prove.explorer"
local histories = require "spec.support.histories"
local laws = require "jig.prove.laws"
local proofs = require "spec.support.proofs"

describe("jig.prove.laws", function()
  local subject

  setup(function() subject = proofs.subject() end)
  teardown(function() getmetatable(subject).__close(subject) end)

  it("has no violation without a fault, and none with one whose end is right", function()
    for _, path in ipairs { "clean", "call handle_device_response:killed_after", "read frame:status_0x11" } do
      assert.same({}, laws.check(histories.of(subject, path)))
    end
  end)

  it("looks at nothing else where a fault did not happen", function()
    local history = select(2, explorer.go(subject, { { at = 999, name = "lost" } }))
    local found = laws.check(history)
    assert.equal(1, #found)
    assert.equal("injected", found[1].law)
  end)

  it("says what it has no hold to check: messages that stand in no frame alone", function()
    assert.same({}, laws.unchecked(histories.of(subject, "clean")))
    local other <close> = proofs.subject {
      recipe = { ["reset = function"] = [[exchange = function(unit, request)
        return unit.data.exchange(unit, { scp = request.scp, payload = "!" .. request.payload })
      end,
      prepare = function(unit)
        local host = require "jig.framing.length" {
          header = ">I2 scp I2 length", reply = ">I2 scp I2 length B status", crc = "CRC-16/IBM-3740", max = 200,
        }.host
        function unit.data.exchange(_, request)
          unit.port:write(host.encode(request))
          return unit:read_frame(host.decoder())
        end
      end,
      reset = function]] },
    }
    local found = laws.unchecked(histories.of(other, "clean"))
    assert.equal(2, #found)
    assert.matches("message of new_device .* stands in no frame alone", found[1])
  end)
end)
