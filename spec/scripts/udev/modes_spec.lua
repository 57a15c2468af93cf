local modes = require "jig.udev.modes"

describe("jig.udev.modes", function()
  it("are products at which a recipe waits for its device again", function()
    assert.same({ { pid = 0x5742 }, { vid = 0x1209, pid = 7 }, { pid = 0xffff } }, modes.of [[
      local jig = require "jig"
      local function switch(unit)
        unit:reopen { limit = f(1, 2), pid = 0x5742, }
        unit:reopen({ vid = 0x1209, pid = 7 })
        unit:reopen { pid = 7, vid = 0x1209 }
        unit:reopen { pid = 65535 }
      end
      return switch]])
  end)

  it("may be named before", function()
    assert.same({ { vid = 1, pid = 0x5742 }, { pid = 3 } }, modes.of [[
      local VENDOR <const>, BOOT <const>, OTHER <const> = 1, 0x5740, 0x5742
      local name, last = "x", 3
      unit:reopen { vid = VENDOR, pid = OTHER }
      unit:reopen { pid = last }
      unit:reopen { pid = name }]])
  end)

  it("may be handed to a function", function()
    assert.same({ { pid = 0x5742 }, { pid = 0x5740 } }, modes.of [[
      local BOOT <const>, PROVISIONING <const> = 0x5740, 0x5742
      local function other(pid) return pid end
      local function switch(unit, mode, pid)
        unit.port:control { request = 1, value = mode }
        unit:reopen { pid = pid }
      end
      other(9)
      return { prepare = function(unit) switch(unit, f(2, 3), PROVISIONING) end,
        finish = function(unit) switch(unit, 0, BOOT) switch(unit) switch(unit, 1, 2 + 3) end }]])
  end)

  it("are nothing that is computed, is out of range or stands elsewhere", function()
    for _, text in ipairs { "unit:reopen { pid = find() }", "unit:reopen {}", "unit:reopen()", "local t = { pid = 3 }",
      "unit:reopen { pid = 65536 }", "unit:reopen { pid = -1 }", "-- reopen { pid = 3 }\nreturn 1", "syntax error",
      "x = 'reopen { pid = 3 }'", "reopen = 1", "unit:reopen { pid = 1.5 }", "unit:reopen { pid = 1 + 2 }",
      "unit:reopen { pid = pid }", "unit:reopen { deep = { pid = 3 } }", "local x", "local x <close> = nil",
      "f(function(pid) unit:reopen { pid = pid } end)", "", "local function f() end" } do
      assert.same({}, modes.of(text), text)
    end
  end)
end)
