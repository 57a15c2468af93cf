local events = require "spec.support.events"
local hex = require "jig.hex"
local reading = require "spec.support.reading"
local scratch = require "spec.support.scratch"

local function make_key(at, mode)
  local path = at.folder.path .. "/key.pem"
  assert.equal(0, scratch.run({ "openssl", "genpkey", "-algorithm", "ed25519", "-out", path }).exit)
  assert.equal(0, scratch.run({ "chmod", mode or "600", path }).exit)
  return path
end

describe("jig journal sign", function()
  it("signs the newest event, and again changes nothing", function()
    local at <close> = reading.journal()
    local key = make_key(at)
    local first = at:read("sign", "--key", key)
    assert.matches("^signed: event %d+ %x+\n$", first.stdout)
    assert.equal(first.stdout, at:read("sign", "--key", key).stdout)
    assert.equal(first.stdout:match("event (%d+ %x+)"), at:read("verify").stdout:match("last (%d+ %x+)"))
  end)

  it("writes a copy that openssl alone can check", function()
    local at <close> = reading.journal()
    local key, folder = make_key(at), at.folder
    local object = at:read("sign", "--key", key, "--copy", folder.path .. "/head", "--json").objects[1]
    local id, hash, signature = folder:read("head"):match("^(%d+) (%x+) (%x+)\n$")
    assert.same({ object.event, object.hash, object.signature }, { math.tointeger(id), hash, signature })
    folder:write("text", ("jig journal head v1\n%s\n%s\n"):format(id, hash))
    folder:write("sig", hex.decode(signature))
    local result = scratch.run { "openssl", "pkeyutl", "-verify", "-rawin", "-inkey", key, "-in",
      folder.path .. "/text", "-sigfile", folder.path .. "/sig" }
    assert.same({ 0, "Signature Verified Successfully\n" }, { result.exit, result.stdout })
  end)

  it("ends with 1 where there is nothing to sign", function()
    local at <close> = reading.empty()
    local result = at:run("sign", "--key", make_key(at))
    assert.same({ 1, "" }, { result.exit, result.stdout })
    assert.matches("the journal has no events: there is nothing to sign", result.stderr, 1, true)
  end)

  -- Each: what is wrong with the key, how it is made, what is said.
  local keys = {
    { "is missing", function(at) return at.folder.path .. "/none" end, "No such file" },
    { "is no key", function(at)
      local path = at.folder:write("text", "no key")
      scratch.run { "chmod", "600", path }
      return path
    end, "holds no Ed25519 key" },
    { "may be read by others", function(at) return make_key(at, "644") end, "chmod 600" },
  }
  for _, case in ipairs(keys) do
    it(("ends with 4 when the key %s, and signs nothing"):format(case[1]), function()
      local at <close> = reading.journal()
      local result = at:run("sign", "--key", case[2](at))
      assert.same({ 4, "" }, { result.exit, result.stdout })
      assert.matches(case[3], result.stderr, 1, true)
      assert.equal(0, at:read("verify", "--json").objects[1].signed_through)
    end)
  end

  it("ends with 4 when the copy cannot be written", function()
    local at <close> = reading.journal()
    local result = at:run("sign", "--key", make_key(at), "--copy", at.folder.path .. "/none/head")
    assert.equal(4, result.exit)
    assert.matches("none/head", result.stderr, 1, true)
  end)

  it("ends with 2 without a key, and says how to make one", function()
    local at <close> = reading.journal(function(ledger) events.append(ledger, events.started()) end)
    local result = at:run "sign"
    assert.equal(2, result.exit)
    assert.matches("openssl genpkey", result.stderr, 1, true)
  end)
end)
