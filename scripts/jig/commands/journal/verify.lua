--- jig journal verify: checks the chain of events, the rows that derive from them, and the signed heads.

local clean = require "jig.output.clean"
local json = require "jig.output.json"
local options = require "jig.commands.options"
local place = require "jig.commands.journal.place"

local function say(...)
  io.stdout:write("  ", string.format(...), "\n")
end

-- What the chain proves for this file, and what it cannot.
local function explain(report, key)
  say("no event from %d to %d was changed, moved, put in between or removed", report.first, report.last)
  if report.pruned > 0 then
    say("events 1 to %d were pruned: nothing is known of them but the hash of the last", report.pruned)
  end
  if report.signed_through == 0 then
    say("no signed head: removal of the newest events cannot be noticed, nor a journal that was made anew")
    return
  end
  say("signed through event %d%s", report.signed_through,
    key and "" or ", by whom is not checked: name the key with --key")
  local newer = report.last - report.signed_through
  if newer > 0 then say("the %d newer events are not signed: removal of them cannot be noticed", newer) end
end

local function show(report, key)
  if not report.sound then
    io.stdout:write("NOT SOUND: ", clean(report.text), "\n")
  elseif report.last == 0 then
    io.stdout:write("sound: no events\n")
  else
    io.stdout:write(("sound: %d events, last %d %s\n"):format(report.events, report.last, report.hash))
    explain(report, key)
  end
end

return function(argv)
  local p = options.parser("journal verify", "Check that the journal was not tampered with.")
  place.options(p)
  p:option("--key", "PEM file of the Ed25519 key, private or public, that signed its heads."):value "FILE"
  local o, status = options.parse(p, argv)
  if not o then return status end
  return place.open("verify", o, "read", function(ledger)
    local report, message, code = ledger:verify(o.key)
    if not report then place.fail(message, code) end
    if o.json then
      report.signatures_checked = o.key ~= nil
      print(json.line(report))
    else
      show(report, o.key)
    end
    return report.sound and place.OK or place.FOUND
  end)
end
