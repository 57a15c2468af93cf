local common = require "jig.framing.common"
local slip = require "jig.framing.slip"

-- Runs `call` and gives its message without the place, and the place.
local function fails(call)
  local ok, message = pcall(call)
  assert.is_false(ok)
  local place, text = message:match("^([^:]+:%d+): (.*)$")
  return text or message, place
end

describe("jig.framing.common", function()
  local rules = {
    size = { type = "integer", least = 1, most = 9, required = true },
    mode = { among = { "a", "b", 3 }, default = "a" },
    text = { type = "string" },
    flag = { type = "boolean", default = false },
  }

  it("takes options and fills in defaults", function()
    assert.same({ size = 2, mode = "a", flag = false }, common.options("x", rules, { size = 2 }))
    assert.same({ size = 9, mode = 3, flag = true, text = "" },
      common.options("x", rules, { size = 9, mode = 3, flag = true, text = "" }))
  end)

  local refused = {
    { { size = 2, sise = 3 }, 'x: unknown option "sise" (known: flag, mode, size, text)' },
    { { size = 2, [1] = 3 }, 'x: unknown option "1" (known: flag, mode, size, text)' },
    { {}, "x: size: missing" },
    { { size = 0 }, "x: size: expected 1 to 9, got 0" },
    { { size = 10 }, "x: size: expected 1 to 9, got 10" },
    { { size = 1.5 }, "x: size: expected integer, got number" },
    { { size = "2" }, "x: size: expected integer, got string" },
    { { size = 2, flag = 1 }, "x: flag: expected boolean, got integer" },
    { { size = 2, mode = "c" }, 'x: mode: expected "a" or "b" or 3, got "c"' },
    { { size = 2, mode = {} }, 'x: mode: expected "a" or "b" or 3, got table' },
    { 7, "x: options: expected table, got number" },
  }
  for _, row in ipairs(refused) do
    it("refuses: " .. row[2], function()
      local text = fails(function() common.options("x", rules, row[1]) end)
      assert.equal(row[2], (text:gsub("table: 0x%x+", "table")))
    end)
  end

  it("shows the line of whoever made the mistake", function()
    local line = debug.getinfo(1, "l").currentline
    local _, place = fails(function()
      slip { size = 3 }
    end)
    assert.truthy(place:find("common_spec%.lua:" .. line + 2))
    local framing = slip { header = "B command" }
    _, place = fails(function()
      framing.host.encode { payload = "x" }
    end)
    assert.truthy(place:find("common_spec%.lua:" .. line + 7))
  end)

  local frames = {
    { nil, "x: frame: expected table, got nil" },
    { {}, "x: payload: expected string, got nil" },
    { { payload = 7 }, "x: payload: expected string, got number" },
    { { payload = "abcd" }, "x: payload: 4 bytes, at most 3" },
    { { payload = "", status = 2 }, "x: status: nothing in this direction carries it, got 2" },
  }
  for _, row in ipairs(frames) do
    it("refuses: " .. row[2], function()
      assert.equal(row[2], (fails(function() common.payload("x", row[1], 3, false) end)))
    end)
  end

  it("lets a status of 0 go where nothing carries it", function()
    assert.equal("abc", common.payload("x", { payload = "abc", status = 0 }, 3, false))
    assert.equal("abc", common.payload("x", { payload = "abc", status = 2 }, 3, true))
  end)

  it("makes one end for both when replies look like requests", function()
    local same = { sample = { a = 1 } }
    local function encoder(out) return function() return out.sample.a end end
    local function decoder(back) return back end
    local host, device = common.ends(same, same, encoder, decoder)
    assert.equal(host, device)
    local other = { sample = { a = 2 } }
    host, device = common.ends(same, other, encoder, decoder)
    assert.equal(1, host.encode())
    assert.equal(other, host.decoder())
    assert.equal(2, device.encode())
    assert.equal(same, device.decoder())
  end)

  it("knows lines of text", function()
    for _, text in ipairs { "\n", "ok\r\n", "\27[31mred\27[0m\r", "a\tb\nc\n" } do
      assert.is_true(common.is_text(text), text)
    end
    for _, bytes in ipairs { "", "no end", "\0\n", "\xFF\n", "\x7F\n", "a\nb" } do
      assert.is_false(common.is_text(bytes), bytes)
    end
  end)
end)
