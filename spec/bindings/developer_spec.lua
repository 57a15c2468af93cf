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

  it("is refused where another file may say it", function()
    for _, text in ipairs { "return require 'parts.line'", "local all = require('line')\nreturn all" } do
      local path = folder:write("parted.lua", text)
      local result = run("--station", path)
      assert.same({ 2, "", "jig: JIG_PATH is set, and " .. path
        .. " requires other files, which may say trust: the scripts of the program alone are run there\n" },
        { result.exit, result.stdout, result.stderr })
    end
  end)

  it("is refused where nobody can see what the station says", function()
    assert.equal(0, scratch.run({ "mkfifo", folder.path .. "/pipe" }).exit)
    local large = folder:write("large.lua", "return {}" .. (" "):rep(1 << 20))
    for path, why in pairs {
      [folder.path .. "/pipe"] = "it is no regular file", [folder.path] = "it is no regular file",
      ["/dev/null"] = "it is no regular file", [large] = "it is larger than the 1048576 bytes that it may have",
    } do
      local result = run("--station", path)
      assert.same({ 2, "", ("jig: JIG_PATH is set, and whether the station says trust cannot be seen: %s: %s\n")
        :format(path, why) }, { result.exit, result.stdout, result.stderr })
    end
    local most = folder:write("most.lua", ("return {}" .. (" "):rep(1 << 20)):sub(1, 1 << 20))
    assert.equal("other scripts\n", run("--station", most).stdout)
    folder:write("most.lua", ("return {" .. (" "):rep((1 << 20) - 14) .. "trust}"))
    assert.equal(2, run("--station", most).exit)
  end)

  it("is heeded without such a station", function()
    local plain = folder.path .. "/plain.lua"
    for _, words in ipairs { {}, { "--station", plain }, { "--station" }, { "--station", "/nowhere" },
      { "--station", plain .. "/below" }, { "--station", "" },
      { "--serial", folder.path .. "/trusting.lua" }, { "--", folder.path .. "/trusting.lua" } } do
      local result = run(table.unpack(words))
      assert.same({ 0, "other scripts\n" }, { result.exit, result.stdout })
    end
  end)
end)
