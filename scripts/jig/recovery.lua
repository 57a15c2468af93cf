--- Recovery: finds the sessions that began and have no end, and whose owner is gone, and reports each.
--
-- A session belongs to the jig process that opened it (core/owner.h). While that process or a CLI that it
-- started lives, the session is left alone; then its lock is taken, so that nobody else recovers it at the
-- same time, and it is looked at again. It is reported with tool.orphaned through the service that opened
-- it and no other. A report that failed before is tried again after a while, once; one that was refused
-- too often is given up ("settled"). Runs in the main state, on the journal that is open.

local cjson = require "cjson.safe"
local fault = require "jig.fault"
local journal = require "jig.journal"
local ledger = require "jig.ledger"
local session = require "jig.session"

local recovery = {}

-- The longest wait behind a report that failed, in microseconds: core/effects.c.
local LONGEST <const> = 3600000000

---@class jig.RecoveryOptions
---@field path string        of the journal
---@field mode? string        of ledger.open: "shared" for one in memory
---@field service? userdata  session.service of this station; a dry run needs none
---@field signature string   of it: jig.commands.journaling
---@field refusals integer   after so many a session is settled
---@field unclear? boolean   false: a session that may never have been opened is not reported
---@field repeats? boolean   false: a report whose outcome is unknown is not called again
---@field now integer        microseconds of UTC
---@field again? boolean     reports that failed are tried at once
---@field dry_run? boolean   changes nothing
---@field stopped? fun(): boolean  true: no further report is begun
---@field say fun(event: table)

---@class jig.RecoveryResult
---@field found integer      sessions without an end whose owner is gone
---@field reported integer
---@field settled integer
---@field unreported integer what is left of them
---@field busy integer       sessions whose owner lives

local OWNERS <const> = [[
  SELECT DISTINCT owner FROM session WHERE ended IS NULL AND owner <> ?1
  UNION SELECT session.owner FROM session JOIN unit ON unit.id = session.unit
    WHERE session.state = 'finished' AND unit.result IS NULL AND session.owner <> ?1]]

-- `said_no`: how often the service itself refused the report. A CLI that says that its token is missing or busy, or
-- its PIN wrong, refuses, too, and the service was not asked.
local UNENDED <const> = [[
  SELECT id, attempt, slot, serial, service, state, calls, refusals, again_at, unit,
    (SELECT count(*) FROM event AS e WHERE e.session = session.id AND e.attempt = session.attempt
      AND e.kind = 'refused' AND e.facts ->> '$.command' = 'report_error' AND e.facts ->> '$.code' = 'refused')
      AS said_no
  FROM session WHERE owner = ?1 AND ended IS NULL ORDER BY event]]

-- Made, but the hooks that follow a fingerprint were cut off.
local UNFINISHED <const> = [[
  SELECT session.id, session.attempt, session.slot, session.unit, session.fingerprint
  FROM session JOIN unit ON unit.id = session.unit
  WHERE session.owner = ?1 AND session.state = 'finished' AND unit.result IS NULL]]

