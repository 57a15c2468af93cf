-- Every transport with every framing: what is made is loaded, run, and looked at by luacheck.

local files = require "jig.init.files"
local folder = require "jig.init.folder"
local plan = require "jig.init.plan"
local scratch = require "spec.support.scratch"
local system = require "jig.system"
local testing = require "jig.testing"

-- What luacheck says of a folder, in it: exit status and stdout.
local function luacheck(path)
  local result = scratch.run { "luacheck", "--no-color", "--codes", ".", cwd = path }
  return result.exit, result.stdout
end

describe("jig.init.files", function()
  local made <const> = {} -- the folders by "transport-framing"
  local root

  lazy_setup(function()
    root = scratch.folder()
    for _, transport in ipairs(plan.transports) do
      for _, framing in ipairs(plan.framings) do
        local name = transport .. "-" .. framing
        assert(folder.make(root.path .. "/" .. name, files(plan.new(name, transport, framing))))
        made[name] = root.path .. "/" .. name
      end
    end
  end)

  lazy_teardown(function() root:__close() end)

  for _, transport in ipairs(plan.transports) do
    for _, framing in ipairs(plan.framings) do
      it(("make a product over %s with framing %s that passes"):format(transport, framing), function()
        local path = made[transport .. "-" .. framing]
        local loaded = testing.load(path)
        assert.equal(transport .. "-" .. framing, loaded.recipe.name)
        local result = testing.run { recipe = path }
        assert.passed(result)
        assert.equal(2, #result.received)
      end)
    end
  end

  for _, framing in ipairs(plan.framings) do
    it(("report each status that can be answered with framing %s"):format(framing), function()
      local path = made["serial-" .. framing]
      for value, entry in pairs(testing.load(path).recipe.status) do
        assert.reported(testing.run { recipe = path, device = { { status = value } } }, entry[1], entry.code)
      end
    end)
  end

  it("are eight, seven without statuses", function()
    local list = files(plan.new("lamp", "serial", "length"), "/meta")
    local names = {}
    for i, file in ipairs(list) do names[i] = file.name end
    assert.same({
      "README.md", "recipe.lua", "status.lua", "device.lua", "recipe_spec.lua", ".luarc.json", ".luacheckrc",
      ".gitignore",
    }, names)
    assert.matches('["/meta"]', list[6].text, 1, true)
    assert.equal(7, #files(plan.new("lamp", "serial", "raw")))
  end)

  it("have no line over 120 characters, whatever the name, and end in one", function()
    for _, framing in ipairs(plan.framings) do
      for _, file in ipairs(files(plan.new(("x"):rep(plan.LONGEST), "exec", framing))) do
        if not file.name:match("%.md$") then
          for line in file.text:gmatch("[^\n]+") do assert.is_true(utf8.len(line) <= 120, file.name .. ": " .. line) end
        end
        assert.matches("[^\n]\n$", file.text)
        assert.is_nil(file.text:find("\n\n\n", 1, true), file.name)
        assert.is_nil(file.text:find("[ \t]\n"), file.name)
      end
    end
  end)

  describe("for luacheck", function()
    if not system.program "luacheck" then
      pending("is not installed")
      return
    end

    it("are without a warning", function()
      root:write(".luacheckrc", root:read "serial-length/.luacheckrc")
      local exit, said = luacheck(root.path)
      assert.equal(0, exit, said)
      assert.matches("0 warnings / 0 errors in 124 files", said, 1, true) -- 4 for each, 3 for raw
      assert.equal(0, (luacheck(made["tcp-ftcd"])))
    end)

    for code, text in pairs {
      ["W113.*'?io'?"] = "return io.open('x')\n",
      ["W113.*'?load'?"] = "return load('x')\n",
      ["W143.*'?execute'?"] = "return os.execute('x')\n",
      ["W111.*'?undeclared'?"] = "undeclared = 1\n",
      ["W113.*'?missing'?"] = "return missing\n",
    } do
      it("let a recipe not write " .. text:sub(1, -2), function()
        local path = made["exec-length"]
        local file = assert(io.open(path .. "/mistake.lua", "w"))
        file:write(text)
        file:close()
        local exit, said = luacheck(path)
        os.remove(path .. "/mistake.lua")
        assert.equal(1, exit)
        assert.matches(code, said)
      end)
    end
  end)
end)
