--- One wire of a device that is played in a rig (jig.testing.rig): what the device writes there arrives in its order
-- and at its time, and what it is given is looked at whatever its firmware does with it.

local device = require "jig.testing.device"

---@class jig.testing.Line
---@field rig jig.testing.Rig
---@field number integer    0 is the port, others are interfaces
---@field framing jig.Framing
---@field own_framing boolean  another than the recipe's
---@field name string       of its port, as it was opened
---@field is_open boolean
---@field opens integer     how often it was
---@field under_way table[]
---@field writes integer    how often the device wrote since it was opened, and how much
---@field bytes integer
local line = {}
line.__index = line

--- The name of the played port.
line.NAME = "device"

-- What a device may write while a port is open: one that never stops would never let a run end.
local MOST_WRITES <const>, MOST_BYTES <const> = 100000, 64 * 1024 * 1024

---@param rig jig.testing.Rig
---@param number integer
---@param framing? jig.Framing  default the recipe's
---@return jig.testing.Line
function line.new(rig, number, framing)
  return setmetatable({
    rig = rig, number = number, framing = framing or rig.plan.recipe.framing, own_framing = framing ~= nil,
    name = line.NAME, is_open = false, opens = 0, under_way = {}, writes = 0, bytes = 0,
  }, line)
end

-- Whether an exchange waits for just this: nothing was done since it began to wait but that bytes arrived.
local function is_awaited(self, piece)
  local rig = self.rig
  if not rig.awaits or self.number > 0 or piece.taken ~= #rig.taken then return false end
  for i = rig.awaits + 1, #rig.trail do
    if rig.trail[i].kind ~= "read" or rig.trail[i].awaited then return false end
  end
  return piece.frame ~= nil
end

local function note_arrival(self, piece)
  return self.rig:note("read", piece.frame and "frame" or "text", {
    size = #piece.bytes, bytes = piece.bytes, frame = piece.frame, awaited = is_awaited(self, piece),
    wire = self.number > 0 and self.number or nil,
    encode = self.own_framing and self.framing.device.encode or nil,
  })
end

-- Bytes arrive: as they are, or as they are made to, which is then what is under way next.
local function arrive(self, piece)
  local world, action = self.rig.world, nil
  if not piece.made then action = note_arrival(self, piece) end
  if world:dead() then return end
  if not action then
    world:feed(self.name, piece.bytes)
    if piece.lose then world:lose(self.name, piece.lose) end
    return
  end
  local now, pieces = world:now(), action.pieces or {}
  for i, part in ipairs(pieces) do
    table.insert(self.under_way, i, { at = now + part[1], bytes = part[2], made = true })
  end
  if action.lose then
    table.insert(self.under_way, #pieces + 1, { at = now, bytes = "", made = true, lose = action.lose })
  end
end

-- What the device writes arrives in its order, each piece at its time.
local function send_next(self)
  local piece = self.under_way[1]
  if not piece then return end
  self.rig:after(math.max(0, piece.at - self.rig.world:now()), function()
    if self.under_way[1] ~= piece then return end -- the port was closed meanwhile
    table.remove(self.under_way, 1)
    arrive(self, piece)
    send_next(self)
  end)
end

-- What the device says outside a session is nobody's secret: its serial number may stand in it.
local function answered(self, frame)
  local rig = self.rig
  if rig.in_session then rig:keep_secret(frame.payload) end
  rig.answers[#rig.answers + 1] = { payload = frame.payload or "", taken = #rig.taken, attempt = rig.attempt }
end

-- Frames that firmware wrote as bytes are answers, too: they are found as the host would find them. Gives the frame
-- that the bytes are, where they are one and nothing else.
local function overhear(self, bytes)
  local framing, hearer, last = self.framing, self.hearer, nil
  local frame, answer = hearer:feed(bytes)
  while frame or answer == "bad" do
    if frame then answered(self, frame) end
    last = frame or last
    frame, answer = hearer:feed("")
  end
  local ended = (framing.traits or {}).silence and hearer:idle()
  if ended then answered(self, ended) end
  last = ended or last
  local ok, alone = pcall(framing.device.encode, last or {})
  return ok and alone == bytes and last or nil
end

local function check_writes(self, bytes)
  self.writes, self.bytes = self.writes + 1, self.bytes + #bytes
  if self.writes > MOST_WRITES or self.bytes > MOST_BYTES then
    error(("the device's firmware writes without end: %d times, %d bytes since the port was opened"):format(self.writes,
      self.bytes), 0)
  end
end

local function written(self, bytes, frame)
  if not self.is_open or bytes == "" then return end
  check_writes(self, bytes)
  if frame then
    answered(self, frame)
  elseif self.hearer then
    frame = overhear(self, bytes)
  end
  local rig = self.rig
  local piece = { at = rig.world:now() + rig.device.latency, bytes = bytes, frame = frame, taken = #rig.taken }
  table.insert(self.under_way, piece)
  if #self.under_way == 1 then send_next(self) end
end

-- What a decoder of the device's end answered, and all that follows it.
local function observe(self, frame, answer)
  local rig = self.rig
  while frame or answer == "bad" do
    if frame then
      rig.taken[#rig.taken + 1] = frame
      rig.taken_in[#rig.taken], rig.taken_by[#rig.taken] = rig.attempt, rig.trail[#rig.trail]
    end
    frame, answer = self.observer:feed("")
  end
end

-- A message that only silence ends is over when nothing comes for a while.
local function observe_silence(self)
  local last = #self.rig.written
  self.rig:after(device.SILENCE / 2, function()
    if #self.rig.written == last and self.is_open then observe(self, self.observer:idle()) end
  end)
end

-- What the port gets is looked at whatever the firmware does with it.
local function watch(self, bytes)
  local rig = self.rig
  rig.written[#rig.written + 1] = bytes
  self.hearer = self.framing.host.decoder() -- as in an exchange: what was said before is no part of it
  observe(self, self.observer:feed(bytes))
  if (self.framing.traits or {}).silence then observe_silence(self) end
end

--- Its port was opened under this name.
---@param name string
function line:opened(name)
  self.name, self.is_open, self.under_way = name, true, {}
  self.opens, self.writes, self.bytes = self.opens + 1, 0, 0
  if self.number == 0 then
    self.observer, self.hearer = self.framing.device.decoder(), self.framing.host.decoder()
  end
end

--- Nobody hears any more what is written, and what is under way is lost.
function line:closed()
  self.is_open, self.under_way = false, {}
end

--- The host wrote bytes.
---@param bytes string
function line:take(bytes)
  if self.number == 0 then watch(self, bytes) end
  self.rig.device:take(bytes, self.number)
end

--- It is lost.
---@param why string
function line:lose(why)
  self.rig.world:lose(self.name, why)
end

--- As the device has it: jig.testing.device.
---@return table  arrive(bytes, frame?), after(seconds, f), lose(why), leave(plan)
function line:of_device()
  return {
    arrive = function(bytes, frame) written(self, bytes, frame) end,
    after = function(seconds, f) self.rig:after(seconds, f) end,
    lose = function(why) self:lose(why) end,
    leave = function(plan) require("jig.testing.stage").leave(self.rig, plan) end,
  }
end

return line
