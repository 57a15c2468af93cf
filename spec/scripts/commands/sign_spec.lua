local bundle = require "jig.bundle"
local manifest = require "jig.manifest"
local scratch = require "spec.support.scratch"
local sign = require "jig.sign"

local folder

local function at(name) return folder.path .. "/" .. name end

local function jig_sign(...)
  return scratch.jig { "sign", at "r", "--key", at "key", ... }
end

local function refused(reason, ...)
  local result = jig_sign(...)
  assert.same({ 1, "" }, { result.exit, result.stdout })
  assert.matches(reason, result.stderr, 1, true)
  assert.equal("", folder:read "r/jig.manifest.sig")
end

describe("jig sign", function()
  setup(function()
    folder = scratch.folder()
    assert(sign.make(at "key", at "key.pub"))
  end)
  teardown(function() folder:__close() end)
  before_each(function()
    scratch.run { "rm", "-rf", at "r" }
    folder:write("r/recipe.lua", scratch.recipe())
    folder:write("r/notes.txt", "text")
  end)

  it("writes what openssl alone verifies", function()
    local result = jig_sign()
    assert.same({ 0, "" }, { result.exit, result.stderr })
    local hash = scratch.run({ "sha256sum", at "r/jig.manifest" }).stdout:match("^%x+")
    assert.equal(("signed: lamp 2, 2 files, manifest %s\n"):format(hash), result.stdout)
    local openssl = { "openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", at "key.pub",
      "-in", at "r/jig.manifest", "-sigfile", at "r/jig.manifest.sig" }
    result = scratch.run(openssl)
    assert.same({ 0, "Signature Verified Successfully\n" }, { result.exit, result.stdout })
    folder:write("r/jig.manifest", folder:read("r/jig.manifest"):gsub("lamp", "Lamp"))
    assert.equal(1, scratch.run(openssl).exit)
  end)

  it("lists every file with what sha256sum says of it", function()
    folder:write("r/lib/part.lua", "return 1")
    assert.equal(0, jig_sign("--jig", "0.1").exit)
    local made = assert(manifest.parse(folder:read "r/jig.manifest"))
    assert.same({ "lamp", "2", "0.1", 3 }, { made.name, made.version, made.jig, #made.files })
    for i, path in ipairs { "lib/part.lua", "notes.txt", "recipe.lua" } do
      assert.same({ path, scratch.run({ "sha256sum", at("r/" .. path) }).stdout:match("^%x+") },
        { made.files[i].path, made.files[i].sha256 })
    end
    assert.equal(bundle.own_version(), (function()
      assert.equal(0, jig_sign().exit)
      return assert(manifest.parse(folder:read "r/jig.manifest")).jig
    end)())
  end)

  it("signs again what was signed, and the same way", function()
    assert.equal(0, jig_sign().exit)
    local text, signature = folder:read "r/jig.manifest", folder:read "r/jig.manifest.sig"
    assert.equal(0, jig_sign().exit)
    assert.same({ text, signature }, { folder:read "r/jig.manifest", folder:read "r/jig.manifest.sig" })
    assert.equal("jig.manifest\njig.manifest.sig\nnotes.txt\nrecipe.lua\n", scratch.run({ "ls", at "r" }).stdout)
  end)

  it("refuses a folder with the private key in it, which would go to every station", function()
    assert(sign.make(at "r/line.pem", at "r/line.pem.pub"))
    local result = scratch.jig { "sign", at "r", "--key", at "r/line.pem" }
    assert.equal(1, result.exit)
    assert.matches("the private key " .. at "r/line.pem" .. " stands in it", result.stderr, 1, true)
    assert.equal("", folder:read "r/jig.manifest.sig")
  end)

  it("refuses a recipe that cannot be loaded, or whose version cannot be compared", function()
    folder:write("r/recipe.lua", "return {")
    refused "recipe.lua:1: unexpected symbol"
    folder:write("r/recipe.lua", "while true do end")
    refused "it computed for more than 1 s"
    folder:write("r/recipe.lua", (scratch.recipe():gsub('"2"', '"2-rc1"')))
    refused "its version '2-rc1' cannot be compared: 1 to 4 numbers with dots"
    folder:write("r/recipe.lua", (scratch.recipe():gsub('"lamp"', '"a\\nb"', 1)))
    refused "its name cannot be signed"
    os.remove(at "r/recipe.lua")
    refused "is no file of the signed recipe"
  end)

  it("refuses a folder with links, and what is no folder", function()
    scratch.run { "ln", "-s", "notes.txt", at "r/link" }
    refused "link: it is a link, and links are not followed"
    local result = scratch.jig { "sign", at "r/recipe.lua", "--key", at "key" }
    assert.equal(1, result.exit)
  end)

  it("refuses a key that others may use, that is none, or is public", function()
    folder:write("wide", folder:read "key")
    scratch.run { "chmod", "640", at "wide" }
    refused("others may use the key", "--key", at "wide")
    refused("cannot open the key", "--key", at "nowhere")
    for _, mode in ipairs { "600", "644" } do -- whoever may read it: that is no mistake in a public key
      scratch.run { "chmod", mode, at "key.pub" }
      refused(at "key.pub" .. " is a public key: name the private one of the pair", "--key", at "key.pub")
    end
    scratch.run { "chmod", "600", at "r/notes.txt" }
    refused("holds no Ed25519 key", "--key", at "r/notes.txt")
  end)

  it("needs a key, and a version that can be compared", function()
    local result = scratch.jig { "sign", at "r" }
    assert.same({ 2, "jig sign: name the private key with --key PEM; jig keygen makes one\n" },
      { result.exit, result.stderr })
    result = jig_sign("--jig", "v1")
    assert.same({ 2, "jig sign: --jig takes 1 to 4 numbers with dots\n" }, { result.exit, result.stderr })
    assert.equal(2, scratch.jig({ "sign" }).exit)
  end)
end)
