local scratch = require "spec.support.scratch"

describe("the demo", function()
  local told

  setup(function() told = scratch.jig { "examples/demo.lua" } end)

  it("passes each product, with the fingerprint that openssl tells of the stored certificate", function()
    assert.equal(0, told.exit)
    for _, product in ipairs { "thermostat tty:", "gateway    tcp:", "meter      tty:" } do
      local at = told.stdout:find(product, 1, true)
      local mine, openssls = told.stdout:match("PASS  A  %S+  (%x+)[^\n]*\n[^\n]*certificate: (%x+): the same", at)
      assert.equal(40, #mine)
      assert.equal(mine, openssls)
    end
  end)

  it("passes the line's eight slots, each with the fingerprint of its own certificate", function()
    local slots, fingerprints = {}, {}
    for slot, fingerprint in told.stdout:gmatch("line       PASS  (%d)  %S+  (%x+)") do
      slots[slot], fingerprints[fingerprint] = true, true
    end
    for i = 1, 8 do assert.is_true(slots[tostring(i)]) end
    local n = 0
    for _ in pairs(fingerprints) do n = n + 1 end
    assert.equal(8, n)
    assert.matches("openssl says the same of 8 of 8 stored certificates", told.stdout, 1, true)
    assert.matches("8 units: 8 passed, 0 failed", told.stderr, 1, true)
  end)

  it("shows no bytes of a message: no hex but fingerprints, nothing encoded, nothing unreadable", function()
    local text = told.stdout .. told.stderr
    for digits in text:gmatch("%x+") do
      assert.is_true(#digits < 16 or #digits == 40, digits)
    end
    for word in text:gmatch("[%w+/=]+") do
      assert.is_true(#word <= 40, word)
    end
    assert.is_nil(text:gsub("…", ""):find("[^\n\32-\126]"))
    assert.is_nil(text:find("\\", 1, true))
  end)
end)
