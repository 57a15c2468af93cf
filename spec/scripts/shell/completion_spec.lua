local api = require "jig.check.api"
local completion = require "jig.shell.completion"
local unit = require "jig.unit"
local wire = require "jig.wire"

local below = setmetatable({ string = string, pairs = pairs }, { __index = function() error "asked" end })
local env = setmetatable({
  unit = unit.new({ slot = "A", number = 1, attempt = 1 }, {}, { folder = "" }),
  port = setmetatable({}, { __index = wire.methods, __name = "jig.wire" }),
  hex = { decode = print, decoded = 5 }, port2 = 1,
}, { __index = below })

local function insert(text) return (completion.of(text, env)) end
local function names(text) return (select(2, completion.of(text, env))) end

describe("jig.shell.completion", function()
  it("ends a name that can only be one", function()
    assert.equal("change", insert "unit:ex")
    assert.equal("ite", insert "port:wr")
    assert.equal("ite", insert 'local x = {port:wr')
    assert.equal("rs", insert "pai")
  end)

  it("goes as far as all names agree, and lists them", function()
    assert.equal("ode", insert "hex.dec")
    assert.same({ "decode", "decoded" }, names "hex.dec")
    assert.same({ "port", "port2" }, names "port")
    assert.equal("", insert "port")
  end)

  it("takes functions alone behind a colon", function()
    assert.same({ "decode" }, names "hex:dec")
  end)

  it("knows nothing of what is not there, and calls nothing to find out", function()
    assert.same({ "", {} }, { completion.of("nothing.x", env) })
    assert.same({ "", {} }, { completion.of("hex.decoded.x", env) })
    assert.same({ "", {} }, { completion.of("f().", env) })
    assert.same({ "help" }, names "hel")
  end)

  it("offers of a unit and a wire what a recipe may call", function()
    local list = table.concat(names "unit:", " ")
    for _, name in ipairs { "exchange", "new_device", "log", "fail", "read_frame" } do
      assert.matches("%f[%w_]" .. name .. "%f[^%w_]", list)
    end
    for _, kind in ipairs { "unit", "port" } do
      local offered = {}
      for _, mark in ipairs { ":", "." } do
        for _, name in ipairs(names(kind .. mark)) do offered[name] = true end
      end
      for _, name in ipairs(api.internal(kind)) do assert.is_nil(offered[name], name) end
    end
    assert.matches("data", table.concat(names "unit.", " "), 1, true)
  end)
end)
