--- A session that is listened to for the record: what jig.session.new gives, with the same methods.

local session = require "jig.session"

---@class jig.cassette.SessionTap
---@field inner any  of jig.session
---@field recorder jig.cassette.Recorder
local tap = {}
local meta = { __name = "jig.session" }

function meta.__index(self, name)
  if tap[name] then return tap[name] end
  local inner = rawget(self, "inner")
  local method = inner[name]
  return method and function(_, ...) return method(inner, ...) end
end

-- What the program said is in the message where it was refused: its exit status, and a line without digits.
local function refusal(self, command, message, code)
  local exit, line = message:match("^[a-z_]+: exit status (%d+):? ?(.*)$")
  return {
    code = code, message = self.recorder:said(line or message), exit = math.tointeger(tonumber(exit)),
    opened = command == "new_device" and exit and self.inner:owes() or nil,
    signal = math.tointeger(tonumber(message:match("^[a-z_]+ was ended by signal (%d+)"))),
  }
end

local function answer_fields(self, answer)
  if type(answer) ~= "table" then return { fingerprint = type(answer) == "string" and answer or nil } end
  self.recorder:know(answer.payload)
  return { scp = answer.scp, payload = self.recorder:payload(answer.payload) }
end

local function was_answered(self, command, answer, message, code)
  local recorder = self.recorder
  if answer == nil and code == "interrupted" then return recorder:interrupted() end
  local fields = answer == nil and refusal(self, command, message, code) or answer_fields(self, answer)
  local waited = self.inner:waited()
  if waited > 0 then fields.waited = waited end
  recorder:tell("<", answer == nil and "refusal" or "answer", fields)
end

-- The results of a call go through.
local function answered(self, command, ...)
  self.recorder:quietly(was_answered, self, command, ...)
  return ...
end

local function calls(self, fields, response)
  if response then
    self.recorder:know(response)
    fields.response = self.recorder:payload(response)
  end
  fields.reason = self.recorder:said(fields.reason)
  self.recorder:call(fields)
end

for _, command in ipairs { "new_device", "get_device_configuration", "handle_device_response" } do
  tap[command] = function(self, response)
    self.recorder:quietly(calls, self, { command = command }, response)
    return answered(self, command, self.inner[command](self.inner, response))
  end
end

function tap:report_error(code, reason, ...)
  self.recorder:quietly(calls, self, { command = "report_error", code = code, reason = reason })
  return answered(self, "report_error", self.inner:report_error(code, reason, ...))
end

--- What makes such sessions.
---@param recorder jig.cassette.Recorder
---@return fun(service: any, id: string, ...: any): any, string?, string?
return function(recorder)
  return function(service, id, ...)
    local inner, message, code = session.new(service, id, ...)
    if not inner then return inner, message, code end
    recorder.session = id
    return setmetatable({ inner = inner, recorder = recorder }, meta)
  end
end
