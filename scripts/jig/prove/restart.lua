--- What the next start of jig does first: recovery, in a slot's state of a world. Emits `restarted` at its end.

local recovery = require "jig.recovery"
local session = require "jig.session"
local slot = require "jig.slot"

---@param config { path: string, service: table, signature: string, refusals: integer }
return function(config)
  local ready, message = require("jig.journal").ready()
  local result = ready and recovery.run {
    path = config.path,
    mode = "shared",
    service = session.service(config.service),
    signature = config.signature,
    refusals = config.refusals,
    now = os.time() * 1000000,
    again = true,
    say = slot.emit,
  }
  slot.emit { event = "restarted", unreported = result and result.unreported or -1, trouble = message }
end
