-- The vendor's flow by hand, without a recipe:  jig examples/flow.lua ADDRESS FACTORY_TOOL SESSION_ID
-- The device speaks text: a message is its bytes in hex and LF, an answer is "OK ", hex and LF.
local hex = require "jig.hex"
local port = require "jig.port"
local session = require "jig.session"

local wire <close> = assert(port.open(arg[1], { limit = 5 }))
local device <close> = assert(session.new(session.service { cli = arg[2] }, arg[3]))

local function ask(request) -- gives a message to the device and waits for its answer
  assert(wire:write(hex.encode(request.payload) .. "\n", 5))
  local answer = assert(wire:read_until("\n", 10))
  return assert(hex.decode(assert(answer:match("^OK (%x+)\n$"), "the device did not answer OK")))
end

local ok, result = pcall(function()
  local init = assert(device:new_device())
  local provisioning = assert(device:get_device_configuration(ask(init)))
  return assert(device:handle_device_response(ask(provisioning)))
end)
if not ok and device:owes() then assert(device:report_error(100, result)) end
assert(ok, result)
print("FINGERPRINT " .. result)
