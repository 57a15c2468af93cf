-- Many devices in one process, each a TCP port of its own: `jig spec/support/farm.lua COUNT`. Prints the ports, one a
-- line, then serves until its standard input ends. They speak the framing of spec/bench/recipe, and answer the
-- first message of a connection with 90 bytes and the second with 24, as the vendor's example device does.

package.cpath = (os.getenv("JIG_BUILD") or "build") .. "/?.so;" .. package.cpath

local clock = require "jig.clock"
local length = require "jig.framing.length"
local peer = require "spec.peer"
local port = require "jig.port"
local task = require "jig.task"

-- Seconds between two looks at all of them: each is thousands of calls of the system, which are taken from the jig
-- under test.
local LOOK <const> = 0.05

local codec = length { header = ">I2 length", crc = "CRC-16/IBM-3740", max = 4096 }.device
local ANSWERS <const> = { "\1" .. ("a"):rep(89), "\10" .. ("b"):rep(23) }

local listeners, connections = {}, {}
for i = 1, tonumber(arg[1]) do
  listeners[i] = assert(peer.listen())
  print(listeners[i]:port())
end
io.stdout:flush()

local function serve(connection)
  local bytes = connection.peer:read()
  if not bytes then return end
  local frame = connection.decoder:feed(bytes)
  while frame do
    connection.answered = connection.answered + 1
    connection.peer:write(codec.encode { payload = ANSWERS[connection.answered] })
    frame = connection.decoder:feed("")
  end
end

local serving = task.spawn(function()
  while clock.sleep(LOOK) do
    for i = #listeners, 1, -1 do
      local made = listeners[i]:accept()
      if made then connections[#connections + 1] = { peer = made, decoder = codec.decoder(), answered = 0 } end
    end
    for _, connection in ipairs(connections) do serve(connection) end
  end
end)
local input <close> = assert(port.open "stdin:-")
input:read_some(math.huge)
serving:interrupt()
