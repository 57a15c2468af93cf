--- What the journal has: before a call that cannot be taken back, before PASS, and when all is over.

local record = {}

-- What is durable before a call that cannot be taken back.
local INTENTS <const> = { new_device = "opening", handle_device_response = "finishing", report_error = "reporting" }

-- Whether an event of a call's session was taken in this life before it: by the journal, or, of a report, by the
-- emergency file.
local function was_taken(history, kind, call)
  for i = call.effect.number - 1, 1, -1 do
    local earlier = history.trail[i]
    if earlier.life ~= call.effect.life then return false end
    if earlier.kind == "record" and earlier.what == kind and earlier.session == call.session then
      return earlier.injected ~= "refused" or kind == "reporting"
    end
  end
  return false
end

function record.intent(history, complain)
  for _, call in ipairs(history.calls) do
    local kind = INTENTS[call.command]
    if kind and not was_taken(history, kind, call) then
      complain("6 nothing is lost", ("%s is called and '%s' was not recorded before"):format(call.command, kind),
        call.effect)
    end
  end
end

-- PASS stands on a fingerprint that the service gave and the journal has.
function record.passed(history, complain)
  for _, attempt in ipairs(history.attempts) do
    local ended, kept = attempt.ended, nil
    for _, row in ipairs(history.sessions) do
      if row.id == ended.session and row.fingerprint == ended.fingerprint then kept = row end
    end
    if ended.passed and not kept then
      complain("5 PASS means recorded", "PASS, and the journal has no such fingerprint")
    end
    if ended.passed and not attempt.recorded then
      complain("5 PASS means recorded", "PASS was shown before its record was written")
    end
    if ended.passed and not history.fingerprints[ended.fingerprint] then
      complain("1 exactly one end", "PASS with a fingerprint that the CLI did not print")
    end
  end
end

local function result_of(ended)
  if ended.passed then return "passed" end
  return ended.manufactured_with_fault and "manufactured with fault" or "failed"
end

-- The serial number that was told before new_device.
local function told_serial(history)
  local serial
  for _, event in ipairs(history.events) do
    if event.event == "serial" then serial = event.serial end
  end
  return serial and not serial:find("[^\32-\126]") and serial or nil -- what is none is cut, or changed, in the file
end

-- Whether the journal missed something on purpose, or a later start has ended the session.
local function missed(history)
  if history.restarts > 0 then return true end
  for _, injection in ipairs(history.injections) do
    if injection.fault.kills or injection.effect.kind == "record" then return true end
  end
  return false
end

--- The rows of the journal say what the verdict says.
function record.agrees(history, complain)
  local ended = history.ended
  if not ended or missed(history) then return end
  local made, serial = ended.fault or {}, told_serial(history)
  for _, row in ipairs(history.sessions) do
    for key, value in pairs(row.id == ended.session and {
      result = result_of(ended), fault = made.name or false, code = made.code or false, serial = serial,
    } or {}) do
      if (row[key] or false) ~= value then
        local text = ("the journal's %s of the unit is %s; it is %s"):format(key, row[key], value or nil)
        complain("5 PASS means recorded", text)
      end
    end
  end
end

function record.ends(history, complain)
  for _, row in ipairs(history.unended) do
    complain("6 nothing is lost", ("the journal still has session %s as %s"):format(row.id, row.state))
  end
end

return record
