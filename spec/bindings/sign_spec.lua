local lfs = require "lfs"
local scratch = require "spec.support.scratch"
local sign = require "jig.sign"

local folder

local function at(name) return folder.path .. "/" .. name end

local function chmod(mode, name) scratch.run { "chmod", mode, at(name) } end

describe("jig.sign", function()
  setup(function()
    folder = scratch.folder()
    assert(sign.make(at "key", at "key.pub"))
    assert(sign.make(at "other", at "other.pub"))
  end)
  teardown(function() folder:__close() end)

  it("makes a private file for this user alone, and a public one", function()
    assert.same({ "rw-------", "rw-r--r--" },
      { lfs.attributes(at "key", "permissions"), lfs.attributes(at "key.pub", "permissions") })
    assert.matches("^%-%-%-%-%-BEGIN PRIVATE KEY%-%-%-%-%-\n", folder:read "key")
    assert.matches("^%-%-%-%-%-BEGIN PUBLIC KEY%-%-%-%-%-\n", folder:read "key.pub")
    assert.is_not.equal(folder:read "key", folder:read "other")
  end)

  it("makes none where one is, nor where a link is, and leaves no half", function()
    local before = folder:read "key"
    for _, names in ipairs { { "key", "new.pub" }, { "new", "key.pub" } } do
      local made, message, code = sign.make(at(names[1]), at(names[2]))
      assert.same({ nil, "duplicate" }, { made, code })
      assert.matches("is there already: nothing was written", message, 1, true)
    end
    scratch.run { "ln", "-s", at "nowhere", at "link" }
    assert.equal("duplicate", select(3, sign.make(at "link", at "new.pub")))
    assert.equal("not_found", select(3, sign.make(at "no/new", at "new.pub")))
    assert.equal("", folder:read "new" .. folder:read "new.pub" .. folder:read "nowhere")
    assert.equal(before, folder:read "key")
  end)

  it("signs and verifies, with the right key and every byte alone", function()
    local signature, public = assert(sign.sign(at "key", "a\0b"))
    assert.same({ 64, 32 }, { #signature, #public })
    local pem = folder:read "key.pub"
    assert.is_true(sign.verify(pem, "a\0b", signature))
    assert.is_true(sign.verify(folder:read "key", "a\0b", signature))
    assert.is_false(sign.verify(pem, "a\0c", signature))
    assert.is_false(sign.verify(folder:read "other.pub", "a\0b", signature))
    for _, wrong in ipairs { "", signature:sub(2), signature .. "x", signature:reverse() } do
      assert.is_false(sign.verify(pem, "a\0b", wrong))
    end
  end)

  it("makes what openssl verifies", function()
    folder:write("text", "what is signed\n")
    folder:write("sig", (assert(sign.sign(at "key", "what is signed\n"))))
    local words = { "openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", at "key.pub", "-in", at "text",
      "-sigfile", at "sig" }
    assert.equal(0, scratch.run(words).exit)
    words[7] = at "other.pub"
    assert.equal(1, scratch.run(words).exit)
  end)

  it("refuses a private key that others may use, or that is another user's", function()
    for _, mode in ipairs { "640", "604", "660", "700", "400", "600" } do
      chmod(mode, "key")
      local signature, message, code = sign.sign(at "key", "x")
      local good = mode:sub(2) == "00"
      assert.equal(good, signature ~= nil, mode)
      assert.equal(not good and "denied" or nil, not good and code or nil)
      if not good then assert.matches("chmod 600 it", message, 1, true) end
    end
    if lfs.attributes(folder.path, "uid") ~= 0 then return end -- only root can give a file away
    folder:write("foreign", folder:read "key")
    chmod("600", "foreign")
    scratch.run { "chown", "65534", at "foreign" }
    local signature, message, code = sign.sign(at "foreign", "x")
    assert.same({ nil, "the key " .. at "foreign" .. " belongs to user 65534, and this is user 0", "denied" },
      { signature, message, code })
  end)

  it("takes no other kind of key", function()
    scratch.run { "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", at "ec" }
    chmod("600", "ec")
    chmod("600", "key.pub")
    for _, name in ipairs { "ec", "key.pub" } do
      assert.equal("invalid", select(3, sign.sign(at(name), "x")))
    end
    for _, pem in ipairs { "", "x", folder:read "ec", ("-----BEGIN PUBLIC KEY-----\n"):rep(9999) } do
      local right, message, code = sign.verify(pem, "x", ("x"):rep(64), "line.pub")
      assert.same({ nil, "line.pub holds no Ed25519 key without a passphrase", "invalid" }, { right, message, code })
    end
  end)
end)
