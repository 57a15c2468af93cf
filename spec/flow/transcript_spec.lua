-- The vendor's transcript, byte for byte: what the CLI prints reaches the device, what the device answers
-- reaches the CLI, and nothing is changed on the way.

local port = require "jig.port"
local replay = require "spec.support.replay"
local session = require "jig.session"
local station = require "spec.support.station"
local task = require "jig.task"
local transcript = require "spec.support.transcript"

local MESSAGES <const> = replay.messages

-- Seconds that a step may take.
local LIMIT <const> = 60

local CALLS <const> = ("new_device %s\nget_device_configuration %s\nhandle_device_response %s\n"):format(
  transcript.session, transcript.session, transcript.session)

describe("the vendor's transcript", function()
  local place

  before_each(function() place = station.place() end)
  after_each(function() place:close() end)

  it("has messages of 4, 90, 1984 and 24 bytes", function()
    local sizes = {}
    for i, message in ipairs(MESSAGES) do sizes[i] = #message end
    assert.same({ 4, 90, 1984, 24 }, sizes)
  end)

  it("passes through jig.session and a port", function()
    local service = session.service { cli = replay.tool(place) }
    local s <close> = assert(session.new(service, transcript.session))
    local line <close> = assert(port.open("pair:transcript"))
    local other <close> = assert(port.open("pair:transcript"))
    local device = task.spawn(function()
      local first = other:read(#MESSAGES[1], LIMIT)
      other:write(MESSAGES[2], LIMIT)
      local second = other:read(#MESSAGES[3], LIMIT)
      other:write(MESSAGES[4], LIMIT)
      return first, second
    end)
    local init = assert(s:new_device())
    assert.same({ scp = transcript.init_scp, payload = MESSAGES[1] }, init)
    assert(line:write(init.payload, LIMIT))
    local provisioning = assert(s:get_device_configuration(assert(line:read(#MESSAGES[2], LIMIT))))
    assert.same({ scp = transcript.provisioning_scp, payload = MESSAGES[3] }, provisioning)
    assert(line:write(provisioning.payload, LIMIT))
    local fingerprint = assert(s:handle_device_response(assert(line:read(#MESSAGES[4], LIMIT))))
    assert.equal(transcript.fingerprint, fingerprint)
    assert.same({ true, MESSAGES[1], MESSAGES[3] }, { device:join() })
    assert.same({ "ended", false }, { s:state(), s:owes() })
    assert.equal(CALLS, station.read(place.path .. "/calls"))
  end)

  it("passes through a recipe and jig run", function()
    local device <close> = replay.device()
    local result = station.run(place, {
      recipe = place:write("recipe.lua", replay.recipe .. "return base\n"),
      port = device.address,
      cli = replay.tool(place),
      arguments = { "--session-id", transcript.session },
    })
    assert.equal(0, result.exit, result.stdout .. result.stderr)
    assert.matches("^PASS  A  %-  " .. transcript.fingerprint .. "  ", result.stdout)
    assert.same({}, device.wrong)
    assert.equal(CALLS, station.read(place.path .. "/calls"))
  end)

  -- Were the counterparts deaf, the specs above would pass whatever happened.
  it("is compared: one bit of a message that is another is noticed", function()
    for number = 1, 4 do
      local device <close> = replay.device()
      local result = station.run(place, {
        recipe = place:write("recipe.lua", replay.recipe .. ([[
          local number = 0
          local function pass(frame)
            number = number + 1
            if number ~= %d then return frame end
            local last = frame.payload:byte(-1) ~ 1
            return { scp = frame.scp, payload = frame.payload:sub(1, -2) .. ("B"):pack(last) }
          end
          function base.run(unit)
            local init = pass(unit:new_device())
            local key = pass(unit:exchange(init))
            local provisioning = pass(unit:get_device_configuration(key))
            local acknowledgement = pass(unit:exchange(provisioning))
            unit:handle_device_response(acknowledgement)
          end
          return base
        ]]):format(number)),
        port = device.address,
        cli = replay.tool(place),
        arguments = { "--session-id", transcript.session },
      })
      local to_device = number % 2 == 1
      assert.same(to_device and { "message " .. number } or {}, device.wrong)
      assert.equal(to_device and 0 or 1, result.exit, result.stdout .. result.stderr)
    end
  end)
end)
