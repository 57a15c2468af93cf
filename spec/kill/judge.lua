--- What must hold after a death and its recovery, by the service's audit file and by the journal.
--
--     local troubles = {}
--     judge.sessions(audit, sessions, reporting, troubles)   -- adds a sentence for each law that is broken

local judge = {}

---@class kill.Session what the journal knows of a session
---@field id string
---@field state string         "opening", …; "finished", "reported", "refused", "settled"
---@field ended? integer
---@field fingerprint? string

--- Adds a sentence.
---@param troubles string[]
function judge.note(troubles, ...)
  troubles[#troubles + 1] = string.format(...)
end

local note = judge.note

-- Two calls of one session never overlap: a line of a call that is not the session's latest is one of a call
-- that was still running when that one began.
local function check_overlaps(audit, troubles)
  local latest = {}
  for _, line in ipairs(audit) do
    if line.event == "start" then latest[line.session] = line.pid end
    if latest[line.session] ~= line.pid then
      note(troubles, "session %s: another call began while %s ran", line.session, line.command)
    end
  end
end

-- The service's account of one session: calls of report_error, those that were not accepted, and how often
-- it moved to each state.
local function account(audit, id)
  local found = { calls = 0, refused = 0 }
  for _, line in ipairs(audit) do
    if line.session == id then
      local report = line.command == "report_error"
      if line.event == "start" and report then found.calls = found.calls + 1 end
      if line.event == "end" and report and line.outcome ~= "accepted" then found.refused = found.refused + 1 end
      if line.event == "commit" then found[line.state] = (found[line.state] or 0) + 1 end
    end
  end
  return found
end

local function check_end(id, service, session, troubles)
  if session.fingerprint then
    if service.calls > 0 then note(troubles, "session %s was reported after its fingerprint", id) end
    if session.state ~= "finished" then note(troubles, "session %s has a fingerprint and is %s", id, session.state) end
  elseif service.handed then -- the fingerprint was printed and died with jig
    if session.state ~= "settled" then note(troubles, "session %s is made and %s", id, session.state) end
    if not session.claim then note(troubles, "session %s is made, and its serial number is free", id) end
  elseif service.opened and not service.reported then
    note(troubles, "session %s is lost: %s, and not reported", id, session.state)
  end
end

-- One session that the service heard of.
local function check_session(id, service, session, reporting, troubles)
  local allowed = 1 + service.refused + reporting
  if not session then return note(troubles, "session %s: the service knows it, the journal does not", id) end
  check_end(id, service, session, troubles)
  if (service.reported or 0) > 1 then note(troubles, "session %s: %d accepted reports", id, service.reported) end
  if service.calls > allowed then
    note(troubles, "session %s: %d calls of report_error, %d were right", id, service.calls, allowed)
  end
end

-- The ends that the journal must hold once jig has said so: a text on stdout, the states.
local SAID <const> = {
  { "^PASS ", { finished = true } },
  { "^FAIL ", { finished = true, reported = true }, "NOT REPORTED" },
  { '"outcome":"reported"', { reported = true } },
}

--- What jig said before it died was durable. For a journal of one session.
---@param stdout string
---@param sessions table<string, kill.Session>  when it was dead
---@param troubles string[]
function judge.said(stdout, sessions, troubles)
  for line in stdout:gmatch("[^\n]+") do
    for _, case in ipairs(SAID) do
      if line:match(case[1]) and not (case[3] and line:find(case[3], 1, true)) then
        for _, session in pairs(sessions) do
          if not case[2][session.state] then note(troubles, "jig said %q, the journal %s", line, session.state) end
        end
      end
    end
  end
end

--- All sessions.
---@param audit spec.Audit
---@param sessions table<string, kill.Session>  by id
---@param reporting table<string, integer>      in how many deaths the journal held a report without an outcome
---@param troubles string[]
function judge.sessions(audit, sessions, reporting, troubles)
  local seen = {}
  check_overlaps(audit, troubles)
  for _, line in ipairs(audit) do
    local id = line.session
    if not seen[id] then check_session(id, account(audit, id), sessions[id], reporting[id] or 0, troubles) end
    seen[id] = true
  end
  for id, session in pairs(sessions) do
    if not session.ended then note(troubles, "session %s has no end, it is %s", id, session.state) end
  end
end

return judge
