--- Mistakes that `jig check` must find: each is an exact replacement in a recipe that has none, the line on which it
--- is to be told, and words of what is told.
--
-- { from, to, line, what, instead }: `from` stands once in mistakes.recipe; several at once have `more`.

local mistakes = {}

--- Without a mistake. Line numbers below are of this text.
mistakes.recipe = [[
local jig = require "jig"
local slip = require "jig.framing.slip"
local hex = require "jig.hex"
local crc = require "jig.crc"

local STATUS = {
  [0x11] = { "factory_init.keygen", code = 501, reason = "no key", retry = true },
  [0x12] = { "lamp.dark", code = 502, reason = "the lamp is dark", advice = "Turn it on." },
}

local sum = crc.new("CRC-8/SMBUS")

local function wake(device, seconds)
  device.port:pulse("dtr", seconds)
  return device.port:read_until("\n", 2)
end

return jig.recipe {
  name = "lamp",
  version = "1",
  port = { "serial", baud = 9600, parity = "even", match = { vid = 0x0403 }, chunk = 64, gap = 0.01 },
  framing = slip { header = "B command", reply = "B command B status", max = 512 },
  limits = { ready = 10, exchange = 5, between = 1, unit = 60 },
  status = STATUS,
  faults = { ["connectivity.timeout"] = { code = 17, advice = "Look at the cable." } },
  prepare = function(unit)
    unit.serial = wake(unit, 0.1)
    unit.port:set("rts", true)
    unit.port:expect("ready\r\n", 5)
    jig.sleep(0.5)
    unit:log(hex.encode(sum("x") .. ""))
  end,
  run = function(unit)
    local init = unit:new_device()
    local key = unit:exchange({ command = 1, payload = init.payload })
    local provisioning = unit:get_device_configuration(key)
    if #key.payload == 0 then unit:fail("firmware.response", { reason = "empty" }) end
    unit:handle_device_response(unit:exchange({ command = 2, payload = provisioning.payload }))
  end,
  finish = function(unit)
    unit.port:write(string.rep("x", math.floor(4.5)))
  end,
}
]]