-- All rows of a query at once, for the ledger is written while they are worked on.
local function collect(reader, sql, parameter)
  local list = {}
  for row in reader:rows(sql, parameter) do list[#list + 1] = row end
  return list
end

local function tell(options, row, what, text)
  options.say { event = "recovery", session = row.id, attempt = row.attempt, slot = row.slot, serial = row.serial,
    state = row.state, outcome = what, text = text }
end

local function append(kind, row, facts)
  return journal.append(kind, row.id, row.attempt, assert(cjson.encode(facts)))
end

-- "settled", or nil and why not.
local function settle(row, reason)
  local kept, message = append("settled", row, { reason = reason, operator = "jig" })
  return kept and "settled", message
end

-- A call of report_error was not answered by yes or no.
local function is_unknown(row)
  return row.state == "reporting" or row.calls > row.refusals
end

-- How long its report is left alone, in microseconds; 0 when it is due. More than there ever is to wait says that the
-- clock was ahead when it failed.
local function wait_of(row, now)
  local left = (row.again_at or 0) - now
  return left > 0 and left <= LONGEST and left or 0
end

-- Why a session is not reported now; nil when it is.
local function obstacle(options, row)
  if options.stopped and options.stopped() then return "interrupted" end
  if row.service ~= options.signature then
    return "it was opened through another service: other CLI, arguments or environment"
  end
  if options.repeats == false and is_unknown(row) then
    return "it is unknown whether its report was accepted, and the station does not report twice"
  end
  local wait = options.again and 0 or wait_of(row, options.now)
  if wait > 0 then return ("its report failed; it is tried again in %d s"):format(wait // 1000000 + 1) end
end

local function report(options, row, owner)
  local orphan = fault.new("tool.orphaned")
  local made <close> = assert(session.orphaned(options.service, row.id, row.slot or "recovery", row.attempt, owner))
  return made:report_error(orphan.code, orphan.reason, orphan.name, row.state)
end

-- It is unknown whether it was ever opened, and the station does not report such sessions.
local function drop(row)
  local kept, message = append("refused", row, { command = "new_device",
    why = "it is unknown whether it was opened, and the station does not report such sessions" })
  return kept and "refused" or "left", message
end

-- What becomes of one session: "reported", "settled", "refused" (nothing was opened), or "left" and why.
local function recover(options, row, owner)
  if options.unclear == false and row.state == "opening" then
    if options.dry_run then return "would not be reported" end
    return drop(row)
  end
  local why = obstacle(options, row)
  if why then return "left", why end
  if options.dry_run then return "would be reported" end
  local ok, message, code = report(options, row, owner)
  if ok then return "reported" end
  if code == "refused" and row.said_no + 1 >= options.refusals then
    local done, trouble = settle(row, ("its report was refused %d times; the last time: %s"):format(
      row.said_no + 1, message))
    return done or "left", trouble or message
  end
  return "left", message
end

-- The record of a unit whose process was gone before its verdict.
local function finish(row)
  local orphan = fault.new("tool.orphaned")
  return append("manufactured_with_fault", row, {
    fault = orphan.name, code = orphan.code, reason = orphan.reason, phase = "finish",
  })
end

-- The sessions of an owner that have no end; how many are left so.
local function recover_sessions(options, id, owner, result)
  local left = 0
  -- what it left in its emergency file goes first
  local ready, trouble = journal.ready()
  for _, row in ipairs(collect(options.reader, UNENDED, id)) do
    result.found = result.found + 1
    local what, text = "left", trouble
    if ready then what, text = recover(options, row, owner) end
    tell(options, row, what, text)
    if what == "reported" then result.reported = result.reported + 1 end
    if what == "settled" then result.settled = result.settled + 1 end
    if what == "left" or options.dry_run then left = left + 1 end
  end
  result.unreported = result.unreported + left
  return left
end

-- The units of an owner that were made but have no verdict; how many are left so.
local function finish_units(options, id)
  local left = 0
  for _, row in ipairs(collect(options.reader, UNFINISHED, id)) do
    local kept, trouble = nil, nil
    if not options.dry_run then kept, trouble = finish(row) end
    tell(options, row, (options.dry_run and "would be " or "") .. "manufactured with fault",
      trouble or "its process was gone before the unit was complete")
    if not kept then left = left + 1 end
  end
  return left
end

-- The owner's lock cannot be had: it lives; or it is gone and a CLI that it started still works on a session, or its
-- file cannot be used, and nobody will report that session if this is not tried again.
local function held(options, id, result, message, code)
  local rows, lives = collect(options.reader, UNENDED, id), code == "busy"
  for _, row in ipairs(rows) do tell(options, row, lives and "busy" or "left", message) end
  if lives then
    result.busy = result.busy + #rows
  else
    result.found, result.unreported = result.found + #rows, result.unreported + #rows
  end
end

local function recover_owner(options, id, result)
  local owner <close>, message, code = journal.take(options.path .. ".d", id)
  if not owner then return held(options, id, result, message, code) end
  local left = recover_sessions(options, id, owner, result) + finish_units(options, id)
  owner:release(left == 0 and not options.dry_run)
end

--- Recovers every owner that is gone. Yields.
---@param options jig.RecoveryOptions
---@return jig.RecoveryResult
function recovery.run(options)
  local result = { found = 0, reported = 0, settled = 0, unreported = 0, busy = 0 }
  local reader <close> = assert(ledger.open(options.path, options.mode))
  local reading = setmetatable({ reader = reader }, { __index = options })
  for _, row in ipairs(collect(reader, OWNERS, journal.owner() or "")) do
    recover_owner(reading, row.owner, result)
  end
  return result
end

-- The attempts of a session that belong to one owner: how many were given up; nil and why not.
local function settle_owned(reader, path, id, owner_id, facts)
  local owner <close>, message = journal.take(path .. ".d", owner_id)
  if not owner then return nil, message end
  local ready, trouble = journal.ready() -- it may have an end in the emergency file
  if not ready then return nil, trouble end
  local settled, left = 0, #collect(reader, UNFINISHED, owner_id)
  for _, row in ipairs(collect(reader, UNENDED, owner_id)) do
    if row.id == id then
      local kept, why = append("settled", row, facts)
      if not kept then return nil, why end
      settled = settled + 1
    else
      left = left + 1
    end
  end
  owner:release(left == 0)
  return settled
end

--- Gives a session up: nobody reports it any more. Yields.
---@param path string
---@param id string        its session id
---@param reason string
---@param operator string
---@return integer|nil settled  how many of its attempts, string? message
function recovery.settle(path, id, reason, operator)
  local settled = 0
  local reader <close> = assert(ledger.open(path))
  for _, row in ipairs(collect(reader, "SELECT DISTINCT owner FROM session WHERE id = ?1 AND ended IS NULL", id)) do
    local count, message = settle_owned(reader, path, id, row.owner, { reason = reason, operator = operator })
    if not count then return nil, message end
    settled = settled + count
  end
  if settled == 0 then return nil, ("the journal has no session %s that is without an end"):format(id) end
  return settled
end

return recovery
