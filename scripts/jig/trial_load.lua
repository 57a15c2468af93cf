--- What jig.trial runs in a slot's state: loads a recipe or a station file, and tells why it cannot be used.

local slot = require "jig.slot"

---@param config { file?: string, folder?: string, station?: string }
return function(config)
  local made, message
  if config.station then
    made, message = require("jig.station").read(config.station)
  else
    made, message = require("jig.loader").load(config.file, config.folder, require("jig.sandbox").files())
  end
  if not made then slot.emit { event = "refused", message = message } end
end
