local lfs = require "lfs"
local scratch = require "spec.support.scratch"

describe("jig keygen", function()
  local folder
  setup(function() folder = scratch.folder() end)
  teardown(function() folder:__close() end)

  it("makes a pair, and never writes over one", function()
    local path = folder.path .. "/key"
    local result = scratch.jig { "keygen", path }
    assert.same({ 0, ("made: %s (private, keep it away from stations), %s.pub\n"):format(path, path), "" },
      { result.exit, result.stdout, result.stderr })
    assert.equal("rw-------", lfs.attributes(path, "permissions"))
    local text = folder:read "key"
    result = scratch.jig { "keygen", path }
    assert.same({ 1, "", ("jig keygen: %s is there already: nothing was written\n"):format(path) },
      { result.exit, result.stdout, result.stderr })
    assert.equal(text, folder:read "key")
    assert.equal(2, scratch.jig({ "keygen" }).exit)
  end)

  it("shows no part of the private key", function()
    local result = scratch.jig { "keygen", folder.path .. "/other" }
    assert.is_nil(result.stdout:find(folder:read("other"):match("\n([%w+/=]+)\n"), 1, true))
  end)
end)
