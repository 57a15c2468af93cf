--- Plays a device: firmware in Lua at the other end of the wire.
--
-- A device is described by one of
--
--   a function     the firmware, which reads and writes the wire as a coroutine of its own:
--
--         return function(device)
--           while true do
--             local request = device:receive()
--             device:send { payload = answer_to(request.payload) }
--           end
--         end
--
--   a list         one reply to each message, in order: a frame; bytes as they are; false for silence; a
--                  function that takes the message and gives one of these
--   a table        { firmware = function or list, reset = "dtr", banner = "ready\r\n", latency = 0.001,
--                  statuses = { 0x11 }, cli = { new_device = { scp = 1 } }, usb = { vid = 0x1209, pid = 1 },
--                  control = function(device, request) … end, wires = { [1] = { framing = … } } }. `reset`: the
--                  line that restarts the firmware when it is let go (until then the device is silent); `banner`:
--                  what it writes whenever it starts, or a list of texts; `latency`: seconds until what it writes
--                  arrives; `statuses`: all that it may answer, so that jig prove finds those that the recipe's map
--                  lacks; `cli`: what the service answers to this product where the usual does not fit it, by
--                  command: `scp`, `payload`, `fingerprint`; `usb`: its vid, pid and serial number; `control`: what
--                  it answers to a control request, at once: bytes, true, or nil for a stall; `wires`: its further
--                  interfaces, by number, each with the framing of what `send` sends there, if it sends.
--
-- A list that testing.run is given takes all but the firmware from device.lua beside the recipe.
-- Without `reset` the firmware starts when the port is opened. What it writes while nobody listens is lost.

local description_of = require "jig.testing.description"

local device = {}

---@class jig.testing.Device
---@field framing jig.Framing
---@field received jig.Frame[]  messages that receive() gave
local methods = {}
local meta = { __index = methods, __name = "jig.testing.device" }

--- Seconds after which a message is over that only silence ends.
device.SILENCE = 0.02

-- Seconds until what a device writes arrives: enough for the host to wait for it.
local LATENCY <const> = 0.001

-- One reply to each message.
local function replying(replies)
  return function(self)
    for number, reply in ipairs(replies) do
      local message = self:receive()
      if type(reply) == "function" then reply = reply(message) end
      if reply and type(reply) ~= "table" and type(reply) ~= "string" then
        error(("reply %d of the device: expected a frame, bytes, or false for silence, got a %s")
          :format(number, type(reply)), 0)
      end
      if type(reply) == "table" then self:send(reply) end
      if type(reply) == "string" then self:write(reply) end
    end
  end
end

local function firmware_of(description)
  local firmware = description
  if type(description) == "table" and description.firmware ~= nil then
    description_of.check(description)
    firmware = description.firmware
  end
  if type(firmware) == "table" then
    if #firmware == 0 and next(firmware) ~= nil then -- it was meant for the other kind of table
      description_of.check(firmware)
      error("a device with these settings needs firmware = a function or a list of replies", 0)
    end
    return replying(firmware)
  end
  if type(firmware) == "function" then return firmware end
  error("a device is a function, a list of replies, or { firmware = one of them }; got " .. type(firmware), 0)
end

-- A description's settings, of which one that is firmware alone has none.
local function settings_of(description)
  return type(description) == "table" and description.firmware ~= nil and description or {}
end

--- What the service answers to a product with this device, where that is not the usual.
---@param description function|table
---@return table?  see jig.testing.cli
function device.service(description)
  local settings = settings_of(description)
  description_of.check(settings)
  return settings.cli
end

--- A description like another, whose firmware gives these replies.
---@param description function|table
---@param replies table
---@return table
function device.replying(description, replies)
  local made = {}
  for key, value in pairs(settings_of(description)) do made[key] = value end
  made.firmware = replies
  return made
end

