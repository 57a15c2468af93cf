local clock = require "jig.clock"
local ledgers = require "spec.ledger"
local proc = require "jig.proc"
local scratch = require "spec.support.scratch"

local function memory()
  return assert(ledgers.store("", "memory"))
end

describe("core/store", function()
  it("waits for no other end of what is no file", function()
    local folder <close> = scratch.folder()
    local fifo = folder.path .. "/fifo"
    scratch.run { "mkfifo", fifo }
    for _, verb in ipairs { "list", "verify" } do
      local result = scratch.run { scratch.program, "journal", verb, "--journal", fifo, limit = 10 }
      assert.matches("fifo is no regular file", result.stderr, 1, true)
    end
    for _, mode in ipairs { "read", "write" } do
      local store, message, code = ledgers.store(fifo, mode)
      assert.same({ nil, "invalid" }, { store, code })
      assert.matches("fifo is no regular file", message, 1, true)
    end
  end)

  it("tells its version", function()
    assert.matches("^3%.%d+%.%d+$", ledgers.version)
  end)

  it("keeps the types of what is bound", function()
    local store <close> = memory()
    local row = assert(store:rows("SELECT ?1 AS a, ?2 AS b, ?3 AS c, ?4 AS d, ?5 AS e, ?6 AS f, ?7 AS g",
      "text\0\xFF", { bytes = "by\0" }, math.mininteger, 0.5, nil, "", { bytes = "" }))[1]
    assert.same({ a = "text", b = "bytes", c = "integer", d = "real", e = "null", f = "text", g = "bytes" }, row.types)
    assert.same({ "text\0\xFF", "by\0", math.mininteger, 0.5, nil, "", "" },
      { row.a, row.b, row.c, row.d, row.e, row.f, row.g })
  end)

  it("runs a lasting query again with other parameters", function()
    local store <close> = memory()
    assert(store:exec "CREATE TABLE t (a UNIQUE)")
    assert(store:again("INSERT INTO t VALUES (?1)", 1, "x", nil, { bytes = "y" }))
    assert.equal(4, store:rows("SELECT count(*) AS n FROM t")[1].n)
    assert(store:exec "UPDATE t SET a = a WHERE a IS NOT NULL")
    assert.equal(3, store:changes())
    assert.equal("duplicate", select(3, store:again("INSERT INTO t VALUES (?1)", 1)))
  end)

  it("names mistakes", function()
    local store <close> = memory()
    assert(store:exec "CREATE TABLE t (a NOT NULL, b CHECK (b > 0))")
    for _, sql in ipairs { "SELEC 1", "SELECT * FROM nowhere", "", "-- nothing", "SELECT ?" } do
      local rows, message, code = store:rows(sql, 1, 2)
      assert.same({ nil, "misuse", true }, { rows, code, message ~= "" }, sql)
    end
    assert.equal("misuse", select(3, store:exec "INSERT INTO t VALUES (NULL, 1)"))
    assert.equal("misuse", select(3, store:exec "INSERT INTO t VALUES (1, 0)"))
  end)

  it("shares what is in memory among those who open it under one path, as long as one of them is open", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/a?b#c%20"
    local one <close> = assert(ledgers.store(path, "shared"))
    assert(one:exec "CREATE TABLE t (a UNIQUE)")
    do
      local two <close> = assert(ledgers.store(path, "shared"))
      local other <close> = assert(ledgers.store(path .. "x", "shared"))
      assert(two:begin())
      assert(two:exec "INSERT INTO t VALUES (1)")
      assert.equal("busy", select(3, one:begin()))
      assert(two:finish(true))
      assert(one:begin())
      assert(one:exec "INSERT INTO t VALUES (2)")
      assert(one:finish(false))
      assert.equal(1, two:rows("SELECT count(*) AS n FROM t")[1].n)
      assert.is_nil(other:rows "SELECT * FROM t")
    end
    assert.equal(1, one:rows("SELECT count(*) AS n FROM t")[1].n)
    one:close()
    local after <close> = assert(ledgers.store(path, "shared"))
    assert.is_nil(after:rows "SELECT * FROM t")
    assert.equal("", scratch.run({ "ls", "-A", folder.path }).stdout)
  end)

  it("shares under a path from the root alone, however many strokes it begins with", function()
    for _, mode in ipairs { "shared", "joined" } do
      local store, message, code = ledgers.store("a.db", mode)
      assert.same({ nil, "invalid" }, { store, code })
      assert.matches("a.db", message, 1, true)
    end
    local one <close> = assert(ledgers.store("//tmp/a.db", "shared"))
    assert(one:exec "CREATE TABLE t (a UNIQUE)")
    local two <close> = assert(ledgers.store("//tmp/a.db", "shared"))
    assert.same({}, two:rows "SELECT * FROM t")
  end)

  it("joins what others share, and makes nothing", function()
    assert.equal("not_found", (select(3, ledgers.store("/nobody/has/it", "joined"))))
    local one <close> = assert(ledgers.store("/somebody/has/it", "shared"))
    assert.equal("not_found", (select(3, ledgers.store("/somebody/has/it", "joined")))) -- nothing is in it
    assert(one:exec "CREATE TABLE t (a UNIQUE)")
    local two <close> = assert(ledgers.store("/somebody/has/it", "joined"))
    assert(two:exec "INSERT INTO t VALUES (1)")
    assert.equal(1, one:rows("SELECT count(*) AS n FROM t")[1].n)
  end)

  it("makes a file for the owner and the group, in WAL mode, which syncs every commit", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/new"
    local store <close> = assert(ledgers.store(path))
    assert(store:exec "CREATE TABLE t (a)")
    assert.equal("wal", store:rows("PRAGMA journal_mode")[1].journal_mode)
    assert.equal(2, store:rows("PRAGMA synchronous")[1].synchronous)
    for _, name in ipairs { "", "-wal", "-shm" } do
      assert.equal("640\n", scratch.run({ "stat", "-c", "%a", path .. name }).stdout)
    end
  end)

  it("leaves out of the mode what the umask says", function()
    local folder <close> = scratch.folder()
    local maker = folder:tool("maker", [[
      package.cpath = arg[1] .. "/?.so;" .. package.cpath
      assert(require("spec.ledger").store(arg[2])):close()
    ]])
    local path = folder.path .. "/new"
    local build = scratch.program:match "^(.*)/"
    local result = scratch.run { "sh", "-c", 'umask 077; exec "$@"', "sh", maker, build, path }
    assert.equal("", result.stderr)
    assert.equal("600\n", scratch.run({ "stat", "-c", "%a", path }).stdout)
  end)

  it("follows symbolic links, and makes what they point to", function()
    local folder <close> = scratch.folder()
    scratch.run { "mkdir", folder.path .. "/there" }
    scratch.run { "ln", "-s", folder.path .. "/there/file", folder.path .. "/link" }
    do
      local store <close> = assert(ledgers.store(folder.path .. "/link"))
      assert(store:exec "CREATE TABLE t (a)")
    end
    assert.equal("640\n", scratch.run({ "stat", "-c", "%a", folder.path .. "/there/file" }).stdout)
    local store <close> = assert(ledgers.store(folder.path .. "/there/file", "read"))
    assert.same({}, store:rows "SELECT * FROM t")
  end)

  it("takes every name for a file's", function()
    local folder <close> = scratch.folder()
    for _, name in ipairs { "a b", "a?b#c%20d", "%", "file:x?mode=memory", ":memory:", "\xFF\xFE" } do
      local path = folder.path .. "/" .. name
      do
        local store <close> = assert(ledgers.store(path))
        assert(store:exec "CREATE TABLE t (a)")
      end
      local store <close> = assert(ledgers.store(path, "read"))
      assert.same({}, store:rows "SELECT * FROM t")
      assert.is_true(#folder:read(name) > 0)
    end
    local maker = folder:tool("maker", [[
      package.cpath = arg[1] .. "/?.so;" .. package.cpath
      for _, name in ipairs { ":memory:", "file:x?mode=memory", "plain" } do
        local store <close> = assert(require("spec.ledger").store(name))
        assert(store:exec "CREATE TABLE t (a)")
      end
    ]])
    scratch.run { "mkdir", folder.path .. "/here" }
    local result = scratch.run { maker, (scratch.program:match "^(.*)/"), cwd = folder.path .. "/here" }
    assert.equal("", result.stderr)
    for _, name in ipairs { ":memory:", "file:x?mode=memory", "plain" } do
      assert.is_true(#folder:read("here/" .. name) > 0, name)
    end
  end)

  it("tells why a file cannot be opened", function()
    local folder <close> = scratch.folder { garbage = ("garbage!"):rep(1000) }
    for _, case in ipairs {
      { "read", folder.path .. "/nowhere", "not_found", "No such file" },
      { "write", folder.path .. "/no/where", "not_found", "No such file" },
      { "read", folder.path .. "/garbage/x", "not_found", "Not a directory" },
      { "write", folder.path, "system", "Is a directory" },
      { "read", folder.path, "system", "Is a directory" },
      { "write", "", "invalid", "empty" },
      { "read", "", "invalid", "empty" },
      { "write", folder.path .. "/garbage", "invalid", "damaged or no database" },
      { "read", folder.path .. "/garbage", "invalid", "damaged or no database" },
    } do
      local store, message, code = ledgers.store(case[2], case[1])
      assert.same({ nil, case[3] }, { store, code }, table.concat(case, " ") .. ": " .. tostring(message))
      assert.matches(case[4], message, 1, true)
    end
    assert.equal("", folder:read "nowhere")
  end)

  -- Another user, for whom permissions hold even where specs run as root.
  local function as_nobody(folder, path, mode, sql)
    scratch.run { "chmod", "755", folder.path }
    local looker = folder:tool("looker", [[
      package.cpath = arg[1] .. "/?.so;" .. package.cpath
      local store, message, code = require("spec.ledger").store(arg[2], arg[3])
      if store then
        local rows
        rows, message, code = store:rows(arg[4])
        if rows then code, message = "ok", #rows end
      end
      print(code, message)
    ]])
    local words = { looker, (scratch.program:match "^(.*)/"), path, mode, sql }
    if scratch.run({ "id", "-u" }).stdout == "0\n" then
      words = { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", table.unpack(words) }
    end
    local result = scratch.run(words)
    assert.equal("", result.stderr)
    return result.stdout:match "^(%S+)%s+(.-)\n$"
  end

  it("reads in a folder that cannot be written, and says that it cannot be written", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/file"
    do
      local store <close> = assert(ledgers.store(path))
      assert(store:exec "CREATE TABLE t (a); INSERT INTO t VALUES (1); PRAGMA wal_checkpoint(TRUNCATE)")
    end
    scratch.run { "rm", path .. "-wal", path .. "-shm" }
    scratch.run { "chmod", "444", path }
    local before = folder:read "file"
    assert.same({ "ok", "1" }, { as_nobody(folder, path, "read", "SELECT * FROM t") })
    local code, message = as_nobody(folder, path, "write", "INSERT INTO t VALUES (2)")
    assert.equal("denied", code)
    assert.matches("allow it and its folder", message)
    assert.equal("denied", (as_nobody(folder, folder.path .. "/new", "write", "SELECT 1")))
    assert.equal(before, folder:read "file")
    scratch.run { "chmod", "000", path }
    assert.equal("denied", (as_nobody(folder, path, "read", "SELECT * FROM t")))
    -- what only the WAL has would be missed
    scratch.run { "chmod", "644", path }
    do
      local store <close> = assert(ledgers.store(path))
      assert(store:exec "INSERT INTO t VALUES (2)")
    end
    scratch.run { "rm", path .. "-shm" }
    scratch.run { "chmod", "600", path .. "-wal" }
    code, message = as_nobody(folder, path, "read", "SELECT * FROM t")
    assert.equal("denied", code, message)
  end)

  it("changes nothing of a file that it reads", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/file"
    do
      local store <close> = assert(ledgers.store(path))
      assert(store:exec "CREATE TABLE t (a)")
    end
    local store <close> = assert(ledgers.store(path, "read"))
    for _, sql in ipairs { "INSERT INTO t VALUES (1)", "DROP TABLE t", "PRAGMA user_version = 3" } do
      assert.equal("denied", select(3, store:exec(sql)), sql)
    end
    assert.equal("denied", select(3, store:begin()))
    assert.same({}, store:rows "SELECT * FROM t")
  end)

  describe("a transaction", function()
    local folder, path
    before_each(function()
      folder = scratch.folder()
      path = folder.path .. "/file"
      local store <close> = assert(ledgers.store(path))
      assert(store:exec "CREATE TABLE t (a)")
    end)
    after_each(function() folder:__close() end)

    local function count(store) return store:rows("SELECT count(*) AS n FROM t")[1].n end

    it("keeps what it did, or nothing of it", function()
      local store <close> = assert(ledgers.store(path))
      for i, keep in ipairs { true, false, true } do
        assert(store:begin())
        assert(store:exec "INSERT INTO t VALUES (1)")
        assert(store:finish(keep))
        assert.equal(({ 1, 1, 2 })[i], count(store))
      end
      assert.equal("misuse", select(3, store:finish(true)))
      assert.is_true(store:finish(false)) -- there is nothing to undo
      assert(store:begin())
      assert.equal("misuse", select(3, store:begin()))
      assert(store:finish(false))
    end)

    it("is rolled back when the store is closed, with queries open or not", function()
      do
        local store <close> = assert(ledgers.store(path))
        assert(store:begin())
        assert(store:exec "INSERT INTO t VALUES (1)")
      end
      local store <close> = assert(ledgers.store(path))
      assert.equal(0, count(store))
      assert(store:begin())
      assert(store:finish(true))
    end)

    it("waits at its beginning for another's, as long as its patience", function()
      local a <close> = assert(ledgers.store(path))
      local b <close> = assert(ledgers.store(path, "write", 0.05))
      assert(a:begin())
      local from = clock.now()
      local _, message, code = b:begin()
      assert.equal("busy", code)
      assert.equal("another process has held the lock on " .. path .. " for 0.05 s", message)
      assert.is_true(clock.now() - from >= 0.04)
      assert.equal(0, count(b)) -- readers do not wait
      assert(a:exec "INSERT INTO t VALUES (1)")
      assert(a:finish(true))
      assert(b:begin())
      assert(b:exec "INSERT INTO t VALUES (2)")
      assert.equal(1, count(a))
      assert(b:finish(true))
      assert.equal(2, count(a))
    end)

    it("leaves the WAL beside the file when the store is closed", function()
      local store <close> = assert(ledgers.store(path))
      assert(store:exec "INSERT INTO t VALUES (1)")
      store:close()
      assert.is_true(#folder:read "file-wal" > 0)
      local again <close> = assert(ledgers.store(path, "read"))
      assert.equal(1, count(again))
    end)

    it("checkpoints when the WAL is long", function()
      local store <close> = assert(ledgers.store(path))
      for _ = 1, 600 do assert(store:exec "INSERT INTO t VALUES (zeroblob(9000))") end
      assert.is_true(#folder:read "file-wal" < 1100 * 4200)
      assert.is_true(#folder:read "file" > 900 * 4096)
    end)
  end)

  it("lets several make one file at once", function()
    local folder <close> = scratch.folder()
    local maker = folder:tool("maker", [[
      package.cpath = arg[1] .. "/?.so;" .. package.cpath
      local store <close> = assert(require("spec.ledger").store(arg[2], "write", 60))
      assert(store:exec "CREATE TABLE IF NOT EXISTS t (a); INSERT INTO t VALUES (1)")
    ]])
    local build = scratch.program:match "^(.*)/"
    for round = 1, 5 do
      local path, children = folder.path .. "/file" .. round, {}
      for i = 1, 4 do children[i] = assert(proc.start { maker, build, path, limit = 120 }) end
      for _, child in ipairs(children) do assert.equal("", assert(child:wait()).stderr) end
      local store <close> = assert(ledgers.store(path, "read"))
      assert.equal(4, store:rows("SELECT count(*) AS n FROM t")[1].n)
    end
  end)
end)
