local ledgers = require "spec.ledger"
local scratch = require "spec.support.scratch"

local function code_of(path, mode)
  local ledger, message, code = ledgers.ledger(path, mode)
  if ledger then ledger:close() end
  return code or "ok", message
end

describe("core/schema", function()
  it("makes a ledger of an empty file, and marks it", function()
    local folder <close> = scratch.folder { empty = "" }
    for _, name in ipairs { "empty", "new" } do
      local path = folder.path .. "/" .. name
      local ledger <close> = assert(ledgers.ledger(path))
      assert.equal(0x6a696721, ledger:rows("PRAGMA application_id")[1].application_id)
      assert.equal(1, ledger:rows("PRAGMA user_version")[1].user_version)
    end
  end)

  it("takes no other file for a ledger, and changes nothing of it", function()
    local folder <close> = scratch.folder { garbage = ("garbage!"):rep(1000), short = "xy" }
    local path = folder.path .. "/other"
    do
      local store <close> = assert(ledgers.store(path))
      assert(store:exec "PRAGMA journal_mode=DELETE; CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    end
    for _, name in ipairs { "garbage", "short", "other" } do
      local before = folder:read(name)
      for _, mode in ipairs { "write", "read" } do
        assert.equal("invalid", code_of(folder.path .. "/" .. name, mode), name)
      end
      assert.equal(before, folder:read(name))
    end
  end)

  it("refuses a later version", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/ledger"
    do
      local ledger <close> = assert(ledgers.ledger(path))
      assert(ledger:exec "PRAGMA user_version = 2")
    end
    for _, mode in ipairs { "write", "read" } do
      local code, message = code_of(path, mode)
      assert.equal("invalid", code)
      assert.matches("later jig %(schema 2, this one knows 1%)", message)
    end
  end)

  it("brings an earlier version forward, step by step, in one transaction", function()
    local folder <close> = scratch.folder()
    local steps = { "CREATE TABLE t (a)", "ALTER TABLE t ADD COLUMN b", "INSERT INTO t VALUES (1, 2)" }
    local store <close> = assert(ledgers.store(folder.path .. "/file"))
    local function version() return store:rows("PRAGMA user_version")[1].user_version end
    assert(store:migrate(steps[1]))
    assert.equal(1, version())
    assert.equal("misuse", select(3, store:migrate(steps[1], steps[2], "INSERT INTO nowhere VALUES (1)")))
    assert.equal(1, version())
    assert.equal("misuse", select(3, store:rows "SELECT b FROM t"))
    assert(store:migrate(table.unpack(steps)))
    assert.equal(3, version())
    assert(store:migrate(table.unpack(steps))) -- nothing is done twice
    assert.equal(1, #store:rows "SELECT b FROM t")
  end)
end)