--- Makes a device that is switched off. Does not yield.
---@param description function|table  see above
---@param framing jig.Framing         its device end is the firmware's
---@param wire table  arrive(bytes, frame?): it wrote them, and they arrive; after(seconds, f); lose(why); leave(plan)
---@param further? fun(interface: integer, framing?: jig.Framing): table  makes such a wire for a further interface
---@return jig.testing.Device
function device.new(description, framing, wire, further)
  local firmware = firmware_of(description)
  local options = settings_of(description)
  local about = {}
  for key, value in pairs(options.usb or {}) do about[key] = value end
  local self = setmetatable({
    firmware = firmware,
    reset_line = options.reset,
    banner = type(options.banner) == "table" and options.banner or { options.banner },
    latency = options.latency or LATENCY,
    framing = framing,
    wire = wire,
    received = {},
    boots = 0,
    about = about,
    answers_control = options.control,
    wires = {},
  }, meta)
  for number, own in pairs(options.wires or {}) do
    self.wires[number] = setmetatable({
      main = self, framing = own.framing or framing, wire = further(number, own.framing), received = {}, input = "",
    }, meta)
  end
  return self
end

-- Steps of the virtual machine after which firmware that does not wait is given up: some tenths of a second.
local STEPS <const> = 50000000

-- Sleeps of no length in a row after which it is given up, too.
local NAPS <const> = 10000

local function give_up()
  error("the device's firmware computes and computes: nothing in its loop waits", 2)
end

-- Runs the firmware until it waits.
local function go_on(self)
  local running = self.running
  if not running or coroutine.status(running) ~= "suspended" then return end
  -- Where lines are counted there is a hook already.
  local hook = debug.gethook(running)
  if not hook or hook == give_up then debug.sethook(running, give_up, "", STEPS) end
  local ok, thrown = coroutine.resume(running, self)
  if not ok then error(debug.traceback(running, tostring(thrown)), 0) end
end

-- Starts the firmware afresh.
local function boot(self)
  self.input, self.decoder, self.sleeping = "", nil, false
  for _, wire in pairs(self.wires) do wire.input, wire.decoder, wire.received = "", nil, {} end
  self.boots = self.boots + 1
  self.running = coroutine.create(self.firmware)
  for _, text in ipairs(self.banner) do self:write(text) end
  go_on(self)
end

--- The host opened the port.
function methods:opened()
  if self.reset_line then
    self.input, self.running = "", nil
  else
    boot(self)
  end
end

--- The host closed it.
function methods:closed()
  self.running = nil
end

--- The host set a line.
function methods:set(line, value)
  if line ~= self.reset_line then return end
  if value == 0 then
    self.running, self.input = nil, ""
  else
    boot(self)
  end
end

--- Bytes of the host came in, at a further wire where that is said.
---@param bytes string
---@param number? integer
function methods:take(bytes, number)
  local wire = self.wires[number] or self
  wire.input = (wire.input or "") .. bytes
  if not self.sleeping then go_on(self) end
end

--- The host asks something beside the wire: what the device answers; nil: it refuses.
---@param request jig.Control
---@return string|true|nil
function methods:control(request)
  local told = self.answers_control(self, request)
  if told ~= nil and told ~= false and told ~= true and type(told) ~= "string" then
    error(("the device's control gives bytes, true, or nil for a stall; it gave a %s"):format(type(told)), 0)
  end
  if told == true and request.request_type & 0x80 ~= 0 then return "" end
  return told or nil
end

-- Waits for bytes.
local function await(self)
  if coroutine.running() ~= (self.main or self).running then
    error("only the device's own firmware can wait here", 3)
  end
  coroutine.yield()
end

-- ---- for firmware ----

--- Exactly n bytes.
---@param n integer
---@return string
function methods:read(n)
  while #self.input < n do await(self) end
  local bytes = self.input:sub(1, n)
  self.input = self.input:sub(n + 1)
  return bytes
end

--- What is there, one byte at least.
---@return string
function methods:read_some()
  while self.input == "" do await(self) end
  local bytes = self.input
  self.input = ""
  return bytes
end

--- Bytes up to and with a delimiter, which is a plain string.
---@param delimiter string
---@return string
function methods:read_until(delimiter)
  local _, last = self.input:find(delimiter, 1, true)
  while not last do
    await(self)
    _, last = self.input:find(delimiter, 1, true)
  end
  return self:read(last)
