local cjson = require "cjson.safe"
local editor = require "jig.init.editor"
local plan = require "jig.init.plan"
local sandbox = require "jig.sandbox"

local made = plan.new("lamp", "serial", "length")

-- What a text of luacheck's settings sets.
local function settings(text)
  local env = { stds = {}, files = {} }
  assert(load(text, "=.luacheckrc", "t", env))()
  return env
end

describe("jig.init.editor", function()
  describe("luarc", function()
    it("names the language and the folder of definition files", function()
      for _, path in ipairs { "/usr/local/share/jig/meta", "/a \"b\"\\/c" } do
        local luarc = assert(cjson.decode(editor.luarc(made, path)))
        assert.equal("Lua 5.4", luarc["runtime.version"])
        assert.same({ path }, luarc["workspace.library"])
      end
      assert.matches('"workspace.library": ["/usr/share/jig/meta"]', editor.luarc(made, "/usr/share/jig/meta"), 1, true)
    end)

    it("names no folder where there is none", function()
      local luarc = assert(cjson.decode(editor.luarc(made)))
      assert.is_nil(luarc["workspace.library"])
      assert.equal("Lua 5.4", luarc["runtime.version"])
    end)
  end)

  describe("luacheckrc", function()
    local std = settings(editor.luacheckrc(made)).stds.recipe.read_globals
    local env = sandbox.environment("", {}, sandbox.files())
    local plain = {}
    for _, name in ipairs(std) do plain[name] = true end

    it("lets a recipe have what its environment has", function()
      for name, value in next, env do
        assert.is_true(plain[name] or std[name] ~= nil, name)
        assert.equal(type(value) == "table", std[name] ~= nil, name)
      end
      for _, path in ipairs { "string.format", "table.unpack", "math.huge", "os.time", "coroutine.wrap" } do
        local library, field = path:match("(%w+)%.(%w+)")
        assert.is_true(table.concat(std[library].fields, " "):find("%f[%w]" .. field .. "%f[%W]") ~= nil, path)
      end
    end)

    it("and nothing else", function()
      for name in pairs(plain) do assert.is_not_nil(rawget(env, name), name) end
      for library, of in pairs(std) do
        if type(library) == "string" and library ~= "_G" then
          for _, field in ipairs(of.fields) do assert.is_not_nil(env[library][field], library .. "." .. field) end
        end
      end
      assert.same({ "clock", "date", "time" }, std.os.fields)
      assert.is_nil(std.io)
      assert.is_nil(plain.load)
    end)

    it("gives specs and the device what they run with", function()
      local made_of = settings(editor.luacheckrc(made))
      assert.same({ "recipe", "lua54+busted", "lua54" },
        { made_of.std, made_of.files["**/*_spec.lua"].std, made_of.files["**/device.lua"].std })
    end)
  end)

  it("ignores keys and journals", function()
    local lines = "\n" .. editor.gitignore()
    for _, line in ipairs { "*.pem", "*.db" } do assert.matches("\n" .. line .. "\n", lines, 1, true) end
  end)
end)
