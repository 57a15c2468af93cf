local digest = require "jig.digest"
local told = require "spec.support.told"
local hold = require "spec.support.hold"
local journal = require "spec.journal"
local scratch = require "spec.support.scratch"

local SIZE <const>, MARK <const> = 65536, "jig emergency 1\n"

-- A folder with a ledger in which sessions s1, s2, … are about to be finished.
local function with_sessions(count)
  local folder = scratch.folder()
  local list = {}
  for i = 1, count or 2 do table.move(told.session("s" .. i, "0"), 1, 4, #list + 1, list) end
  assert(journal.append(folder.path .. "/ledger", list, "", function() end))
  return folder, folder.path .. "/ledger", folder.path .. "/e"
end

local function finished(i, time)
  return told.event("finished", "s" .. i, { fingerprint = "f" .. i }, time or 1000 + i)
end

-- Kind and session of the events after the first 4 * n.
local function after(ledger, n)
  local found = {}
  for _, row in ipairs(assert(journal.rows(ledger, "SELECT kind || ' ' || session FROM event ORDER BY id"))) do
    found[#found + 1] = row[1]
  end
  return table.move(found, 4 * (n or 2) + 1, #found, 1, {})
end

-- Writes these events into a new file of the folder.
local function leave(where, ...)
  local e = assert(journal.emergency(where))
  for _, event in ipairs { ... } do assert(e:append(event)) end
  local path = e:about()
  e:close()
  return path
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function write(path, bytes)
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
end

local function names(where)
  local list = {}
  for name in scratch.run({ "ls", where }).stdout:gmatch("[^\n]+") do list[#list + 1] = name end
  return list
end

-- An entry as emergency.h describes it.
local function entry(body)
  return "ENTR" .. string.pack("<I4", #body) .. digest.sha256(body) .. body
end

local function body(kind, session, facts, attempt, time)
  return string.pack("<i8i4BBI4", time or 5, attempt or 1, #kind, #session, #facts)
    .. kind .. "\0" .. session .. "\0" .. facts .. "\0"
end

local function whole(...)
  local text = MARK .. table.concat { ... }
  return text .. ("\0"):rep(SIZE - #text)
end

describe("core/emergency", function()
  describe("a file", function()
    it("has its full size at once, and begins with its mark", function()
      local folder <close> = scratch.folder()
      local e = assert(journal.emergency(folder.path .. "/a/e"))
      local path, used = e:about()
      assert.same({ folder.path .. "/a/e/0", 16 }, { path, used })
      assert.equal("640 65536 128\n", scratch.run({ "stat", "-c", "%a %s %b", path }).stdout)
      assert.equal(whole(), read(path))
      e:close()
      e:close()
    end)

    it("that root makes is its folder's owner's, who could not use it otherwise", function()
      if scratch.run({ "id", "-u" }).stdout ~= "0\n" then pending "only root can try it" end
      local folder <close> = scratch.folder()
      scratch.run { "chown", "65534:65534", folder.path }
      local e = assert(journal.emergency(folder.path))
      assert.equal("65534 65534 640\n", scratch.run({ "stat", "-c", "%u %g %a", (e:about()) }).stdout)
      e:close()
    end)

    it("is of one holder, and is used again when it is free and empty", function()
      local folder <close> = scratch.folder()
      local a, b = assert(journal.emergency(folder.path)), assert(journal.emergency(folder.path))
      assert.same({ folder.path .. "/0", folder.path .. "/1" }, { (a:about()), (b:about()) })
      a:close()
      local c = assert(journal.emergency(folder.path))
      assert.equal(folder.path .. "/0", (c:about()))
      assert(c:append(finished(1)))
      c:close()
      local d = assert(journal.emergency(folder.path))
      assert.equal(folder.path .. "/2", (d:about()))
      d:close()
      b:close()
    end)

    it("costs syncs when it is new, and none when it is used again", function()
      if scratch.run { "sh", "-c", "command -v strace" }.exit ~= 0 then return end
      local folder <close> = scratch.folder { ["e/x"] = "" }
      local script = folder:write("open.lua", ([[
        package.cpath = %q
        assert(require "spec.journal".emergency(arg[1]))
      ]]):format(package.cpath))
      local function syncs()
        local words = { "strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", folder.path .. "/trace" }
        table.move({ scratch.program, script, folder.path .. "/e" }, 1, 3, #words + 1, words)
        -- the leak checker of sanitizers wants to trace, too
        words.env = { ASAN_OPTIONS = "detect_leaks=0" }
        assert.equal(0, scratch.run(words).exit)
        local found = {}
        for call, name in folder:read("trace"):gmatch("(%w+)%(%d+<([^>]+)>") do
          found[#found + 1] = call .. " " .. name:gsub("^" .. folder.path:gsub("%p", "%%%0"), "")
        end
        return found
      end
      assert.same({ "fdatasync /e/0", "fsync /e" }, syncs())
      assert.same({}, syncs())
      write(folder.path .. "/e/0", ("\0"):rep(SIZE)) -- power was lost before the mark was on disk
      assert.same({ "fdatasync /e/0", "fsync /e" }, syncs())
      assert.same({}, syncs())
    end)

    it("is made whole when it was not finished", function()
      for _, bytes in ipairs { "", "\0", ("\0"):rep(SIZE - 1), ("\0"):rep(SIZE) } do
        local folder <close> = scratch.folder { ["0"] = bytes }
        local e = assert(journal.emergency(folder.path))
        assert.equal(folder.path .. "/0", (e:about()))
        assert.equal(whole(), read(folder.path .. "/0"))
        e:close()
      end
    end)

    it("is no folder, link or pipe, and none with anything in it", function()
      local folder <close> = scratch.folder { ["e/2"] = "x", ["e/3"] = whole("x"), ["e/4"] = whole() .. "\0" }
      scratch.run { "mkdir", folder.path .. "/e/0" }
      scratch.run { "ln", "-s", "elsewhere", folder.path .. "/e/1" }
      scratch.run { "mkfifo", folder.path .. "/e/5" }
      local e = assert(journal.emergency(folder.path .. "/e"))
      assert.equal(folder.path .. "/e/6", (e:about()))
      e:close()
    end)

    it("is one of 64", function()
      local folder <close> = scratch.folder()
      local held = {}
      for i = 1, 64 do held[i] = assert(journal.emergency(folder.path)) end
      local e, message, code = journal.emergency(folder.path)
      assert.same({ nil, "all 64 emergency files in " .. folder.path .. " are in use", "limit" }, { e, message, code })
      for _, each in ipairs(held) do each:close() end
    end)

    it("takes entries until it is full", function()
      local folder, ledger, where = with_sessions(1)
      local _ <close> = folder
      local e = assert(journal.emergency(where))
      local long = told.event("ended", "s1", { text = ("x"):rep(16000) })
      local size = 40 + 18 + 3 + #"ended" + 2 + #long.facts
      for i = 1, 4 do
        assert(e:append(long))
        assert.equal(16 + i * size, (select(2, e:about())))
      end
      local ok, message, code = e:append(long)
      assert.same({ nil, "the emergency file " .. where .. "/0 is full", "limit" }, { ok, message, code })
      assert(e:append(finished(1)))
      e:close()
      -- the long ones say no result: the ledger refuses them
      local folded, _, _, count = journal.fold(where, ledger)
      assert.same({ nil, 1 }, { folded, count })
      assert.same({ "finished s1" }, after(ledger, 1))
    end)

    it("refuses what can be in no file", function()
      local folder <close> = scratch.folder()
      local e = assert(journal.emergency(folder.path))
      for _, event in ipairs {
        told.event("ended", "s", { text = ("x"):rep(SIZE) }),
        told.event("ended", ("s"):rep(129)),
      } do
        local ok, message, code = e:append(event)
        assert.same({ nil, "the event is too long for an emergency file", "limit" }, { ok, message, code })
      end
      e:close()
    end)

    it("says that its disk fails, and takes the next entry at the same place", function()
      local folder <close> = scratch.folder()
      local e = assert(journal.emergency(folder.path))
      assert.is_true(e:break_())
      local ok, message, code = e:append(finished(1))
      assert.same({ nil, "cannot write the emergency file " .. folder.path .. "/0: No space left on device", "system" },
        { ok, message, code })
      assert.equal(16, (select(2, e:about())))
      e:close()
    end)
  end)

  describe("folding", function()
    it("finds nothing where there is nothing", function()
      local folder, ledger, where = with_sessions()
      local _ <close> = folder
      assert.equal(0, journal.fold(where, ledger))
      leave(where)
      assert.equal(0, journal.fold(where, ledger))
      assert.same({ "0" }, names(where))
    end)

    it("appends what dead processes left, oldest first, and empties their files", function()
      local folder, ledger, where = with_sessions(4)
      local _ <close> = folder
      local a, b = assert(journal.emergency(where)), assert(journal.emergency(where))
      for i, e in ipairs { a, b, a, b } do
        assert(e:append(finished(i, e == a and 200 + i or 100 + i)))
      end
      a:close()
      b:close()
      assert.equal(4, journal.fold(where, ledger))
      assert.same({ "finished s2", "finished s4", "finished s1", "finished s3" }, after(ledger, 4))
      local row = journal.rows(ledger,
        "SELECT time, attempt, facts FROM event WHERE session = 's3' AND kind = 'finished'")
      assert.same({ { 203, 1, '{"fingerprint":"f3"}' } }, row)
      assert.equal(whole(), read(where .. "/0"))
      assert.equal(whole(), read(where .. "/1"))
      assert.same({ "0", "1" }, names(where))
      assert.equal(0, journal.fold(where, ledger))
    end)

    it("leaves the file of a process that lives, and has it when that was killed", function()
      local folder, ledger, where = with_sessions()
      local _ <close> = folder
      local words, finish <close> = hold("emergency", where)
      assert.equal(where .. "/0", words[2])
      assert.equal(0, journal.fold(where, ledger))
      finish()
      assert.equal(2, journal.fold(where, ledger))
      assert.same({ "finished s1", "finished s2" }, after(ledger))
    end)

    it("adds nothing the second time: killed before the file was emptied", function()
      local folder, ledger, where = with_sessions()
      local _ <close> = folder
      -- such events are allowed again and again: only that they are known keeps them out
      local again = told.event("reporting", "s2", { code = 1, reason = "r" }, 7)
      local path = leave(where, finished(1), again)
      local bytes = read(path)
      assert.equal(2, journal.fold(where, ledger))
      write(path, bytes)
      assert.equal(0, journal.fold(where, ledger))
      assert.equal(whole(), read(path))
      assert.same({ "finished s1", "reporting s2" }, after(ledger))
      -- killed between two of them
      leave(where, finished(1), again, told.event("reported", "s2", {}, 8))
      assert.equal(1, journal.fold(where, ledger))
      assert.same({ "finished s1", "reporting s2", "reported s2" }, after(ledger))
    end)

    it("keeps what is damaged in its folder, however long the path is", function()
      local folder <close>, ledger = with_sessions()
      local where = folder.path .. ("/" .. ("d"):rep(150)):rep(2)
      scratch.run { "mkdir", "-p", where }
      for i = 1, 2 do
        write(leave(where, finished(1)), "no such thing")
        assert.equal("invalid", (select(3, journal.fold(where, ledger))))
        assert.same({ "0.damaged", i == 2 and "0.damaged.2" or nil }, names(where))
      end
    end)

    it("reads a file up to what is damaged, and keeps it under another name", function()
      local folder, ledger, where = with_sessions(3)
      local _ <close> = folder
      local bytes = read(leave(where, finished(1), finished(2)))
      local second = bytes:find("ENTR", 17 + 4, true)
      local size = bytes:find("\0*$", second) -- the NUL of its facts
      local kept = {}
      for at = second, size do
        local path = where .. "/0"
        write(path, bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 0x10) .. bytes:sub(at + 1))
        local folded, message, code, count = journal.fold(where, ledger)
        kept[#kept + 1] = #kept == 0 and "0.damaged" or "0.damaged." .. #kept + 1
        assert.same({ nil, "an emergency file was set aside as " .. where .. "/" .. kept[#kept]
          .. ": an entry is damaged", "invalid", #kept == 1 and 1 or 0 }, { folded, message, code, count })
      end
      assert.is_true(#kept > 80)
      assert.same(#kept, #names(where))
      assert.same({ "finished s1" }, after(ledger, 3))
    end)

    it("takes an entry that was cut anywhere for damage, and the file's end for a cut", function()
      local folder, ledger, where = with_sessions(3)
      local _ <close> = folder
      local bytes = read(leave(where, finished(1), finished(2)))
      local second = bytes:find("ENTR", 17 + 4, true)
      local size = bytes:find("\0*$", second)
      for at = second, size, 7 do
        write(where .. "/0", bytes:sub(1, at) .. ("\0"):rep(SIZE - at))
        local folded, message = journal.fold(where, ledger)
        assert.is_nil(folded)
        assert.matches("an entry is damaged", message, 1, true)
        write(where .. "/0", bytes:sub(1, at))
        assert.is_nil((journal.fold(where, ledger)))
      end
      assert.same({ "finished s1" }, after(ledger, 3))
      -- a sector that never came between two that did
      write(where .. "/0", whole(("\0"):rep(512), entry(body("finished", "s2", '{"fingerprint":"x"}'))))
      assert.is_nil((journal.fold(where, ledger)))
      -- nothing but the end was cut
      write(where .. "/0", bytes:sub(1, size))
      local folded, message = journal.fold(where, ledger)
      assert.is_nil(folded)
      assert.matches("it does not begin or end as one does", message, 1, true)
      assert.same({ "finished s1", "finished s2" }, after(ledger, 3))
    end)

    it("does not trust lengths, names and texts, whatever the digest says", function()
      local folder, ledger, where = with_sessions(3)
      local _ <close> = folder
      local good = body("finished", "s3", '{"fingerprint":"f"}')
      local bad = {
        "", "x", good:sub(1, -2), good .. "\0", good .. "x",
        string.pack("<i8i4BBI4", 5, 1, 8, 2, 0xFFFFFFFF) .. good:sub(19),
        string.pack("<i8i4BBI4", 5, 1, 255, 255, 0) .. good:sub(19),
        string.pack("<i8i4BBI4", 5, 1, 7, 3, 19) .. good:sub(19),
        body("nonsense", "s3", "{}"), body("", "s3", "{}"), body("finished", ("s"):rep(129), "{}"),
        body("fini\0hed", "s3", "{}"), body("finished", "s3", "{\0}"),
        -- those make sense, but not to the ledger
        body("finished", "s3", "{"), body("finished", "s3", ""), body("finished", "s3", "[]"),
        body("finished", "s9", '{"fingerprint":"f"}'), body("finished", "s3", '{"fingerprint":"f"}', -1),
        body("started", "", "{}"), body("opening", "s4", "{}"), body("pruned", "", "{}"),
      }
      for i, each in ipairs(bad) do
        scratch.run { "mkdir", "-p", where }
        write(where .. "/" .. i, whole(entry(each)))
        local folded, message, code, count = journal.fold(where, ledger)
        assert.same({ nil, "invalid", 0 }, { folded, code, count }, i)
        assert.matches("was set aside as", message, 1, true)
        assert.equal(whole(entry(each)), read(where .. "/" .. i .. ".damaged"))
      end
      -- what stands behind one of them is read all the same
      write(where .. "/0", whole(entry(bad[9]), entry(good)))
      assert.same({ n = 4, nil, 1 }, { n = 4, nil, (select(4, journal.fold(where, ledger))) })
      assert.same({ "finished s3" }, after(ledger, 3))
      assert.equal(13, assert(#after(ledger, 0)))
    end)

    it("does not read what begins otherwise as if nothing were wrong", function()
      local folder, ledger, where = with_sessions()
      local _ <close> = folder
      scratch.run { "mkdir", where }
      for _, mark in ipairs { "jig emergency 2\n", ("x"):rep(16) } do
        write(where .. "/3", mark .. whole():sub(17))
        local folded, message = journal.fold(where, ledger)
        assert.is_nil(folded)
        assert.matches("it does not begin or end as one does", message, 1, true)
      end
      -- the mark alone was lost: it is written last, and not synced
      write(where .. "/3", ("\0"):rep(16) .. whole(entry(body("finished", "s1", '{"fingerprint":"f"}'))):sub(17))
      assert.equal(1, journal.fold(where, ledger))
    end)

    it("stops when the ledger cannot be written, and keeps all", function()
      local folder, ledger, where = with_sessions()
      local _ <close> = folder
      local path = leave(where, finished(1))
      local bytes = read(path)
      journal.disk.start {}
      journal.disk.fail("full", 0)
      local folded, _, code = journal.fold(where, ledger)
      journal.disk.stop()
      assert.same({ nil, "system" }, { folded, code })
      assert.equal(bytes, read(path))
      assert.equal(1, journal.fold(where, ledger))
    end)
  end)
end)
