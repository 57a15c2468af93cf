local loader = require "jig.loader"
local plan = require "jig.init.plan"
local recipe = require "jig.recipe"
local sandbox = require "jig.sandbox"
local scratch = require "spec.support.scratch"
local texts = require "jig.init.recipe"

-- The recipe of a plan, loaded, and its text.
local function load(transport, framing)
  local made = plan.new("lamp", transport, framing)
  local text = texts.recipe(made)
  local folder <close> = scratch.folder { ["recipe.lua"] = text, ["status.lua"] = texts.status(made) }
  return assert(loader.load(folder.path .. "/recipe.lua", folder.path .. "/", sandbox.files())), text
end

describe("jig.init.recipe", function()
  it("makes a recipe with the product's name, wire and framing", function()
    for _, case in ipairs {
      { "serial", "length", "serial:?baud=115200" },
      { "tty", "slip", "tty:/dev/ttyAMA0?baud=115200" },
      { "tcp", "ftcd", "tcp:192.168.1.10:7777" },
      { "exec", "line", "exec:" },
    } do
      local made, text = load(case[1], case[2])
      assert.equal("lamp", made.name)
      assert.equal(case[3], recipe.address(made.port))
      assert.matches(("require \"jig.framing.%s\""):format(case[2]), text, 1, true)
    end
  end)

  it("frames as it says", function()
    local made = load("tcp", "length")
    assert.equal("\1\0\0\1x", made.framing.host.encode({ scp = 256, payload = "x" }):sub(1, 5))
    assert.equal("PROVISION 78\r\n", load("tcp", "line").framing.host.encode { payload = "x" })
    assert.equal("mbedprov\1\0\0\0x", load("tcp", "ftcd").framing.host.encode({ payload = "x" }):sub(1, 13))
    assert.equal("x", load("tcp", "raw").framing.host.encode { payload = "x" })
    assert.equal("\x10\x02\1\0x", load("tcp", "stx_etx").framing.host.encode({ scp = 256, payload = "x" }):sub(1, 5))
  end)

  it("tells each limit: what is set, and the default of what is left out", function()
    for _, framing in ipairs { "length", "raw" } do
      local made, text = load("serial", framing)
      for name, default in pairs(recipe.limits) do
        local set = text:find(("\n    %s = "):format(name), 1, true)
        local form = set and "\n    %s = %g, --" or " %s = %g,"
        assert.matches(form:format(name, made.limits[name]), text, 1, true)
        assert.is_true(set ~= nil or made.limits[name] == default)
      end
      assert.matches("first = that of exchange", text, 1, true)
    end
  end)

  it("restarts a device that has a line for it, and reads the serial number of any", function()
    local _, text = load("serial", "length")
    assert.matches('unit.port:pulse("dtr", 0.1)', text, 1, true)
    for _, transport in ipairs { "tty", "tcp", "exec" } do
      _, text = load(transport, "length")
      assert.is_nil(text:find("pulse", 1, true))
      assert.matches("unit.serial = unit.port:expect", text, 1, true)
    end
  end)

  it("has the statuses from status.lua, each with a code of its own", function()
    for _, framing in ipairs(plan.framings) do
      local made = load("serial", framing)
      local codes, count = {}, 0
      for _, entry in pairs(made.status) do
        assert.is_nil(codes[entry.code])
        codes[entry.code], count = true, count + 1
        assert.equal("string", type(entry.reason))
        assert.equal(entry[1] == "factory_provisioning.memory", entry.retry ~= nil and entry.advice ~= nil)
      end
      assert.equal(framing == "raw" and 0 or 4, count)
    end
  end)

  it("makes no status.lua where no answer has a status", function()
    assert.is_nil(texts.status(plan.new("lamp", "tcp", "raw")))
    assert.is_nil(texts.recipe(plan.new("lamp", "tcp", "raw")):find("status", 1, true))
  end)
end)
