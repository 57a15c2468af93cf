-- Signals and system.exit: spec/bindings/engine_spec.lua.

local digest = require "jig.digest"
local port = require "jig.port"
local scratch = require "spec.support.scratch"
local system = require "jig.system"

describe("jig.system", function()
  it("gives random bytes, 256 at most", function()
    for _, n in ipairs { 0, 1, 10, 256 } do assert.equal(n, #system.random(n)) end
    assert.is_not.equal(system.random(32), system.random(32))
    for _, n in ipairs { -1, 257, 1.5 } do assert.is_false(pcall(system.random, n)) end
  end)

  describe("terminal", function()
    -- The line that each descriptor gives: in pipes, or on a terminal after `stty`.
    local function sizes(stty)
      local folder <close> = scratch.folder { ["try.lua"] = [[
        local system = require "jig.system"
        local sizes = {}
        for fd = 0, 2 do
          local columns, rows = system.terminal(fd)
          sizes[fd + 1] = columns and columns .. "x" .. rows or tostring(columns)
        end
        print(table.concat(sizes, " "))
      ]] }
      if not stty then return scratch.jig({ folder.path .. "/try.lua" }).stdout end
      local address = ("exec:sh -c %s?pty=1"):format(("stty %s; exec %s %s/try.lua"):format(stty, scratch.program,
        folder.path):gsub("[^%w]", function(c) return ("%%%02x"):format(c:byte()) end))
      local p <close> = assert(port.open(address, { limit = 60 }))
      return (p:read_until("\n", 60):gsub("\r", ""))
    end

    it("tells a terminal from a file, and how wide and high it is", function()
      assert.equal("nil nil nil\n", sizes())
      assert.equal("77x31 77x31 nil\n", sizes "cols 77 rows 31")
      assert.is_nil(system.terminal(1000))
    end)

    it("takes 80 by 24 where a terminal does not know", function()
      assert.equal("80x24 80x24 nil\n", sizes "cols 0 rows 0")
    end)
  end)

  it("knows whether a write would begin at once", function()
    local folder <close> = scratch.folder { ["try.lua"] = [[
      local system = require "jig.system"
      local written = 0
      while system.writable(1) do
        io.stdout:write(("x"):rep(4096)):flush()
        written = written + 1
      end
      io.stderr:write(tostring(written > 0 and system.writable(2)))
    ]] }
    -- the pipe is read when the program has ended
    local result = scratch.run { "sh", "-c", [[{ "$0" "$1/try.lua"; : >"$1/ended"; } |
      { until [ -e "$1/ended" ]; do sleep 0.01; done; cat >"$1/out"; }]], scratch.program, folder.path }
    assert.equal("true", result.stderr)
    assert.equal(0, #folder:read("out") % 4096)
    assert.is_false(system.writable(1000))
  end)

  it("knows the machine's name", function()
    local file <close> = assert(io.open "/proc/sys/kernel/hostname")
    assert.equal(file:read "l", system.hostname())
  end)

  it("follows links to the absolute path", function()
    local folder <close> = scratch.folder { ["a/file"] = "" }
    scratch.run { "ln", "-s", "a/file", folder.path .. "/link" }
    local real = system.realpath(folder.path .. "/a/../link")
    assert.equal(system.realpath(folder.path) .. "/a/file", real)
    assert.equal(system.realpath(folder.path) .. "/none", system.place(folder.path .. "/a/../none"))
    assert.equal(system.realpath "." .. "/none", system.place "none")
    assert.equal("/none", system.place "/none")
    assert.same({ nil, "not_found" }, { system.place(folder.path .. "/none/x"),
      (select(3, system.place(folder.path .. "/none/x"))) })
    local path, message, code = system.realpath(folder.path .. "/none")
    assert.same({ nil, "not_found" }, { path, code })
    assert.matches(folder.path .. "/none: No such file", message, 1, true)
  end)

  it("lists the regular files of a folder, behind links, too", function()
    local folder <close> = scratch.folder { ["b.txt"] = "", ["inner/c"] = "" }
    scratch.run { "ln", "-s", "b.txt", folder.path .. "/a" }
    scratch.run { "ln", "-s", "none", folder.path .. "/nowhere" }
    scratch.run { "mkfifo", folder.path .. "/pipe" }
    local names = system.files(folder.path)
    table.sort(names)
    assert.same({ "a", "b.txt" }, names)
    local empty <close> = scratch.folder()
    assert.same({}, system.files(empty.path))
    for path, code in pairs { [folder.path .. "/none"] = "not_found", [folder.path .. "/b.txt"] = "not_found" } do
      local found, message, why = system.files(path)
      assert.same({ nil, code }, { found, why })
      assert.matches(path, message, 1, true)
    end
  end)

  it("says what stands at a path", function()
    local folder <close> = scratch.folder { file = "" }
    scratch.run { "mkfifo", folder.path .. "/pipe" }
    scratch.run { "ln", "-s", "file", folder.path .. "/link" }
    for name, kind in pairs { ["/file"] = "file", ["/link"] = "file", [""] = "folder", ["/pipe"] = "other" } do
      assert.equal(kind, system.kind(folder.path .. name))
    end
    assert.is_nil(system.kind(folder.path .. "/none"))
    assert.has_error(function() system.kind("a\0b") end)
  end)

  it("finds programs: in PATH, or where the path says", function()
    assert.matches("^/.*/sh$", system.program "sh")
    local folder <close> = scratch.folder { plain = "" }
    local tool = folder:tool("tool", "")
    assert.equal(tool, system.program(tool))
    local cases = {
      { folder.path .. "/none", "not_found", "No such file" },
      { folder.path .. "/plain", "denied", "is not executable" },
      { folder.path .. "/", "denied", "is not a file" },
      { "no-such-program-here", "not_found", "no such program in PATH" },
      { "", "not_found", "no such program in PATH" },
    }
    for _, case in ipairs(cases) do
      local path, message, code = system.program(case[1])
      assert.same({ nil, case[2] }, { path, code })
      assert.matches(case[3], message, 1, true)
    end
  end)

  it("looks through all of PATH, an empty part being the working directory", function()
    local folder <close> = scratch.folder { ["try.lua"] = "print(require 'jig.system'.program 'tool')" }
    folder:tool("bin/tool", "")
    local function found(path)
      return scratch.jig({ folder.path .. "/try.lua", env = { PATH = path }, cwd = folder.path .. "/bin" }).stdout
    end
    assert.equal(folder.path .. "/bin/tool\n", found("/nowhere:" .. folder.path .. "/bin:/bin"))
    assert.equal("./tool\n", found(":/bin"))
    assert.matches("^nil\t", found(""))
    assert.matches("^nil\t", found(false))
  end)

  describe("sha256", function()
    it("is that of a whole file, however long", function()
      local folder <close> = scratch.folder()
      for _, text in ipairs { "", "\0", "abc", ("\0\xFFx"):rep(65536 // 3), ("y"):rep(65536), ("z"):rep(65537 * 3) } do
        assert.equal(digest.sha256(text), system.sha256(folder:write("file", text)))
      end
      scratch.run { "ln", "-s", "file", folder.path .. "/link" }
      assert.equal(system.sha256(folder.path .. "/file"), system.sha256(folder.path .. "/link"))
    end)

    it("says what cannot be read, and leaves nothing open", function()
      local folder <close> = scratch.folder()
      local before = system.descriptors()
      local cases = {
        { folder.path .. "/none", "not_found", "/none: No such file or directory" },
        { folder.path, "system", "Is a directory" },
      }
      for _, case in ipairs(cases) do
        local sum, message, code = system.sha256(case[1])
        assert.same({ nil, case[2] }, { sum, code })
        assert.matches(case[3], message, 1, true)
      end
      assert.equal(before, system.descriptors())
      for _, path in ipairs { {}, "", "a\0b" } do assert.is_false(pcall(system.sha256, path)) end
    end)
  end)

  describe("write_private", function()
    it("puts a whole file, which its owner alone may read, in the place of what is there", function()
      local folder <close> = scratch.folder { file = "old and longer" }
      local path = folder.path .. "/file"
      scratch.run { "ln", "-s", path, folder.path .. "/link" }
      assert.is_true(system.write_private(folder.path .. "/link", "new\0"))
      assert.same({ "old and longer", "new\0" }, { folder:read "file", folder:read "link" }) -- not what it led to
      assert.is_true(system.write_private(path, ""))
      assert.equal("600 0\n", scratch.run({ "stat", "-c", "%a %s", path }).stdout)
      assert.equal("file\nlink\n", scratch.run({ "ls", folder.path }).stdout)
    end)

    it("leaves nothing behind where it cannot", function()
      local folder <close> = scratch.folder { ["full/file"] = "" }
      local ok, message, code = system.write_private(folder.path .. "/nowhere/file", "x")
      assert.same({ nil, "not_found" }, { ok, code })
      assert.matches("nowhere", message, 1, true)
      assert.is_nil(system.write_private(folder.path .. "/full", "x"))
      assert.equal("full\n", scratch.run({ "ls", folder.path }).stdout)
    end)
  end)

  describe("make_folder", function()
    it("makes a folder and those above it, for the user and its group", function()
      local folder <close> = scratch.folder()
      for _, name in ipairs { "/a", "/b/c/d", "/b/c/d", "/e//f/", "/b/../g" } do
        assert.is_true(system.make_folder(folder.path .. name))
      end
      for _, name in ipairs { "/a", "/b", "/b/c/d", "/e/f", "/g" } do
        assert.equal("drwxr-x---", scratch.run({ "stat", "-c", "%A", folder.path .. name }).stdout:match("%S+"))
      end
      assert.is_true(system.make_folder "/")
      assert.is_true(system.make_folder ".")
      local script = folder:write("try.lua", "assert(require('jig.system').make_folder 'x/y')")
      assert.equal(0, scratch.run({ scratch.program, script, cwd = folder.path }).exit)
      assert.is_truthy(system.realpath(folder.path .. "/x/y"))
    end)

    it("takes a link to a folder for one", function()
      local folder <close> = scratch.folder { ["real/file"] = "" }
      scratch.run { "ln", "-s", "real", folder.path .. "/link" }
      assert.is_true(system.make_folder(folder.path .. "/link"))
      assert.is_true(system.make_folder(folder.path .. "/link/new"))
      assert.is_truthy(system.realpath(folder.path .. "/real/new"))
    end)

    it("says why it cannot", function()
      local folder <close> = scratch.folder { file = "" }
      scratch.run { "ln", "-s", "nowhere", folder.path .. "/dangling" }
      for _, name in ipairs { "/file", "/file/", "/file/a", "/dangling", "/dangling/a", ("/x"):rep(4096) } do
        local ok, message, code = system.make_folder(folder.path .. name)
        assert.is_nil(ok, name)
        assert.matches("^cannot %a+ ", message)
        assert.is_string(code)
      end
    end)

    it("raises for what is no path", function()
      for _, path in ipairs { "", "/tmp/a\0b", {} } do
        assert.is_false(pcall(system.make_folder, path))
      end
    end)
  end)

  it("says how many descriptors may be open, and how many of them a slot takes", function()
    local folder <close> = scratch.folder { ["limit.lua"] = "print(require('jig.system').descriptor_limit())" }
    local result = scratch.run { "sh", "-c", 'ulimit -Sn 100 && ulimit -Hn 300 && exec "$@"', "sh", scratch.program,
      folder.path .. "/limit.lua" }
    assert.equal("300\t6\n", result.stdout, result.stderr)
  end)

  it("counts open descriptors", function()
    local before = system.descriptors()
    assert.is_true(before >= 3)
    local file = assert(io.open "/dev/null")
    assert.equal(before + 1, system.descriptors())
    file:close()
    assert.equal(before, system.descriptors())
  end)

  it("raises for a level that the log has not", function()
    assert.is_false(pcall(system.log, "loud"))
    system.log "warn"
  end)
end)
