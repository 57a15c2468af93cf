local explorer = require "jig.prove.explorer"
local journey = require "jig.prove.journey"
local proofs = require "spec.support.proofs"

describe("jig.prove.journey", function()
  local subject, clean

  setup(function()
    subject = proofs.subject()
    clean = journey.go(subject, {})
  end)
  teardown(function() getmetatable(subject).__close(subject) end)

  local function find(kind, what)
    for number, effect in ipairs(clean.trail) do
      if effect.kind == kind and effect.what == what then return number end
    end
  end

  local function kinds(trail)
    local list = {}
    for i, effect in ipairs(trail) do list[i] = effect.kind .. " " .. effect.what end
    return table.concat(list, ", ")
  end

  it("notes every effect of a run, in order", function()
    assert.equal("record started, open port, hook reset, set dtr, record opening, call new_device, record opened, "
      .. "write bytes, wait port:read_some, read frame, call get_device_configuration, record configured, "
      .. "write bytes, wait port:read_some, read frame, record finishing, call handle_device_response, "
      .. "record finished, close port, record ended", kinds(clean.trail))
    for number, effect in ipairs(clean.trail) do
      assert.equal(number, effect.number)
      assert.equal(1, effect.life)
    end
  end)

  it("has each session recorded, and its end", function()
    assert.equal(1, #clean.sessions)
    assert.equal("finished", clean.sessions[1].state)
    assert.same({}, clean.unended)
    assert.equal(1, #clean.attempts)
    assert.is_true(clean.attempts[1].recorded)
    assert.equal(0, clean.attempts[1].ports_open)
    assert.equal(0, clean.restarts)
  end)

  it("goes on with the next start where a session was left, and counts its effects on", function()
    local history = journey.go(subject, { { at = find("record", "opened"), name = "killed" } })
    assert.is_true(history.killed)
    assert.is_nil(history.ended)
    assert.equal(1, history.restarts)
    assert.equal("record reporting, call report_error, record reported",
      kinds(table.move(history.trail, find("record", "opened") + 1, #history.trail, 1, {})))
    local last = history.trail[#history.trail]
    assert.same({ 2, #history.trail }, { last.life, last.number })
    assert.equal("reported", history.sessions[1].state)
    assert.equal(904, history.calls[#history.calls].code)
  end)

  it("needs no further start where nothing was open, or all is recorded", function()
    for _, step in ipairs { { find("open", "port"), "killed" }, { find("record", "finished"), "killed_after" } } do
      assert.equal(0, journey.go(subject, { { at = step[1], name = step[2] } }).restarts)
    end
  end)

  it("starts again until there is an end, a refused report included", function()
    local at = find("record", "opened")
    local history = journey.go(subject, { { at = at, name = "killed" }, { at = at + 2, name = "exit" } })
    assert.equal(2, history.restarts)
    assert.equal("reported", history.sessions[1].state)
    assert.same({}, history.unended)
  end)

  it("knows what the service made of a call that jig never saw answered", function()
    local history = journey.go(subject, { { at = find("call", "new_device"), name = "killed_after" } })
    assert.is_true(history.calls[1].unseen)
    local none = journey.go(subject, { { at = find("call", "new_device"), name = "killed" } })
    assert.is_nil(none.calls[1].played)
  end)

  it("notes the recipe's lines when they are wanted", function()
    local own <close> = proofs.subject { recipe = { ["reset = function(unit) "] = "reset = function(unit)\n  " } }
    local history = journey.go(own, {}, true)
    assert.truthy(history.trail[4].line:find("recipe%.lua:13$"), history.trail[4].line)
    assert.is_nil(journey.go(own, {}).trail[4].line)
  end)

  it("leaves no descriptor, however many paths it goes", function()
    local system = require "jig.system"
    explorer.go(subject, {})
    local before = system.descriptors()
    for _ = 1, 20 do
      journey.go(subject, { { at = find("record", "opened"), name = "killed" } })
      journey.go(subject, { { at = find("read", "frame"), name = "cut" } })
    end
    assert.equal(before, system.descriptors())
  end)
end)
