---@meta
--- The unit: one device on its way through one attempt, as a recipe's hooks are handed it.
---
---     local init = unit:new_device()
---     local key = unit:exchange({ command = 0x20, payload = init.payload })

---@class jig.Unit
---@field slot string
---@field number integer       of the unit at this slot, from 1
---@field attempt integer      from 1
---@field serial? string       the device's serial number: set it in prepare; from new_device on it stays what it is
---@field lot? string
---@field operator? string
---@field port jig.Wire        the wire
---@field session_id? string   from new_device on
---@field fingerprint? string  from handle_device_response on
---@field data table           the recipe's own
local unit = {}

--- Opens the session. Throws cli.*, tool.serial, tool.duplicate.
---@async
---@return jig.Frame request  { scp, payload } for the device
function unit:new_device() end

--- Gives a message to the device and waits for its answer, within limits.exchange. The same message cannot be given
--- twice. Throws connectivity.*, firmware.*, and what the status map names.
---@async
---@param request jig.Frame  with the fields that the framing's header names
---@param phase? string      text of 64 bytes at most; default "factory_init", then "factory_provisioning"
---@return jig.Frame response
function unit:exchange(request, phase) end

--- Hands the device's first answer to the service: 1 to 65,535 bytes. Throws cli.*, firmware.response.
---@async
---@param response jig.Frame|string
---@return jig.Frame request
function unit:get_device_configuration(response) end

--- Hands the device's second answer over; the device is then manufactured. Throws cli.*, firmware.response.
---@async
---@param response jig.Frame|string
---@return string fingerprint
function unit:handle_device_response(response) end

--- Reads one frame with a decoder, within limits.first and limits.between. Throws connectivity.*.
---@async
---@param decoder jig.Decoder
---@return jig.Frame
function unit:read_frame(decoder) end

--- Opens a further wire of the same device, with other options of its address; it is closed with the unit's port.
--- Throws connectivity.not_found, connectivity.open.
---
---     local events = unit:open { interface = 1 }
---@async
---@param options table<string, string|integer|boolean>  of the transport, but path, vid, pid and serial
---@return jig.Wire
function unit:open(options) end

--- Waits until the device has left and is back, within limits.reopen, and goes on with it: unit.port then has an empty
--- input, and further wires are over. Throws connectivity.not_found, connectivity.timeout, and tool.serial when a
--- device with another serial number came.
---
---     unit:reopen { pid = 0x5742 }
---@async
---@param options? table<string, string|integer|boolean>  of the transport, that are others now
function unit:reopen(options) end

--- Throws a fault: the unit fails and, if its session is open, is reported.
---@param name string            of the catalogue, or with code and reason
---@param fields? jig.StatusEntry
function unit:fail(name, fields) end

--- One line of printable text for the people at the station, 200 characters at most.
---@param text string
function unit:log(text) end

return unit
