local folder = require "jig.init.folder"
local scratch = require "spec.support.scratch"

local FILES <const> = { { name = "one", text = "1\n" }, { name = ".two", text = "\0\255" } }

-- All names in a folder, those below it too.
local function names(path)
  local list = {}
  for name in scratch.run({ "find", path, "-mindepth", "1", "-printf", "%P\n" }).stdout:gmatch("[^\n]+") do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

describe("jig.init.folder", function()
  it("makes a folder of files, and nothing else", function()
    local at <close> = scratch.folder()
    assert.is_true(folder.make(at.path .. "/lamp", FILES))
    assert.same({ "lamp", "lamp/.two", "lamp/one" }, names(at.path))
    assert.same({ "1\n", "\0\255" }, { at:read "lamp/one", at:read "lamp/.two" })
  end)

  it("takes an empty folder", function()
    local at <close> = scratch.folder()
    scratch.run { "mkdir", at.path .. "/lamp" }
    assert.is_true(folder.make(at.path .. "/lamp", FILES))
    assert.same({ "lamp", "lamp/.two", "lamp/one" }, names(at.path))
  end)

  it("changes nothing where something has the name", function()
    for name, text in pairs { ["lamp/one"] = "mine", ["lamp/.hidden"] = "mine", ["lamp"] = "a file" } do
      local at <close> = scratch.folder { [name] = text }
      local before = names(at.path)
      local ok, message, code = folder.make(at.path .. "/lamp", FILES)
      assert.same({ nil, at.path .. "/lamp is there already, and is no empty folder", "taken" }, { ok, message, code })
      assert.same(before, names(at.path))
      assert.equal(text, at:read(name))
    end
  end)

  it("does not follow a link", function()
    local at <close> = scratch.folder()
    scratch.run { "mkdir", at.path .. "/real" }
    scratch.run { "ln", "-s", "real", at.path .. "/lamp" }
    local _, _, code = folder.make(at.path .. "/lamp", FILES)
    assert.equal("taken", code)
    assert.same({ "lamp", "real" }, names(at.path))
  end)

  it("names the file that cannot be written, and leaves nothing", function()
    local full = ("../"):rep(20) .. "dev/full"
    for name, reason in pairs { ["none/x"] = "No such file or directory", [full] = "No space left on device" } do
      local at <close> = scratch.folder()
      local path = at.path .. "/lamp"
      local ok, message, code = folder.make(path, { FILES[1], { name = name, text = "x" }, FILES[2] })
      assert.same({ nil, ("%s/%s cannot be written: %s"):format(path, name, reason), nil }, { ok, message, code })
      assert.same({}, names(at.path))
    end
  end)

  it("says why there can be no folder at all", function()
    assert.same({ nil, "/proc/lamp cannot be made: No such file or directory" }, { folder.make("/proc/lamp", FILES) })
  end)
end)
