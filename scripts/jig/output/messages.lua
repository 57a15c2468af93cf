--- What events say to people, in lines without their end. Where the lines go is the outputs' own matter.

local clean = require "jig.output.clean"

local messages = {}

--- The line of a unit that passed.
---@param event table
---@param word? string  "PASS", as it is painted
---@return string
function messages.passed(event, word)
  return ("%s  %s  %s  %s  %.2f s%s"):format(word or "PASS", clean(event.slot), clean(event.serial or "-"),
    clean(event.fingerprint), event.seconds, event.unrecorded and "  (not recorded: no journal)" or "")
end

--- The lines of a unit that failed: what and why, then the sentence for the operator.
---@param event table
---@param word? string  "FAIL", as it is painted
---@return string[]
function messages.failed(event, word)
  local fault = event.fault
  local parts = {
    word or "FAIL", clean(event.slot), clean(event.serial or "-"),
    ("%s (%d): %s"):format(clean(fault.name), fault.code, clean(fault.reason)),
    "in " .. clean(fault.phase or "?"),
  }
  if fault.line then parts[#parts + 1] = "at " .. clean(fault.line) end
  if event.fingerprint then parts[#parts + 1] = "manufactured as " .. clean(event.fingerprint) end
  if event.unreported then parts[#parts + 1] = "NOT REPORTED" end
  return { table.concat(parts, "  "), fault.advice and "      " .. clean(fault.advice) }
end

-- What has a traceback is shown with its lines, in each of which stands what the recipe's author wrote.
local function lines_of(text)
  return (text:gsub("[^\n\t]+", clean))
end

--- What stands behind a verdict: the traceback of a bug, and whether another attempt follows.
---@param event table
---@return string[]
function messages.behind(event)
  local list, fault = {}, event.fault
  local traceback = fault and fault.name == "tool.recipe" and fault.traceback
  if traceback and traceback:find("\n", 1, true) then list[1] = lines_of(traceback) end -- else the reason alone
  if event.again then list[#list + 1] = "      another attempt follows" end
  return list
end

local say = {}

function say.note(event)
  return ("%s  %s"):format(clean(event.slot or "jig"), clean(event.text))
end

function say.report(event)
  if event.accepted then return end
  return ("%s  NOT REPORTED: %s"):format(clean(event.slot), clean(event.trouble))
end

function say.recovery(event)
  return ("recovery: session %s of slot %s, which was %s: %s%s"):format(clean(event.session),
    clean(event.slot or "-"), clean(event.state or "made"), clean(event.outcome),
    event.text and ": " .. clean(event.text) or "")
end

function say.cassette(event)
  return ("%s  NOT RECORDED: %s"):format(clean(event.slot), clean(event.trouble))
end

function say.refused(event)
  return "jig: " .. clean(event.message)
end

function say.crashed(event)
  return "jig: " .. lines_of(event.message)
end

function say.stopping(event)
  return event.times > 1 and "jig: stopping at once; the report is still sent"
    or "jig: stopping: the unit is ended and reported; again = shorter limits"
end

function say.halted(event)
  return ("jig: STOPPED, at every slot: %s\n  three tries block a token: see to its PIN before the next start"):format(
    clean(event.reason))
end

function say.leaving(event)
  return ("jig: stopped %g s ago: what is still open is not reported by this jig"):format(event.seconds)
end

function say.unreported(event)
  return ("jig: %d session%s not reported: %s"):format(event.sessions, event.sessions == 1 and " is" or "s are",
    event.kept and "the next start reports them, or jig recover" or "without a journal nobody will")
end

function say.summary(event)
  return ("%d unit%s: %d passed, %d failed"):format(event.units, event.units == 1 and "" or "s", event.passed,
    event.failed)
end

--- The line of any other event; nil when it has none.
---@param event table
---@return string?
function messages.line(event)
  local f = say[event.event]
  return f and f(event)
end

return messages
