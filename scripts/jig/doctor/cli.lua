--- The Secure Factory CLI: is it there, may others change it, and is it the one that the station pins? It is not
--- called.

local owners = require "jig.doctor.owners"

-- The first bytes of every program (core/pinned.c).
local PROGRAM <const> = "\127ELF"

return function(host, about, say)
  local path, message = host.program(about.cli.cli)
  if not path then
    return say("fail", ("the Secure Factory CLI cannot be started: %s; name it by cli.path in the station file"):format(
      message))
  end
  local why = owners.trouble(host, path)
  if why then
    say("fail", ("%s, and so the CLI, which gets the PIN: chown root, chmod go-w"):format(why))
  end
  local sum, trouble = host.sha256(path)
  if not sum then
    return say("fail", ("the CLI cannot be read: %s; jig writes its SHA-256 into every record"):format(trouble))
  end
  local pinned = (about.station.trust or {}).cli
  local real = pinned and host.realpath(path)
  if real and real ~= path then
    return say("fail", ("%s leads over a link, and a run of a station that says trust refuses it: name %s as "
      .. "cli.path"):format(path, real))
  end
  if pinned and pinned ~= sum then
    return say("fail", ("%s has the SHA-256 %s, and the station file pins %s: find out who changed "
      .. "it before you pin another"):format(path, sum, pinned))
  end
  if pinned and (host.read(path) or ""):sub(1, #PROGRAM) ~= PROGRAM then
    return say("fail", ("%s is a script, or no program, and a run of a station that says trust refuses it: its "
      .. "interpreter would be run, which nobody has hashed"):format(path))
  end
  if why then return end
  say("ok", ("%s, SHA-256 %s%s"):format(path, sum, pinned and ", as the station file pins it" or ""))
end
