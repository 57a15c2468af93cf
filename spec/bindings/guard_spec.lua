local digest = require "jig.digest"
local guard = require "jig.guard"
local lfs = require "lfs"
local scratch = require "spec.support.scratch"

local folder, me

local function at(name) return folder.path .. "/" .. name end

local function run(...) assert.equal(0, scratch.run({ ... }).exit) end

-- Runs a script in a jig of its own, for a process pins one program. Gives what it printed.
local function in_jig(script, ...)
  local path = folder:write("script.lua", script)
  local result = scratch.run { scratch.program, path, ... }
  assert.equal("", result.stderr)
  return result.stdout
end

describe("jig.guard", function()
  before_each(function()
    folder = scratch.folder { file = "text\0", ["sub/file"] = "below" }
    run("chmod", "-R", "go-w", folder.path)
    me = lfs.attributes(folder.path, "uid")
  end)
  after_each(function() folder:__close() end)

  describe("read", function()
    local function denied(path, owner, text)
      local read, message, code = guard.read(path, owner)
      assert.same({ nil, "denied" }, { read, code })
      assert.matches(text, message, 1, true)
    end

    it("gives a file that belongs to root or to one more user", function()
      assert.equal("text\0", assert(guard.read(at "file", me)))
      assert.equal("below", assert(guard.read(at "sub/file", me)))
      if me ~= 0 then
        denied(at "file", 0, ("%s belongs to user %d, who may change it: chown root it"):format(folder.path, me))
      else
        run("chown", "65534", at "file")
        denied(at "file", 0, at "file" .. " belongs to user 65534, who may change it: chown root it")
        denied(at "file", 1, at "file" .. " belongs to user 65534, who may change it: chown the right user it")
        assert.equal("text\0", assert(guard.read(at "file", 65534)))
      end
    end)

    it("refuses a file that its group or others may write", function()
      for _, mode in ipairs { "620", "602", "666" } do
        run("chmod", mode, at "file")
        denied(at "file", me, at "file" .. " may be written by others than its owner: chmod go-w")
      end
      run("chmod", "644", at "file")
      assert(guard.read(at "file", me))
    end)

    it("refuses one in a folder that others may write, but where they cannot take away what is not theirs", function()
      for _, mode in ipairs { "775", "757" } do
        run("chmod", mode, folder.path)
        denied(at "sub/file", me, folder.path .. " may be written by others than its owner")
      end
      run("chmod", "1777", folder.path)
      assert.equal("below", assert(guard.read(at "sub/file", me)))
    end)

    it("follows no link, neither to the file nor to a folder", function()
      run("ln", "-s", "file", at "link")
      run("ln", "-s", "sub", at "way")
      denied(at "link", me, at "link" .. " is a link: name what it leads to")
      denied(at "way/file", me, at "way" .. " is a link: name what it leads to")
    end)

    it("refuses what is no file, and does not wait for a pipe", function()
      run("mkfifo", "-m", "600", at "pipe")
      denied(at "pipe", me, at "pipe" .. " is no file")
      denied(at "sub", me, at "sub" .. " is no file")
      assert.equal("not_found", select(3, guard.read(at "nowhere", me)))
      assert.equal("not_found", select(3, guard.read(at "file/below", me)))
    end)

    it("takes a path that can be written in one way only", function()
      for _, path in ipairs { "file", "./file", at "sub/../file", at "./file", at "/file", at "file/", "/", at ".." } do
        assert.equal("invalid", select(3, guard.read(path, me)), path)
      end
      assert.equal("invalid", select(3, guard.read("/" .. ("x"):rep(5000), me)))
      assert.has_error(function() guard.read("/a\0b", me) end)
      assert.has_error(function() guard.read(at "file", -1) end)
    end)

    it("reads 1 MiB and no more", function()
      folder:write("large", ("x"):rep(1048576))
      run("chmod", "600", at "large")
      assert.equal(1048576, #assert(guard.read(at "large", me)))
      folder:write("large", ("x"):rep(1048577))
      local read, message, code = guard.read(at "large", me)
      assert.same({ nil, at "large" .. " has more than 1048576 bytes", "limit" }, { read, message, code })
    end)
  end)

  describe("bundle", function()
    local function refused(code, text)
      local read, message, why = guard.bundle(folder.path)
      assert.same({ nil, code }, { read, why })
      assert.matches(text, message, 1, true)
    end

    it("reads every file once, in the order of paths", function()
      folder:write("sub/file.lua", "")
      folder:write("sub.x", "\255")
      folder:write(".hidden", "h")
      run("mkdir", at "empty")
      local list = assert(guard.bundle(folder.path))
      local expected = { { ".hidden", "h" }, { "file", "text\0" }, { "sub.x", "\255" }, { "sub/file", "below" },
        { "sub/file.lua", "" } }
      assert.equal(#expected, #list)
      for i, file in ipairs(expected) do
        assert.same({ path = file[1], text = file[2], sha256 = digest.sha256(file[2]) }, list[i])
      end
    end)

    it("refuses links, also those that lead out or to a folder, and what is no file", function()
      for name, target in pairs { ["sub/link"] = "/etc/passwd", link = "file", way = "sub", dead = "nowhere" } do
        run("ln", "-s", target, at(name))
        refused("denied", name .. ": it is a link, and links are not followed")
        os.remove(at(name))
      end
      run("mkfifo", at "pipe")
      refused("denied", "pipe: it is neither a file nor a folder")
    end)

    it("refuses names that cannot stand in a line", function()
      folder:write("a\nb", "")
      refused("invalid", "a name in the folder has control characters")
    end)

    it("holds its caps", function()
      folder:write("large", ("x"):rep(4194304))
      assert(guard.bundle(folder.path))
      folder:write("large", ("x"):rep(4194305))
      refused("limit", "large: a file may have 4 MiB")
      folder:write("large", "")
      folder:write(("d/"):rep(8) .. "file", "")
      assert(guard.bundle(folder.path))
      folder:write(("d/"):rep(9) .. "file", "")
      refused("limit", "more than 8 folders within folders")
    end)

    it("counts bytes and files of all", function()
      for i = 1, 4 do folder:write("large" .. i, ("x"):rep(4194304)) end
      refused("limit", "all files together may have 16 MiB")
      for i = 1, 4 do os.remove(at("large" .. i)) end
      for i = 1, 1022 do assert(io.open(at("f" .. i), "w")):close() end
      assert.equal(1024, #assert(guard.bundle(folder.path)))
      assert(io.open(at "g", "w")):close()
      refused("limit", "more than 1024 files")
      assert.equal("not_found", select(3, guard.bundle(at "nowhere")))
      assert.equal("not_found", select(3, guard.bundle(at "file")))
    end)
  end)

  describe("pin", function()
    -- A copy of a program that is nobody else's to change.
    local function program(from, name)
      run("cp", from, at(name))
      run("chmod", "755", at(name))
      return at(name)
    end

    local RUN <const> = [[
local guard, hex, session = require "jig.guard", require "jig.hex", require "jig.session"
local path, owner = arg[1], math.tointeger(arg[2])
print(hex.encode(assert(guard.pin(path, owner))))
local service = assert(session.service { cli = path, env = { TOLD = "yes" }, pinned = true })
assert(os.execute(arg[3]))
local made = assert(session.new(service, "S1"))
print(select(2, made:new_device()))
made:close()]]

    it("runs what it has hashed, though another file has its name", function()
      local path = program("/usr/bin/env", "cli")
      program("/bin/false", "other")
      local sum = scratch.run({ "sha256sum", path }).stdout:match("^%x+")
      local said = in_jig(RUN, path, tostring(me), ("mv %s %s"):format(at "other", path))
      local pinned, why = said:match("^(%x+)\n(.*)$")
      assert.equal(sum, pinned)
      -- env takes the command's name for a program; false would be status 1
      assert.matches("new_device: exit status 127", why, 1, true)
    end)

    it("does not run what was written to in place", function()
      local path = program("/bin/true", "cli")
      local said = in_jig(RUN, path, tostring(me), "printf x >>" .. path)
      assert.matches(path .. " was changed after it was hashed: not started", said, 1, true)
    end)

    it("does not run what was written to and could not be hashed at first", function()
      local path = program("/bin/true", "cli")
      folder:write("script.lua", [[
local guard, session = require "jig.guard", require "jig.session"
assert(guard.pin(arg[1], math.tointeger(arg[2])))
local service = assert(session.service { cli = arg[1], env = {}, pinned = true })
local file <close> = assert(io.open(arg[1], "ab"))
file:write "x"
file:close()
for _, name in ipairs { "S1", "S2", "S3" } do
  local made = assert(session.new(service, name))
  print(select(2, made:new_device()))
  made:close()
end]])
      -- reads of the program: its magic, what is in it, its end; the fourth is the second hash
      local result = scratch.run { "strace", "-qq", "-o", at "calls", "-P", path, "-e", "trace=pread64", "-e",
        "inject=pread64:error=EIO:when=4", scratch.program, at "script.lua", path, tostring(me),
        env = { ASAN_OPTIONS = "detect_leaks=0" } } -- which wants to follow the process itself
      if result.stderr:find("PTRACE", 1, true) then pending "strace may follow nothing here" end
      assert.equal("", result.stderr)
      local first, second, third = result.stdout:match "^(.-)\n(.-)\n(.-)\n$"
      assert.matches("Input/output error", first, 1, true)
      for _, line in ipairs { second, third } do
        assert.matches(path .. " was changed after it was hashed: not started", line, 1, true)
      end
    end)

    it("names the loader where a program's own is missing", function()
      local path = program("/bin/true", "cli")
      local text = folder:read "cli"
      local loader = assert(text:match "/lib[%w/_.-]*/ld%-linux[%w_.-]*", "this system's programs name no such loader")
      local from, to = text:find(loader .. "\0", 1, true)
      folder:write("cli", text:sub(1, from) .. "no" .. text:sub(from + 3, to) .. text:sub(to + 1))
      local said = in_jig(RUN, path, tostring(me), "true")
      assert.matches("cannot start '" .. path .. "': the loader that the program names does not exist", said, 1, true)
    end)

    it("gives the program its own variables, and none of jig's", function()
      local path = program("/usr/bin/env", "cli")
      local said = in_jig([[
local guard, session = require "jig.guard", require "jig.session"
assert(guard.pin(arg[1], math.tointeger(arg[2])))
local words = { "sh", "-c", "printf '%s ' $(env | cut -d= -f1 | sort) >" .. arg[3] .. "; exit 1" }
local env = { TOLD = "yes", PATH = "/bin:/usr/bin" }
local service = assert(session.service { cli = arg[1], arguments = words, env = env, pinned = true })
assert(session.new(service, "S1")):new_device()]], path, tostring(me), at "told")
      assert.equal("", said)
      -- _, PWD, SHLVL: the shell's own
      local names = " " .. folder:read "told"
      for _, own in ipairs { "_", "PWD", "SHLVL", "OLDPWD" } do names = names:gsub(" " .. own .. "%f[ ]", "") end
      assert.equal(" PATH TOLD ", names)
    end)

    it("refuses scripts, what may not be executed, and what others may change", function()
      local script = at "script"
      folder:write("script", "#!/bin/sh\n")
      run("chmod", "755", script)
      local pinned, message, code = guard.pin(script, me)
      assert.same({ nil, "invalid" }, { pinned, code })
      assert.matches("is a script, or no program", message, 1, true)
      folder:write("empty", "")
      run("chmod", "755", at "empty")
      assert.equal("invalid", select(3, guard.pin(at "empty", me)))
      local path = program("/bin/true", "cli")
      run("chmod", "644", path)
      pinned, message = guard.pin(path, me)
      assert.same({ nil, path .. ": is not executable" }, { pinned, message })
      run("chmod", "777", path)
      assert.equal("denied", select(3, guard.pin(path, me)))
      assert.equal("not_found", select(3, guard.pin(at "nowhere", me)))
      assert.has_error(function() require("jig.session").service { cli = path, pinned = true } end,
        "session.service: no program is pinned")
    end)

    it("pins one program in a process", function()
      local path = program("/bin/true", "cli")
      local said = in_jig([[
local guard = require "jig.guard"
assert(guard.pin(arg[1], math.tointeger(arg[2])))
print(pcall(guard.pin, arg[1], math.tointeger(arg[2])))]], path, tostring(me))
      assert.matches("^false\t.*a program is pinned already", said)
    end)
  end)

  it("tells the names of variables", function()
    local said = scratch.run { "env", "-i", "A=1", "B==", scratch.program,
      folder:write("names.lua", "print(table.concat(require('jig.guard').variables(), ' '))") }
    assert.equal("A B\n", said.stdout)
  end)
end)
