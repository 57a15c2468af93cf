--- A device that is pulled out at every phase of the flow, one unit after the other, under one `jig run --watch`: each
-- phase ends in exactly one end, soon; nothing is left behind; the next device is the next unit.
--
--     walk("an FTDI adapter", {
--       address = "serial:/dev/ttyUSB0",
--       plug = function(faults) … end,       -- a meter of the simulator's, with these faults
--       unplug = function() … return at end, -- clock.now
--     })

local assert = require "luassert"
local busted = require "busted"
local cjson = require "cjson.safe"
local clock = require "jig.clock"
local guest = require "spec.rig.guest"
local station = require "spec.support.station"

-- Seconds that a call of the CLI takes longer where a device is pulled out during it.
local SLOW <const> = 0.8

-- The phases in their order. Where the unit is when its device goes:
--   place     at a place of the recipe
--   silence   waiting for the answer to a message: the simulator's stage
--   call      in this call of the CLI
--   phase     so many seconds after the phase began
-- and what comes of it: reports, and whether the device was made all the same.
local PHASES <const> = {
  { name = "prepare, reading", place = "prepare reads", reports = 0 },
  { name = "prepare, not looking", place = "prepare sleeps", reports = 0 },
  { name = "before the session, answer awaited", silence = "mode", phase = "mode_switch", reports = 0 },
  { name = "new_device", call = "new_device", reports = 1 },
  { name = "exchange 1, before the write", place = "init sleeps", reports = 1 },
  { name = "exchange 1, answer awaited", silence = "init", phase = "factory_init", reports = 1 },
  { name = "get_device_configuration", call = "get_device_configuration", reports = 1 },
  { name = "exchange 2, before the write", place = "provisioning reads", reports = 1 },
  { name = "exchange 2, in the write", phase = "factory_provisioning", after = 0.1, reports = 1 },
  { name = "exchange 2, answer awaited", silence = "provision", phase = "factory_provisioning", after = 0.6,
    reports = 1 },
  { name = "handle_device_response", call = "handle_device_response", reports = 0, made = true },
  { name = "finish, reading", place = "finish reads", reports = 0, made = true },
  { name = "finish, answer awaited", silence = "lock", phase = "lock", reports = 0, made = true },
  { name = "report_error", silence = "init", phase = "factory_init", call = "report_error", reports = 1 },
}

-- The CLI, which is slow in the call that a file names.
local function slow_tool(place)
  return place:write("tool", ([[
#!/bin/sh
read -r slow <"%s/slow"
[ "$slow" != "$1" ] || sleep %s
exec "%s" "$@"
]]):format(place.path, SLOW, station.factory_tool), true)
end

local function recipe(place)
  local folder = place:fresh("recipe")
  station.execute("mkdir", folder)
  place:write(folder .. "/recipe.lua", station.read("spec/rig/recipe/recipe.lua"))
  local places = {}
  for i, phase in ipairs(PHASES) do places[i] = ("[%d] = %q"):format(i, phase.place or "") end
  place:write(folder .. "/places.lua", "return { " .. table.concat(places, ", ") .. " }\n")
  return folder
end

-- The events of a running jig, each once, with the time at which it was seen.
local function events_of(run)
  local file
  return function(what, test)
    return guest.eventually(what, function()
      file = file or io.open(run.base .. ".out")
      local line = file and file:read("L")
      while line do
        local event = assert(cjson.decode(line), line)
        event.at = clock.now()
        if test(event) then return event end
        line = file:read("L")
      end
    end)
  end
end

local function is(name, phase)
  return function(event) return event.event == name and (not phase or event.phase == phase) end
end

-- Seconds of CPU that a process has used.
local function cpu_of(id)
  local user, system = station.read(("/proc/%d/stat"):format(id)):match("%) %S" .. (" %S+"):rep(10) .. " (%d+) (%d+)")
  return (user + system) / 100
end

-- Seconds that the recipe sleeps at some places.
local SLEEP <const> = 0.4

