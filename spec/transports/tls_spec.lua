local clock = require "jig.clock"
local peer = require "spec.peer"
local port = require "jig.port"
local scratch = require "spec.support.scratch"
local secure = require "spec.support.secure"
local task = require "jig.task"
local wires = require "spec.support.wires"

local papers

local link = {}
link.__index = link

function link:__close()
  self.p:close()
  self.service:__close()
end

-- A service as `options` say, and a port opened to it: service, p, and the other side. Close it.
local function connect(options, query, open)
  local service = secure.serve(options or papers:of "server")
  local p = assert(port.open(service:address(query or { ca = papers.ca }), open or { limit = 5 }))
  return setmetatable({ service = service, p = p, side = service:wait() }, link)
end

-- Opens what must not be opened: message, code.
local function refused(options, query, host)
  local service <close> = secure.serve(options)
  local p, message, code = port.open(service:address(query, host), { limit = 5, name = "A" })
  assert.is_nil(p)
  return message, code
end

-- Why the other side can read no more.
local function heard(side)
  return wires.eventually(function()
    local _, why = side:try "read"
    return why ~= "again" and why
  end)
end

local function long(n) return ("0123456789abcdef"):rep(n // 16) end

describe("transports/tls", function()
  setup(function()
    papers = secure.papers()
    papers:make("expired", { names = "IP:127.0.0.1", from = -7200, to = -3600 }, "authority")
    papers:make("early", { names = "IP:127.0.0.1", from = 3600, to = 7200 }, "authority")
    papers:make("itself", { names = "IP:127.0.0.1" })
    papers:make("nameless", { owner = "127.0.0.1" }, "authority")
    papers:make("owned", { owner = "device.example" }, "authority")
    papers:make("other", { names = "DNS:a.example,DNS:b.example,IP:10.0.0.7,IP:::1" }, "authority")
    papers:make("odd", { names = "DNS:a\27[31m.example" }, "authority")
    papers:make("many", { names = ("DNS:gateway.example,"):rep(20) .. "DNS:z" }, "authority")
    papers:make("wild", { names = "DNS:*.line.example" }, "authority")
    papers:make("reader", { names = "IP:127.0.0.1", usage = "clientAuth" }, "authority")
    papers:make("old", { authority = true, from = -7200, to = -3600 })
    papers:make("under", { names = "IP:127.0.0.1" }, "old")
    papers:make("stranger", { authority = true })
    papers:make("large", { names = ("DNS:gateway.example,"):rep(20) .. "DNS:z" }, "authority")
    papers:make("lost", { names = "IP:127.0.0.1" }, "stranger")
  end)
  teardown(function() papers:__close() end)

  describe("the handshake", function()
    it("takes TLS 1.3 and 1.2, a number and a name, and asks for the name alone", function()
      local cases = {
        { nil, "127.0.0.1", {}, "TLSv1.3", nil },
        { "1.2", "127.0.0.1", {}, "TLSv1.2", nil },
        { nil, "localhost", {}, "TLSv1.3", "localhost" },
        { "1.2", "127.0.0.1", { name = "device.example" }, "TLSv1.2", "device.example" },
        { nil, "localhost", { name = "device.example." }, "TLSv1.3", "device.example" },
        { nil, "localhost", { name = "127.0.0.1" }, "TLSv1.3", nil },
      }
      for i, case in ipairs(cases) do
        local service <close> = secure.serve(papers:of("server", { most = case[1] }))
        case[3].ca = papers.ca
        local p <close> = assert(port.open(service:address(case[3], case[2]), { limit = 5 }))
        local version, name = service:wait().server:about()
        assert.same({ i, case[4], case[5] }, { i, version, name })
        assert.is_true(p:drain(5))
      end
    end)

    it("may come in single bytes", function()
      for _, most in ipairs { "1.3", "1.2" } do
        local wire <close> = connect(papers:of("server", { most = most, drip = true }))
        assert.is_true(wire.side.sent > 500)
        assert.is_true(wire.p:write("ping", 5))
        assert.equal("ping", wires.read(wire.side, 4))
      end
    end)

    it("may be lost anywhere", function()
      for _, most in ipairs { "1.3", "1.2" } do
        local wire <close> = connect(papers:of("server", { most = most }))
        local whole = wire.side.sent - (most == "1.3" and 600 or 300) -- without what follows the server's Finished
        for budget = 0, whole, whole // 12 do
          local message, code = refused(papers:of("server", { most = most, budget = budget }), { ca = papers.ca })
          assert.same({ most, budget, "lost" }, { most, budget, code })
          local words = budget == 0 and "when the TLS handshake began: does it speak TLS?"
            or "in the middle of the TLS handshake"
          assert.matches(words, message, 1, true)
        end
        assert.is_true(wire.p:write("x", 5))
      end
    end)

    it("ends at the limit of opening, whether the other side is silent or stops on its way", function()
      local function silent() end
      local function stops(connection)
        wires.eventually(function() return (connection:read()) end)
        connection:write("\x16\x03\x03")
      end
      for _, how in ipairs { silent, stops } do
        local service <close> = secure.serve(how)
        local from = clock.now()
        local p, _, code = port.open(service:address(), { limit = 0.05 })
        assert.same({ nil, "timeout" }, { p, code })
        assert.is_true(clock.now() - from >= 0.05)
      end
    end)

    it("tells what speaks no TLS, from its first byte on", function()
      for _, banner in ipairs { "\n", "OK\r\n", "SSH-2.0-x\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "\x17\x03\x03" } do
        local message, code = refused(function(connection) connection:write(banner) end, {})
        assert.same({ banner, "refused" }, { banner, code })
        assert.matches("^A: what answers at host 127%.0%.0%.1, port %d+, does not speak TLS$", message)
      end
    end)

    it("goes on with TLS 1.2 at least", function()
      local message, code = refused(papers:of("server", { most = "1.1" }), { ca = papers.ca })
      assert.equal("refused", code)
      assert.matches("it does not speak TLS 1.2 or newer", message, 1, true)
      -- one that does not heed what it is offered, and chooses TLS 1.1
      local hello = "\3\2" .. ("r"):rep(32) .. "\0\xC0\x13\0"
      hello = (">BI3"):pack(2, #hello) .. hello
      message, code = refused(function(connection)
        connection:write((">BI2s2"):pack(22, 0x302, hello))
      end, {})
      assert.equal("refused", code)
      assert.matches("wants a protocol older than TLS 1.2", message, 1, true)
    end)

    it("says which alert ended it", function()
      local cases = {
        { 40, 'the server ended TLS by the alert "handshake failure"' },
        { 112, "it has no such name as we ask for" },
        { 80, '"internal error"' },
      }
      for _, case in ipairs(cases) do
        local message, code = refused(function(connection)
          connection:write("\x15\3\3\0\2\2" .. string.char(case[1]))
        end, {})
        assert.equal("refused", code)
        assert.matches(case[2], message, 1, true)
      end
    end)

    it("says what cannot be understood", function()
      local message, code = refused(function(connection)
        connection:write("\x16\3\3\0\4\x0e\0\0\0") -- ServerHelloDone first
      end, {})
      assert.equal("refused", code)
      assert.matches("^A: TLS failed: ", message)
    end)
  end)

  describe("the server's certificate", function()
    it("is refused with the reason", function()
      local cases = {
        { "expired", {}, "the server's certificate expired on 20%d%d%-%d%d%-%d%d %d%d:%d%d UTC" },
        { "early", {}, "the server's certificate is not valid before 20.* %(is this machine's clock right%?%)" },
        { "itself", {}, "is self%-signed, and none that is trusted %(ca=FILE may hold it%)" },
        { "lost", {}, "comes from /CN=stranger, which is not in the CA file" },
        { "lost", { chain = papers.stranger[1] }, "comes from /CN=stranger, which is not in the CA file" },
        { "nameless", {}, "is not for '127.0.0.1': it has no names %(subjectAltName%)" },
        { "other", {}, "is not for '127.0.0.1', but for a.example, b.example, IP 10.0.0.7, IP ::1$" },
        { "odd", {}, "but for a%?%[31m.example$" },
        { "many", {}, "but for gateway.example, gateway.example, .*, …$" },
        { "reader", {}, "the server's certificate is not made for this use" },
      }
      for _, case in ipairs(cases) do
        local message, code = refused(papers:of(case[1], case[2]), { ca = papers.ca })
        assert.same({ case[1], "denied" }, { case[1], code })
        assert.matches("^A: the server's certificate .*" .. case[3]:gsub("^the server's certificate ", ""), message)
      end
    end)

    it("is refused when its authority's has expired, and when no authority is named", function()
      local message, code = refused(papers:of "under", { ca = papers.old.file })
      assert.equal("denied", code)
      assert.matches("the authority's certificate /CN=old expired on 20", message, 1, true)
      message, code = refused(papers:of "server", {})
      assert.equal("denied", code)
      assert.matches("/CN=authority, which is not in the system's list: add ca=FILE", message, 1, true)
    end)

    it("may be trusted by the system's list: a folder with hashed names, or else a file", function()
      local folder = papers.folder
      local made = scratch.run { "openssl", "x509", "-noout", "-subject_hash", "-in", papers.ca }
      local hashed = folder:write("hashed/" .. made.stdout:match("%x+") .. ".0", papers.authority[1])
      local script = folder:write("open.lua", [[
        local p, message = require "jig.port".open(arg[1], { limit = 5 })
        print(p and "open" or message)]])
      local cases = {
        { hashed:match("^(.*)/"), "/none", "^open\n$" },
        { "/none", papers.ca, "^open\n$" },
        { hashed:match("^(.*)/"), "/none", "not in the system's list", "lost" },
      }
      for _, case in ipairs(cases) do
        local other <close> = secure.serve(papers:of(case[4] or "server"))
        local result = scratch.run { scratch.program, script, other:address {},
          env = { SSL_CERT_DIR = case[1], SSL_CERT_FILE = case[2] } }
        assert.matches(case[3], result.stdout .. result.stderr)
      end
    end)

    it("is refused for another name than the address asks for", function()
      local cases = {
        { "server", { name = "evil.example" }, "'evil.example', but for device.example, localhost, IP 127.0.0.1" },
        { "server", { name = "127.0.0.2" }, "'127.0.0.2'" },
        { "other", { name = "::2" }, "'::2'" },
        { "wild", { name = "a.b.line.example" }, "for *.line.example" },
        { "owned", { name = "device.example" }, "it has no names" },
      }
      for _, case in ipairs(cases) do
        case[2].ca = papers.ca
        local message, code = refused(papers:of(case[1]), case[2])
        assert.same({ case[1], "denied" }, { case[1], code })
        assert.matches(case[3], message, 1, true)
      end
    end)

    it("is taken by a wildcard, an IPv6 address, and when the CA file holds it itself", function()
      local cases = {
        { "wild", { name = "a.line.example" } },
        { "other", { name = "::1" } },
        { "itself", { ca = papers.itself.file } },
        { "server", { ca = papers.server.file } },
      }
      for _, case in ipairs(cases) do
        case[2].ca = case[2].ca or papers.ca
        local wire <close> = connect(papers:of(case[1]), case[2])
        assert.is_true(wire.p:write("x", 5))
      end
    end)
  end)

  describe("a client certificate", function()
    local function asking(most) return papers:of("server", { most = most, ask = true, trust = papers.authority[1] }) end

    it("is shown", function()
      for _, most in ipairs { "1.3", "1.2" } do
        local query = { ca = papers.ca, cert = papers.client.file, key = papers.client.key }
        local wire <close> = connect(asking(most), query)
        local p, side = wire.p, wire.side
        wires.write(side, "welcome")
        assert.equal("welcome", p:read(7, 5))
      end
    end)

    it("is missing: says so at opening, or in TLS 1.3 with the first read or write", function()
      local words = "it asks for a client certificate, and the address has none: add cert=FILE and key=FILE"
      local message, code = refused(asking "1.2", { ca = papers.ca })
      assert.equal("refused", code)
      assert.matches(words, message, 1, true)
      local function read(p) return p:read(1, 5) end
      local function write(p)
        while true do
          local ok, why, lost = p:write("x", 5)
          if not ok then return ok, why, lost end
        end
      end
      for _, use in ipairs { read, write } do
        local service <close> = secure.serve(asking())
        local p <close> = assert(port.open(service:address { ca = papers.ca }, { limit = 5 }))
        wires.eventually(function() return service.trouble end)
        local ok
        ok, message, code = use(p)
        assert.same({ nil, "lost" }, { ok, code })
        assert.matches(words, message, 1, true)
      end
    end)

    it("is not accepted", function()
      local query = { ca = papers.ca, cert = papers.lost.file, key = papers.lost.key }
      local message, code = refused(asking "1.2", query)
      assert.equal("refused", code)
      assert.matches('by the alert "unknown CA": it does not accept our client certificate', message, 1, true)
    end)
  end)

  describe("the options", function()
    local function rejected(query, code, words)
      local listed = {}
      for key, value in pairs(query) do listed[#listed + 1] = key .. "=" .. value end
      local p, message, why = port.open("tls:127.0.0.1:1?" .. table.concat(listed, "&"))
      assert.same({ words, nil, code }, { words, p, why })
      assert.matches(words, message, 1, true)
      assert.not_matches("PRIVATE", message, 1, true)
    end

    it("are refused when they are unknown or do not fit, before anything is connected", function()
      rejected({ min = "1.0" }, "invalid", "min")
      rejected({ name = "" }, "invalid", "name must have 1 to 255 characters")
      rejected({ name = ".line" }, "invalid", "name must not begin with a dot")
      rejected({ name = ("x"):rep(256) }, "invalid", "name must have 1 to 255 characters")
      rejected({ cert = papers.client.file }, "invalid", "cert and key belong together: key is missing")
      rejected({ key = papers.client.key }, "invalid", "cert and key belong together: cert is missing")
      for _, rest in ipairs { "host", "host:0", "host:65536", "host:http", ":1", "a:1 b:2" } do
        local p, message, code = port.open("tls:" .. rest)
        assert.same({ rest, nil, "invalid" }, { rest, p, code })
        assert.matches("tls:HOST:PORT", message, 1, true)
      end
    end)

    it("name files that are read with care", function()
      local folder = papers.folder
      local pem = papers.authority[1]
      local locked = folder.path .. "/locked.key"
      local made = scratch.run { "openssl", "pkey", "-aes128", "-passout", "pass:x", "-in", papers.client.key,
        "-out", locked }
      assert.equal(0, made.exit, made.stderr)
      scratch.run { "chmod", "600", locked }
      local pipe = folder.path .. "/pipe"
      scratch.run { "mkfifo", pipe }
      rejected({ ca = "/none/such" }, "not_found", "cannot open the CA file /none/such")
      rejected({ ca = folder.path }, "invalid", "is no regular file")
      rejected({ ca = pipe }, "invalid", "is no regular file")
      rejected({ ca = folder:write("empty", "") }, "invalid", "holds no certificate in PEM")
      rejected({ ca = papers.client.key }, "invalid", "holds no certificate in PEM")
      rejected({ ca = folder:write("half", pem:sub(1, #pem // 2)) }, "invalid", "certificate 1 of the CA file")
      rejected({ ca = folder:write("one", pem .. pem:gsub("MII", "MIX")) }, "invalid", "certificate 2 of the CA file")
      rejected({ ca = folder:write("big", pem .. ("\n"):rep(1 << 20)) }, "limit", "has more than 1048576 bytes")
      local cert = papers.client.file
      rejected({ cert = "/none/such", key = papers.client.key }, "not_found", "cannot open the certificate /none")
      rejected({ cert = cert, key = "/none/such" }, "not_found", "cannot open the key /none/such")
      rejected({ cert = cert, key = cert }, "denied", "others may use the key")
      rejected({ cert = cert, key = papers.server.key }, "invalid", "does not belong to the certificate")
      rejected({ cert = cert, key = locked }, "invalid", "holds no private key without a passphrase")
      for _, mode in ipairs { "640", "604", "610" } do
        scratch.run { "chmod", mode, papers.client.key }
        rejected({ cert = cert, key = papers.client.key }, "denied", "chmod 600 it")
      end
      scratch.run { "chmod", "600", papers.client.key }
    end)
  end)

  describe("the bytes", function()
    it("go on through new keys, which the other side asks for", function()
      local wire <close> = connect()
      local p, side = wire.p, wire.side
      for i = 1, 5 do
        side.server:update()
        wires.write(side, "number " .. i)
        assert.equal("number " .. i, p:read(8, 5))
        assert.is_true(p:write("answer " .. i, 5))
        assert.equal("answer " .. i, wires.read(side, 8))
      end
    end)

    it("go on when the other side wants another handshake, which it does not get", function()
      local wire <close> = connect(papers:of("server", { most = "1.2" }))
      local p, side = wire.p, wire.side
      side.server:renegotiate()
      side:flush()
      local reader = task.spawn(function() return select(3, p:read(1, 5)) end)
      clock.sleep(0.001)
      assert.matches("no renegotiation", heard(side))
      wire.service:__close()
      assert.same({ true, "lost" }, { reader:join(5) })
    end)

    it("are written while a message of TLS itself has arrived by half", function()
      -- a ticket that holds the client's certificate needs two records of 512 bytes
      local options = papers:of("server", { fragment = 512, hold = true, ask = true, trust = papers.authority[1] })
      local query = { ca = papers.ca, cert = papers.large.file, key = papers.large.key }
      local wire <close> = connect(options, query)
      local p, side = wire.p, wire.side
      side:flush_record()
      assert.equal("timeout", select(3, p:read(1, 0.02)))
      local writer = task.spawn(function() return p:write("now", 5) end)
      local used = peer.cpu()
      clock.sleep(0.1)
      assert.is_true(peer.cpu() - used < 0.05) -- it waits, and does not ask again and again
      assert.same({ nil, "again" }, { side.connection:read() }) -- TLS lets nothing out before the rest is there
      side.hold = nil
      side:flush()
      assert.same({ true, true }, { writer:join(5) })
      assert.equal("now", wires.read(side, 3))
    end)

    it("are no fewer and no more than were accepted when a write ends at its limit", function()
      local wire <close> = connect()
      local p, side = wire.p, wire.side
      local bytes = long(16 << 20)
      assert.equal("timeout", select(3, p:write(bytes, 0.05)))
      local _, sent = p:counts()
      assert.is_true(sent > 0 and sent < #bytes)
      assert.is_true(wires.read(side, sent) == bytes:sub(1, sent)) -- while nobody waits to write
      assert.is_true(p:write("the end", 5))
      assert.equal("the end", wires.read(side, 7))
      assert.is_true(p:drain(5))
    end)

    it("go out when there is room, though nobody waits for it", function()
      local bytes = long(16 << 20)
      local function stuff(most)
        local wire <close> = connect()
        wire.p:write(bytes:sub(1, most), 0.05)
        local _, sent = wire.p:counts()
        assert.is_true(wires.read(wire.side, sent) == bytes:sub(1, sent))
        return sent
      end
      local full = stuff(#bytes)
      stuff(full - 9000) -- so the last record is accepted and sent by half
    end)

    it("can be read while a write is stuck, and answered with new keys", function()
      local wire <close> = connect()
      local p, side = wire.p, wire.side
      local bytes = long(16 << 20)
      assert.equal("timeout", select(3, p:write(bytes, 0.05)))
      local _, sent = p:counts()
      side.server:update()
      wires.write(side, "hello")
      assert.equal("hello", p:read(5, 5))
      assert.is_true(wires.read(side, sent) == bytes:sub(1, sent))
      assert.is_true(p:write("bye", 5))
      assert.equal("bye", wires.read(side, 3))
    end)

    it("stay with the other side while nobody reads them", function()
      local wire <close> = connect()
      local p, side = wire.p, wire.side
      local bytes, put, idle = long(65536), 0, 0
      repeat
        local n = side:write(bytes)
        put, idle = put + (n or 0), n and 0 or idle + 1
        if not n then clock.sleep(0.001) end
      until idle == 20 or put > 64 << 20
      assert.equal(20, idle)
      local got = 0
      while got < put do
        local more = assert(p:read_some(5))
        got = got + #more
        side:flush()
      end
      assert.equal(put, got)
    end)

    it("come before the end, and the end says whether it was one", function()
      local cases = {
        { "close", "^A: the other side closed the connection$" },
        { "drop", "^A: the connection ended without TLS's close_notify: the last bytes may be missing$" },
      }
      for _, case in ipairs(cases) do
        local wire <close> = connect(nil, nil, { limit = 5, name = "A" })
        local p, side = wire.p, wire.side
        wires.write(side, "last words")
        side[case[1]](side)
        assert.equal("last", p:read(4, 5))
        local got, message, code = p:read(7, 5)
        assert.same({ case[1], nil, "lost" }, { case[1], got, code })
        assert.matches(case[2], message)
        assert.equal(" words", p:read(6, 5))
      end
    end)

    it("end with a reset, too", function()
      local wire <close> = connect(nil, nil, { limit = 5, name = "A" })
      wire.side:reset()
      local got, message, code = wire.p:read(1, 5)
      assert.same({ nil, "lost" }, { got, code })
      assert.equal("A: the other side closed the connection (Connection reset by peer)", message)
    end)

    it("are whole records: half of one that is lost is nothing", function()
      local wire <close> = connect()
      local p, side = wire.p, wire.side
      side.server:write("a record")
      side.budget = 12
      assert.same({ nil, "lost" }, { side:flush() })
      side:drop()
      local got, message, code = p:read(1, 5)
      assert.same({ nil, "lost" }, { got, code })
      assert.matches("may be missing", message)
    end)

    it("that were changed on their way end it", function()
      local wire <close> = connect()
      local p, side = wire.p, wire.side
      side.server:write("a record")
      local bytes = side.server:take()
      wires.write(side.connection, bytes:sub(1, -2) .. string.char(bytes:byte(-1) ~ 1))
      local got, message, code = p:read(1, 5)
      assert.same({ nil, "lost" }, { got, code })
      assert.matches("TLS failed: ", message)
      assert.matches("bad record mac", heard(side))
    end)

    it("are lost in the middle of a write, with words", function()
      local wire <close> = connect()
      local p, side = wire.p, wire.side
      local writer = task.spawn(function() return select(2, p:write(("x"):rep(16 << 20), 5)) end)
      clock.sleep(0.02)
      side:reset()
      local fine, message = writer:join(5)
      assert.is_true(fine)
      assert.matches("the other side closed the connection", message)
    end)
  end)

  it("says good-bye when it is closed, and does not wait", function()
    local wire <close> = connect()
    local p, side = wire.p, wire.side
    p:close()
    assert.equal("closed", heard(side))
  end)

  it("may be given up while it looks up, connects or shakes hands", function()
    for _, host in ipairs { "localhost", "127.0.0.1" } do
      local service <close> = secure.serve(function() end)
      local p, _, code = port.open(service:address({}, host), { limit = 0 })
      assert.same({ nil, "timeout" }, { p, code })
      p, _, code = port.open("tls:name.invalid:1", { limit = 5 })
      assert.same({ nil, "not_found" }, { p, code })
    end
  end)

  it("leaves no descriptor behind when it fails", function()
    local function fail()
      refused(papers:of "expired", { ca = papers.ca })
      refused(papers:of("server", { budget = 100 }), { ca = papers.ca })
      port.open("tls:127.0.0.1:1?ca=/none/such")
      port.open("tls:127.0.0.1:1?ca=" .. papers.ca)
    end
    fail()
    collectgarbage()
    local before = peer.descriptors()
    for _ = 1, 5 do fail() end
    collectgarbage()
    wires.eventually(function() return peer.descriptors() <= before end)
  end)
end)
