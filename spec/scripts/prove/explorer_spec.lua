local explorer = require "jig.prove.explorer"
local faults = require "jig.prove.faults"
local proofs = require "spec.support.proofs"
local report = require "jig.prove.report"
local task = require "jig.task"

describe("jig.prove.explorer", function()
  local subject

  before_each(function() subject = proofs.subject() end)
  after_each(function() getmetatable(subject).__close(subject) end)

  it("ends at once where the program is told to end, and says so", function()
    local turn = task.turn
    task.turn = function() error "exit" end -- as it does then
    local ok, thrown = pcall(explorer.prove, subject, { singles = true })
    task.turn = turn
    assert.same({ false, "it was interrupted" }, { ok, thrown })
  end)

  it("goes as many paths as the table has cells over the clean run, each once", function()
    local proof = explorer.prove(subject, { singles = true })
    assert.equal(0, proof.violations)
    local sum, seen = 0, {}
    for _, effect in ipairs(proof.effects) do sum = sum + #faults.of(effect, subject) end
    assert.equal(sum, #proof.singles)
    assert.is_true(sum > 100)
    for _, path in ipairs(proof.singles) do
      assert.is_nil(seen[path.id])
      seen[path.id] = true
    end
    local cells = 0
    for _, row in ipairs(report.cells(proof)) do
      for _, cell in ipairs(row.cells) do cells = cells + cell.paths end
    end
    assert.equal(sum, cells)
  end)

  -- Under a sanitizer, ten times slower, it is one fault at a time.
  local block = (os.getenv("JIG_BUILD") or ""):find("san", 1, true) and pending or describe
  block("pairs", function()
    local proof, happened

    setup(function()
      local go = explorer.go
      happened = 0
      explorer.go = function(...)
        local path, history = go(...)
        for _, injection in ipairs(history.injections) do
          local effect = history.trail[injection.at]
          if injection.effect == effect and effect.injected == injection.name then happened = happened + 1 end
        end
        return path, history
      end
      local own <close> = proofs.subject()
      local ok, made = pcall(explorer.prove, own)
      explorer.go = go
      assert(ok, made)
      proof = made
    end)

    it("break no law, and each fault of each happened", function()
      assert.equal(0, proof.violations)
      assert.equal(#proof.singles + 2 * #proof.doubles, happened)
      local sum = 0
      for _, path in ipairs(proof.singles) do sum = sum + path.pairs end
      assert.equal(sum, #proof.doubles)
      assert.is_true(sum > 1000)
    end)

    it("hit the report, the reset, and the next start's recovery", function()
      local hit = {}
      for _, path in ipairs(proof.doubles) do
        local place = path.effect.kind .. " " .. path.effect.what
        hit[place] = true
        if path.effect.life > 1 then hit["later " .. place] = true end
      end
      for _, place in ipairs { "call report_error", "record reporting", "record reported", "hook reset", "set dtr",
        "later call report_error", "later record reported" } do
        assert.is_true(hit[place], place)
      end
    end)
  end)

  it("tries no unit again whose serial number the journal takes for one that is being made", function()
    local own <close> = explorer.subject "examples/thermostat"
    local _, clean = explorer.go(own, {})
    local opened, answer
    for number, effect in ipairs(clean.trail) do
      if effect.what == "opened" then opened = number end
      if effect.frame and not answer then answer = number end
    end
    local path, history = explorer.go(own, explorer.steps(("%d:refused+%d:status_0x11"):format(opened, answer)))
    assert.same({ "", 1, "factory_provisioning.memory" }, { proofs.laws(path), #history.attempts, path.name })
  end)

  it("gives the same proof each time", function()
    local first = report.json(explorer.prove(subject, { singles = true }))
    local again <close> = proofs.subject()
    assert.equal(first, report.json(explorer.prove(again, { singles = true })))
  end)

  it("stops where there is enough to read", function()
    local broken <close> = proofs.subject {
      recipe = { ["status = {"] = "finish = function() error('oh') end, status = {" },
    }
    local proof = explorer.prove(broken)
    assert.equal(1, proof.violations)
    assert.equal(0, #proof.singles)
    local unmapped <close> = proofs.subject { device = proofs.DEVICE:gsub("0x11", "0x11, 0x12, 0x13") }
    proof = explorer.prove(unmapped, { singles = true, stop = 2 })
    assert.equal(2, proof.violations)
    assert.is_true(proof.stopped)
    assert.is_true(#proof.singles < 100)
  end)

  it("goes on after a path that broke a law with a journal of its own", function()
    local unmapped <close> = proofs.subject { device = proofs.DEVICE:gsub("0x11", "0x11, 0x12") }
    local journal = unmapped.journal
    local proof = explorer.prove(unmapped, { singles = true })
    assert.equal(2, proof.violations) -- one for each exchange
    assert.not_equal(journal, unmapped.journal)
    for _, path in ipairs(proof.singles) do
      if #path.violations > 0 then assert.truthy(path.id:find "status_0x12", path.id) end
    end
  end)

  describe("names of paths", function()
    it("can be read again", function()
      for _, id in ipairs { "clean", "12:silence", "12:silence+15:killed_after", "3:status_0xff_unmapped" } do
        assert.equal(id, explorer.id(explorer.steps(id)))
      end
    end)

    it("are refused where they are none", function()
      for _, id in ipairs { "", "12", "silence", "12:", ":silence", "12:silence+", "12:silence 15:killed", "-1:a" } do
        local steps, message = explorer.steps(id)
        assert.is_nil(steps)
        assert.truthy(message:find("is no path", 1, true))
      end
    end)

    it("that no run has are named when they are gone", function()
      for id, expected in pairs {
        ["3:odd_hex"] = "no fault 'odd_hex' fits effect 3 (hook reset): there is interrupt, killed",
        ["999:lost"] = "injected: the run has 20 effects, and no 999: the fault did not happen",
      } do
        local ok, path = pcall(explorer.go, subject, explorer.steps(id))
        local said = ok and proofs.laws(path) or path
        assert.truthy(said:find(expected, 1, true), said)
      end
    end)
  end)

  describe("subjects", function()
    it("are refused with what is missing", function()
      for message, change in pairs {
        ["name: expected a string"] = { recipe = { ['name = "lamp"'] = "name = 7" } },
        ["must return a device"] = { device = "return 7" },
      } do
        local ok, thrown = pcall(proofs.subject, change)
        assert.is_false(ok)
        assert.truthy(thrown:find(message, 1, true), thrown)
      end
      local ok, thrown = pcall(explorer.subject, "spec/support")
      assert.is_false(ok)
      assert.is_string(thrown)
    end)
  end)
end)
