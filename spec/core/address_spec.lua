local core = require "spec.core"

local function words(text)
  return assert(core.address(text)).words
end

local function options(text)
  return assert(core.address(text)).options
end

describe("core/address", function()
  it("takes scheme, words and options apart", function()
    local path = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0"
    local cases = {
      { "serial:" .. path .. "?baud=921600", "serial", { path }, { baud = "921600" } },
      { "tty:/dev/pts/3", "tty", { "/dev/pts/3" }, {} },
      { "usb:1209:0001?serial=A17", "usb", { "1209:0001" }, { serial = "A17" } },
      { "usb:path=1-2.3", "usb", { "path=1-2.3" }, {} },
      { "tcp:10.0.0.7:7777", "tcp", { "10.0.0.7:7777" }, {} },
      { "tcp:[::1]:7777", "tcp", { "[::1]:7777" }, {} },
      { "tls:host:8883?ca=/a&verify=yes", "tls", { "host:8883" }, { ca = "/a", verify = "yes" } },
      { "exec:my%20program -x a%3Fb", "exec", { "my program", "-x", "a?b" }, {} },
      { "exec:a b?pty=1&cwd=/a%20b", "exec", { "a", "b" }, { pty = "1", cwd = "/a b" } },
      { "pair:left", "pair", { "left" }, {} },
      { "x-1_y:z", "x-1_y", { "z" }, {} },
      { "serial:?vid=0403&pid=6001", "serial", {}, { vid = "0403", pid = "6001" } },
    }
    for _, case in ipairs(cases) do
      local a = assert(core.address(case[1]))
      assert.equal(case[2], a.scheme)
      assert.same(case[3], a.words)
      assert.same(case[4], a.options)
      assert.is_nil(a.inner)
    end
  end)

  it("decodes every byte but NUL from its escape, in either case", function()
    for byte = 1, 255 do
      local escape = ("%%%02x"):format(byte)
      assert.same({ "a" .. string.char(byte) .. "b" }, words("exec:a" .. escape .. "b"))
      assert.equal(string.char(byte), options("tcp:x?k=" .. escape:upper()).k)
    end
  end)

  it("passes every byte through that means nothing", function()
    for byte = 0x21, 0xFF do
      local c = string.char(byte)
      if not c:find("[%%?\x7F]") then
        assert.same({ c }, words("exec:" .. c))
      end
      if not c:find("[%%&\x7F]") then
        assert.equal(c, options("tcp:x?k=" .. c).k)
      end
    end
  end)

  it("takes an option's value from the first equals sign on, or empty", function()
    assert.same({ a = "b=c", d = "" }, options("tcp:x?a=b=c&d="))
    assert.same({ a = "?" }, options("tcp:x?a=?"))
  end)

  it("keeps the address that a fault address wraps as it is", function()
    local inner = "exec:a%20b c?x=%3a&y=1,2"
    local a = assert(core.address("fault:seed=7,loss=0.01:" .. inner))
    assert.equal("fault", a.scheme)
    assert.same({ seed = "7", loss = "0.01" }, a.options)
    assert.same({}, a.words)
    assert.equal(inner, a.inner)
    assert.equal("tcp:h:1", assert(core.address("fault::tcp:h:1")).inner)
    assert.same({ at = "a:b,c&d" }, options("fault:at=a%3Ab%2cc&d:tcp:h:1"))
  end)

  it("refuses what is malformed and gives the position of it", function()
    local cases = {
      { "", 1, "begins with a scheme" },
      { "tcp", 1, "begins with a scheme" },
      { ":x", 1, "begins with a scheme" },
      { "TCP:x:1", 1, "begins with a scheme" },
      { "1tcp:x", 1, "begins with a scheme" },
      { "/dev/ttyUSB0", 1, "begins with a scheme" },
      { "t%63p:x", 1, "begins with a scheme" },
      { "tcp:", 5, "a word is missing" },
      { "tcp:?", 6, "an option must be key=value" },
      { "exec: a", 6, "a word is missing" },
      { "exec:a  b", 8, "a word is missing" },
      { "exec:a ", 8, "a word is missing" },
      { "exec:a ?b=c", 8, "a word is missing" },
      { "exec:a%", 7, "two hex digits must follow" },
      { "exec:a%2", 7, "two hex digits must follow" },
      { "exec:a%2g", 7, "two hex digits must follow" },
      { "exec:a%zz", 7, "two hex digits must follow" },
      { "exec:a%00", 7, "%00 cannot be passed on" },
      { "tcp:x?a=%0", 9, "two hex digits must follow" },
      { "tcp:x?a=%00", 9, "%00 cannot be passed on" },
      { "tcp:x?", 7, "an option must be key=value" },
      { "tcp:x?a", 7, "an option must be key=value" },
      { "tcp:x?=a", 7, "an option must be key=value" },
      { "tcp:x?A=a", 7, "an option must be key=value" },
      { "tcp:x?a=b&", 11, "an option must be key=value" },
      { "tcp:x?a=b&&c=d", 11, "an option must be key=value" },
      { "tcp:x?a%62=b", 7, "an option must be key=value" },
      { "tcp:x?a=b&a=c", 11, "an option for the second time" },
      { "tcp:x?a=b c", 10, "a space in an option" },
      { "exec:a\0b", 7, "a control character" },
      { "exec:a\nb", 7, "a control character" },
      { "exec:a\tb", 7, "a control character" },
      { "exec:a\x7F", 7, "a control character" },
      { "fault:", 7, "an option must be key=value" },
      { "fault::", 8, "begins with a scheme" },
      { "fault:seed=7", 13, "and the address to wrap must follow" },
      { "fault:seed=7:", 14, "begins with a scheme" },
      { "fault:seed=7,:tcp:x", 14, "an option must be key=value" },
      { "fault:tcp:h:1", 7, "an option must be key=value" },
      { "fault:a=b c:tcp:x", 10, "a space in an option" },
      { "fault:a=b:exec:x%00", 17, "%00 cannot be passed on" },
      { "fault:a=b:fault:c=d:tcp:x", 11, "a fault address in a fault address" },
    }
    for _, case in ipairs(cases) do
      local a, message, code = core.address(case[1])
      local expected = ("address, character %d: "):format(case[2])
      assert.is_nil(a)
      assert.equal("invalid", code)
      assert.equal(expected, message:sub(1, #expected), case[1])
      assert.matches(case[3], message, 1, true)
    end
  end)

  it("takes 4096 bytes, 64 words and 32 options, and not one more", function()
    local function limited(text)
      local a, _, code = core.address(text)
      assert.is_nil(a)
      assert.equal("limit", code)
    end
    local function query(n)
      local list = {}
      for i = 1, n do
        list[i] = "k" .. i .. "=v"
      end
      return list
    end
    local longest = "pair:" .. ("x"):rep(4091)
    assert.same({ ("x"):rep(4091) }, words(longest))
    limited(longest .. "x")
    assert.equal(64, #words("exec:" .. ("w "):rep(63) .. "w"))
    limited("exec:" .. ("w "):rep(64) .. "w")
    assert.equal("v", options("tcp:x?" .. table.concat(query(32), "&")).k32)
    limited("tcp:x?" .. table.concat(query(33), "&"))
    assert.equal("v", options("fault:" .. table.concat(query(32), ",") .. ":tcp:x").k32)
    limited("fault:" .. table.concat(query(33), ",") .. ":tcp:x")
    limited("fault::exec:" .. ("w "):rep(64) .. "w")
  end)

  it("stays within any text cut short", function()
    local whole = "fault:seed=%37,loss=0.01:exec:a%20b c?x=%3a&y=1"
    for n = 0, #whole do
      local a, message = core.address(whole:sub(1, n))
      assert.is_true(a ~= nil or #message > 0)
    end
  end)

  it("reads an option as a whole number within its bounds", function()
    local function number(value, low, high)
      return core.address_number("tcp:x?n=" .. value, "n", low or -10, high or 4000000)
    end
    for text, value in pairs { ["0"] = 0, ["921600"] = 921600, ["007"] = 7, ["-10"] = -10,
      ["4000000"] = 4000000, } do
      assert.equal(value, number(text))
    end
    for _, text in ipairs { "", "-", "x", "1x", "0x10", "1.5", "+1", "%201", "1%20", "-11",
      "4000001", "99999999999999999999", } do
      local value, message, code = number(text)
      assert.is_nil(value)
      assert.equal("invalid", code)
      assert.equal("tcp: n must be a whole number from -10 to 4000000", message)
    end
    assert.equal(-1, core.address_number("tcp:x", "n", 0, 1))
    assert.equal(999999999999999999, number("999999999999999999", 0, math.maxinteger))
  end)

  it("names an option that is not known", function()
    assert.is_true(core.address_check_options("tcp:x", "baud"))
    assert.is_true(core.address_check_options("tcp:x?baud=1", "baud"))
    local ok, message, code = core.address_check_options("tcp:x?baud=1&buad=2", "baud")
    assert.is_nil(ok)
    assert.equal("tcp: unknown option 'buad'", message)
    assert.equal("invalid", code)
  end)

  it("splits host and port", function()
    local cases = {
      { "10.0.0.7:7777", "10.0.0.7", 7777 },
      { "host.example:1", "host.example", 1 },
      { "[::1]:65535", "::1", 65535 },
      { "[fe80::1%25eth0]:7", "fe80::1%eth0", 7 },
      { ("h"):rep(255) .. ":7", ("h"):rep(255), 7 },
    }
    for _, case in ipairs(cases) do
      local host, port = core.address_endpoint("tcp:" .. case[1])
      assert.equal(case[2], host)
      assert.equal(case[3], port)
    end
  end)

  it("refuses an endpoint that is none", function()
    for _, text in ipairs { "host", "host:", ":7", "host:0", "host:65536", "host:-1", "host:x",
      "host: 7", "::1:7", "[::1]", "[]:7", "[::1:7", "::1]:7", "[host]:7", "[[::1]]:7", "a:1 b",
      ("h"):rep(256) .. ":7", } do
      local host, message, code = core.address_endpoint("tcp:" .. text)
      assert.is_nil(host, text)
      assert.equal("invalid", code)
      assert.equal("tcp: must be tcp:HOST:PORT or tcp:[IPV6]:PORT", message)
    end
  end)
end)
