local events = require "spec.support.events"
local hex = require "jig.hex"
local ledgers = require "spec.ledger"
local scratch = require "spec.support.scratch"

local folder, private, public

local function heads(ledger)
  return ledger:rows "SELECT * FROM head ORDER BY event"
end

describe("core/ledger_sign", function()
  setup(function()
    folder = scratch.folder()
    private, public = folder.path .. "/private.pem", folder.path .. "/public.pem"
    scratch.run { "openssl", "genpkey", "-algorithm", "ed25519", "-out", private }
    scratch.run { "chmod", "600", private }
    scratch.run { "openssl", "pkey", "-in", private, "-pubout", "-out", public }
  end)
  teardown(function() folder:__close() end)

  it("makes a signature that openssl checks, in the ledger and in the copy", function()
    local ledger <close> = assert(ledgers.ledger("", "memory"))
    events.unit(ledger, { time = 5 })
    local copy = folder.path .. "/copy"
    assert(ledger:sign(private, copy))
    local last = ledger:rows("SELECT id, hash, time FROM event ORDER BY id DESC LIMIT 1")[1]
    local head = heads(ledger)[1]
    assert.same({ last.id, last.hash, last.time }, { head.event, head.hash, head.time })
    local id, hash, signature = folder:read("copy"):match "^(%d+) (%x+) (%x+)\n$"
    assert.same({ tostring(last.id), hex.encode(last.hash), hex.encode(head.signature) }, { id, hash, signature })
    local text = folder:write("head", ("jig journal head v1\n%d\n%s\n"):format(last.id, hex.encode(last.hash)))
    local sig = folder:write("sig", head.signature)
    local check = { "openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", public, "-in", text,
      "-sigfile", sig }
    assert.equal(0, scratch.run(check).exit)
    folder:write("head", ("jig journal head v1\n%d\n%s\n"):format(last.id + 1, hex.encode(last.hash)))
    check.limit = nil
    assert.equal(1, scratch.run(check).exit)
    local der = scratch.run({ "openssl", "pkey", "-pubin", "-in", public, "-outform", "DER" }).stdout
    assert.equal(hex.encode(der:sub(-32)), head.key)
  end)

  it("changes nothing when the head is signed already", function()
    local path = folder.path .. "/ledger"
    local ledger <close> = assert(ledgers.ledger(path))
    events.append(ledger, events.started())
    assert(ledger:sign(private))
    local before = heads(ledger)
    local wal = #folder:read "ledger-wal"
    assert(ledger:sign(private))
    assert.same(before, heads(ledger))
    assert.equal(wal, #folder:read "ledger-wal")
    events.append(ledger, events.started { run = "r2" })
    assert(ledger:sign(private))
    assert.equal(2, #heads(ledger))
  end)

  it("signs no empty ledger", function()
    local ledger <close> = assert(ledgers.ledger("", "memory"))
    assert(ledger:sign(private, folder.path .. "/none"))
    assert.same({}, heads(ledger))
    assert.equal("", folder:read "none")
  end)

  it("replaces the copy in one step, and leaves nothing beside it", function()
    local ledger <close> = assert(ledgers.ledger("", "memory"))
    local inner <close> = scratch.folder { copy = "old" }
    for i = 1, 2 do
      events.append(ledger, events.started { run = "r" .. i })
      assert(ledger:sign(private, inner.path .. "/copy"))
      assert.matches("^" .. i .. " %x+ %x+\n$", inner:read "copy")
    end
    assert.equal("copy\n", scratch.run({ "ls", inner.path }).stdout)
    assert.equal("not_found", select(3, ledger:sign(private, inner.path .. "/nowhere/copy")))
    scratch.run { "mkdir", inner.path .. "/folder" }
    assert.is_nil((ledger:sign(private, inner.path .. "/folder")))
    assert.equal("copy\nfolder\n", scratch.run({ "ls", inner.path }).stdout)
  end)

  it("wants a key that is there, is one, and is its owner's alone", function()
    local ledger <close> = assert(ledgers.ledger("", "memory"))
    events.append(ledger, events.started())
    assert.equal("not_found", select(3, ledger:sign(folder.path .. "/nowhere")))
    assert.equal("invalid", select(3, ledger:sign(public)))
    scratch.run { "chmod", "640", private }
    assert.equal("denied", select(3, ledger:sign(private)))
    scratch.run { "chmod", "600", private }
    assert.same({}, heads(ledger))
  end)
end)
