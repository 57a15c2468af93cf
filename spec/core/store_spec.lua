local ledgers = require "spec.ledger"
local scratch = require "spec.support.scratch"

local function memory()
  return assert(ledgers.store("", "memory"))
end

describe("core/store", function()
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
end)
