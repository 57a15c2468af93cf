local journal = require "jig.testing.journal"
local proofs = require "spec.support.proofs"
local rig = require "jig.testing.rig"

describe("jig.prove.restart", function()
  local function restarted(watch)
    local subject <close> = proofs.subject()
    local run <close> = rig.new { file = subject.file, folder = subject.folder, recipe = subject.recipe,
      device = subject.device, record = subject.journal.record, watch = watch }
    local outcome = run:work("jig.prove.restart", {
      slot = "T", path = subject.journal.path, service = { cli = "factory_tool", token = false },
      signature = journal.SERVICE, refusals = 5,
    })
    return outcome, run.events, run.trail
  end

  it("says when it is done, and does nothing where nothing is left", function()
    local outcome, events, trail = restarted()
    assert.equal("ended", outcome)
    assert.same({ { event = "restarted", unreported = 0 } }, events)
    assert.same({}, trail)
  end)
end)
