--- jig journal sign: signs the newest event's hash.

local clean = require "jig.output.clean"
local hex = require "jig.hex"
local json = require "jig.output.json"
local moment = require "jig.commands.journal.moment"
local options = require "jig.commands.options"
local place = require "jig.commands.journal.place"

local HEAD <const> = "SELECT event, hash, time, signature, key FROM head ORDER BY event DESC LIMIT 1"

local function sign(ledger, o)
  local ok, message = ledger:sign(o.key, o.copy)
  if not ok then
    place.say("sign", clean(message))
    return place.UNREADABLE
  end
  local head = place.row(ledger, HEAD)
  if not head then
    place.say("sign", "the journal has no events: there is nothing to sign")
    return place.FOUND
  end
  local hash, signature = hex.encode(head.hash), hex.encode(head.signature)
  if o.json then
    print(json.line { event = head.event, hash = hash, time = moment.show(head.time), signature = signature,
      key = head.key })
  else
    print(("signed: event %d %s"):format(head.event, hash))
  end
  return place.OK
end

return function(argv)
  local p = options.parser("journal sign", "Sign the newest event.")
  place.options(p)
  p:option("--key", "PEM file of the Ed25519 private key."):value "FILE"
  p:option("--copy", "Write the signed head to this file, too."):value "FILE"
  local o, status = options.parse(p, argv)
  if not o then return status end
  if not o.key then
    place.say("sign", "name the private key with --key PEM; openssl genpkey -algorithm ed25519 -out PEM makes one")
    return place.USAGE
  end
  return place.open("sign", o, "write", function(ledger) return sign(ledger, o) end)
end
