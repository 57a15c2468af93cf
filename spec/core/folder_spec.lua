local journal = require "spec.journal"
local scratch = require "spec.support.scratch"
local system = require "jig.system"

describe("core/folder", function()
  it("makes what is missing of a path, however it is written", function()
    for _, name in ipairs { "a", "a/b/c", "a//b///c/", "./a/../b" } do
      local folder <close> = scratch.folder()
      assert(journal.folder(folder.path .. "/" .. name))
      assert(journal.folder(folder.path .. "/" .. name))
      assert.equal(0, scratch.run { "test", "-d", folder.path .. "/" .. name }.exit)
    end
    assert(journal.folder("/"))
    assert(journal.folder("."))
  end)

  it("makes relative paths", function()
    local name = "build/spec/folder." .. tostring(os.time())
    assert(journal.folder(name .. "/b"))
    assert.equal(0, scratch.run { "test", "-d", name .. "/b" }.exit)
    scratch.run { "rm", "-r", name }
  end)

  it("says what is in the way", function()
    local folder <close> = scratch.folder { file = "" }
    for name, text in pairs { ["file"] = "cannot use ", ["file/a"] = "cannot make the folder " } do
      local made, message, code = journal.folder(folder.path .. "/" .. name)
      assert.same({ nil, text .. folder.path .. "/" .. name .. ": Not a directory", "not_found" },
        { made, message, code })
    end
    assert.is_nil((journal.folder("")))
    scratch.run { "ln", "-s", "nowhere", folder.path .. "/link" }
    local made, message = journal.folder(folder.path .. "/link")
    assert.same({ nil, "cannot use " .. folder.path .. "/link: Not a directory" }, { made, message })
  end)

  it("syncs the folder in which a name is new, and nothing when there is none", function()
    local folder <close> = scratch.folder()
    local script = folder:write("make.lua", ([[
      package.cpath = %q
      assert(require "spec.journal".folder(arg[1]))
    ]]):format(package.cpath))
    local function syncs(path)
      local trace = folder.path .. "/trace"
      -- the leak checker of sanitizers wants to trace, too
      scratch.run { "strace", "-f", "-y", "-e", "trace=fsync", "-o", trace, scratch.program, script, path,
        env = { ASAN_OPTIONS = "detect_leaks=0" } }
      local found = {}
      for name in folder:read("trace"):gmatch("fsync%(%d+<([^>]+)>") do found[#found + 1] = name end
      return found
    end
    if scratch.run { "sh", "-c", "command -v strace" }.exit ~= 0 then return end
    assert.same({ folder.path, folder.path .. "/a" }, syncs(folder.path .. "/a/b"))
    assert.same({}, syncs(folder.path .. "/a/b"))
  end)

  it("removes a folder with all that stands in it, and follows no link", function()
    local folder <close> = scratch.folder { kept = "1" }
    local path = folder.path .. "/a"
    assert(journal.folder(path .. "/b/c"))
    scratch.run { "cp", folder.path .. "/kept", path .. "/b/file" }
    scratch.run { "ln", "-s", folder.path, path .. "/b/link" }
    assert(system.remove_folder(path))
    assert.equal(1, scratch.run { "test", "-e", path }.exit)
    assert.equal(0, scratch.run { "test", "-e", folder.path .. "/kept" }.exit)
    assert.is_true(system.remove_folder(path))
  end)

  it("says why a folder cannot be removed", function()
    local removed, message, code = system.remove_folder("/proc/self/fd")
    assert.is_nil(removed)
    assert.truthy(message:find("cannot remove the folder /proc/self/fd", 1, true))
    assert.is_string(code)
  end)
end)
