local scratch = require "spec.support.scratch"
local sign = require "jig.sign"

describe("jig verify", function()
  local folder
  local function at(name) return folder.path .. "/" .. name end
  local function verify(...) return scratch.jig { "verify", at "r", ... } end

  setup(function()
    folder = scratch.folder { ["r/recipe.lua"] = scratch.recipe() }
    for _, name in ipairs { "key", "other" } do assert(sign.make(at(name), at(name .. ".pub"))) end
    assert.equal(0, scratch.jig({ "sign", at "r", "--key", at "key" }).exit)
  end)
  teardown(function() folder:__close() end)

  it("says what was verified, by which of the keys", function()
    local hash = scratch.run({ "sha256sum", at "r/jig.manifest" }).stdout:match("^%x+")
    local result = verify("--key", at "other.pub", "--key", at "key.pub")
    assert.same({ 0, ("verified: lamp 2, 1 files, signed by %s, manifest %s\n"):format(at "key.pub", hash), "" },
      { result.exit, result.stdout, result.stderr })
    assert.equal(0, verify("--key", at "key").exit) -- the public half of a private one
  end)

  it("tells each difference, with exit status 1", function()
    finally(function() os.remove(at "r/extra") end)
    folder:write("r/extra", "")
    local result = verify("--key", at "key.pub")
    assert.same({ 1, "", ("jig verify: %s: extra is extra: it is not in the manifest\n"):format(at "r") },
      { result.exit, result.stdout, result.stderr })
    result = verify("--key", at "other.pub")
    assert.equal(1, result.exit)
    assert.matches("wrong key, or a changed manifest", result.stderr, 1, true)
  end)

  it("shows no control character of a file's name", function()
    local name = "r/\u{9b}31m"
    finally(function() os.remove(at(name)) end)
    folder:write(name, "")
    assert.equal(("jig verify: %s: ?31m is extra: it is not in the manifest\n"):format(at "r"),
      verify("--key", at "key.pub").stderr)
  end)

  it("needs a key that is there", function()
    local result = verify()
    assert.same({ 2, "jig verify: name the public key with --key PEM\n" }, { result.exit, result.stderr })
    result = verify("--key", at "nowhere")
    assert.equal(2, result.exit)
    assert.matches("nowhere: No such file", result.stderr, 1, true)
  end)
end)
