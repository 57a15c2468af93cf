local load_all = require "jig.check.load"
local scratch = require "spec.support.scratch"

describe("jig.check.load", function()
  local folder
  setup(function() folder = scratch.folder() end)
  teardown(function() folder:__close() end)

  local function load_text(text)
    local told = {}
    local loaded = load_all(folder:write("recipe.lua", text), folder.path .. "/", {
      report = function(_, line, what) told[#told + 1] = line .. ": " .. what end,
    })
    return loaded, told
  end

  it("keeps what jig.recipe is given, right or wrong", function()
    local loaded = load_text 'return require("jig").recipe { nmae = 5 }'
    assert.same({ nmae = 5 }, loaded.fields)
    assert.is_nil(loaded.trouble)
  end)

  it("goes on behind what is not there", function()
    local loaded = load_text [[
      local hex = require "jig.hex"
      local made = nothing.at_all(hex.encod("x")) + 5
      other = 5
      return require("jig").recipe { name = made, version = "1" } ]]
    assert.equal("1", loaded.fields.version)
    assert.is_true(loaded.guessed)
    assert.is_nil(loaded.trouble)
  end)

  it("reports a framing's options, and stands for it", function()
    local loaded, told = load_text [[
      local slip = require "jig.framing.slip"
      return require("jig").recipe { framing = slip { maxx = 1,
        crc = 5 } } ]]
    assert.same({ '2: slip: crc', '2: slip has' }, { told[1]:sub(1, 12), told[2]:sub(1, 11) })
    assert.is_truthy(loaded.fields.framing)
  end)

  it("tells what ends it", function()
    for text, message in pairs {
      ["error('no')"] = "recipe.lua:1: no", ["return 5"] = "must return jig.recipe", ["x ="] = "unexpected symbol",
      ["return require 'jig'.sleep(1)"] = "nothing waits while a recipe is loaded",
      ["return require '../x'"] = "cannot require",
    } do
      assert.matches(message, load_text(text).trouble, 1, true)
    end
  end)

  it("gives no more than a run does", function()
    for _, text in ipairs { "io.open('/etc/passwd')", "os.execute('true')", "load('x')()", "debug.getinfo(1)" } do
      local loaded = load_text("local made = " .. text .. "\nreturn require('jig').recipe { made = made }")
      assert.is_true(loaded.guessed or loaded.trouble ~= nil, text)
    end
  end)
end)
