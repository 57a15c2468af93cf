local gang = require "jig.gang"
local port = require "jig.port"
local product = require "spec.support.product"
local scratch = require "spec.support.scratch"
local task = require "jig.task"

local LONG <const> = 60

-- Slots with a device each that answers by answers[slot] (nil: as a good one; false: none is there), until
-- all have ended. Gives the events of each slot, and all in their order.
local function run(t)
  local folder <close> = scratch.folder()
  local file = folder:write("recipe.lua", scratch.recipe(t.more))
  local configs, devices, stopped = {}, {}, false
  for i, name in ipairs(t.slots) do
    local address = ("pair:gang.%s"):format(name)
    configs[i] = {
      slot = name, file = t.files and t.files[name] or file, folder = folder.path .. "/", address = address,
      service = folder:cli(t.cli), count = t.count or 1, retries = 0,
    }
    devices[i] = task.spawn(function()
      while not stopped do
        local wire <close> = assert(port.open(address))
        product.device((t.answers or {})[name])(wire, {})
      end
    end)
  end
  local events, order = {}, {}
  local units
  units = gang.new(function(event)
    order[#order + 1] = event
    events[event.slot] = events[event.slot] or {}
    table.insert(events[event.slot], event)
    if t.watch then t.watch(event, units) end
  end)
  if t.before then t.before(units) end
  units:run(configs)
  stopped = true
  for i, config in ipairs(configs) do
    local last <close> = assert(port.open(config.address))
    last:close()
    devices[i]:join(LONG)
  end
  return events, order
end

-- The last event of a slot.
local function verdict(events, name)
  return events[name][#events[name]]
end

describe("jig.gang", function()
  it("runs slots at once, each by its own name", function()
    local together, most = {}, 0
    local events = run { slots = { "A", "B", "C" }, count = 2, watch = function(event)
      if event.event == "started" then together[event.slot] = true end
      if event.event == "ended" then together[event.slot] = nil end
      local n = 0
      for _ in pairs(together) do n = n + 1 end
      most = math.max(most, n)
    end }
    assert.equal(3, most)
    for _, name in ipairs { "A", "B", "C" } do
      local ended = {}
      for _, event in ipairs(events[name]) do
        if event.event == "ended" then ended[#ended + 1] = { event.unit, event.passed } end
      end
      assert.same({ { 1, true }, { 2, true } }, ended)
    end
  end)

  it("lets one slot fail alone", function()
    local events = run { slots = { "A", "B", "C" }, answers = {
      B = function() return { scp = 1, status = 6, payload = "" } end,
    } }
    assert.same({ true, false, true }, { verdict(events, "A").passed, verdict(events, "B").passed,
      verdict(events, "C").passed })
    assert.equal("lamp.broken", verdict(events, "B").fault.name)
  end)

  it("lets one slot's recipe be refused alone", function()
    local folder <close> = scratch.folder()
    local wrong = folder:write("wrong.lua", "return 5")
    local events = run { slots = { "A", "B" }, files = { A = wrong } }
    assert.equal("refused", verdict(events, "A").event)
    assert.is_true(verdict(events, "B").passed)
  end)

  it("stops all that are at work, and reports each", function()
    local waiting = 0
    local function silent() return nil end
    local events = run { slots = { "A", "B" }, answers = { A = silent, B = silent }, watch = function(event, units)
      if event.phase == "factory_init" then waiting = waiting + 1 end
      if waiting == 2 and event.phase == "factory_init" then units:interrupt() end
    end }
    for _, name in ipairs { "A", "B" } do
      local ended = verdict(events, name)
      assert.same({ "tool.interrupted", true }, { ended.fault.name, ended.reported })
    end
  end)

  it("begins nothing that was stopped before", function()
    local events = run { slots = { "A", "B" }, before = function(units) units:interrupt() end }
    assert.same({}, events)
  end)

  it("begins none of the rest when it is stopped while it begins", function()
    if scratch.valgrind then pending "all have begun before the first can say so" end
    local began, names = 0, {}
    for i = 1, 80 do names[i] = "S" .. i end
    run { slots = names, watch = function(event, units)
      if event.event ~= "started" then return end
      began = began + 1
      if began == 1 then units:interrupt() end
    end }
    assert.is_true(began < 80, "all of them began")
  end)

  it("raises what a handler raises", function()
    local folder <close> = scratch.folder()
    local units = gang.new(function() error("no such luck", 0) end)
    local ok, thrown = pcall(units.run, units, { {
      slot = "A", file = folder:write("recipe.lua", "return 5"), folder = folder.path .. "/", service = folder:cli(),
      count = 1, retries = 0,
    } })
    assert.is_false(ok)
    assert.equal("no such luck", thrown)
  end)
end)
