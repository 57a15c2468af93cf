-- A security token on USB, without a driver. In boot mode it takes control requests only; told to, it leaves the bus
-- and comes back in provisioning mode, which takes messages on bulk endpoints and says on an interrupt endpoint how
-- each went.

local jig = require "jig"
local cobs = require "jig.framing.cobs"
local events = require "events"

local VENDOR <const>, BOOT <const>, PROVISIONING <const> = 0x1209, 0x5740, 0x5742

-- Control requests: to the device, of type vendor.
local OUT <const>, IN <const> = 0x40, 0xC0
local MODE <const>, STATE <const> = 0x01, 0x02

local framing = cobs { header = ">I2 scp", crc = "CRC-16/IBM-3740", max = 4096 }

-- The version of the protocol that this recipe speaks.
local VERSION <const> = 1

-- Has the token leave, and waits until it is back in that mode.
local function switch(unit, mode, pid)
  unit.port:control { request_type = OUT, request = MODE, value = mode }
  unit:reopen { pid = pid }
end

-- The event that belongs to a message: how it went.
local function read_status(unit)
  local number, status = events.read(unit.data.events:read(events.size, 5))
  unit.data.messages = unit.data.messages + 1
  if number ~= unit.data.messages then
    unit:fail("token.event", { code = 731, reason = "token sent an event that belongs to no message" })
  end
  return status
end

return jig.recipe {
  name = "token",
  version = "1.0.0",

  port = { "usb", interface = 0, match = { vid = VENDOR, pid = BOOT } },
  framing = framing,
  limits = { open = 2, read = 2, exchange = 10, reopen = 5, unit = 60 }, -- seconds

  status = { -- of an event -> what is reported
    [0x0101] = { "factory_init.keygen", code = 701, reason = "token cannot generate a key pair" },
    [0x0102] = { "factory_init.unknown_factory", code = 702, reason = "token does not know the factory ID" },
    [0x0201] = { "factory_provisioning.memory", code = 711, reason = "token cannot allocate memory" },
    [0x0202] = { "factory_provisioning.decrypt", code = 712, reason = "token cannot decrypt the message" },
    [0x0301] = { "firmware.unknown_command", code = 721, reason = "token does not know the message" },
    [0x0302] = { "firmware.cannot_parse", code = 722, reason = "token received a damaged message" },
  },

  prepare = function(unit)
    local state = unit.port:control { request_type = IN, request = STATE, length = 34 }
    if state:byte(2) ~= VERSION then
      unit:fail("token.version", { code = 732, reason = "token speaks another version of its protocol" })
    end
    unit.serial = state:sub(3)
    if state:byte(1) == 0 then switch(unit, 1, PROVISIONING) end -- else it was left there by a unit that failed
    unit.data.events, unit.data.messages = unit:open { interface = 1 }, 0
  end,

  exchange = function(unit, request) -- the event comes first; with a failure nothing else does
    local decoder = framing.host.decoder()
    unit.port:write(framing.host.encode(request))
    local status = read_status(unit)
    if status ~= 0 then return { payload = "", status = status } end
    return unit:read_frame(decoder)
  end,

  finish = function(unit) -- back, so that it is not taken for one that has just been plugged in
    switch(unit, 0, BOOT)
  end,
}
