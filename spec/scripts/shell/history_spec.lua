local history = require "jig.shell.history"
local scratch = require "spec.support.scratch"

describe("jig.shell.history", function()
  it("keeps lines, for their owner alone, and finds them again", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/state/jig/shell_history"
    assert.same({}, history.load(path))
    for _, line in ipairs { 'port:write("AT\\r\\n")', "unit", "unit", 'x = "ä"' } do
      assert(history.add(path, line))
    end
    assert.same({ 'port:write("AT\\r\\n")', "unit", 'x = "ä"' }, history.load(path))
    assert.equal("600\n", scratch.run({ "stat", "-c", "%a", path }).stdout)
    assert.equal("", scratch.run({ "sh", "-c", "ls " .. path .. ".* 2>/dev/null" }).stdout)
  end)

  it("adds to the file as it is, so that what another shell adds is not lost, and makes a long one short", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/history"
    local function inode() return scratch.run({ "stat", "-c", "%i", path }).stdout end
    assert(history.add(path, "one"))
    local first, other <close> = inode(), assert(io.open(path, "ab"))
    other:write("of another shell\ncut")
    other:flush()
    assert(history.add(path, "two"))
    assert.equal("one\nof another shell\ncut\ntwo\n", folder:read "history")
    assert.equal(first, inode())
    folder:write("history", (("x"):rep(200) .. "\n"):rep(2000))
    assert(history.add(path, "last"))
    assert.equal(1000, select(2, folder:read("history"):gsub("\n", "")))
    assert.matches("x\nlast\n$", folder:read "history")
  end)

  it("keeps the latest 1000", function()
    local folder <close> = scratch.folder()
    local list = {}
    for i = 1, 1000 do list[i] = "line " .. i end
    local path = folder:write("history", table.concat(list, "\n") .. "\n")
    assert(history.add(path, "one more"))
    local found = history.load(path)
    assert.same({ 1000, "line 2", "one more" }, { #found, found[1], found[1000] })
  end)

  it("keeps no bytes of messages, nothing that begins with a blank, nothing long", function()
    for _, line in ipairs { 'unit:exchange{payload="x"}', "PAYLOAD=1", 'hex.decode"00112233aabbccdd"', " secret", "",
      'port:write("\\x00\\x01\\x02\\x03")', ("x"):rep(1001), "a\27b", '"\\1\\2\\3\\4"' } do
      assert.is_false(history.keeps(line), line)
    end
    for _, line in ipairs { "port:read(4)", 'port:expect("OK")', 'hex.decode"00112233aabbccd"', '"\\x00"' } do
      assert.is_true(history.keeps(line), line)
    end
    local folder <close> = scratch.folder()
    assert(history.add(folder.path .. "/new/history", " secret"))
    assert.same({}, history.load(folder.path .. "/new/history"))
    assert.equal("", scratch.run({ "ls", folder.path }).stdout)
  end)

  it("takes of a file that somebody wrote into what is a line", function()
    local folder <close> = scratch.folder()
    local path = folder:write("history", "good\n\27[2J\n\255\npayload\nbetter\ncut")
    assert.same({ "good", "better" }, history.load(path))
  end)

  it("says when it cannot be written", function()
    local folder <close> = scratch.folder { file = "" }
    local ok, message = history.add(folder.path .. "/file/jig/history", "x")
    assert.is_nil(ok)
    assert.is_string(message)
  end)

  it("is where the state of programs is", function()
    local script = 'print(require("jig.shell.history").path())'
    local folder <close> = scratch.folder()
    local path = folder:write("path.lua", script)
    local function where(env) return scratch.run({ scratch.program, path, env = env }).stdout end
    assert.equal("/s/jig/shell_history\n", where { XDG_STATE_HOME = "/s", HOME = "/h" })
    assert.equal("/h/.local/state/jig/shell_history\n", where { XDG_STATE_HOME = "s", HOME = "/h" })
    assert.equal("nil\n", where { XDG_STATE_HOME = false, HOME = false })
  end)
end)
