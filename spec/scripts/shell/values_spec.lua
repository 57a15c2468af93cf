local fault = require "jig.fault"
local values = require "jig.shell.values"

local function lines(value) return table.concat(values.lines(value), "\n") end

describe("jig.shell.values", function()
  it("shows plain values in a line", function()
    local cases = { { nil, "nil" }, { true, "true" }, { 5, "5" }, { 1.5, "1.5" }, { "", '""' },
      { 'a"\\\r\n', '"a\\"\\\\\\r\\n"' }, { "ä", '"ä"' }, { {}, "{}" } }
    for i = 1, #cases do assert.equal(cases[i][2], lines(cases[i][1])) end
  end)

  it("shows bytes, and long text, as a dump", function()
    assert.equal("3 bytes\n  00000000  00 41 ff                                          |.A.|", lines("\0A\255"))
    assert.equal(1, #values.lines(("x"):rep(120)))
    assert.equal(9, #values.lines(("x"):rep(121)))
  end)

  it("names the fields of tables, in order, and those of tables in them", function()
    assert.equal('{\n  [1] = "a"\n  [2] = {\n    x = 1\n  }\n  b = {}\n  ["c d"] = true\n}',
      lines { "a", { x = 1 }, b = {}, ["c d"] = true })
  end)

  it("cuts what is deep, wide or goes round in circles", function()
    local deep = { { { { { { 1 } } } } } }
    assert.matches("[1] = { … }", lines(deep), 1, true)
    local wide = {}
    for i = 1, 101 do wide[i] = i end
    assert.matches("\n  … 1 more fields\n}$", lines(wide))
    local round = {}
    round.self = round
    assert.matches("self = { … which is shown above }", lines(round), 1, true)
  end)

  it("shows by its own text what has one, and lets no control through", function()
    assert.matches("^connectivity.lost %(103%): gone", lines(fault.new("connectivity.lost", { reason = "gone" })))
    assert.equal("\\x1b[2J", lines(setmetatable({}, { __tostring = function() return "\27[2J" end })))
    assert.is_nil(lines({ ["\27"] = "\27", [2] = "\0\27" }):find("\27"))
  end)

  it("leaves out of a unit and its port what is the engine's", function()
    local unit = require("jig.unit").new({ slot = "A", number = 1, attempt = 1, mine = 5 }, {}, { folder = "" })
    local limits, handle = { read = 1 }, { sink = print }
    unit.port = require("jig.wire").open("any", "A", limits, nil, function() return handle end)
    local text = table.concat(values.lines(unit), "\n")
    for _, name in ipairs { "handle", "sink", "device_log", "phases", "limits" } do
      assert.is_nil(text:find(name, 1, true), name)
    end
    assert.matches("  mine = 5\n", text, 1, true)
    assert.matches("  port = {", text, 1, true)
  end)
end)
