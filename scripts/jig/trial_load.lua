--- What jig.trial runs in a slot's state: loads a recipe or a station file, and tells why it cannot be used.

local slot = require "jig.slot"

local function files_of(config)
  if config.sealed then return require("jig.sealed").files(config.sealed, config.folder) end
  return require("jig.sandbox").files()
end

---@param config { file?: string, folder?: string, sealed?: jig.Sealed, station?: string }
return function(config)
  local made, message
  if config.station then
    made, message = require("jig.station").read(config.station)
  else
    made, message = require("jig.loader").load(config.file, config.folder, files_of(config))
  end
  if not made then
    slot.emit { event = "refused", message = message }
  elseif not config.station then
    slot.emit { event = "loaded", name = made.name, version = made.version }
  end
end
