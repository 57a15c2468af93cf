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

function record.ends(history, complain)
  for _, row in ipairs(history.unended) do
    complain("6 nothing is lost", ("the journal still has session %s as %s"):format(row.id, row.state))
  end
end

return record
