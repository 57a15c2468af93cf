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
    local result = run(place, all.addresses, { service = { limits = { new_device = 200 } } })
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

  it("works on 1,000 devices over TCP", function()
    local place <close> = station.place()
    local farm <close> = assert(port.open(("exec:%s spec/support/farm.lua 1000?pty=1"):format(station.jig)))
    local addresses = {}
    for i = 1, 1000 do
      addresses[i] = "tcp:127.0.0.1:" .. assert(farm:read_until("\n", station.PATIENCE)):match("%d+")
    end
    local result = run(place, addresses, { recipe = "spec/bench/recipe", cli = station.build .. "/bench/tool" })
    assert.equal(0, result.exit, result.stderr)
    local summary = result.events[#result.events]
    assert.same({ 1000, 1000, 0 }, { summary.units, summary.passed, summary.failed })
  end)
end)
