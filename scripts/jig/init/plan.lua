--- What `jig init` is to make: a product's name, its wire and its framing, and what follows from them for the
-- files of its folder. Each of the other files of jig.init makes texts from such a plan.

local plan = {}

---@class jig.init.Plan
---@field name string
---@field transport string  its name
---@field framing string    its name
---@field wire jig.init.Wire
---@field frame jig.init.Frame
local Plan = {}
Plan.__index = Plan

---@class jig.init.Wire  a transport as a new product has it
---@field port string      the recipe's `port`, as code
---@field about string[]   the comment above it
---@field address string   an example for --port
---@field reset? string    the line by which the device is restarted
---@field starts string    when the device says its serial number

---@class jig.init.Frame  a framing as a new product has it
---@field options string[]  what its module is called with, as lines of code
---@field about string[]    the comment above it
---@field statuses? table[] what the device may answer besides success: key as code, and the entry's fields
---@field between? string   a limit of its own, as code

-- The longest name: with it no line of the files is over 120 columns.
plan.LONGEST = 40

--- What can be chosen, the default first.
plan.transports = { "serial", "tty", "tcp", "exec" }
plan.framings = { "length", "ftcd", "slip", "hdlc", "cobs", "stx_etx", "line", "raw" }

local SETTINGS <const> =
  "Left out: bits = 8, parity = \"none\", stop = 1, flow = \"none\". For a small buffer: chunk = 128, gap = 0.004."

local wires <const> = {
  serial = {
    about = {
      "The wire. --port names the device; or match = { vid = 0x0403, pid = 0x6001 } here takes the only one like that.",
      SETTINGS,
    },
    port = [[{ "serial", baud = 115200 }]],
    address = "serial:/dev/ttyUSB0",
    reset = "dtr",
    starts = "when it starts",
  },
  tty = {
    about = {
      "The wire, where no --port names another terminal.",
      SETTINGS,
    },
    port = [[{ "tty", "/dev/ttyAMA0", baud = 115200 }]],
    address = "tty:/dev/ttyAMA0",
    starts = "when the terminal is opened",
  },
  tcp = {
    about = { "The wire, where no --port names another: the address that the device has out of the box." },
    port = [["tcp:192.168.1.10:7777"]],
    address = "tcp:192.168.1.10:7777",
    starts = "when somebody connects",
  },
  exec = {
    about = {
      "The wire: standard input and output of a program that speaks to the device. The station says which: --port, or",
      "port in its file. There is no shell: words are divided by spaces, and a space in a word is %20.",
    },
    port = [[{ "exec" }]],
    address = "\"exec:/usr/local/bin/device-link --stdio\"",
    starts = "when the program starts",
  },
}

-- What a device may answer, by the numbers that it has for it.
local function statuses(keygen, factory, memory, decrypt)
  return {
    { keygen, "factory_init.keygen", code = 301, reason = "device cannot generate a key pair" },
    { factory, "factory_init.unknown_factory", code = 302, reason = "firmware does not know the factory ID" },
    { memory, "factory_provisioning.memory", code = 311, reason = "device cannot allocate memory", retry = true,
      advice = "Power the unit off and on, then try again." },
    { decrypt, "factory_provisioning.decrypt", code = 312, reason = "device cannot decrypt the message" },
  }
end

local BINARY <const> = statuses("0x01", "0x02", "0x11", "0x12")

local MAX <const> = "max = 8192, -- bytes of payload at most; left out: 65535"
local CRC <const> = "crc = \"CRC-16/IBM-3740\", -- the check behind the payload; left out: none"

-- A framing with a delimiter: fields before the payload, and a check behind it.
local function stuffed(about, check)
  return {
    about = { about },
    options = {
      "header = \">I2 scp\", -- before what the device is sent: the number of the message, big-endian",
      "reply = \">I2 scp B status\", -- before what it answers; without a status here none can be answered",
      check,
      MAX,
    },
    statuses = BINARY,
  }
