-- The examples and the engine's own flow, proven: each fault, and each pair of faults whose second hits the
-- handling of the first. The numbers are printed, since they are what the proof is worth.

local explorer = require "jig.prove.explorer"
local proofs = require "spec.support.proofs"
local report = require "jig.prove.report"

-- Under a sanitizer ten times slower: there it is one fault at a time.
local SINGLES <const> = (os.getenv("JIG_BUILD") or ""):find("san", 1, true) ~= nil

-- Paths in which the process is killed, or a start after that meets a fault.
local function with_kill(list)
  local count = 0
  for _, path in ipairs(list) do
    if path.id:find("killed", 1, true) then count = count + 1 end
  end
  return count
end

-- Of the token, too: what only it has, requests, wires and departures, is met by one.
local PAIRS_TOO <const> = { thermostat = true, gateway = true, meter = true }

local function prove(subject, singles)
  local proof = explorer.prove(subject, { singles = singles })
  print(("%s, of them %d and %d with a kill"):format(report.summary(proof), with_kill(proof.singles),
    with_kill(proof.doubles)))
  return proof
end

describe("the proof", function()
  for _, name in ipairs { "thermostat", "gateway", "meter", "token" } do
    it("finds no violation in examples/" .. name, function()
      local subject <close> = explorer.subject("examples/" .. name)
      local singles = SINGLES or not PAIRS_TOO[name]
      local proof = prove(subject, singles)
      assert.equal(report.summary(proof) .. "\n", report.text(proof, true))
      assert.equal(0, proof.violations)
      assert.is_true(#proof.singles > 150)
      assert.is_true(singles or #proof.doubles > 2000)
      assert.same({}, report.findings(proof).unreached)
      assert.same({}, report.findings(proof).shared)
    end)
  end

  it("finds no violation in the standard run, its journal and its recovery", function()
    local subject <close> = proofs.subject(proofs.STANDARD)
    local proof = prove(subject, SINGLES)
    assert.equal(0, proof.violations, report.text(proof, true))
    assert.is_true(with_kill(proof.singles) > 20)
    assert.is_true(SINGLES or with_kill(proof.doubles) > 500)
  end)
end)
