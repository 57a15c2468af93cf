local scratch = require "spec.support.scratch"
local source = require "jig.source"

-- A folder with files and links, inside of another one with a secret.
local function place()
  local above = scratch.folder { ["secret.lua"] = "secret", ["here/a.lua"] = "text", ["here/deep/b.lua"] = "b" }
  assert(0 == scratch.run { "sh", "-c", [[cd "$0"/here
    ln -s ../secret.lua out.lua; ln -s a.lua in.lua; ln -s deep/.. round; ln -s .. up
    ln -s "$0"/here/a.lua absolute.lua; ln -s loop.lua loop.lua; ln -s nowhere dangling.lua; mkfifo fifo.lua
    ln -s /proc/self/root root; ln -s "$0"/here ../link; : >empty.lua]], above.path }.exit)
  return above, above.path .. "/here/"
end

describe("jig.source", function()
  it("reads a file whole, up to the most that it may have", function()
    local above <close>, here = place()
    assert.equal("text", source.read(here .. "a.lua", 4))
    assert.equal("text", source.read(here .. "a.lua", 1 << 20, here))
    assert.equal("", source.read(here .. "empty.lua", 0, here))
    local text, message, code = source.read(here .. "a.lua", 3)
    assert.same({ nil, "limit" }, { text, code })
    assert.equal(here .. "a.lua: it is larger than the 3 bytes that it may have", message)
    assert.is_string(above.path)
  end)

  it("reads what states no size, as files in /proc do, and no more of it", function()
    local text = assert(source.read("/proc/version", 4096))
    assert.matches("^Linux version .*\n$", text)
    assert.equal(text, source.read("/proc/version", #text, "/proc/"))
    local read, message, code = source.read("/proc/version", #text - 1)
    assert.same({ nil, "limit" }, { read, code })
    assert.equal(("/proc/version: it is larger than the %d bytes that it may have"):format(#text - 1), message)
  end)

  it("says which file cannot be read, and why", function()
    local above <close>, here = place()
    local cases = {
      { here .. "none.lua", "not_found", "none.lua: No such file or directory" },
      { here .. "dangling.lua", "not_found", "dangling.lua: No such file or directory" },
      { here, "invalid", "it is no regular file" },
      { here .. "fifo.lua", "invalid", "it is no regular file" },
      { "/dev/null", "invalid", "it is no regular file" },
      { here .. "loop.lua", "system", "Too many levels of symbolic links" },
    }
    for _, case in ipairs(cases) do
      local text, message, code = source.read(case[1], 100)
      assert.same({ nil, case[2] }, { text, code }, case[1])
      assert.matches(case[3], message, 1, true)
    end
    assert.is_string(above.path)
  end)

  it("finds what is in the folder, by links that stay in it, too", function()
    local above <close>, here = place()
    for name, text in pairs { ["a.lua"] = "text", ["in.lua"] = "text", ["deep/b.lua"] = "b", ["round/a.lua"] = "text",
      ["deep//b.lua"] = "b", ["deep/../a.lua"] = "text" } do
      assert.equal(text, source.read(here .. name, 100, here), name)
    end
    -- the folder itself may be named by a link
    assert.equal("text", source.read(above.path .. "/link/a.lua", 100, above.path .. "/link/"))
  end)

  it("reads nothing that leads out of the folder", function()
    local above <close>, here = place()
    local names = { "out.lua", "up/secret.lua", "../secret.lua", "deep/../../secret.lua", "root/etc/passwd",
      "round/../secret.lua" }
    -- back into the folder, by its whole path: only openat2 sees the way, and valgrind does not know that
    if not scratch.valgrind then names[#names + 1] = "absolute.lua" end
    for _, name in ipairs(names) do
      local text, message, code = source.read(here .. name, 100, here)
      assert.same({ nil, "denied" }, { text, code }, name)
      assert.equal(("%s%s: it leads out of the folder %s"):format(here, name, here), message)
    end
    assert.is_string(above.path)
  end)

  it("says so when the file grew while it was read", function()
    if scratch.run { "sh", "-c", "command -v strace" }.exit ~= 0 then pending "there is no strace" end
    local folder <close> = scratch.folder()
    local script = folder:write("script.lua", "print(require('jig.source').read(arg[1], 1 << 20))")
    local log = folder.path .. "/calls" -- each call that reads it is written to it
    local result = scratch.run { "strace", "-qq", "-o", log, "-e", "trace=%file", scratch.program, script, log,
      env = { ASAN_OPTIONS = "detect_leaks=0" } } -- which wants to follow the process itself
    if result.stderr:find("PTRACE", 1, true) then pending "strace may follow nothing here" end
    assert.same({ "", ("nil\t%s: it changed while it was read: try again\tbusy\n"):format(log) },
      { result.stderr, result.stdout })
  end)

  it("reads a long file that states no size", function()
    local folder <close> = scratch.folder()
    -- the process's own environment, as long as we make it
    local script = folder:write("script.lua", [[
      local source = require "jig.source"
      local text = assert(source.read("/proc/self/environ", 1 << 20))
      print(#text > 65536, text:find(("y"):rep(100000) .. "\0", 1, true) ~= nil)
      print(select(3, source.read("/proc/self/environ", #text - 1)))
      print(source.read("/proc/self/environ", #text) == text)]])
    local result = scratch.run { scratch.program, script, env = { LONG = ("y"):rep(100000) } }
    assert.same({ "true\ttrue\nlimit\ntrue\n", "" }, { result.stdout, result.stderr })
  end)

  -- The kernel gives up on ".." with EAGAIN when something is renamed meanwhile, anywhere.
  it("tries again where the kernel could not follow the path just then, and ends that", function()
    if scratch.run { "sh", "-c", "command -v strace" }.exit ~= 0 then pending "there is no strace" end
    local above <close>, here = place()
    local script = above:write("script.lua", "print(require('jig.source').read(arg[1], 10, arg[2]))")
    local function read(which, path)
      local result = scratch.run { "strace", "-qq", "-o", above.path .. "/calls", "-e", "trace=openat2", "-e",
        "inject=openat2:error=" .. which, scratch.program, script, path, here,
        env = { ASAN_OPTIONS = "detect_leaks=0" } } -- which wants to follow the process itself
      if result.stderr:find("PTRACE", 1, true) then pending "strace may follow nothing here" end
      assert.equal("", result.stderr)
      return result.stdout
    end
    local path = here .. "deep/../a.lua"
    assert.equal("text\n", read("EAGAIN:when=1..100", path))
    assert.equal("text\n", read("EINTR:when=1..100", path))
    assert.equal(("nil\t%s: files of this host are renamed all the time: the path could not be followed in 101 tries"
      .. "\tbusy\n"):format(path), read("EAGAIN", path))
    assert.equal(("nil\t%s: No such file or directory\tnot_found\n"):format(path), read("ENOENT:when=1", path))
  end)

  it("takes its arguments in bounds alone", function()
    assert.has_error(function() source.read("a", -1) end)
    assert.has_error(function() source.read("a", 1 << 31) end)
    assert.has_error(function() source.read("a/b", 1, "c/") end)
    assert.has_error(function() source.read() end)
    assert.has_error(function() source.read("a\0b", 1) end, "bad argument #1 to 'read' (string contains zeros)")
    assert.has_error(function() source.read("a/b", 1, "a/\0") end, "bad argument #3 to 'read' (string contains zeros)")
  end)
end)
