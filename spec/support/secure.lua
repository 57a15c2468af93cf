--- The other sides of tls wires: a server of spec.tls behind a connection of spec.peer, driven by a task
-- of the spec's own loop.
--
--     local papers <close> = secure.papers()
--     local service <close> = secure.serve(papers:of "server")
--     local p <close> = assert(port.open(service:address { ca = papers.ca }, { limit = 5 }))
--     local side = service:wait()         -- after the handshake: read, write, close as a peer's

local clock = require "jig.clock"
local peer = require "spec.peer"
local scratch = require "spec.support.scratch"
local task = require "jig.task"
local tls = require "spec.tls"

local secure = {}

-- ---- certificates ----

local papers = {}
papers.__index = papers

function papers:__close() self.folder:__close() end

--- Makes a certificate, signed by `by` (a name of one made before; default: itself), and its files.
---@param name string
---@param options table  as spec.tls.certificate takes them
function papers:make(name, options, by)
  options.owner = options.owner or name
  options.by = by and self[by]
  local certificate, key = tls.certificate(options)
  self[name] = { certificate, key }
  self[name].file = self.folder:write(name .. ".pem", certificate)
  self[name].key = self.folder:write(name .. ".key", key)
  assert(scratch.run({ "chmod", "600", self[name].key }).exit == 0)
  return self[name]
end

--- What a server needs to be `name`.
function papers:of(name, more)
  local options = { certificate = self[name][1], key = self[name][2] }
  for key, value in pairs(more or {}) do options[key] = value end
  return options
end

--- An authority, a server for 127.0.0.1 and device.example, and a client. Close it.
function secure.papers()
  local made = setmetatable({ folder = scratch.folder() }, papers)
  made:make("authority", { authority = true })
  made:make("server", { names = "DNS:device.example,DNS:localhost,IP:127.0.0.1" }, "authority")
  made:make("client", {}, "authority")
  made.ca = made.authority.file
  return made
end

-- ---- one connection ----

local side = {}
side.__index = side

--- Sends what waits: true when all is sent; nil, "again" or "lost". Of a side that drips, one byte; of one
-- with a budget no more than that.
function side:flush()
  self.unsent = self.unsent .. self.server:take()
  while #self.unsent > 0 do
    if self.budget == 0 then return nil, "lost" end
    local n, why = self.connection:write(self.unsent:sub(1, self.drip and 1 or self.budget))
    if not n then return nil, why == "again" and why or "lost" end
    self.sent = self.sent + n
    self.unsent = self.unsent:sub(n + 1)
    if self.budget then self.budget = self.budget - n end
    if self.drip and #self.unsent > 0 then return nil, "again" end
  end
  return true
end

-- Calls an operation of the server until it is not for want of bytes.
function side:try(operation, ...)
  while true do
    local result, why = self.server[operation](self.server, ...)
    if result and self.hold then return result end
    local _, stuck = self:flush()
    if result or why ~= "again" then return result, why end
    if stuck == "lost" then return nil, stuck end
    local bytes
    bytes, why = self.connection:read()
    if not bytes then return nil, why end
    self.server:feed(bytes)
  end
end

function side:read(most)
  local bytes, why = self:try("read", most)
  return bytes, why == "closed" and "lost" or why
end

--- Takes at most one record, and none while the one before was not sent.
function side:write(bytes)
  local sent, why = self:flush()
  if not sent then return nil, why end
  return self:try("write", bytes:sub(1, 16384))
end

--- Goes away as TLS wants it; reset: as it must not.
function side:close()
  if not self.connection then return end
  self.server:finish()
  self.hold = nil
  self:flush()
  self:drop()
end

--- Closes the connection without a word of TLS.
function side:drop()
  if self.connection then self.connection:close() end
  self.connection = nil
end

function side:reset()
  self.connection:reset()
  self:drop()
end

--- Of what waits, sends the first record alone.
function side:flush_record()
  local bytes = self.unsent .. self.server:take()
  local n = 5 + (">I2"):unpack(bytes, 4)
  assert(self.connection:write(bytes:sub(1, n)) == n)
  self.unsent = bytes:sub(n + 1)
end

-- options: those of spec.tls.server, and
--   drip    true: sends single bytes in the handshake
--   budget  so many bytes, then it is gone
--   hold    true: keeps what it has to send after the handshake
function secure.side(connection, options)
  return setmetatable({
    connection = connection,
    server = tls.server(options),
    unsent = "",
    sent = 0,
    drip = options.drip,
    budget = options.budget,
    hold = options.hold,
  }, side)
end

-- ---- a service that takes one connection ----

local service = {}
service.__index = service

--- The address of the service with options.
function service:address(options, host)
  local query = {}
  for key, value in pairs(options or {}) do query[#query + 1] = key .. "=" .. value end
  table.sort(query)
  local address = ("tls:%s:%d"):format(host or "127.0.0.1", self.port)
  return #query > 0 and address .. "?" .. table.concat(query, "&") or address
end

--- The other side when its handshake is over. Yields.
function service:wait()
  local deadline = clock.now() + 5
  while not self.side and clock.now() < deadline do clock.sleep(0.001) end
  return assert(self.side, self.trouble or "no handshake")
end

function service:__close()
  self.closed = true
  if self.side then self.side:drop() end
  if self.raw then self.raw:close() end
  self.listener:close()
end

-- Waits for a connection; nil when the service was closed before.
local function accept(self)
  while not self.closed do
    local connection, why = self.listener:accept()
    if connection then return connection end
    if why ~= "again" then return nil end
    clock.sleep(0.001)
  end
end

local function shake(self, other)
  while not self.closed do
    local done, why = other:try("shake")
    if done then
      while other.drip and not other:flush() do clock.sleep(0.00002) end
      other.drip = nil
      self.side = other
      return
    elseif why ~= "again" then
      self.trouble = why
      break
    end
    clock.sleep(other.drip and 0.00002 or 0.001)
  end
  other:drop()
end

--- Listens. A function instead of a server's options is given the connection, and does all. Close it.
---@param options table|fun(connection: any)
function secure.serve(options)
  local listener = assert(peer.listen())
  local self = setmetatable({ listener = listener, port = listener:port() }, service)
  task.spawn(function()
    local connection = accept(self)
    if not connection then return end
    if type(options) == "function" then
      self.raw = connection
      options(connection)
    else
      shake(self, secure.side(connection, options))
    end
  end)
  return self
end

return secure
