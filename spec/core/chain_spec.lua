local digest = require "jig.digest"
local hex = require "jig.hex"
local ledgers = require "spec.ledger"

-- The canonical encoding as core/chain.c describes it, written down once more.
local function encode(id, event)
  local fields = { id, event.time, event.kind, event.session, event.attempt, event.facts }
  for i, field in ipairs(fields) do fields[i] = string.pack(">s4", tostring(field)) end
  return "\1" .. table.concat(fields)
end

local list = {
  { kind = "started", session = "", attempt = 0, time = 1772323200000000, facts = '{"run":"r1"}' },
  { kind = "opening", session = "s1", attempt = 1, time = -5, facts = '{"unit":"r1.1","serial":"ä\\u0001"}' },
  { kind = "opened", session = "s1", attempt = 1, time = 0, facts = "{}" },
}

describe("core/chain", function()
  it("hashes the hash before and the encoding", function()
    local ledger <close> = assert(ledgers.ledger("", "memory"))
    assert.same({ true, true, true }, ledger:append(table.unpack(list)))
    local before = ("\0"):rep(32)
    for i, row in ipairs(ledger:rows "SELECT hash FROM event ORDER BY id") do
      before = digest.sha256(before .. encode(i, list[i]))
      assert.equal(hex.encode(before), hex.encode(row.hash))
      assert.equal("bytes", row.types.hash)
    end
  end)

  -- { head -c 32 /dev/zero; printf '\1\0\0\0\0011\0\0\0\0201772323200000000\0\0\0\7started\0\0\0\0'
  --   printf '\0\0\0\0010\0\0\0\14{"run":"r1"}'; } | openssl sha256
  it("makes the hash that openssl makes", function()
    local ledger <close> = assert(ledgers.ledger("", "memory"))
    assert(ledger:append(list[1]))
    local hash = ledger:rows("SELECT hash FROM event")[1].hash
    assert.equal("b059f8e88df240c55cf6d901ffc06d554fcefc66a3a0ee2a4688dc412a514cd5", hex.encode(hash))
  end)
end)
