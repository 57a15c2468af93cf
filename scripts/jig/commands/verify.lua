--- jig verify: holds a recipe's folder against its manifest and its signature. Exit 0; 1 when it is not as it was
--- signed; 2.

local bundle = require "jig.bundle"
local clean = require "jig.output.clean"
local options = require "jig.commands.options"
local source = require "jig.source"

local OK <const>, FOUND <const>, USAGE <const> = 0, 1, 2

local function parser()
  local p = options.parser("verify", "Hold a signed recipe against its manifest.")
  p:argument("folder", "The recipe's folder.")
  p:option("--key", "PEM file of the public key; may be repeated: one of them must have signed."):value "FILE"
    :repeated()
  return p
end

local function say(text)
  io.stderr:write("jig verify: ", text, "\n")
end

local function read_keys(paths)
  local keys = {}
  for i, path in ipairs(paths) do
    local pem, message = source.read(path, 65536)
    if not pem then return nil, message end
    keys[i] = { name = path, pem = pem }
  end
  return keys
end

return function(words)
  local o, status = options.parse(parser(), words)
  if not o then return status end
  local keys, message = read_keys(o.key or {})
  if keys and #keys == 0 then keys, message = nil, "name the public key with --key PEM" end
  if not keys then
    say(message)
    return USAGE
  end
  local found, reasons = bundle.verify(o.folder, keys)
  if not found then
    for _, reason in ipairs(reasons) do say(("%s: %s"):format(o.folder, clean(reason))) end
    return FOUND
  end
  print(("verified: %s %s, %d files, signed by %s, manifest %s"):format(found.manifest.name, found.manifest.version,
    #found.manifest.files, found.key, found.sealed.manifest))
  return OK
end
