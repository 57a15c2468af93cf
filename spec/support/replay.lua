--- The vendor's transcript as two counterparts for specs: a CLI and a device that know nothing but its bytes.
-- Both check what they are given against it, so that a byte that was changed on the way ends the unit.
--
--     local tool = replay.tool(place)                  -- a program for --cli
--     local device <close> = replay.device()           -- answers on device.address
--     … jig run place:write("recipe.lua", replay.recipe) --session-id transcript.session …
--     assert.same({}, device.wrong)
--
-- The messages are the same in every run: what they must not show up in can be searched for them.

local clock = require "jig.clock"
local hex = require "jig.hex"
local length = require "jig.framing.length"
local peer = require "spec.peer"
local station = require "spec.support.station"
local system = require "jig.system"
local task = require "jig.task"
local transcript = require "spec.support.transcript"
local wires = require "spec.support.wires"

local replay = {}

local FRAMING <const> = {
  header = ">I2 scp I2 length",
  reply = ">I2 scp I2 length B status",
  crc = "CRC-16/IBM-3740",
  max = 8192,
}

--- A recipe for this device. Its limits end what hangs.
replay.recipe = [[
local jig = require "jig"
local length = require "jig.framing.length"
local base = jig.recipe {
  name = "transcript",
  port = "tcp:127.0.0.1:1",
  framing = length {
    header = ">I2 scp I2 length",
    reply = ">I2 scp I2 length B status",
    crc = "CRC-16/IBM-3740",
    max = 8192,
  },
  limits = { first = 60, between = 0.3, exchange = 60, write = 60 },
  status = { [0x12] = { "factory_provisioning.decrypt" } },
}
]]

--- The transcript's messages as bytes, in the order in which they pass.
replay.messages = {
  assert(hex.decode(transcript.init_payload)),
  assert(hex.decode(transcript.init_response)),
  assert(hex.decode(transcript.provisioning_payload)),
  assert(hex.decode(transcript.provisioning_response)),
}

-- ---- the CLI ----

-- What the CLI prints, by command; and the arguments that it must be given, in text.
local ANSWERS <const> = {
  report_error = { "" },
  new_device = { transcript.new_device },
  get_device_configuration = { transcript.get_device_configuration, transcript.init_response },
  handle_device_response = { transcript.handle_device_response, transcript.provisioning_response },
}

-- How an answer is spoiled: gives stdout, stderr and the exit status.
local SPOILED <const> = {
  refuse = function(_, given) return "", "refused: " .. table.concat(given, " ") .. "\n", 7 end,
  ["refuse-with-answer"] = function(text) return text, text:match("%x+\n$"), 7 end,
  ["bad-hex"] = function(text) return text:gsub("%x\n$", "x\n"), "", 0 end,
  repeated = function(text) return text .. text, "", 0 end,
  ["no-key"] = function(text) return text:gsub("%u+ (%x+)\n$", "%1\n"), "", 0 end,
  glued = function(text) return text:gsub("\n$", " " .. transcript.provisioning_payload:sub(1, 64) .. "\n"), "", 0 end,
}

--- The body of the program: `jig PROGRAM COMMAND SESSION …`.
---@param arguments string[]
---@param directory string  where its calls are noted, one line each
function replay.answer(arguments, directory)
  local command, session = arguments[1], arguments[2]
  local given = table.move(arguments, 3, #arguments, 1, {})
  local note = assert(io.open(directory .. "/calls", "a"))
  note:write(table.concat(command == "report_error" and arguments or { command, session }, " "), "\n")
  note:close()
  local answer = ANSWERS[command]
  local as_it_is = command == "report_error" or given[1] == answer[2] and #given == #answer - 1
  if session ~= transcript.session or not as_it_is then
    io.stderr:write("not what the transcript says\n")
    return 9
  end
  local out, err, status = answer[1], "", 0
  local at, how = (os.getenv("REPLAY_FAULT") or ""):match("^(.-):(.*)$")
  if at == command and how == "hang" then clock.sleep(3600) end
  if at == command then out, err, status = SPOILED[how](out, given) end
  io.stdout:write(out)
  io.stdout:flush()
  io.stderr:write(err)
  return status
end

--- Writes the program. REPLAY_FAULT=COMMAND:HOW in its environment spoils an answer; its calls are noted in
-- place.path/calls.
---@param place spec.Place
---@return string path  Yields.
function replay.tool(place)
  return place:write("replay_tool", ([[
#!%s
package.cpath = %q
package.path = %q .. package.path
os.exit(require "spec.support.replay".answer(arg, %q))
]]):format(station.jig, package.cpath, assert(system.realpath(".")) .. "/?.lua;", place.path), true)
end

-- ---- the device ----

---@class spec.Replay a device at the other end of a TCP connection; closing ends it
---@field address string
---@field wrong string[]  what it was given that the transcript does not have
local device = {}
device.__index = device

-- How an answer (the number of its message: 2 or 4) is spoiled; gives the bytes to send and whether to
-- hang up behind them. `plain` is what would be right.
local TROUBLES <const> = {
  silence = function() return "" end,
  gone = function() return "", true end,
  short = function(plain) return plain:sub(1, -8) end,
  cut = function(plain) return plain:sub(1, -8), true end,
  crc = function(plain) return plain:sub(1, -2) .. string.char(plain:byte(-1) ~ 1) end,
  status = function(_, framing, frame)
    frame.status = 0x12
    return framing.device.encode(frame)
  end,
  unknown = function(_, framing, frame)
    frame.status = 0x7f
    return framing.device.encode(frame)
  end,
  junk = function(_, _, frame) return frame.payload:rep(3) end,
}

-- An operation of a peer, tried until it can be done, or the device is closed.
local function try(self, fn, ...)
  while not self.closed do
    local result, why = fn(...)
    if result or why ~= "again" then return result end
    clock.sleep(0.001)
  end
end

local function serve(self, trouble)
  local framing = length(FRAMING)
  self.connection = try(self, self.listener.accept, self.listener)
  if not self.connection then return end
  local decoder = framing.device.decoder()
  for number = 2, 4, 2 do
    local request = decoder:feed("")
    while not request do
      local bytes = try(self, self.connection.read, self.connection)
      if not bytes then return end
      request = decoder:feed(bytes)
    end
    if request.payload ~= replay.messages[number - 1] then
      self.wrong[#self.wrong + 1] = ("message %d"):format(number - 1)
    end
    local frame = { scp = request.scp, status = 0, payload = replay.messages[number] }
    local bytes, gone = framing.device.encode(frame), false
    if trouble and trouble.message == number then bytes, gone = TROUBLES[trouble.how](bytes, framing, frame) end
    wires.write(self.connection, bytes)
    if gone then return self.connection:close() end
  end
end

--- Starts a device for one unit.
---@param trouble? { message: integer, how: string }  spoils the answer that is this message
---@return spec.Replay
function replay.device(trouble)
  local listener = assert(peer.listen())
  local address = "tcp:127.0.0.1:" .. listener:port()
  local self = setmetatable({ address = address, listener = listener, wrong = {} }, device)
  self.task = task.spawn(serve, self, trouble)
  return self
end

function device:__close()
  self.closed = true
  assert(self.task:join())
  self.listener:close()
  if self.connection then self.connection:close() end
end

return replay
