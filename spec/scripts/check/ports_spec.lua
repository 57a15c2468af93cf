require "spec.fakeusb" -- before an address of USB loads the real one for the whole run

local port = require "jig.port"
local ports = require "jig.check.ports"
local recipe = require "jig.recipe"

local function found_in(self)
  local list = {}
  ports.check(self, function(path, what, instead) list[#list + 1] = ("%s: %s; %s"):format(path, what, instead) end)
  table.sort(list)
  return list
end

-- Whether the transport itself refuses an address. Nothing is there, so nothing is opened.
local function is_refused(scheme, key, value)
  local places = { exec = "/nowhere/program", tcp = "127.0.0.1:1", tls = "127.0.0.1:1", pair = "x", usb = "1209:ffff" }
  local self = { scheme, places[scheme] or "/nowhere/device", [key] = value }
  local made, _, code = port.open(recipe.address(self), { limit = 5 })
  if made then made:close() end
  return code == "invalid"
end

describe("jig.check.ports", function()
  it("knows the options of the transports as they are", function()
    for scheme, options in pairs(ports.options) do
      assert.is_true(is_refused(scheme, "nothing", "1"), scheme)
      for key, rule in pairs(options) do
        for _, value in ipairs(rule.words or rule.text and {} or { rule.least, rule.most }) do
          assert.is_false(is_refused(scheme, key, value), ("%s %s=%s"):format(scheme, key, value))
        end
        local bad = rule.words and { "nothing" } or rule.least and { rule.least - 1, rule.most + 1 } or {}
        for _, value in ipairs(bad) do
          assert.is_true(is_refused(scheme, key, value), ("%s %s=%s"):format(scheme, key, value))
        end
      end
    end
  end)

  it("finds nothing in ports that are right", function()
    for _, self in ipairs {
      { "serial" }, { "serial", "/dev/ttyUSB0", baud = 9600, dtr = "off" }, { "tty", "/dev/pts/3", flow = "xonxoff" },
      { "tcp", "10.0.0.7:7777" }, { "tcp" }, "tcp:[::1]:7777",
      { "tls", "factory:443", ca = "ca.pem", name = "line" }, { "usb", "1209:0001", interface = 1, read = "81" },
      "usb:?path=1-2", { "exec", pty = 1 },
      "serial:?vid=0403&pid=6001&baud=9600", "pair:x", "fault:seed=7:tcp:10.0.0.7:7777",
      { "serial", chunk = 4, gap = 0 },
    } do
      assert.same({}, found_in(self))
    end
  end)

  it("finds an address without a place, of whatever transport, as a run does", function()
    for scheme in pairs(ports.options) do
      local list = found_in(scheme .. ":")
      assert.equal(1, #list, scheme)
      local advice = scheme == "exec" and "{ \"exec\" }: the station names the program$" or ", such as %s:%%S+$"
      assert.matches(("^port: '%s:' names no place: .*" .. advice):format(scheme, scheme), list[1])
      assert.same({ nil, "invalid" }, { (port.open(scheme .. ":", { limit = 5 })),
        (select(3, port.open(scheme .. ":", { limit = 5 }))) })
    end
  end)

  it("finds what a recipe has wrong", function()
    for text, self in pairs {
      ["port[2]: tls: 'factory' is no host and port; write HOST:PORT, such as 192.168.1.10:7777"]
        = { "tls", "factory" },
      ["port.interfase: usb has no option 'interfase'; did you mean 'interface'?"]
        = { "usb", "1209:0001", interfase = 1 },
      ["port[2]: tcp: '10.0.0.7:0' is no host and port; write HOST:PORT, such as 192.168.1.10:7777"]
        = { "tcp", "10.0.0.7:0" },
      ["port.match.vid: tcp has no option 'vid'; it takes none"] = { "tcp", "a:1", match = { vid = 1 } },
      ["port: 'tcp:' names no place: a word is missing behind the colon; write where the device is, such as "
        .. "tcp:192.168.1.10:7777"] = "tcp:",
      ["port: 'ttyUSB0' is no address; write TRANSPORT:PLACE, such as tcp:HOST:PORT"] = "ttyUSB0",
      ['port.rts: serial: with flow = "rtscts" the driver moves RTS; leave out rts'] = { "serial", flow = "rtscts",
        rts = "on" },
    } do
      assert.same({ text }, found_in(self))
    end
  end)
end)
