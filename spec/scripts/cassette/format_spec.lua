local format = require "jig.cassette.format"

-- Every byte, and one that needs no quotes.
local ALL <const> = (function()
  local bytes = {}
  for byte = 0, 255 do bytes[#bytes + 1] = string.char(byte) end
  return table.concat(bytes)
end)()

describe("jig.cassette.format", function()
  it("reads each line as what was written", function()
    for _, event in ipairs {
      { kind = "recipe", fields = { name = "lamp", version = "1", file = "recipe.lua", folder = "", sha256 = "0a" } },
      { kind = "unit", fields = { slot = "A", number = 1, retries = 0, lot = "lot 7" } },
      { kind = "cli", fields = { accept = "0,3", limit_new_device = 0.5, report_refused = true } },
      { at = 0.0, side = "=", kind = "attempt", fields = { number = 1 } },
      { at = 12.25, side = ">", kind = "set", fields = { line = "dtr", value = false } },
      { at = 12.25, side = "<", kind = "text", fields = { bytes = ALL } },
      { at = 12.25, side = "<", kind = "text", fields = { bytes = "" } },
      { at = 999999.0, side = ">", kind = "text", fields = { bytes = "true" } },
      { at = 1.0, side = ">", kind = "bytes", fields = { payload = { size = 3, bytes = "\0\1\255" } } },
      { at = 1.0, side = "<", kind = "frame", fields = {
        payload = { size = 90, digest = "0123456789abcdef" }, scp = -1, last = true, tag = "0x" } },
      { at = 1.0, side = "<", kind = "answer", fields = {} },
      { at = 1.0, side = ">", kind = "call", fields = {
        command = "report_error", session = "e78d", code = 301, reason = 'said "no"' } },
    } do
      local line = format.line(event)
      assert.is_nil(line:find("[^\32-\126]"))
      assert.same({ event }, { format.event(line) })
    end
  end)

  it("is short where nothing needs quotes", function()
    assert.equal("0.100500 > set line=dtr value=true",
      format.line { at = 0.1005, side = ">", kind = "set", fields = { value = true, line = "dtr" } })
    assert.equal([[0.000000 < text bytes="a\r\n\t\"\\\x00\xff"]],
      format.line { at = 0, side = "<", kind = "text", fields = { bytes = 'a\r\n\t"\\\0\255' } })
  end)

  local DIGEST <const> = "0123456789abcdef"
  for line, why in pairs {
    [""] = "begins neither",
    ["\0"] = "no printable ASCII",
    ["0.000000 > open\r"] = "no printable ASCII",
    ["0.000000 > caf\xc3\xa9"] = "no printable ASCII",
    ["0.00000 > open"] = "begins neither",
    ["00.000000 > open"] = "not written as jig writes it",
    ["1000001.000000 > open"] = "begins neither",
    ["9999999999999999999999.000000 > open"] = "begins neither",
    ["0.000000 ? open"] = "begins neither",
    ["0.000000 > shut"] = "there is no line",
    ["0.000000 < open"] = "there is no line",
    ["open"] = "there is no line",
    ["0.000000 > open "] = "KEY=VALUE",
    ["0.000000 > open  a=1"] = "KEY=VALUE",
    ["0.000000 > open a=1"] = "has no 'a'",
    ["0.000000 > set line=dtr"] = "'value' is missing",
    ["0.000000 > set line=dtr value="] = "a value is missing",
    ["0.000000 > set line=dtr line=dtr value=1"] = "comes twice",
    ["0.000000 > set value=1 line=dtr"] = "order of fields",
    ["0.000000 > set line=\"dtr\" value=1"] = "not written as jig writes it",
    ["0.000000 > set line=dtr value=01"] = "not written as jig writes it",
    ["0.000000 > set line=dtr value=1e9"] = false,
    ["0.000000 > set line=dtr value=99999999999999999999999"] = "no word, number, text or payload",
    ["0.000000 > set line=1 value=1"] = "'line' is no text",
    ["0.000000 > text bytes=\"a"] = "has no end",
    ["0.000000 > text bytes=\"\\"] = "unknown escape",
    ["0.000000 > text bytes=\"\\q\""] = "unknown escape",
    ["0.000000 > text bytes=\"\\xg0\""] = "unknown escape",
    ["0.000000 > text bytes=\"\\x41\""] = "not written as jig writes it",
    ["0.000000 > bytes payload=4:abc"] = "has 16 hex digits",
    ["0.000000 > bytes payload=4:0123456789ABCDEF"] = "no word, number",
    ["0.000000 > bytes payload=0:" .. DIGEST] = "empty payload",
    ["0.000000 > bytes payload=2:x00"] = "whose size is not",
    ["0.000000 > bytes payload=1048577:" .. DIGEST] = "more than 1048576",
    ["0.000000 > bytes payload=99999999999999999999:" .. DIGEST] = "more than 1048576",
    ["0.000000 > bytes payload=-1:" .. DIGEST] = "no word, number",
    ["0.000000 > bytes payload=text"] = "'payload' is no payload",
    ["0.000000 < frame payload=1:" .. DIGEST .. " scp=2:" .. DIGEST] = "'scp' is no plain",
    [("0.000000 > text bytes=\"%s\""):format(("a"):rep(format.LINE))] = "is longer than",
  } do
    it("takes or refuses " .. line:sub(1, 60):gsub("[^\32-\126]", "?"), function()
      local event, message = format.event(line)
      assert.equal(not why, event ~= nil, message)
      if why then assert.truthy(message:find(why, 1, true), message) end
    end)
  end

  it("takes no line that was cut, and throws for none", function()
    local line = '0.131004 > call code=301 command=report_error reason="a \\"b\\"" '
      .. "response=84:3f2ab81c09d7e455 session=4f"
    assert.truthy(format.event(line))
    for at = 0, #line - 2 do
      local event = format.event(line:sub(1, at))
      assert.is_true(event == nil or event.fields.session ~= nil, line:sub(1, at))
    end
  end)
end)
