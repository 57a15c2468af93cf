--- The recipe's port: transports that there are, options that they take, and what these can be. Nothing is opened.

local nearest = require "jig.check.nearest"
local port = require "jig.port"

local ports = {}

---@class jig.check.PortOption
---@field least? integer
---@field most? integer
---@field words? string[]  what it can be, instead of a number
---@field text? boolean    anything

local LINE <const> = {
  baud = { least = 1, most = 20000000 }, bits = { least = 5, most = 8 }, stop = { least = 1, most = 2 },
  parity = { words = { "none", "odd", "even", "mark", "space" } }, flow = { words = { "none", "rtscts", "xonxoff" } },
}

local function line_and(more)
  for name, rule in pairs(LINE) do more[name] = rule end
  return more
end

local SWITCH <const> = { words = { "off", "on" } }

--- The options of each transport that recipes use. The specs hold them against the transports as they are.
---@type table<string, table<string, jig.check.PortOption>>
ports.options = {
  serial = line_and {
    dtr = SWITCH, rts = SWITCH, latency = { least = 1, most = 255 },
    vid = { text = true }, pid = { text = true }, serial = { text = true },
  },
  tty = line_and {},
  usb = {
    vid = { text = true }, pid = { text = true }, serial = { text = true }, path = { text = true },
    read = { text = true }, write = { text = true },
    interface = { least = 0, most = 255 }, alt = { least = 0, most = 255 }, zlp = { least = 0, most = 1 },
  },
  tcp = {},
  tls = { ca = { text = true }, cert = { text = true }, key = { text = true }, name = { text = true } },
  exec = { pty = { least = 0, most = 1 }, stderr = { words = { "null", "inherit" } } },
  pair = {},
}

-- Keys of a port's table that are no options of its transport.
local OWN <const> = { [1] = true, [2] = true, match = true, chunk = true, gap = true }

local function keys_of(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = tostring(key) end
  return keys
end

local function value_advice(rule, value)
  if rule.words then
    if type(value) == "boolean" and rule == SWITCH then
      return ("write %q"):format(value and "on" or "off")
    end
    local near = nearest.of(tostring(value), rule.words)
    if near then return ("did you mean %q?"):format(near) end
    return "expected " .. table.concat(rule.words, ", ")
  end
  return ("expected a whole number from %d to %d"):format(rule.least, rule.most)
end

local function fits(rule, value)
  if rule.text then return true end
  local text = tostring(value)
  if rule.words then return nearest.among(text, rule.words) end
  local number = text:find("^%d+$") and math.tointeger(tonumber(text))
  return number ~= nil and number >= rule.least and number <= rule.most
end

local function check_option(scheme, key, value, path, report)
  local known = ports.options[scheme]
  local rule = known[key]
  if not rule then
    local words = keys_of(known)
    report(path, ("%s has no option '%s'"):format(scheme, key),
      #words == 0 and "it takes none" or nearest.advice(tostring(key), words))
  elseif not fits(rule, value) then
    report(path, ("%s: %s is '%s'"):format(scheme, key, tostring(value):sub(1, 40)), value_advice(rule, value))
  end
end

local function check_flow(scheme, options, path, report)
  if scheme == "serial" and options.flow == "rtscts" and options.rts ~= nil then
    report(path, "serial: with flow = \"rtscts\" the driver moves RTS", "leave out rts")
  end
end

local function check_scheme(scheme, path, report)
  local schemes = {}
  for i, one in ipairs(port.schemes()) do schemes[i] = one.scheme end
  if nearest.among(scheme, schemes) then return ports.options[scheme] ~= nil end
  report(path, ("there is no transport '%s'"):format(scheme:sub(1, 40)), nearest.advice(scheme, schemes))
  return false
end

-- Where a device is, for each transport: an example.
local PLACES <const> = {
  serial = "serial:/dev/ttyUSB0", tty = "tty:/dev/ttyS0", usb = "usb:1209:0001", tcp = "tcp:192.168.1.10:7777",
  tls = "tls:factory.example:443", pair = "pair:name",
}

local function check_place(scheme, place, path, report)
  if (scheme ~= "tcp" and scheme ~= "tls") or place == nil or place == "" then return end
  local number = math.tointeger(tonumber(place:match("^[^%s]+:(%d+)$")))
  if not number or number < 1 or number > 65535 then
    report(path, ("%s: '%s' is no host and port"):format(scheme, tostring(place):sub(1, 80)),
      "write HOST:PORT, such as 192.168.1.10:7777")
  end
end

local function check_table(self, report)
  local scheme = self[1]
  if type(scheme) ~= "string" or not check_scheme(scheme, "port[1]", report) then return end
  check_place(scheme, type(self[2]) == "string" and self[2] or nil, "port[2]", report)
  for key, value in pairs(self) do
    if not OWN[key] then check_option(scheme, key, value, "port." .. tostring(key), report) end
  end
  for key, value in pairs(type(self.match) == "table" and self.match or {}) do
    if nearest.among(key, { "vid", "pid", "serial" }) then
      check_option(scheme, key, value, "port.match." .. key, report)
    end
  end
  check_flow(scheme, self, "port.rts", report)
  if self.gap ~= nil and self.chunk == nil then
    report("port.gap", "gap without chunk is never waited", "write chunk, too, or leave gap out")
  end
end

local function check_text(self, report)
  local scheme, rest = self:match("^([%w_-]+):(.*)$")
  if not scheme then
    return report("port", ("'%s' is no address"):format(self:sub(1, 80)),
      "write TRANSPORT:PLACE, such as tcp:HOST:PORT")
  end
  if not check_scheme(scheme, "port", report) then return end
  if rest == "" then
    return report("port", ("'%s' names no place: a word is missing behind the colon"):format(self),
      scheme == "exec" and "write { \"exec\" }: the station names the program"
        or "write where the device is, such as " .. PLACES[scheme])
  end
  local place, query = rest:match("^([^?]*)%??(.*)$")
  local options = {}
  for option in query:gmatch("[^&]+") do
    local key, value = option:match("^([^=]*)=?(.*)$")
    options[key] = value
    check_option(scheme, key, value, "port", report)
  end
  check_place(scheme, place, "port", report)
  check_flow(scheme, options, "port", report)
end

--- Reports each mistake.
---@param self any  the recipe's `port`, as it is written
---@param report fun(path: string, what: string, instead: string)
function ports.check(self, report)
  if type(self) == "table" then check_table(self, report) end
  if type(self) == "string" and self ~= "" then check_text(self, report) end
end

return ports
