local core = require "spec.core"
local hex = require "jig.hex"
local transcript = require "spec.support.transcript"

local unhex = function(text)
  return assert(hex.decode(text))
end

local function arguments(call, cli)
  call.session = call.session or "s1"
  return core.argv(cli or { "factory_tool" }, call)
end

local function reported(reason)
  return assert(arguments { command = "report_error", code = 1, reason = reason })[5]
end

describe("core/factory_cli arguments", function()
  it("are the vendor's, byte for byte", function()
    local session = transcript.session
    local calls = {
      { { command = "new_device" }, {} },
      {
        { command = "get_device_configuration", response = unhex(transcript.init_response) },
        { transcript.init_response },
      },
      {
        { command = "handle_device_response", response = unhex(transcript.provisioning_response) },
        { transcript.provisioning_response },
      },
      {
        { command = "report_error", code = 301, reason = "no key pair" },
        { "301", "no key pair" },
      },
    }
    for _, case in ipairs(calls) do
      case[1].session = session
      assert.same({ "factory_tool", case[1].command, session, table.unpack(case[2]) },
        arguments(case[1]))
    end
  end)

  it("put fixed arguments, empty ones too, between program and command", function()
    local cli = { "/opt/x y/tool", "--slot", "", "7" }
    assert.same({ "/opt/x y/tool", "--slot", "", "7", "new_device", "s1" },
      arguments({ command = "new_device" }, cli))
  end)

  it("leave out what a command does not take", function()
    local call = { command = "new_device", response = "x", code = 7, reason = "y" }
    assert.same({ "factory_tool", "new_device", "s1" }, arguments(call))
  end)

  it("take a session id of 1 to 128 printable characters", function()
    for _, session in ipairs { "0", ("f"):rep(128), "a-b_c.d/e:f~!'\"$;|" } do
      assert.equal(session, arguments({ command = "new_device", session = session })[3])
    end
    local refused = {
      [""] = "invalid",
      [" "] = "invalid",
      ["a b"] = "invalid",
      ["a\tb"] = "invalid",
      ["a\n"] = "invalid",
      ["\0a"] = "invalid",
      ["a\0"] = "invalid",
      ["a\x7F"] = "invalid",
      ["\xC3\xA9"] = "invalid",
      ["-a"] = "invalid",
      ["--help"] = "invalid",
      [("f"):rep(129)] = "limit",
    }
    for session, expected in pairs(refused) do
      for _, command in ipairs { "new_device", "report_error" } do
        local argv, message, code = arguments { command = command, session = session }
        assert.is_nil(argv)
        assert.equal(expected, code)
        assert.matches("session id", message)
      end
    end
  end)

  it("take a response of 1 to 65,535 bytes", function()
    for _, command in ipairs { "get_device_configuration", "handle_device_response" } do
      assert.equal("00", arguments({ command = command, response = "\0" })[4])
      local longest = arguments({ command = command, response = ("\xA5"):rep(65535) })[4]
      assert.equal(("a5"):rep(65535), longest)
      assert.equal(131070, #longest)

      local argv, message, code = arguments { command = command, response = "" }
      assert.is_nil(argv)
      assert.equal("invalid", code)
      assert.equal("the device's response is empty", message)

      argv, message, code = arguments { command = command, response = ("x"):rep(65536) }
      assert.is_nil(argv)
      assert.equal("limit", code)
      assert.equal("the device's response has 65536 bytes: it is handed over as one argument, "
        .. "which holds 131,071 characters, so 65535 bytes in hex", message)
    end
  end)

  it("show a code as a decimal number", function()
    for code, text in pairs { [0] = "0", [301] = "301", [2147483647] = "2147483647",
      [-2147483648] = "-2147483648", } do
      assert.equal(text, arguments({ command = "report_error", code = code, reason = "x" })[4])
    end
  end)

  it("pass a reason on as one argument", function()
    for _, reason in ipairs {
      "device: timeout (5 s)",
      "a  b",
      "$(reboot); `x` | y",
      "f\u{FC}r \u{20AC}",
      "\u{10FFFF}",
      "\u{A0}",
      "\u{7FF}\u{800}\u{FFFF}\u{10000}\u{D7FF}\u{E000}",
    } do
      assert.equal(reason, reported(reason))
    end
  end)

  it("replace in a reason what is a control character or not UTF-8", function()
    local cases = {
      ["a\0b"] = "a?b",
      ["a\r\nb\tc"] = "a??b?c",
      ["\x1B[31mred"] = "?[31mred",
      ["a\x7F"] = "a?",
      ["a\u{80}b\u{9F}"] = "a?b?",
      ["\xFF\xFE"] = "??",
      ["\x80"] = "?",
      ["a\xC3"] = "a?",
      ["\xC3("] = "?(",
      ["\xE2\x82"] = "??",
      ["\xE2\x82x"] = "??x",
      ["\xC0\x80"] = "??",
      ["\xC1\xBF"] = "??",
      ["\xE0\x9F\xBF"] = "???",
      ["\xED\xA0\x80"] = "???",
      ["\xF0\x8F\xBF\xBF"] = "????",
      ["\xF4\x90\x80\x80"] = "????",
      ["\xF5\x80\x80\x80"] = "????",
      ["\xF0\x9F\x98"] = "???",
    }
    for reason, expected in pairs(cases) do
      assert.equal(expected, reported(reason))
    end
  end)

  it("do not let a reason look like a flag or be empty", function()
    assert.equal("?-help", reported("--help"))
    assert.equal("?", reported("-"))
    assert.equal("a-b", reported("a-b"))
    assert.equal("unspecified", reported(""))
  end)

  it("cut a reason at 200 bytes, between characters", function()
    assert.equal(("x"):rep(200), reported(("x"):rep(200)))
    assert.equal(("x"):rep(200), reported(("x"):rep(201)))
    assert.equal(("x"):rep(200), reported(("x"):rep(100000)))
    assert.equal(("x"):rep(198) .. "\u{FC}", reported(("x"):rep(198) .. "\u{FC}z"))
    assert.equal(("x"):rep(199), reported(("x"):rep(199) .. "\u{FC}"))
    assert.equal(("x"):rep(197), reported(("x"):rep(197) .. "\u{1F600}"))
    assert.equal(("?"):rep(200), reported(("\0"):rep(300)))
  end)
end)

local function parse_init(output)
  return core.parse("new_device", output)
end

local expected = { scp = 256, payload = "\x01\x81\0\0" }

describe("core/factory_cli output", function()
  it("is read as the vendor prints it", function()
    assert.same(expected, core.parse("new_device", transcript.new_device))
    assert.same({ scp = 257, payload = unhex(transcript.provisioning_payload) },
      core.parse("get_device_configuration", transcript.get_device_configuration))
    assert.same({ fingerprint = transcript.fingerprint },
      core.parse("handle_device_response", transcript.handle_device_response))
  end)

  it("is read in other layouts of the same words", function()
    for _, output in ipairs {
      "SCP 256\nPAYLOAD 01810000",
      "PAYLOAD 01810000\nSCP 256\n",
      "SCP 256\r\nPAYLOAD 01810000\r\n",
      "SCP 256\rPAYLOAD 01810000\r",
      "  SCP\t256 \n\t PAYLOAD   01810000\t\n",
      "SCP 256 PAYLOAD 01810000\n",
      "PAYLOAD 01810000 SCP 256",
      "SCP\n256\nPAYLOAD\n01810000\n",
      "SCP\r\n\r\n  \t\n 256 PAYLOAD\r\n\n01810000",
      "\n\nSCP 256\n\nPAYLOAD 01810000\n\n",
      "SCP 0000000256\nPAYLOAD 01810000\n",
      "Connecting...\nSCP 256\n# done SCP 1\nPAYLOAD 01810000\nBye PAYLOAD zz",
      "SCP: 9\nscp 9\nSCPX 9\nSCP 256\nPAYLOADS 00\nPAYLOAD 01810000\n",
      "\xFF\xFE\nSCP 256\nPAYLOAD 01810000\n",
    } do
      assert.same(expected, parse_init(output))
    end
  end)

  it("gives each byte of a payload, in either case of its digits", function()
    local bytes = {}
    for byte = 0, 255 do
      bytes[#bytes + 1] = string.char(byte)
    end
    local payload = table.concat(bytes)
    local text = hex.encode(payload)
    assert.equal(payload, parse_init("SCP 1\nPAYLOAD " .. text).payload)
    assert.equal(payload, parse_init("SCP 1\nPAYLOAD " .. text:upper()).payload)
  end)

  it("gives SCP as any unsigned number of 32 bits", function()
    for text, number in pairs { ["0"] = 0, ["1"] = 1, ["4294967295"] = 4294967295 } do
      assert.equal(number, parse_init("SCP " .. text .. "\nPAYLOAD 00").scp)
    end
  end)

  it("gives the fingerprint as it was printed", function()
    for _, text in ipairs { "E603eb", "00", ("Ab"):rep(256) } do
      assert.equal(text, core.parse("handle_device_response", "FINGERPRINT " .. text).fingerprint)
    end
  end)

  it("may hold the other commands' keys too, under the same rules", function()
    assert.same({ scp = 1, payload = "\2", fingerprint = "03" },
      core.parse("handle_device_response", "SCP 1 PAYLOAD 02 FINGERPRINT 03"))
    assert.is_nil((core.parse("handle_device_response", "SCP x\nFINGERPRINT 03")))
  end)

  it("of report_error may be anything up to the cap", function()
    for _, output in ipairs { "", "ok\n", "\0", "PAYLOAD zz", ("x"):rep(1048576) } do
      assert.same({}, core.parse("report_error", output))
    end
  end)

  it("is refused with the line that is wrong and why", function()
    local good = "SCP 256\n"
    local odd = "an odd number of hex digits (1): the last byte is cut"
    local cases = {
      { "", "no SCP up to the end of the output, line 0" },
      { "\n", "no SCP up to the end of the output, line 1" },
      { "FATAL: token\nbye", "no SCP up to the end of the output, line 2" },
      { "SCP 256\n", "no PAYLOAD up to the end of the output, line 1" },
      { "x\nPAYLOAD 00\ny\n", "no SCP up to the end of the output, line 3" },
      { "SCP=256\nPAYLOAD 00\n", "no SCP up to the end of the output, line 2" },
      { "SCP 1\nx\nSCP 1\n", "line 3: SCP again, it was on line 1 already" },
      { "SCP 1 SCP 1", "line 1: SCP again, it was on line 1 already" },
      { "PAYLOAD 00\nPAYLOAD 00\n", "line 2: PAYLOAD again, it was on line 1 already" },
      { good .. "PAYLOAD", "line 2: PAYLOAD has no value" },
      { good .. "PAYLOAD\n \r\n\n", "line 2: PAYLOAD has no value" },
      { "PAYLOAD \nSCP 256\n", "line 2: the value of PAYLOAD expected, got the key SCP" },
      { "PAYLOAD SCP 256", "line 1: the value of PAYLOAD expected, got the key SCP" },
      { good .. "PAYLOAD 0", "line 2: PAYLOAD: " .. odd },
      { good .. "PAYLOAD 01x1", "line 2: PAYLOAD: character 3 is 'x', not a hex digit" },
      { good .. "PAYLOAD 0x01", "line 2: PAYLOAD: character 2 is 'x', not a hex digit" },
      { good .. "PAYLOAD \xFF0", "line 2: PAYLOAD: character 1 is byte 0xff, not a hex digit" },
      { good .. "PAYLOAD\nINFO\n00", "line 3: PAYLOAD: character 1 is 'I', not a hex digit" },
      { good .. "PAYLOAD 01 02", "line 2, column 12: text after a value" },
      { good .. "  PAYLOAD 01\t.", "line 2, column 14: text after a value" },
      { good .. "PAYLOAD\n01 02", "line 3, column 4: text after a value" },
      { "SCP 256 payload 00", "line 1, column 9: text after a value" },
      { "SCP -1", "line 1: SCP must be a decimal number, character 1 is no digit" },
      { "SCP +1", "line 1: SCP must be a decimal number, character 1 is no digit" },
      { "SCP 0x10", "line 1: SCP must be a decimal number, character 2 is no digit" },
      { "SCP 1.0", "line 1: SCP must be a decimal number, character 2 is no digit" },
      { "SCP 1e3", "line 1: SCP must be a decimal number, character 2 is no digit" },
      { "SCP 4294967296", "line 1: SCP is over 4294967295" },
      { "SCP 18446744073709551617", "line 1: SCP is over 4294967295" },
      { "SCP " .. ("9"):rep(1000), "line 1: SCP is over 4294967295" },
      { "SCP 256\nPAYLOAD 00\n\0", "line 3: a NUL byte" },
      { "log \0 line\nSCP 256\nPAYLOAD 00", "line 1: a NUL byte" },
      { "SCP 256\nPAYLOAD 00\0\n", "line 2: a NUL byte" },
      { "FINGERPRINT 0", "line 1: FINGERPRINT: " .. odd },
      { "FINGERPRINT e6:03", "line 1: FINGERPRINT: character 3 is ':', not a hex digit" },
      { "FINGERPRINT " .. ("0"):rep(514), "line 1: FINGERPRINT has 514 digits, at most 512" },
    }
    for _, case in ipairs(cases) do
      local answer, message, code = parse_init(case[1])
      assert.is_nil(answer, case[2])
      assert.equal("invalid", code)
      assert.equal(case[2], message)
    end
  end)

  it("must hold what its command prints", function()
    local cases = {
      new_device = { "SCP 1\n", "PAYLOAD 00\n", "FINGERPRINT 00\n" },
      get_device_configuration = { "SCP 1\n", "PAYLOAD 00\n", "FINGERPRINT 00\n" },
      handle_device_response = { "SCP 1\nPAYLOAD 00\n", "" },
    }
    for command, outputs in pairs(cases) do
      for _, output in ipairs(outputs) do
        local answer, message, code = core.parse(command, output)
        assert.is_nil(answer)
        assert.equal("invalid", code)
        assert.matches("^no %u+ up to the end", message)
      end
    end
  end)

  it("gives no digit that was not there, wherever it is cut short", function()
    local output = transcript.get_device_configuration
    for n = 0, #output do
      local answer = core.parse("get_device_configuration", output:sub(1, n))
      if answer then
        local digits = output:sub(#"SCP 257\nPAYLOAD " + 1, n):gsub("\n", "")
        assert.equal(unhex(digits), answer.payload)
      end
    end
  end)

  it("is taken up to 1 MiB, not a byte more, whatever the command", function()
    local head = "SCP 1\nPAYLOAD 00\nFINGERPRINT 00\n"
    local largest = head .. (" \n"):rep((1048576 - #head) // 2)
    largest = largest .. ("\n"):rep(1048576 - #largest)
    local payload = "SCP 1\nPAYLOAD " .. ("ab"):rep(524281)
    assert.equal(524281, #parse_init(payload).payload)
    local commands = { "new_device", "get_device_configuration", "handle_device_response" }
    for _, command in ipairs(commands) do
      assert.equal(1, core.parse(command, largest).scp)
    end
    for _, command in ipairs { "new_device", "handle_device_response", "report_error" } do
      local answer, message, code = core.parse(command, largest .. "\n")
      assert.is_nil(answer)
      assert.equal("limit", code)
      assert.equal("the output has more than 1048576 bytes", message)
    end
  end)

  it("never shows its hex digits in a message", function()
    local secret = "c0ffee15600dfeed"
    for _, output in ipairs {
      "SCP 1\nPAYLOAD " .. secret .. "0",
      "SCP 1\nPAYLOAD " .. secret .. "zz",
      "SCP 1\nPAYLOAD " .. secret .. " " .. secret,
      "SCP " .. secret .. "\nPAYLOAD 00",
      "FINGERPRINT " .. secret .. "zz",
      "PAYLOAD " .. secret,
    } do
      local answer, message = parse_init(output)
      assert.is_nil(answer)
      assert.is_nil(message:find("c0ffee", 1, true))
      assert.is_nil(message:find("600d", 1, true))
    end
  end)
end)
