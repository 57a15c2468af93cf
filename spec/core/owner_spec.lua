local clock = require "jig.clock"
local hold = require "spec.support.hold"
local journal = require "spec.journal"
local peer = require "spec.peer"
local scratch = require "spec.support.scratch"

-- A lock is free when its last holder has been taken down by the kernel: at once, but not before.
local function take_soon(folder, id)
  local deadline = clock.now() + 5
  local owner, message, code = journal.owner(folder, id)
  while not owner and (code == "busy" or code == "lost") and clock.now() < deadline do
    clock.sleep(0.002)
    owner, message, code = journal.owner(folder, id)
  end
  return assert(owner, message)
end

local function exists(path)
  local file = io.open(path)
  return file and file:close() or false
end

describe("core/owner", function()
  it("makes folders and a file that tells the process, for itself and its group", function()
    local folder <close> = scratch.folder()
    local owner = assert(journal.owner(folder.path .. "/a/b"))
    local id, path, fd = owner:about()
    assert.matches("^%x+$", id)
    assert.equal(20, #id)
    assert.equal(folder.path .. "/a/b/owners/" .. id, path)
    assert.is_true(fd > 2)
    local modes = scratch.run { "stat", "-c", "%a", folder.path .. "/a", folder.path .. "/a/b/owners", path }
    assert.equal("750\n750\n640\n", modes.stdout)
    local stat = scratch.run { "cat", "/proc/" .. folder:read("a/b/owners/" .. id):match("^%d+") .. "/stat" }.stdout
    assert.equal(stat:match("%) (.*)"):match(("%S+ "):rep(19) .. "(%S+)"),
      folder:read("a/b/owners/" .. id):match("^%d+ (%d+) owns\n$"))
    owner:release(true)
    assert.is_false(exists(path))
  end)

  it("gives each a name of its own", function()
    local folder <close> = scratch.folder()
    local a, b = assert(journal.owner(folder.path)), assert(journal.owner(folder.path))
    assert.not_equal((a:about()), (b:about()))
    a:release()
    b:release()
  end)

  it("is released once, with or without its file", function()
    local folder <close> = scratch.folder()
    local owner = assert(journal.owner(folder.path))
    local id, path = owner:about()
    owner:release()
    owner:release(true)
    assert.is_true(exists(path))
    owner = assert(journal.owner(folder.path, id))
    owner:release(true)
    assert.is_false(exists(path))
  end)

  it("refuses ids that are no hex digits, or too many", function()
    local folder <close> = scratch.folder()
    for _, id in ipairs { "", "..", "a/b", "g", "0 ", ("a"):rep(65) } do
      local owner, message, code = journal.owner(folder.path, id)
      assert.same({ nil, "an owner's id has 1 to 64 hex digits", "invalid" }, { owner, message, code })
    end
    for _, id in ipairs { "0", ("aF"):rep(32) } do
      local owner = assert(journal.owner(folder.path, id))
      assert.equal(id, (owner:about()))
      owner:release(true)
    end
  end)

  it("takes one whose file is missing, and keeps others from it", function()
    local folder <close> = scratch.folder()
    local owner = assert(journal.owner(folder.path, "abc"))
    local second, _, code = journal.owner(folder.path, "abc")
    assert.same({ nil, "busy" }, { second, code })
    owner:release(true)
  end)

  it("is not to be had while its process lives, and at once when that was killed", function()
    local folder <close> = scratch.folder()
    local words, finish <close> = hold("owner", folder.path)
    local pid, id = table.unpack(words)
    local owner, message, code = journal.owner(folder.path, id)
    assert.same({ nil, ("owner %s: its jig (process %s) still runs"):format(id, pid), "busy" },
      { owner, message, code })
    finish()
    owner = take_soon(folder.path, id)
    assert.equal(id, (owner:about()))
    owner:release(true)
  end)

  it("stays with the CLI that inherited it when its process was killed", function()
    local folder <close> = scratch.folder()
    local words, finish <close> = hold("inherited", folder.path)
    local pid, id, child = table.unpack(words)
    finish()
    local owner, message, code = journal.owner(folder.path, id)
    -- the process may need a moment to be gone
    local deadline = clock.now() + 5
    while message:find("still runs", 1, true) and not message:find("is gone", 1, true) and clock.now() < deadline do
      clock.sleep(0.002)
      owner, message, code = journal.owner(folder.path, id)
    end
    assert.same({ nil,
      ("owner %s: its jig (process %s) is gone, a CLI that it started still runs"):format(id, pid), "lost" },
      { owner, message, code })
    peer.kill(math.tointeger(child))
    take_soon(folder.path, id):release(true)
  end)

  it("says who recovers it", function()
    local folder <close> = scratch.folder()
    local words, finish <close> = hold("recovers", folder.path, "abc")
    local owner, message, code = journal.owner(folder.path, "abc")
    assert.same({ nil, ("owner abc: another jig (process %s) recovers it"):format(words[1]), "busy" },
      { owner, message, code })
    finish()
    take_soon(folder.path, "abc"):release(true)
  end)

  it("does not take a process that has the same id, but another start, for its own", function()
    local folder <close> = scratch.folder()
    local words, finish <close> = hold("owner", folder.path)
    local pid, id = table.unpack(words)
    for text, expected in pairs {
      [pid .. " 1 owns\n"] = "is gone, a CLI that it started still runs",
      [""] = "is held by another process",
      ["nonsense"] = "is held by another process",
      ["-1 5 owns"] = "is held by another process",
      [pid] = "is gone, a CLI that it started still runs",
    } do
      folder:write("owners/" .. id, text)
      local owner, message = journal.owner(folder.path, id)
      assert.is_nil(owner)
      assert.matches(expected, message, 1, true)
    end
    finish()
  end)

  it("does not follow a link, and says what is in its way", function()
    local folder <close> = scratch.folder { ["owners/x"] = "", ["file"] = "" }
    scratch.run { "ln", "-s", "x", folder.path .. "/owners/abc" }
    assert.is_nil((journal.owner(folder.path, "abc")))
    local owner, message = journal.owner(folder.path .. "/file")
    assert.is_nil(owner)
    assert.matches("/file/owners: Not a directory", message, 1, true)
  end)
end)
