local locate = require "jig.locate"
local scratch = require "spec.support.scratch"

describe("locate", function()
  it("finds recipe.lua in a folder, with or without a slash behind it", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = "return 1" }
    for _, given in ipairs { folder.path, folder.path .. "/", folder.path .. "//" } do
      assert.same({ folder.path .. "/recipe.lua", folder.path .. "/" }, { locate(given) })
    end
  end)

  it("opens nothing: a FIFO or a folder of that name is for who reads it to refuse", function()
    local folder <close> = scratch.folder()
    for _, make in ipairs { "mkfifo", "mkdir" } do
      local path = ("%s/%s"):format(folder.path, make)
      assert.equal(0, scratch.run({ "mkdir", path }).exit)
      assert.equal(0, scratch.run({ make, path .. "/recipe.lua" }).exit)
      local told = scratch.jig { "check", path, limit = 20 }
      assert.same({ 1, path .. "/recipe.lua: it is no regular file; mend it first: nothing else can be looked at\n" },
        { told.exit, told.stdout }, told.stderr)
    end
  end)

  it("takes the path of a file as it is", function()
    assert.same({ "a/b/lamp.lua", "a/b/" }, { locate("a/b/lamp.lua") })
  end)

  it("gives a bare name the working directory, so that messages show a path", function()
    assert.same({ "./lamp.lua", "./" }, { locate("lamp.lua") })
  end)

  it("leaves what is neither file nor folder to who opens it", function()
    assert.same({ "./no-such-recipe", "./" }, { locate("no-such-recipe") })
  end)
end)