mistakes.list = {
  -- keys of the recipe's tables
  { 'name = "lamp"', 'naem = "lamp"', 19, "the recipe has no key 'naem'", "did you mean 'name'?" },
  { 'name = "lamp",', '', 18, "name is missing", "expected" },
  { 'version = "1"', 'version = 1', 20, "version is 1", "expected a string" },
  { 'finish = function', 'finsh = function', 40, "no key 'finsh'", "did you mean 'finish'?" },
  { 'prepare = function', 'prepair = function', 26, "no key 'prepair'", "did you mean 'prepare'?" },
  { 'ready = 10', 'raedy = 10', 23, "limits has no key 'raedy'", "did you mean 'ready'?" },
  { 'retry = true', 'rety = true', 7, "status[0x11] has no key 'rety'", "did you mean 'retry'?" },
  { 'retry = true', 'retry = 1', 7, "status[0x11].retry is 1", "expected true or false" },
  { 'advice = "Turn', 'advise = "Turn', 8, "no key 'advise'", "did you mean 'advice'?" },
  { 'advice = "Look', 'advce = "Look', 25, "no key 'advce'", "did you mean 'advice'?" },
  { '["connectivity.timeout"]', '["connectivity.timout"]', 25, "faults[connectivity.timout] is neither",
    "a name of the catalogue", without = "code = 17, " },
  { 'code = 502, ', '', 8, "neither", "code and reason, since the catalogue does not know 'lamp.dark'" },
  { 'status = STATUS', 'link = "arq", status = STATUS', 24, "link is no exchange hook", "an exchange hook" },
  { '[0x12] =', '[0] =', 8, "status[0x00] is an entry", "it means success" },
  -- the port
  { 'baud = 9600', 'buad = 9600', 21, "serial has no option 'buad'", "did you mean 'baud'?" },
  { 'baud = 9600', 'baud = 0', 21, "baud is '0'", "from 1 to 20000000" },
  { 'parity = "even"', 'parity = "evne"', 21, "parity is 'evne'", 'did you mean "even"?' },
  { 'parity = "even"', 'dtr = true', 21, "dtr is 'true'", 'write "on"' },
  { '{ "serial",', '{ "seriall",', 21, "no transport 'seriall'", "did you mean 'serial'?" },
  { 'vid = 0x0403', 'vdi = 0x0403', 21, "port.match has no key 'vdi'", "did you mean 'vid'?" },
  { 'chunk = 64, ', '', 21, "gap without chunk is never waited", "write chunk, too" },
  { '{ "serial", baud = 9600, parity = "even", match = { vid = 0x0403 }, chunk = 64, gap = 0.01 }',
    '"tcp:192.168.1.10"', 21, "tcp: '192.168.1.10' is no host and port", "HOST:PORT" },
  { '{ "serial", baud = 9600, parity = "even", match = { vid = 0x0403 }, chunk = 64, gap = 0.01 }',
    '"serial:/dev/ttyUSB0?buad=9600"', 21, "serial has no option 'buad'", "did you mean 'baud'?" },
  { 'gap = 0.01', 'gap = 50', 21, "port.gap is 50 seconds: with it 256 bytes, 64 at once", "did you mean 0.05?" },
  { 'chunk = 64, gap = 0.01', 'chunk = 64, gap = 2', 21, "within limits.write, 5 s", "did you mean 0.002?" },
  { 'chunk = 64, gap = 0.01', 'chunk = 512, gap = 6', 21, "port.gap is 6 seconds", "gap is seconds" },
  -- the framing
  { 'run = function', 'reset = function', 22, "a field `command`, which the standard flow does not fill",
    "write a `run`" },
  { 'header = "B command", reply', 'haeder = "B command", reply', 22, "slip has no option 'haeder'",
    "did you mean 'header'?" },
  { 'max = 512', 'max = 0', 22, "slip: max is 0", "expected 1 to" },
  { 'header = "B command", reply', 'header = "Q command", reply', 22, 'unknown format "Q"', "slip.lua" },
  { 'max = 512', 'crc = "CRC-16/IBM"', 22, 'crc: unknown name "CRC-16/IBM"', "slip.lua" },
  { ', reply = "B command B status"', '', 24, "carry no status", "a field `status`" },
  -- limits
  { 'exchange = 5,', 'exchange = 5000,', 23, "limits.exchange is 5000 seconds", "did you mean 5?" },
  { 'exchange = 5, between = 1, unit = 60', 'exchange = 5, between = 1, read = 1000, unit = 6000', 23,
    "limits.read is 1000 seconds, 17 minutes", "did you mean 1?" },
  { 'unit = 60', 'unit = 60000', 23, "limits.unit is 60000 seconds, 16.7 hours", "did you mean 60?" },
  { 'exchange = 5,', 'exchange = 0,', 23, "limits.exchange is 0", "seconds, more than 0" },
  { 'exchange = 5,', 'exchange = -1,', 23, "limits.exchange is -1", "seconds, more than 0" },
  { 'exchange = 5,', 'exchange = math.huge,', 23, "limits.exchange is no limit", "write seconds" },
  { 'exchange = 5,', 'exchange = 120,', 23, "longer than unit, 60 s", "a larger unit" },
  { 'between = 1,', 'between = 6,', 23, "longer than exchange, 5 s", "a larger exchange" },
  { 'unit = 60', 'unit = 1e-6', 23, "in which nothing can answer", "0.001 or more" },
  { 'expect("ready\\r\\n", 5)', 'expect("ready\\r\\n", 0)', 29, "port:expect: a limit of 0 s has passed at once",
    "limits.ready" },
  { 'read_until("\\n", 2)', 'read_until("\\n", math.huge)', 15, "port:read_until waits without a limit",
    "limits.read" },
  { 'expect("ready\\r\\n", 5)', 'expect("ready\\r\\n", 31)', 29, "longer than limits.prepare, 30 s",
    "a larger limits.prepare" },
  { 'jig.sleep(0.5)', 'jig.sleep(-0.5)', 30, "jig.sleep: -0.5 seconds", "write 0 or more" },
  { 'jig.sleep(0.5)', 'jig.sleep(40)', 30, "longer than limits.prepare", "write less" },
  { 'jig.sleep(0.5)', 'jig.sleep(500)', 30, "longer than limits.prepare", "did you mean 0.5? Else write less" },
  { 'read_until("\\n", 2)', 'read_until("\\n", 2000)', 15, "longer than limits.unit, 60 s", "did you mean 2?" },
  -- codes
  { 'code = 502', 'code = 501', 8, "status 0x12 has the code 501, as status 0x11 has", "a code of its own" },
  { 'code = 502', 'code = 104 + 1', 8, "code 105, which is jig's own for 'connectivity.corrupt'", "another code" },
  { 'factory_init.keygen', 'factory_init.keygn', 7, "catalogue has no 'factory_init.keygn'",
    "did you mean 'factory_init.keygen'?" },
  { '[0x12] =', '[0x100] =', 8, "no answer has the status 0x100: in this framing it is 0 to 255", "a wider field" },
  { '[0x12] =', '[-1] =', 8, "no answer has the status", "a status that fits" },
  { 'status = STATUS', 'success = 256, status = STATUS', 24, "no answer has the status 0x100", "a status that fits" },
  -- hooks
  { 'reply = "B command B status", max = 512 },', 'max = 512 }, exchange = function(unit) return unit end,', 22,
    "the exchange hook does not take the request", "write function(unit, request)" },
  { 'return jig.recipe {', 'local function swap() end return jig.recipe { exchange = swap,', 18,
    "the exchange hook does not take the request", "write function(unit, request)" },
  -- names
  { 'hex.encode', 'hex.encod', 31, "jig.hex has no 'encod'", "did you mean 'encode'?" },
  { 'unit:exchange({ command = 1', 'unit:exchnge({ command = 1', 35, "unit has no 'exchnge'",
    "did you mean 'exchange'?" },
  { 'device.port:read_until', 'device.port:raed_until', 15, "port has no 'raed_until'", "did you mean 'read_until'?" },
  { 'unit.port:expect', 'unit.prt:expect', 29, "unit has no 'prt'", "did you mean 'port'?" },
  { 'unit.serial = ', 'unit.serail = ', 27, "unit has no 'serail'", "did you mean 'serial'?" },
  { 'unit.serial = ', 'unit.batch = ', 27, "unit has no 'batch'", "unit.data" },
  { 'unit:log(', 'unit:report(', 31, "unit has no 'report'", "whoever runs the attempt" },
  { 'unit:new_device()', 'unit.new_device()', 34, "unit.new_device(…) is called without its unit",
    "unit:new_device(…)" },
  { 'hex.encode(', 'hex:encode(', 31, "would hand over jig.hex itself", "write a dot" },
  { 'jig.sleep(0.5)', 'jig.slep(0.5)', 30, "jig has no 'slep'", "did you mean 'sleep'?" },
  { 'string.rep', 'string.dump', 41, "string has no 'dump'", "" },
  { 'math.floor', 'math.flor', 41, "math has no 'flor'", "did you mean 'floor'?" },
  { 'crc.new(', 'crc.nwe(', 11, "jig.crc has no 'nwe'", "did you mean 'new'?" },
  { 'require "jig.hex"', 'require "jig.hexx"', 3, "no module 'jig.hexx'", "did you mean 'jig.hex'?" },
  { 'require "jig.hex"', 'require "status"', 3, "no file 'status.lua'", "files of its folder" },
  { 'pulse("dtr"', 'pulse("drt"', 14, "port:pulse: there is no line 'drt'", "did you mean 'dtr'?" },
  { 'set("rts", true)', 'set("bau", 9600)', 28, "port:set: there is no setting 'bau'", "did you mean 'baud'?" },
  { 'set("rts", true)', 'set("rts", 1)', 28, 'port:set("rts"): expected a boolean', "true or false" },
  { 'fail("firmware.response"', 'fail("firmware.respons"', 37, "no fault 'firmware.respons'",
    "did you mean 'firmware.response'?" },
  { '{ reason = "empty" }', '{ raeson = "empty" }', 37, "a fault has no 'raeson'", "did you mean 'reason'?" },
  -- globals
  { 'unit:log(', 'print(', 31, "no global 'print'", "unit:log(text)" },
  { 'wake(unit, 0.1)', 'wkae(unit, 0.1)', 27, "no global 'wkae'", "did you mean 'wake'?" },
  { 'local init =', 'init =', 34, "assignment to the undeclared global 'init'", "write local init" },
  { 'local hex = require "jig.hex"', '', 31, "no global 'hex'", 'write local hex = require "jig.hex"' },
  { 'jig.sleep(0.5)', 'os.execute("reboot")', 30, "os has no 'execute'", "there is clock, date, time" },
  -- the file
  { 'return jig.recipe {', 'local made = jig.recipe {', nil, "must return jig.recipe", "a run refuses the recipe" },
  { 'name = "lamp",', 'name = "lamp"', 20, "expected", "mend it first" },
}

--- Several at once, none of which hides another: replacements, and the lines on which something is to be told.
mistakes.several = {
  replace = {
    { 'name = "lamp"', 'naem = "lamp"' }, { 'baud = 9600', 'buad = 9600' }, { 'max = 512', 'mx = 512, lead = 5' },
    { 'exchange = 5,', 'exchange = 0,' }, { 'code = 502', 'code = 501' }, { 'hex.encode', 'hex.encod' },
    { 'unit:new_device()', 'unit:new_devise()' }, { 'math.floor', 'mth.floor' },
  },
  lines = { 8, 18, 19, 21, 22, 22, 23, 31, 34, 41 },
}

return mistakes
