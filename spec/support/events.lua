-- Events of sessions, for specs of the ledger and of what stands on it.
--
--     events.append(ledger, events.opening { session = "s1", serial = "T1" })
--     events.unit(ledger, "s1")          -- all events of a unit that passes

local json = require "cjson"

local events = {}

local FINGERPRINT <const> = "247024e2ab7a6144f158afa164036a32a953976e"
local SECOND <const> = 1000000

-- A time that is easy to read: 2026-03-01T00:00:00Z and seconds.
local START <const> = 1772323200 * SECOND

events.START, events.SECOND, events.FINGERPRINT = START, SECOND, FINGERPRINT

--- The time, in us, `seconds` after the start.
function events.at(seconds)
  return START + seconds * SECOND
end

-- What each kind says when a spec does not care.
local defaults = {
  started = { run = "r1", owner = "0a", slot = "A", station = "line 1", lot = "L7", operator = "eva",
    recipe = "lamp", version = "2", recipe_sha256 = "00ff", cli = "/opt/tool", service = "s" },
  opening = { run = "r1", number = 1, unit = "r1.1", owner = "0a", slot = "A", serial = "T1", service = "s",
    after = 0 },
  opened = {},
  configured = {},
  failed = { command = "get_device_configuration", code = "refused", why = "no" },
  refused = { command = "new_device", why = "no" },
  unknown = { command = "new_device", why = "killed" },
  finishing = {},
  finished = { fingerprint = FINGERPRINT },
  reporting = { code = 201, reason = "it broke", fault = "lamp.broken", phase = "exchange" },
  reported = {},
  settled = { reason = "scrapped", operator = "eva" },
  manufactured_with_fault = { fault = "lamp.dark", code = 50, reason = "dark", phase = "finish" },
  ended = { run = "r1", number = 1, unit = "r1.1", slot = "A", serial = "T1", lot = "L7", passed = true,
    result = "passed", took = 420000, gate_us = 0, received = 10, sent = 20 },
}

-- The keys in their order, so that the same event has the same bytes in every run.
local function encode(facts)
  local names, members = {}, {}
  for name in pairs(facts) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do members[i] = json.encode(name) .. ":" .. json.encode(facts[name]) end
  return "{" .. table.concat(members, ",") .. "}"
end

--- An event: session, attempt, time (seconds after the start), and facts over the defaults; "" is none.
function events.event(kind, with)
  with = with or {}
  local facts = {}
  for name, value in pairs(defaults[kind] or {}) do facts[name] = value end
  for name, value in pairs(with) do
    if name ~= "session" and name ~= "attempt" and name ~= "time" then facts[name] = value ~= "" and value or nil end
  end
  return {
    kind = kind,
    session = with.session or kind ~= "started" and "s1" or "",
    attempt = with.attempt or 1,
    time = events.at(with.time or 0),
    facts = encode(facts),
  }
end

for kind in pairs(defaults) do
  events[kind] = function(with) return events.event(kind, with) end
end

--- Appends events, none of which is refused.
function events.append(ledger, ...)
  for i, result in ipairs(assert(ledger:append(...))) do
    if result ~= true then error(("event %d: %s (%s)"):format(i, result[1], result[2]), 2) end
  end
end

--- What became of one event: "ok", or its code, and the text.
function events.try(ledger, event)
  local result = assert(ledger:append(event))[1]
  if result == true then return "ok" end
  return result[2], result[1]
end

-- The events on the shortest way of a session to each state.
local ways = {
  none = {},
  opening = { "opening" },
  opened = { "opening", "opened" },
  configured = { "opening", "opened", "configured" },
  finishing = { "opening", "opened", "configured", "finishing" },
  owing = { "opening", "opened", "failed" },
  reporting = { "opening", "opened", "failed", "reporting" },
  finished = { "opening", "opened", "configured", "finishing", "finished" },
  reported = { "opening", "opened", "failed", "reporting", "reported" },
  refused = { "opening", "refused" },
  settled = { "opening", "opened", "failed", "settled" },
}
events.ways = ways

--- Brings a session to a state; `with` goes to every event.
function events.reach(ledger, state, with)
  for _, kind in ipairs(ways[state]) do events.append(ledger, events.event(kind, with)) end
end

--- All events of a unit that passes.
function events.unit(ledger, with)
  events.reach(ledger, "finished", with)
  events.append(ledger, events.ended(with))
end

return events
