--- A port's handle that tells what passes: it has the calls of jig.port, takes their place below a jig.Wire, and
-- hands each thing that happens to one function, the sink, before anybody else sees it:
--
--     { kind = "in", bytes = … }    arrived          { kind = "set", name =, value = }   a line was set
--     { kind = "out", bytes = … }   was written      { kind = "lost", reason = … }       the wire is gone; once
--
-- What is looked at while nobody reads (`fetch`) stays to be read, the latest 64 KiB of it.

local task = require "jig.task"

---@class jig.Tap
---@field pending string  arrived and told, and not yet read
local tap = {}
tap.__index = tap

local KEPT <const>, LONGEST <const> = 65536, 65536

---@param handle userdata  of jig.port
---@param sink fun(event: table)
---@return jig.Tap
function tap.new(handle, sink)
  return setmetatable({ handle = handle, sink = sink, pending = "" }, tap)
end

local function lose(self, message)
  self.lost = message
  self.sink { kind = "lost", reason = message }
end

-- What a call of the handle gave; the loss of the wire is told.
local function checked(self, value, message, code, ...)
  if value == nil and code == "lost" then lose(self, message) end
  return value, message, code, ...
end

-- nil, message, code when there is no wire any more.
local function gone(self)
  if not (self.lost or self.closed) then return nil end
  return "there is no port: open() opens it again", "lost"
end

--- Waits for bytes, and keeps them to be read. Yields.
---@param limit? number
---@return true|nil, string? message, string? code, string? limit
function tap:fetch(limit)
  local message, code = gone(self)
  if message then return nil, message, code end
  local bytes, which
  bytes, message, code, which = checked(self, self.handle:read_some(limit))
  if not bytes then return nil, message, code, which end
  self.sink { kind = "in", bytes = bytes }
  self.pending = self.pending .. bytes
  return true
end

--- Drops all but the latest of what nobody has read.
function tap:trim()
  if #self.pending > KEPT then self.pending = self.pending:sub(-KEPT) end
end

local function take(self, n)
  local bytes = self.pending:sub(1, n)
  self.pending = self.pending:sub(n + 1)
  return bytes
end

-- Fetches until `ready` gives how many bytes to hand out, or nil and a failure.
local function read_on(self, limit, ready)
  local read_limit <close> = limit and task.limit("read", limit) or nil
  while true do
    local n, message, code = ready()
    if n then return take(self, n) end
    if message then return nil, message, code end
    local ok, why, which
    ok, why, code, which = self:fetch()
    if not ok then return nil, why, code, which end
  end
end

function tap:read(n, limit)
  return read_on(self, limit, function() return #self.pending >= n and n or nil end)
end

function tap:read_some(limit, max)
  return read_on(self, limit, function()
    return self.pending ~= "" and math.min(#self.pending, max or LONGEST) or nil
  end)
end

function tap:read_until(delimiter, limit, max)
  if delimiter == "" then error("the delimiter is empty", 2) end
  return read_on(self, limit, function()
    local _, last = self.pending:find(delimiter, 1, true)
    if last then return last end
    if #self.pending > (max or LONGEST) then
      return nil, ("no delimiter in the first %d bytes"):format(max or LONGEST), "limit"
    end
  end)
end

function tap:unread(bytes)
  self.pending = bytes .. self.pending
  return true
end

function tap:discard()
  local message, code = gone(self)
  if message then return nil, message, code end
  local more
  more, message, code = checked(self, self.handle:discard())
  if not more then return nil, message, code end
  if more ~= "" then self.sink { kind = "in", bytes = more } end
  return take(self, #self.pending) .. more
end

function tap:write(bytes, limit)
  if type(bytes) ~= "string" then error("expected a string, got " .. type(bytes), 0) end
  local message, code = gone(self)
  if message then return nil, message, code end
  if bytes ~= "" then self.sink { kind = "out", bytes = bytes } end
  return checked(self, self.handle:write(bytes, limit))
end

function tap:drain(limit)
  local message, code = gone(self)
  if message then return nil, message, code end
  return checked(self, self.handle:drain(limit))
end

function tap:set(name, value)
  local message, code = gone(self)
  if message then return nil, message, code end
  local ok, why, which = checked(self, self.handle:set(name, value))
  if ok then self.sink { kind = "set", name = name, value = value } end
  return ok, why, which
end

function tap:control(request)
  local message, code = gone(self)
  if message then return nil, message, code end
  return checked(self, self.handle:control(request))
end

function tap:about()
  return self.closed and {} or self.handle:about()
end

function tap:counts()
  if self.closed then return 0, 0 end
  return self.handle:counts()
end

function tap:close()
  self.closed = true
  self.handle:close()
end

return tap
