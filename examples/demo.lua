#!/usr/bin/env jig
-- The demo: provisions one unit of each example product against the simulators, over real wires, and holds
-- jig's fingerprint against what openssl says of the certificate that the device now keeps. Then the line of
-- eight slots, all at once.
--
--     make demo            (or: build/jig examples/demo.lua)

local port = require "jig.port"
local proc = require "jig.proc"

local build = arg[-1]:match("^(.*)/[^/]*$") or "build"
local examples = arg[0]:match("^(.*)/[^/]*$") or "."

local PRODUCTS <const> = {
  { name = "thermostat", wire = "length", listen = "pty", serial = "T100317" },
  { name = "gateway", wire = "ftcd", listen = "tcp", serial = "GW0042" },
  { name = "meter", wire = "slip", listen = "pty", serial = "M77", more = { "--rx-chunk", "256", "--rx-gap", "4" } },
}

-- The products of examples/line/station.lua by slot. Their meters take bytes as fast as they come: eight
-- simulated devices share this machine's processors, and a slow one would see the pauses run together.
local LINE <const> = { 1, 1, 1, 1, 2, 2, 3, 3 }

-- A temporary folder that is removed with all it holds when it is closed.
local function temporary()
  local made = assert(proc.start { "mktemp", "-d" }):wait(5)
  local path = made.stdout:match("^[^\n]+")
  return setmetatable({ path = path }, {
    __close = function() assert(proc.start { "rm", "-rf", path }):wait(5) end,
  })
end

-- A program's address: its words, percent-encoded.
local function exec(words)
  local encoded = {}
  for i, word in ipairs(words) do
    encoded[i] = word:gsub("[^%w%-%._~/]", function(c) return ("%%%02X"):format(c:byte()) end)
  end
  return "exec:" .. table.concat(encoded, " ")
end

-- Starts the device; its standard output is the wire on which it says where it listens.
local function start_device(product, serial, folder, more)
  local listen = product.listen == "tcp" and "tcp:0" or ("pty:%s/%s"):format(folder, serial)
  local words = {
    build .. "/device", "--wire", product.wire, "--listen", listen, "--serial", serial,
    "--store", folder, "--parent-death",
  }
  table.move(more or {}, 1, #(more or {}), #words + 1, words)
  local device = assert(port.open(exec(words)))
  return device, assert(device:read_until("\n", 10)):match("^ready (%S+)")
end

local function openssl_fingerprint(file)
  local told = assert(proc.start { "openssl", "x509", "-in", file, "-noout", "-fingerprint", "-sha1" }):wait(10)
  return (told.stdout:match("=([%x:]+)") or "none"):gsub(":", ""):lower()
end

local function provision(product, folder)
  local device <close>, address = start_device(product, product.serial, folder, product.more)
  local result = assert(proc.start {
    build .. "/jig", "run", examples .. "/" .. product.name, "--port", address,
    "--cli", build .. "/factory_tool", "--journal", folder .. "/journal.db",
    env = { TMPDIR = folder, XDG_RUNTIME_DIR = folder }, -- the simulated service is in TMPDIR
  }):wait(60)
  io.stderr:write(result.stderr)
  io.write(("%-10s %-28s %s"):format(product.name, address:gsub(folder, "…"), result.stdout))
  local stored = openssl_fingerprint(("%s/%s.pem"):format(folder, product.serial))
  local same = result.exit == 0 and result.stdout:find(stored, 1, true) ~= nil
  print(("%-10s openssl says of the stored certificate: %s: %s"):format("", stored, same and "the same" or "DIFFERENT"))
  return same
end

-- Each PASS of the line against the certificate that its device keeps.
local function check_line(stdout, folder)
  local same = 0
  for slot, fingerprint in stdout:gmatch("PASS%s+(%S+)%s+%S+%s+(%x+)") do
    if openssl_fingerprint(("%s/L%s.pem"):format(folder, slot)) == fingerprint then same = same + 1 end
  end
  print(("line       openssl says the same of %d of %d stored certificates"):format(same, #LINE))
  return same == #LINE
end

-- The line's devices, and the words that put them into its slots.
local function start_line(folder, devices)
  local words = {}
  for i, kind in ipairs(LINE) do
    local device, address = start_device(PRODUCTS[kind], "L" .. i, folder)
    devices[i] = device
    table.move({ "--slot", ("%d=%s"):format(i, address) }, 1, 2, #words + 1, words)
  end
  return words
end

local function close_all(devices)
  for _, device in ipairs(devices) do device:close() end
end

local function provision_line(folder)
  local devices <close> = setmetatable({}, { __close = close_all })
  local words = {
    build .. "/jig", "run", "--station", examples .. "/line/station.lua", "--cli", build .. "/factory_tool",
    "--journal", folder .. "/line.db", env = { TMPDIR = folder },
  }
  local slots = start_line(folder, devices)
  table.move(slots, 1, #slots, #words + 1, words)
  local result = assert(proc.start(words)):wait(60)
  io.write((("\n" .. result.stdout):gsub("\n(.)", "\nline       %1")))
  io.stderr:write(result.stderr)
  return check_line(result.stdout, folder) and result.exit == 0
end

local folder <close> = temporary()
local good = true
for _, product in ipairs(PRODUCTS) do
  good = provision(product, folder.path) and good
end
good = provision_line(folder.path) and good
if not good then error("the demo failed", 0) end