-- Goes to where the device shall be pulled out; the time at which a sleep of the recipe's ends there.
local function arrive(phase, await)
  if phase.place then
    local note = await(phase.name, function(e) return e.event == "note" and e.text == "at " .. phase.place end)
    return phase.place:find("sleeps", 1, true) and note.at + SLEEP or nil
  elseif phase.call then
    await(phase.name, is("phase", phase.call == "report_error" and "factory_init" or phase.call))
    clock.sleep(0.1)
  else
    await(phase.name, is("phase", phase.phase))
    clock.sleep(phase.after or 0.1)
  end
end

-- When jig could know at the earliest: a call of the CLI, or a sleep of the recipe's, ends first.
local function earliest(phase, at, run, asleep_until)
  if phase.call and phase.call ~= "report_error" then
    local ends = station.audit(run.directory):ends(phase.call)
    return math.max(at, ends[#ends].end_ns / 1e9)
  end
  return math.max(at, asleep_until or 0)
end

return function(name, device)
  busted.describe(name .. ", pulled out at every phase", function()
    local place, run, await, resting, worst

    busted.setup(function()
      place = station.place()
      place:write("slow", "\n")
      worst = 0
      run = station.start(place, {
        recipe = recipe(place), port = device.address, cli = slow_tool(place), json = true, arguments = { "--watch" },
      })
      await = events_of(run)
      await("jig waits for a device", is "waiting")
    end)

    busted.teardown(function()
      run:close()
      place:close()
    end)

    for number, phase in ipairs(PHASES) do
      busted.it(("%d. %s"):format(number, phase.name), function()
        local before = #station.audit(run.directory):commits "reported"
        place:write("slow", (phase.call or "") .. "\n")
        device.plug(phase.silence and { "silence@" .. phase.silence } or {})
        local asleep_until = arrive(phase, await)
        local at = device.unplug()
        local known = await("jig knows", function(e)
          return e.event == "ended" or e.event == "phase" and e.phase == "report"
        end)
        local seconds = known.at - earliest(phase, at, run, asleep_until)
        local ended = known.event == "ended" and known or await("the unit has ended", is "ended")
        guest.figure(("%s: %s: known after %.0f ms"):format(name, phase.name, math.max(seconds, 0) * 1000))
        worst = math.max(worst, seconds)
        assert.equal("connectivity.lost", ended.fault.name, ended.fault.reason)
        assert.equal(phase.made or false, ended.fingerprint ~= nil)
        assert.is_false(ended.passed)
        assert.is_false(ended.unreported)
        assert.equal(phase.reports, #station.audit(run.directory):commits "reported" - before)
        await("jig waits for the next device", function(e) return e.event == "waiting" and e["for"] == "device" end)
        resting = guest.settled(resting, run.child:pid())
        assert.is_true(seconds < guest.NOTICE, seconds)
      end)
    end

    busted.it("and waits without keeping the machine busy", function()
      local id = run.child:pid()
      local cpu = cpu_of(id)
      clock.sleep(2)
      cpu = cpu_of(id) - cpu
      guest.figure(("%s: worst case known after %.0f ms; %.1f %% of a CPU while it waits"):format(
        name, worst * 1000, cpu * 50))
      assert.is_true(cpu < 0.4, cpu)
    end)

    busted.it("and makes the next device that comes", function()
      place:write("slow", "\n")
      device.plug {}
      local ended = await("the unit has ended", is "ended")
      assert.is_true(ended.passed, ended.fault and ended.fault.reason)
      device.unplug()
    end)

    busted.it("and has one end for each session", function()
      run:signal(15)
      local result = run:finish()
      assert.equal(1, result.exit, result.stderr)
      assert.same({}, result.left)
      local ends = {}
      for _, state in ipairs { "reported", "handed" } do
        for _, commit in ipairs(result.audit:commits(state)) do
          ends[commit.session] = (ends[commit.session] or 0) + 1
        end
      end
      for _, commit in ipairs(result.audit:commits "opened") do
        assert.equal(1, ends[commit.session], commit.session)
      end
    end)
  end)
end
