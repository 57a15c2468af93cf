local events = require "spec.support.events"
local journals = require "spec.support.journals"
local reading = require "spec.support.reading"
local scratch = require "spec.support.scratch"

-- Changes the journal as nobody should.
local function tamper(at, sql)
  at:fill(function(ledger) assert(ledger:exec(sql)) end)
end

-- Makes a key in the folder of the journal; gives the paths of the private and of the public one.
local function make_key(at, name)
  local private = at.folder.path .. "/" .. name
  assert.equal(0, scratch.run({ "openssl", "genpkey", "-algorithm", "ed25519", "-out", private }).exit)
  assert.equal(0, scratch.run({ "chmod", "600", private }).exit)
  assert.equal(0, scratch.run({ "openssl", "pkey", "-in", private, "-pubout", "-out", private .. ".pub" }).exit)
  return private, private .. ".pub"
end

describe("jig journal verify", function()
  it("says of a sound journal what it proves and what it cannot", function()
    local at <close> = reading.journal()
    local result = at:read "verify"
    assert.matches("^sound: (%d+) events, last %1 %x+\n"
      .. "  no event from 1 to %1 was changed, moved, put in between or removed\n"
      .. "  no signed head: removal of the newest events cannot be noticed, nor a journal that was made anew\n$",
      result.stdout)
    assert.equal(64, #result.stdout:match("last %d+ (%x+)"))
  end)

  it("says how far it is signed, and by whom only with the key", function()
    local at <close> = reading.journal()
    local private, public = make_key(at, "key.pem")
    assert.equal(0, at:run("sign", "--key", private).exit)
    assert.matches("\n  signed through event %d+, by whom is not checked: name the key with %-%-key\n$",
      at:read("verify").stdout)
    assert.matches("\n  signed through event %d+\n$", at:read("verify", "--key", public).stdout)
    assert.matches("\n  signed through event %d+\n$", at:read("verify", "--key", private).stdout)
    at:fill(function(ledger) events.unit(ledger, { session = "later", unit = "r1.99", serial = "T99", time = 99 }) end)
    assert.matches("\n  the 6 newer events are not signed: removal of them cannot be noticed\n$",
      at:read("verify", "--key", public).stdout)
  end)

  it("ends with 1 for another key", function()
    local at <close> = reading.journal()
    assert.equal(0, at:run("sign", "--key", (make_key(at, "key.pem"))).exit)
    local _, other = make_key(at, "other.pem")
    local result = at:run("verify", "--key", other)
    assert.equal(1, result.exit)
    assert.matches("^NOT SOUND: .*key", result.stdout)
  end)

  it("tells the pruned part", function()
    local at <close> = reading.journal(function(ledger)
      events.unit(ledger)
      assert(ledger:prune(events.at(1000)))
    end)
    local text = at:read("verify").stdout
    assert.matches("sound: 1 events, last 7 ", text, 1, true)
    assert.matches("\n  events 1 to 6 were pruned: nothing is known of them but the hash of the last\n", text)
  end)

  it("knows an empty journal", function()
    local at <close> = reading.empty()
    assert.equal("sound: no events\n", at:read("verify").stdout)
  end)

  -- Each: what somebody did to the file.
  local deeds = {
    { "changed an event", "UPDATE event SET facts = replace(facts, 'T1', 'T9') WHERE id = 2" },
    { "removed an event", "DELETE FROM event WHERE id = 3" },
    { "changed a row", "UPDATE unit SET result = 'passed' WHERE result = 'failed'" },
    { "removed the first events", "DELETE FROM event WHERE id < 5" },
  }
  for _, deed in ipairs(deeds) do
    it("ends with 1 where somebody " .. deed[1], function()
      local at <close> = reading.journal()
      tamper(at, deed[2])
      local result = at:run "verify"
      assert.same({ 1, "" }, { result.exit, result.stderr })
      assert.matches("^NOT SOUND: [^\n]+\n$", result.stdout)
      result = at:run("verify", "--json")
      assert.same({ 1, false }, { result.exit, result.objects[1].sound })
    end)
  end

  it("has an object with --json", function()
    local at <close> = reading.journal(journals.fill)
    local report = at:read("verify", "--json").objects[1]
    assert.same({ true, 1, 0, 0, false },
      { report.sound, report.first, report.pruned, report.signed_through, report.signatures_checked })
    assert.equal(report.events, report.last)
  end)

  it("ends with 4 for a key that cannot be read", function()
    local at <close> = reading.journal()
    local result = at:run("verify", "--key", at.folder.path .. "/none.pem")
    assert.same({ 4, "" }, { result.exit, result.stdout })
    assert.matches("none.pem", result.stderr, 1, true)
  end)
end)
