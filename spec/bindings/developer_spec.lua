-- JIG_PATH and a station that says trust: refused before a script is loaded.
local scratch = require "spec.support.scratch"

describe("JIG_PATH", function()
  local folder
  setup(function()
    folder = scratch.folder {
      ["trusting.lua"] = "return { trust = {} }", ["plain.lua"] = "return { name = 'x' }",
      ["scripts/jig/main.lua"] = "return function() print 'other scripts'; return 0 end",
    }
  end)
  teardown(function() folder:__close() end)

  local function run(...)
    return scratch.run { scratch.program, "run", "x", env = { JIG_PATH = folder.path .. "/scripts" }, ... }
  end

  it("is refused however the station is named", function()
    local path = folder.path .. "/trusting.lua"
    for _, words in ipairs { { "--station", path }, { "--station=" .. path }, { "--sta", path }, { "--s=" .. path } } do
      local result = run(table.unpack(words))
      assert.same({ 2, "", "jig: JIG_PATH is set, and " .. path
        .. " says trust: the scripts of the program alone are run there\n" },
        { result.exit, result.stdout, result.stderr })
    end
  end)

  it("is heeded without such a station", function()
    local plain = folder.path .. "/plain.lua"
    for _, words in ipairs { {}, { "--station", plain }, { "--station" }, { "--station", "/nowhere" },
      { "--serial", folder.path .. "/trusting.lua" }, { "--", folder.path .. "/trusting.lua" } } do
      local result = run(table.unpack(words))
      assert.same({ 0, "other scripts\n" }, { result.exit, result.stdout })
    end
  end)
end)
