--- A port that is listened to for the record: what jig.port.open gives, with the same methods.

local port = require "jig.port"

---@class jig.cassette.PortTap
---@field inner any              of jig.port
---@field recorder jig.cassette.Recorder
---@field seen integer           bytes of the device that were told
---@field returned integer       of them, those that were put back
local tap = {}
local meta = { __index = tap, __name = "jig.port" }

-- Bytes that wait in a port at most.
local INPUT <const> = 1 << 20

-- jig turns to something else than writing.
local function turn(self)
  if self.recorder.talk then self.recorder.talk:say_rest() end
end

-- Bytes that were read; those that were put back before were told already.
local function took(self, bytes, dropped)
  local again = math.min(self.returned, #bytes)
  self.returned = self.returned - again
  bytes = bytes:sub(again + 1)
  self.seen = self.seen + #bytes
  if bytes == "" then return end
  if self.recorder.talk and not dropped then
    self.recorder.talk:hear(bytes)
  else
    self.recorder:plain("<", bytes, dropped)
  end
end

-- Bytes that have arrived and that nobody got stay where they are, but are told.
local function look(self)
  if self.inner:counts() <= self.seen then return end
  local bytes = self.inner:read_some(nil, INPUT)
  if not bytes then return end
  took(self, bytes, true)
  if self.inner:unread(bytes) then self.returned = self.returned + #bytes end
end

-- What became of an operation.
local function failed(self, during, message, code, limit)
  local recorder = self.recorder
  if code == "interrupted" then
    recorder:interrupted()
  elseif code == "lost" then
    if recorder.talk then recorder.talk:hear_rest() end
    recorder:tell("<", "lost", { during = during, message = recorder:said(message) })
  elseif code == "timeout" and limit == "between" and recorder.talk then
    recorder.talk:hear_silence()
  elseif during ~= "read" then
    recorder:tell("<", "failed", { during = during, code = code, message = recorder:said(message) })
  end
end

local function was_read(self, bytes, message, code, limit)
  if bytes then return took(self, bytes) end
  look(self)
  failed(self, "read", message, code, limit)
end

-- The results of a read go through.
local function read(self, ...)
  self.recorder:quietly(was_read, self, ...)
  return ...
end

for _, name in ipairs { "read", "read_some", "read_until" } do
  tap[name] = function(self, ...)
    self.recorder:quietly(turn, self)
    return read(self, self.inner[name](self.inner, ...))
  end
end

function tap:unread(bytes)
  local ok, message, code = self.inner:unread(bytes)
  if ok then self.returned = self.returned + #bytes end
  return ok, message, code
end

local function was_dropped(self, bytes, message, code)
  if not bytes then return failed(self, "read", message, code) end
  took(self, bytes, true)
  self.returned = 0
end

function tap:discard()
  local bytes, message, code = self.inner:discard()
  self.recorder:quietly(was_dropped, self, bytes, message, code)
  return bytes, message, code
end

local function was_done(self, during, ok, ...)
  if not ok then failed(self, during, ...) end
end

-- The results of something else go through.
local function done(self, during, ...)
  self.recorder:quietly(was_done, self, during, ...)
  return ...
end

local function writes(self, bytes)
  if self.recorder.talk then
    self.recorder.talk:say(bytes)
  else
    self.recorder:plain(">", bytes)
  end
end

function tap:write(bytes, ...)
  self.recorder:quietly(writes, self, bytes)
  return done(self, "write", self.inner:write(bytes, ...))
end

function tap:drain(...)
  return done(self, "write", self.inner:drain(...))
end

-- What a recipe gives as a line's name, or its value, may be anything.
local function said(self, value)
  if type(value) == "string" then return self.recorder:said(value) end
  return value
end

local function sets(self, name, value)
  turn(self)
  self.recorder:tell(">", "set", { line = said(self, name), value = said(self, value) })
end

function tap:set(name, value)
  self.recorder:quietly(sets, self, name, value)
  return done(self, "set", self.inner:set(name, value))
end

function tap:counts()
  return self.inner:counts()
end

function tap:about()
  return self.inner:about()
end

-- What such a request carries stands in no line.
function tap:control(...)
  self.recorder:give_up("the recipe makes a control request: a cassette has none")
  return self.inner:control(...)
end

local function closes(self)
  took(self, self.inner:discard() or "", true)
  self.recorder:tell(">", "close")
end

function tap:close()
  if self.closed then return end
  self.closed = true
  self.recorder:quietly(closes, self)
  self.inner:close()
end

meta.__close = tap.close

local function was_opened(recorder, inner, message, code)
  if inner then return recorder:tell("<", "opened") end
  if code == "interrupted" then return recorder:interrupted() end
  recorder:tell("<", "failed", { during = "open", code = code, message = recorder:said(message) })
end

--- What opens such ports.
---@param recorder jig.cassette.Recorder
---@return fun(address: string, options: table): any, string?, string?, string?
return function(recorder)
  return function(address, options)
    recorder:quietly(recorder.tell, recorder, ">", "open")
    local opener = options.fresh and require("jig.insertion").open or port.open
    local inner, message, code, limit = opener(address, options)
    recorder:quietly(was_opened, recorder, inner, message, code)
    if not inner then return inner, message, code, limit end
    return setmetatable({ inner = inner, recorder = recorder, seen = 0, returned = 0 }, meta)
  end
end
