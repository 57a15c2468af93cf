--- jig keygen: makes a pair of keys for `jig sign` and `jig verify`.

local options = require "jig.commands.options"
local sign = require "jig.sign"

local OK <const>, FAILED <const> = 0, 1

local function parser()
  local p = options.parser("keygen", "Make a pair of Ed25519 keys: FILE, private, and FILE.pub.")
  p:argument("file", "Where the private key is written; neither file may be there.")
  return p
end

return function(words)
  local o, status = options.parse(parser(), words)
  if not o then return status end
  local public = o.file .. ".pub"
  local ok, message = sign.make(o.file, public)
  if not ok then
    io.stderr:write("jig keygen: ", message, "\n")
    return FAILED
  end
  print(("made: %s (private, keep it away from stations), %s"):format(o.file, public))
  return OK
end
