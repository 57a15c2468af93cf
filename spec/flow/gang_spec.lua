--- Many slots in one jig, over real wires to real programs: the simulators, with their cryptography.

local cjson = require "cjson.safe"
local port = require "jig.port"
local proc = require "jig.proc"
local station = require "spec.support.station"

local PATIENCE <const> = 300

-- As many simulated devices, started together, on TCP: one that has a terminal takes one of the few inotify instances
-- that a user may have. Closing ends them.
local function devices(place, count, arguments)
  local made = { addresses = {} }
  local children = {}
  setmetatable(made, { __close = function()
    for _, child in ipairs(children) do child:kill(15) end
    for _, child in ipairs(children) do child:wait(station.PATIENCE) end
  end })
  for i = 1, count do
    local words = {
      "sh", "-c", 'exec "$0" "$@" >' .. place.path .. "/ready" .. i, station.simulator, "--wire", "ftcd",
      "--listen", "tcp:0", "--store", place.path, "--serial", "T" .. i,
    }
    table.move(arguments and arguments(i) or {}, 1, 8, #words + 1, words)
    children[i] = assert(proc.start(words))
  end
  for i = 1, count do
    made.addresses[i] = station.eventually("device " .. i, function()
      return station.read(("%s/ready%d"):format(place.path, i)):match("^ready (.-)\n")
    end)
  end
  return made
end

local function slot_words(addresses, words)
  for i, address in ipairs(addresses) do
    words[#words + 1] = "--slot"
    words[#words + 1] = ("S%d=%s"):format(i, address)
  end
  return words
end

-- Runs one unit at each slot. Gives the result of jig, with `ended`: slot -> event.
local function run(place, addresses, options)
  options = options or {}
  options.recipe = options.recipe or "examples/gateway"
  options.json = true
  options.arguments = slot_words(addresses, options.arguments or {})
  local at <close> = station.start(place, options)
  local result = at:finish(PATIENCE)
  result.ended = {}
  for _, event in ipairs(result.events) do
    if event.event == "ended" then result.ended[event.slot] = event end
  end
  return result
end

describe("a gang", function()
  it("passes 256 of 256, each session called once in order and none reported", function()
    local place <close> = station.place()
    local all <close> = devices(place, 256)
    local result = run(place, all.addresses, {
      recipe = place:recipe("gateway", "base.limits = { open = 200, exchange = 200, unit = 300 }"),
      service = { token = false, limits = {
        new_device = 200, get_device_configuration = 200, handle_device_response = 200,
      } },
    })
    assert.equal(0, result.exit, result.stderr)
    local fingerprints, n = {}, 0
    for i = 1, 256 do
      local ended = result.ended["S" .. i]
      assert.is_true(ended.passed)
      assert.is_nil(fingerprints[ended.fingerprint])
      fingerprints[ended.fingerprint] = true
      n = n + 1
    end
    assert.equal(256, n)
    for _, command in ipairs { "new_device", "get_device_configuration", "handle_device_response" } do
      assert.equal(256, #result.audit:starts(command))
    end
    assert.equal(0, #result.audit:starts "report_error")
    assert.equal(256, #station.query(place, result.journal, "SELECT id FROM unit WHERE result = 'passed'"))
    assert.same({ event = "summary", units = 256, passed = 256, failed = 0, exit = 0 },
      (function(e) e.time = nil return e end)(result.events[#result.events]))
    assert.is_string(cjson.encode(result.ended.S1))
  end)

  it("stops: what is before its session ends at once, what is open is reported", function()
    local place <close> = station.place()
    local all <close> = devices(place, 16, function() return { "--fault", "silence@init" } end)
    local waiting = place:recipe("gateway", [[
      base.prepare = function(unit) if unit.slot:find "[13579]$" then require "jig".sleep(100) end end]])
    local at <close> = station.start(place, { recipe = waiting, json = true,
      arguments = slot_words(all.addresses, {}) })
    station.eventually("all wait", function()
      local n = 0
      for _, event in ipairs(at:events()) do
        if event.phase == "factory_init" or event.phase == "prepare" then n = n + 1 end
      end
      return n == 24 -- 8 that wait in prepare, and 8 that have been there and wait for their device
    end)
    at:signal(15)
    local result = at:finish(PATIENCE)
    assert.equal(5, result.exit, result.stderr)
    assert.equal(8, #result.audit:starts "new_device")
    assert.equal(8, #result.audit:commits "reported")
  end)

  it("leaves to recovery what is not reported so long after it was stopped, and says so", function()
    local place <close> = station.place()
    local all <close> = devices(place, 8, function() return { "--fault", "silence@init" } end)
    -- While the file is there reports do not come to an end.
    local block = place:write("block", "")
    local cli = place:write("cli", ([[#!/bin/sh
while [ "$1" = report_error ] && [ -e %s ]; do sleep 0.01; done
exec %s "$@"
]]):format(block, station.factory_tool), true)
    local at <close> = station.start(place, { recipe = "examples/gateway", json = true, cli = cli,
      station = { stop = 0.5 }, service = { stop = 0.1, hurry = 0.1, grace = 0 },
      arguments = slot_words(all.addresses, {}) })
    station.eventually("all wait", function()
      local n = 0
      for _, event in ipairs(at:events()) do
        if event.phase == "factory_init" then n = n + 1 end
      end
      return n == 8
    end)
    at:signal(15)
    local result = at:finish(PATIENCE)
    assert.equal(6, result.exit, result.stderr)
    assert.equal(0, #result.audit:commits "reported")
    local left
    for _, event in ipairs(result.events) do
      if event.event == "unreported" then left = event end
    end
    assert.same({ 8, true }, { left.sessions, left.kept })
    os.remove(block)
    local words = { "recover", "--now", "--cli", cli, "--journal", result.journal, "--station", station.file(place) }
    local again <close> = station.start_jig(place, words, { SIM_DIR = result.directory })
    local recovered = again:finish()
    assert.equal(0, recovered.exit, recovered.stderr)
    assert.equal(8, #station.audit(result.directory):commits "reported")
  end)

  it("works on 1,000 devices over TCP", function()
    local place <close> = station.place()
    local farm <close> = assert(port.open(("exec:%s spec/support/farm.lua 1000?pty=1"):format(station.jig)))
    local addresses = {}
    for i = 1, 1000 do
      addresses[i] = "tcp:127.0.0.1:" .. assert(farm:read_until("\n", station.PATIENCE)):match("%d+")
    end
    local result = run(place, addresses, { recipe = "spec/bench/recipe", cli = station.build .. "/bench/tool",
      service = { token = { width = 8, folder = place:fresh "locks" } } })
    assert.equal(0, result.exit, result.stderr)
    local summary = result.events[#result.events]
    assert.same({ 1000, 1000, 0 }, { summary.units, summary.passed, summary.failed })
  end)

  it("refuses slots for which there are not enough descriptors, before any unit", function()
    local words = {
      "sh", "-c", 'ulimit -n 256 && exec "$0" "$@"', station.jig, "run", "spec/bench/recipe", "--no-journal",
      "--cli", station.build .. "/bench/tool",
    }
    local addresses = {}
    for i = 1, 40 do addresses[i] = "pair:" .. i end
    local told = assert(proc.start(slot_words(addresses, words)):wait(station.PATIENCE))
    assert.same({ 4, "" }, { told.exit, told.stdout })
    assert.matches("40 slots may need 304 descriptors, and this process may have 256\n", told.stderr, 1, true)
  end)

  -- What goes wrong at one slot: changes of the recipe, the device's fault switch; the fault that follows.
  local troubles = {
    { "an endless loop", "base.prepare = function() while true do end end", nil, "tool.limit" },
    { "one in pcall", "base.prepare = function() while true do pcall(function() while true do end end) end end", nil,
      "tool.limit" },
    { "one in the handler of xpcall", [[base.prepare = function()
        xpcall(error, function() while true do end end)
      end]], nil, "tool.limit" },
    { "one in __close", [[base.prepare = function()
        local forever <close> = setmetatable({}, { __close = function() while true do end end })
      end]], nil, "tool.limit" },
    { "one in a comparison", [[base.prepare = function()
        table.sort({ 1, 2, 3 }, function() while true do end end)
      end]], nil, "tool.limit" },
    { "one in a coroutine, with an open session", [[base.exchange = function()
        coroutine.wrap(function() while true do end end)()
      end]], nil, "tool.limit" },
    { "one in __gc, which is refused", [[base.prepare = function()
        setmetatable({}, { __gc = function() while true do end end })
      end]], nil, "tool.recipe" },
    { "a pattern bomb", [[base.prepare = function() (("a"):rep(100)):find(("a-"):rep(30) .. "b") end]], nil,
      "tool.recipe" },
    { "a table of a gigabyte", [[base.prepare = function()
        local t = {}
        for i = 1, 1 << 27 do t[i] = i end
      end]], nil, "tool.limit" },
    { "a string of a gigabyte", [[base.prepare = function() return ("x"):rep(1 << 30) end]], nil, "tool.limit" },
    { "an error", "base.prepare = function() error 'boom' end", nil, "tool.recipe" },
    { "a wire that is lost", nil, "gone@init", "connectivity.lost" },
    { "a device that is silent", "base.limits.exchange = 0.5", "silence@init", "connectivity.timeout" },
  }

  -- The trouble of a slot: the last ones have one each.
  local function trouble_of(i)
    return troubles[i - 64 + #troubles]
  end

  it("loses one unit to each trouble, and the other slots know nothing of it", function()
    local place <close> = station.place()
    local all <close> = devices(place, 64, function(i)
      local trouble = trouble_of(i)
      return trouble and trouble[3] and { "--fault", trouble[3] }
    end)
    -- The first call of the CLI opens a session and hangs.
    local cli = place:write("cli", ([[#!/bin/sh
hung=%s/hung tool=%s
if [ ! -e $hung ] && mkdir $hung 2>/dev/null; then
  $tool "$@" >/dev/null
  exec sleep 100
fi
exec $tool "$@"
]]):format(place.path, station.factory_tool), true)
    local slots = {}
    for i, address in ipairs(all.addresses) do
      local changes = trouble_of(i) and trouble_of(i)[2]
      slots[i] = { name = "S" .. i, port = address, recipe = changes and place:recipe("gateway", changes) }
    end
    local result = run(place, {}, { cli = cli, hasty = true, station = { slots = slots },
      service = { grace = 0, limits = { new_device = 2 } } })
    assert.equal(1, result.exit, result.stderr)
    local hung = 0
    for i = 1, 64 do
      local ended, trouble = result.ended["S" .. i], trouble_of(i)
      if trouble then
        local name = ended.fault and ended.fault.name
        -- where the machine is slow a pattern's second is over before its steps are
        if trouble[1] == "a pattern bomb" and name == "tool.limit" then name = "tool.recipe" end
        assert.same({ trouble[1], false, trouble[4] }, { trouble[1], ended.passed, name })
        -- where memory ended, there is none for the line
        if trouble[4]:find "^tool" and not trouble[1]:find "gigabyte" then
          assert.matches("recipe.lua:%d+$", ended.fault.line or trouble[1])
        end
      elseif not ended.passed then
        assert.equal("cli.timeout", ended.fault.name)
        hung = hung + 1
      end
      assert.is_false(ended.unreported)
    end
    assert.equal(1, hung)
    local opened, reported = #result.audit:commits "opened", #result.audit:commits "reported"
    assert.equal(64 - #troubles - 1, opened - reported)
  end)
end)
