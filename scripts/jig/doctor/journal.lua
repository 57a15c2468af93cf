--- The journal: is it there, and does it verify?

-- Events that are verified here: a second.
local MOST <const> = 50000

return function(host, about, say)
  local settings = about.journal
  if not settings then
    return say("warn", "the station file says journal = false: no PASS is a record, a power cut loses the session")
  end
  local path = settings.path
  if not path then
    return say("fail", "there is no HOME to keep a journal in: name one by journal.path in the station file")
  end
  local there, trouble, code = host.stat(path)
  if not there and code == "not_found" then
    return say("ok", ("there is none yet: the first run makes %s"):format(path))
  elseif not there then
    return say("fail", ("it cannot be looked at: %s; ask as the user who runs jig"):format(trouble))
  end
  local journal, message = host.journal(path)
  if not journal then
    return say("fail", ("%s cannot be read: %s; jig journal verify tells more"):format(path, message))
  end
  if journal.events > MOST then
    return say("ok", ("%s has some %d events, too many to verify each time: jig journal verify --journal %s"):format(
      path, journal.events, path))
  end
  local report, why = host.verify(path, settings.key)
  if not report then return say("fail", ("%s cannot be verified: %s"):format(path, why)) end
  if not report.sound then
    return say("fail", ("%s is not sound: %s; keep a copy, and ask who could write there"):format(path, report.text))
  end
  say("ok", ("%s is sound, %d events"):format(path, report.events))
end
