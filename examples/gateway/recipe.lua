-- A gateway on the network. It speaks the framing of the vendor's example device (token, status, length,
-- SHA-256), on a TCP port that also carries its trace: log text may stand between frames.

local jig = require "jig"
local ftcd = require "jig.framing.ftcd"

return jig.recipe {
  name = "gateway",
  version = "0.9.3",

  port = "tcp:192.168.1.10:7777", -- the address that the gateway has out of the box
  framing = ftcd { max = 8192 },
  limits = { open = 5, exchange = 10, unit = 60 },

  status = {
    [3] = { "factory_provisioning.memory", code = 611, reason = "gateway cannot allocate memory" },
    [8] = { "firmware.cannot_parse", code = 608, reason = "gateway received a damaged message" },
    [9] = { "firmware.cannot_parse", code = 609, reason = "gateway could not process the message" },
    [0x101] = { "factory_init.keygen", code = 601, reason = "gateway cannot generate a key pair" },
    [0x102] = { "factory_init.unknown_factory", code = 602, reason = "gateway does not know the factory ID" },
    [0x112] = { "factory_provisioning.decrypt", code = 612, reason = "gateway cannot decrypt the message" },
    [0x121] = { "firmware.unknown_command", code = 621, reason = "gateway does not know the command" },
  },
}