end

-- What is there, or nil when nothing came for so long.
local function read_within(self, seconds)
  local asked, reader = {}, self.running
  self.asked = asked
  self.wire.after(seconds, function()
    if self.running ~= reader or self.asked ~= asked then return end
    self.asked = nil
    if not self.sleeping then go_on(self) end
  end)
  while self.input == "" and self.asked == asked do await(self) end
  self.asked = nil
  return self.input ~= "" and self:read_some() or nil
end

-- More of a message that has begun. Where only silence ends one it is waited for.
local function go_on_reading(self, decoder, begun)
  if not (begun and (self.framing.traits or {}).silence) then return decoder:feed(self:read_some()) end
  local bytes = read_within(self, device.SILENCE)
  if bytes then return decoder:feed(bytes) end
  return decoder:idle()
end

--- The next whole message, over the framing's device end; what is damaged is passed over.
---@return jig.Frame
function methods:receive()
  self.decoder = self.decoder or self.framing.device.decoder()
  local decoder, begun = self.decoder, false
  local frame, answer = decoder:feed("")
  while not frame do
    if answer == "bad" then
      frame, answer = decoder:feed("")
    else
      frame, answer = go_on_reading(self, decoder, begun)
      begun = true
    end
  end
  self.received[#self.received + 1] = frame
  return frame
end

--- Writes bytes as they are.
---@param bytes string
function methods:write(bytes)
  self.wire.arrive(bytes)
end

-- What a reply's header needs and the firmware did not say: as in the message before, or as usual.
local function completed(self, frame)
  local last = self.received[#self.received] or {}
  local made = {}
  for field, usual in pairs(self.framing.device.sample or {}) do
    made[field] = field ~= "status" and last[field] or usual
  end
  if made.status then made.status = 0 end
  for field, value in pairs(frame) do made[field] = value end
  made.payload = made.payload or ""
  return made
end

--- Sends a frame over the framing's device end. Header fields that are left out are those of the message that
-- was received last; a status is 0.
---@param frame jig.Frame
function methods:send(frame)
  local made = completed(self, frame)
  self.wire.arrive(self.framing.device.encode(made), made)
end

--- Does nothing for a while.
---@param seconds number
function methods:sleep(seconds)
  -- Where no time passes nothing else happens either, and no limit ends it.
  self.naps = seconds == 0 and (self.naps or 0) + 1 or 0
  if self.naps > NAPS then error("the device's firmware sleeps 0 s again and again", 2) end
  self.sleeping = true
  local sleeper = self.running
  self.wire.after(seconds, function()
    if self.running ~= sleeper then return end -- it was restarted
    self.sleeping = false
    go_on(self)
  end)
  while self.sleeping do await(self) end
end

--- A further wire of the device, with the methods of this one that read and write.
---@param number integer  its interface
---@return jig.testing.Device
function methods:interface(number)
  return self.wires[number] or error(("the device has no interface %s in its `wires`"):format(tostring(number)), 2)
end

-- Seconds until a device leaves, by when the answer to what made it leave has arrived; until it is back.
local LEAVE <const>, AWAY <const> = 0.02, 0.3

--- Leaves the bus and comes back, perhaps as something else; its firmware starts when it is opened again.
--
--     device:leave { pid = 0x5742 }
---@param plan? { after?: number, away?: number, vid?: integer, pid?: integer, serial?: string }  seconds until it
--  leaves (0.02) and until it is back (0.3); what is new then
function methods:leave(plan)
  local changes = {}
  for key, value in pairs(plan or {}) do
    if key ~= "after" and key ~= "away" then changes[key] = value end
  end
  description_of.check_about(changes, "device:leave: what is new")
  self.wire.leave { after = plan and plan.after or LEAVE, away = plan and plan.away or AWAY, changes = changes }
end

--- Pulls the plug: the wire is lost after what has arrived.
function methods:hang_up()
  self.wire.lose("the device hung up")
end

return device
