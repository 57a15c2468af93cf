--- Fills a ledger with the units of a factory's year, through the append path that jig itself uses.
-- Usage, from the repository's root:
--
--     build/jig spec/bench/millions.lua LEDGER UNITS [--measure]
--
-- LEDGER must not exist. Events go in batches of a few hundred units, one commit each. Of a thousand units
-- some fail, are tried again, are made with a fault, or are left without an end: which ones depends on
-- their number alone, so that every run makes the same ledger. --measure then times `jig journal` on it.

package.cpath = (os.getenv("JIG_BUILD") or "build") .. "/?.so;" .. package.cpath

local cjson = require "cjson"
local clock = require "jig.clock"
local digest = require "jig.digest"
local hex = require "jig.hex"
local ledgers = require "spec.ledger"
local proc = require "jig.proc"

local BATCH <const> = 200      -- units
local LOT <const> = 10000      -- units
local RUN <const> = 500        -- units of one run
local SLOTS <const> = { "A", "B", "C", "D" }
local START <const> = 1767225600000000 -- 2026-01-01, us
local CYCLE <const> = 5000000  -- us between two units of the line
local LIMIT <const> = 3600     -- seconds a measured command may take

local FAULTS <const> = {
  { "connectivity.timeout", 104, "the device did not answer in time", "factory_init" },
  { "connectivity.lost", 103, "the connection to the device was lost", "factory_provisioning" },
  { "factory_provisioning.decrypt", 312, "device cannot decrypt the message", "factory_provisioning" },
  { "cli.refused", 402, "the Secure Factory CLI refused", "get_device_configuration" },
}

-- Twenty hex digits that a number gives.
local function id_of(text)
  return hex.encode(digest.sha256(text)):sub(1, 20)
end

