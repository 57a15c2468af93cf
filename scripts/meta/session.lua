---@meta jig.session
--- Sessions of the Secure Factory CLI for scripts that jig runs; a recipe has the verbs of its unit instead. What the
--- world refuses is told as nil, message, code.
---
---     local session = require "jig.session"
---     local service = assert(session.service { cli = "factory_tool" })
---     local device <close> = assert(session.new(service, "e78d9c272156fb9b1a5c"))

---@class jig.session
local session = {}

---@class jig.Session
local one = {}

--- How the CLI is called: the keys of a station file's `cli`, with `cli` for the path.
---@param options table
---@return any? service
---@return string? message
---@return string? code
function session.service(options) end

--- One attempt at one device.
---@param service any
---@param id string         1 to 128 printable characters
---@param name? string      for traces
---@param record? string    JSON text for the journal
---@param attempt? integer  from 1
---@return jig.Session? session
---@return string? message
---@return string? code
function session.new(service, id, name, record, attempt) end

--- A session that the journal knows and whose owner is gone: it owes a report.
---@param service any
---@param id string
---@param name string
---@param attempt integer
---@param owner any
---@return jig.Session? session
---@return string? message
---@return string? code
function session.orphaned(service, id, name, attempt, owner) end

--- How many sessions that were closed owed a report which nobody accepted.
---@return integer
function session.unreported() end

--- Opens the session: the request for the device. Raises out of order, as the two below.
---@async
---@return jig.Frame? request
---@return string? message
---@return string? code
---@return string? stage
function one:new_device() end

--- Hands the device's first answer over: the next request.
---@async
---@param response string
---@return jig.Frame? request
---@return string? message
---@return string? code
---@return string? stage
function one:get_device_configuration(response) end

--- Hands the device's second answer over: the fingerprint.
---@async
---@param response string
---@return string? fingerprint
---@return string? message
---@return string? code
---@return string? stage
function one:handle_device_response(response) end

--- Reports to the service. Raises when nothing is owed.
---@async
---@param code integer
---@param reason string
---@param fault? string
---@param phase? string
---@return true? done
---@return string? message
---@return string? failed
---@return string? stage
function one:report_error(code, reason, fault, phase) end

--- Whether a session may be open at the service and has not had its end.
---@return boolean
function one:owes() end

--- Where it stands: "idle", "opened", "ended", …
---@return string
function one:state() end

--- Its id.
---@return string
function one:id() end

--- Calls a function with the place whenever a call has to wait at the gate. It must not wait.
---@param fn fun(place: integer)
function one:on_wait(fn) end

--- Seconds that the latest call waited at the gate, and all calls.
---@return number latest
---@return number all
function one:waited() end

--- The fingerprint that handle_device_response has read, also when who called it was ended before it had it.
---@return string?
function one:fingerprint() end

--- Closes it; one that owes a report and has not tried is reported. Twice is harmless.
function one:close() end

return session
