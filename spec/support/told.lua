-- What core/session tells the journal, one session after another, for specs of what keeps it.

local json = require "cjson.safe"

local told = {}

--- One event; `facts` is a table.
function told.event(kind, session, facts, time)
  return { kind = kind, session = session, facts = facts and next(facts) and json.encode(facts) or "{}", time = time }
end

--- "opening" of a session whose serial and unit have its name.
function told.opening(session, owner)
  return told.event("opening", session, {
    run = "r", number = 1, unit = "r." .. session, owner = owner, slot = "A", serial = "T" .. session, service = "s",
  })
end

--- All events of a session that ends well, or with an accepted report.
function told.session(session, owner, fails)
  local event = told.event
  local list = { told.opening(session, owner), event("opened", session), event("configured", session) }
  if fails then
    table.move({
      event("failed", session, { command = "get_device_configuration", code = 7, why = "no" }),
      event("reporting", session, { code = 7, reason = "no", fault = "device.no", phase = "run" }),
      event("reported", session),
      event("ended", session, { unit = "r." .. session, result = "failed", fault = { name = "device.no", code = 7 } }),
    }, 1, 4, 3, list)
  else
    table.move({
      event("finishing", session),
      event("finished", session, { fingerprint = "f" .. session }),
      event("ended", session, { unit = "r." .. session, result = "passed" }),
    }, 1, 3, 4, list)
  end
  return list
end

--- Their kinds.
function told.kinds(list)
  local kinds = {}
  for i, event in ipairs(list) do kinds[i] = event.kind end
  return kinds
end

return told