local function add(list, kind, session, time, facts)
  list[#list + 1] = { kind = kind, session = session, attempt = 1, time = time, facts = cjson.encode(facts) }
end

local function phases(number)
  local list = {}
  for i, name in ipairs { "connect", "new_device", "factory_init", "get_device_configuration",
    "factory_provisioning", "handle_device_response" } do
    list[i] = { name = name, us = 20000 * i + number * 7919 % 30011 }
  end
  return list
end

-- What all events of one unit share.
local function describe(number)
  local run = ("%s-%s"):format(id_of("run" .. (number - 1) // RUN), SLOTS[(number - 1) // RUN % #SLOTS + 1])
  return {
    number = number, run = run, unit = ("%s.%d"):format(run, (number - 1) % RUN + 1),
    slot = SLOTS[(number - 1) // RUN % #SLOTS + 1], serial = ("T%07d"):format(number),
    lot = ("2026-%03d"):format((number - 1) // LOT + 1), time = START + number * CYCLE,
  }
end

local function started(list, u)
  add(list, "started", "", u.time, {
    run = u.run, owner = u.run:sub(1, 20), slot = u.slot, station = "line 1", lot = u.lot, operator = "eva",
    recipe = "lamp", version = "2", recipe_sha256 = id_of("recipe"), jig = "1", libraries = "lua 5.4.4",
    cli = "/opt/secure-factory/factory_tool", cli_sha256 = id_of("cli"), service = "s",
  })
end

local function opening(list, u, session)
  add(list, "opening", session, u.time, {
    run = u.run, number = u.number, unit = u.unit, owner = u.run:sub(1, 20), slot = u.slot, serial = u.serial,
    lot = u.lot, service = "s", after = 0,
  })
  add(list, "opened", session, u.time + 40000, {})
end

local function ended(list, u, session, result, fault, fingerprint)
  add(list, "ended", session, u.time + 420000, {
    run = u.run, number = u.number, unit = u.unit, slot = u.slot, serial = u.serial, lot = u.lot,
    passed = result == "passed", result = result, took = 420000 + u.number * 104729 % 90001, phases = phases(u.number),
    gate_us = u.number % 10 == 0 and 5000 or 0, received = 2010, sent = 2102, fingerprint = fingerprint,
    fault = fault and { name = fault[1], code = fault[2], reason = fault[3], phase = fault[4] } or nil,
  })
end

local function failed(list, u, session, last)
  local fault = FAULTS[u.number % #FAULTS + 1]
  opening(list, u, session)
  add(list, "failed", session, u.time + 50000, { command = "exchange", code = "timeout", why = fault[3] })
  if last == "owing" then return end
  add(list, "reporting", session, u.time + 60000,
    { code = fault[2], reason = fault[3], fault = fault[1], phase = fault[4] })
  add(list, last, session, u.time + 90000, last == "settled" and { reason = "scrapped", operator = "eva" } or {})
  ended(list, u, session, "failed", fault)
end

local function made(list, u, session)
  local fingerprint = hex.encode(digest.sha256(u.serial)):sub(1, 40)
  opening(list, u, session)
  add(list, "configured", session, u.time + 150000, {})
  add(list, "finishing", session, u.time + 300000, {})
  add(list, "finished", session, u.time + 400000, { fingerprint = fingerprint })
  if u.number % 500 == 3 then
    local fault = { "lamp.dark", 50, "dark", "finish" }
    add(list, "manufactured_with_fault", session, u.time + 410000,
      { fault = fault[1], code = fault[2], reason = fault[3], phase = fault[4] })
    ended(list, u, session, "manufactured with fault", fault, fingerprint)
  else
    ended(list, u, session, "passed", nil, fingerprint)
  end
end

local function unit(list, number)
  local u, session = describe(number), id_of("session" .. number)
  if (number - 1) % RUN == 0 then started(list, u) end
  if number % 50000 == 9 then return failed(list, u, session, "owing") end
  if number % 20000 == 8 then return failed(list, u, session, "settled") end
  if number % 50 == 7 then return failed(list, u, session, "reported") end
  if number % 100 == 5 then failed(list, u, id_of("first" .. number), "reported") end
  if number % 1000 == 6 then -- no session was opened
    return ended(list, u, "", "failed", { "connectivity.not_found", 101, "no such device", "connect" })
  end
  return made(list, u, session)
end

local function append(ledger, list)
  for i, result in ipairs(assert(ledger:append(table.unpack(list)))) do
    if result ~= true then error(("event %d (%s): %s"):format(i, list[i].kind, result[1]), 0) end
  end
end

local function fill(path, units)
  local ledger <close> = assert(ledgers.ledger(path, "write"))
  local list = {}
  for number = 1, units do
    unit(list, number)
    if number % BATCH == 0 or number == units then
      append(ledger, list)
      list = {}
    end
  end
end

-- ---- measuring ----

-- Seconds of each of some runs, sorted; raises when it fails.
local function time(runs, words)
  local seconds = {}
  for i = 1, runs do
    local began = clock.now()
    local result = assert(proc.start(words):wait(LIMIT))
    seconds[i] = clock.now() - began
    if result.exit ~= 0 then error(table.concat(words, " ") .. ": " .. result.stderr, 0) end
  end
  table.sort(seconds)
  return seconds
end

local function show(what, seconds)
  print(("  %-34s %9.3f s"):format(what, seconds[#seconds // 2 + 1]))
end

local function size(path)
  local file <close> = assert(io.open(path))
  return file:seek("end")
end

local function measure(path, units)
  local serial = ("T%07d"):format(units // 2)
  print(("\nA journal of %d units, %.0f bytes each (%.1f MB)\n"):format(units, size(path) / units, size(path) / 1e6))
  local function command(what, runs, ...)
    show(what, time(runs, { arg[-1], "journal", what:match("^%w+"), "--journal", path, ... }))
  end
  command("list, the newest 50", 7)
  command("list --result failed", 7, "--result", "failed")
  command("list --since, one day", 7, "--since", "2026-01-01", "--until", "2026-01-02")
  command("show, a session", 7, id_of("session" .. units // 2 + 10))
  command("show --serial", 7, "--serial", serial)
  command("stats", 1)
  command("export --format csv", 1, "--format", "csv", "/dev/null")
  command("verify", 1)
end

local path, units = arg[1], math.tointeger(tonumber(arg[2]))
if not (path and units and units > 0) then error("usage: millions.lua LEDGER UNITS [--measure]", 0) end
if io.open(path) then error(path .. " exists", 0) end
local began = clock.now()
fill(path, units)
print(("%d units appended in %.1f s, %d of them in each commit"):format(units, clock.now() - began, BATCH))
if arg[3] == "--measure" then measure(path, units) end
