local tally = require "jig.tally"

-- A tally of events.
local function of(...)
  local made = tally.new()
  for _, event in ipairs { ... } do made:count(event) end
  return made
end

local PASS <const> = { event = "ended", slot = "A", passed = true }
local function failed(name, more)
  local event = { event = "ended", slot = "A", passed = false, fault = { name = name } }
  for key, value in pairs(more or {}) do event[key] = value end
  return event
end

describe("jig.tally", function()
  local cases = {
    { "nothing", {}, 0, 0, 0, 0 },
    { "a unit that passed", { PASS }, 0, 1, 1, 0 },
    { "one that failed of two", { PASS, failed "lamp.dark" }, 1, 2, 1, 1 },
    { "one that passed at its second attempt", { failed("lamp.dark", { again = true }), PASS }, 0, 1, 1, 0 },
    { "a refused recipe", { PASS, { event = "refused", slot = "B" } }, 3, 1, 1, 0 },
    { "a worker that crashed", { { event = "crashed", slot = "B" } }, 1, 0, 0, 0 },
    { "an interrupt", { PASS, { event = "stopping", times = 1 } }, 5, 1, 1, 0 },
    { "the CLI's trouble", { failed "cli.missing" }, 4, 1, 0, 1 },
    { "the token's trouble", { failed "cli.token" }, 4, 1, 0, 1 },
    { "the journal's trouble", { failed "tool.journal" }, 4, 1, 0, 1 },
    { "a session that is unreported, of an attempt before the last",
      { failed("lamp.dark", { again = true, unreported = true }), PASS }, 6, 1, 1, 0 },
    { "the first in the order: 6, 4, 5, 3, 1", { failed "cli.missing", { event = "stopping" },
      failed("lamp.dark", { unreported = true }), { event = "refused", slot = "A" } }, 6, 2, 0, 2 },
    { "4 before 5", { { event = "stopping" }, failed "cli.missing" }, 4, 1, 0, 1 },
    { "a unit that is not recorded", { PASS, { event = "cassette", slot = "A" } }, 4, 1, 1, 0 },
    { "5 before 3", { { event = "refused", slot = "A" }, { event = "stopping" } }, 5, 0, 0, 0 },
    { "3 before 1", { failed "lamp.dark", { event = "refused", slot = "B" } }, 3, 1, 0, 1 },
    { "what does not count", { { event = "phase", slot = "A" }, { event = "note", slot = "A" } }, 0, 0, 0, 0 },
  }
  for _, case in ipairs(cases) do
    it(("ends with %d for %s"):format(case[3], case[1]), function()
      local made = of(table.unpack(case[2]))
      assert.same({ case[3], case[4], case[5], case[6] }, { made:status(), made.units, made.passed, made.failed })
    end)
  end

  it("tells an event whether its fault is the station's", function()
    local mine, its = failed "cli.token", failed "lamp.dark"
    of(mine, its)
    assert.same({ true, nil }, { mine.station, its.station })
  end)

  for _, name in ipairs { "cli.missing", "cli.pin", "cli.token_busy", "tool.journal", "tool.interrupted" } do
    it(("takes a recipe's fault with the name %s for the unit's"):format(name), function()
      local event = failed(name, { fault = { name = name, by_recipe = true } })
      assert.same({ 1, nil }, { of(event):status(), event.station })
    end)
  end

  it("keeps what ended with the recipe of its slot, when it is asked to", function()
    assert.is_nil(of(PASS).ended)
    local made = tally.new { keep = true }
    for _, event in ipairs { { event = "started", slot = "A", recipe = "lamp" },
      { event = "started", slot = "B", recipe = "bell" }, PASS,
      { event = "ended", slot = "B", passed = true, seconds = 2 } } do made:count(event) end
    assert.same({ "lamp", "bell", 2 }, { made.ended[1].recipe, made.ended[2].recipe, made.ended[2].seconds })
    assert.is_nil(PASS.recipe)
  end)

  it("takes the stop of a watched station for its end, unless a unit was at work", function()
    local made = tally.new { watch = true }
    made:count(PASS)
    made:count { event = "stopping", times = 1 }
    assert.equal(0, made:status())
    made:count(failed "tool.interrupted")
    assert.equal(5, made:status())
  end)

  it("takes a reason that no event gives", function()
    local made = of(PASS)
    made:note(tally.UNREPORTED)
    assert.equal(6, made:status())
  end)
end)