end

local frames <const> = {
  length = {
    about = { "How a message stands on the wire: a header that says the payload's length." },
    options = {
      "header = \">I2 scp I2 length\", -- before what the device is sent: two numbers of two bytes, big-endian",
      "reply = \">I2 scp I2 length B status\", -- before what it answers; without a status here none can be answered",
      CRC,
      MAX,
    },
    statuses = BINARY,
  },
  ftcd = {
    about = { "How a message stands on the wire: as at the vendor's example device, with token, length and SHA-256." },
    options = {
      "token = \"mbedprov\", -- what each frame begins with",
      "endian = \"little\", -- of status and length",
      MAX,
    },
    statuses = statuses("0x101", "0x102", "3", "0x112"),
  },
  slip = stuffed("How a message stands on the wire: SLIP (RFC 1055), a byte C0 before and behind it.", CRC),
  hdlc = stuffed("How a message stands on the wire: as in HDLC (RFC 1662), between flags 7E.",
    "fcs = 16, -- bits of the check behind the payload: 16 or 32"),
  cobs = stuffed("How a message stands on the wire: COBS, no byte of it is zero, and a zero ends it.", CRC),
  stx_etx = stuffed("How a message stands on the wire: between DLE STX and DLE ETX.", CRC),
  line = {
    about = { "How a message stands on the wire: as a line of hexadecimal digits. Other lines are the device's log." },
    options = {
      "prefix = \"PROVISION \", -- how a line to the device begins",
      "reply = { ok = \"OK \", error = \"ERR \" }, -- how its answers begin: with hex, or with a status in decimal",
      "ending = \"\\r\\n\",",
      MAX,
    },
    statuses = statuses("1", "2", "11", "12"),
  },
  raw = {
    about = {
      "How a message stands on the wire: the payload alone, which silence ends. The device cannot say what went",
      "wrong, and damage is not noticed: any framing that the firmware can be given is better than none.",
    },
    options = {
      "gap = true, -- the limit `between` is that silence; `length = n` instead: n bytes, always",
      MAX,
    },
    between = "0.2",
  },
}

--- A product's name as it is, of a folder's path as shells complete it ("lamp/", "./lamp"); nil and why it cannot be
-- one.
---@param name string
---@return string|nil name, string? message
function plan.check_name(name)
  name = name:gsub("^%./+", ""):gsub("(.)/+$", "%1")
  if #name > plan.LONGEST then
    return nil, ("a name has at most %d characters, this has %d: choose a shorter one"):format(plan.LONGEST, #name)
  end
  if not name:match("^[A-Za-z0-9_][A-Za-z0-9_%-]*$") then
    return nil, "a name is letters, digits, '_' and, not in front, '-', such as meter-2: it becomes a folder here"
  end
  return name
end

--- Makes a plan of names that were checked.
---@param name string
---@param transport string  one of plan.transports
---@param framing string    one of plan.framings
---@return jig.init.Plan
function plan.new(name, transport, framing)
  return setmetatable({
    name = name, transport = transport, framing = framing,
    wire = assert(wires[transport], "no such transport"), frame = assert(frames[framing], "no such framing"),
  }, Plan)
end

--- A template with each `$word` replaced: by `more`, else by the plan's own field. A word that neither has is
-- a mistake of the template, and raises.
---@param template string
---@param more? table<string, string>
---@return string
function Plan:fill(template, more)
  return (template:gsub("%$([%l_]+)", function(word)
    local text = more and more[word] or self[word]
    if type(text) ~= "string" then error(("the template's $%s stands for nothing"):format(word)) end
    return text
  end))
end

--- Comment lines, each after so much space.
---@param lines string[]
---@param space string
---@return string  without the last end of line
function plan.comment(lines, space)
  local made = {}
  for i, line in ipairs(lines) do made[i] = space .. "-- " .. line end
  return table.concat(made, "\n")
end

return plan
