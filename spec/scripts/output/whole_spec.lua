local scratch = require "spec.support.scratch"
local write = require "jig.output.whole"

describe("jig.output.whole", function()
  it("replaces what the file was", function()
    local folder <close> = scratch.folder { a = "what it was" }
    for _, text in ipairs { "new\0\n\255", "", ("long"):rep(100000) } do
      assert.is_nil(write(folder.path .. "/a", text))
      assert.equal(text, folder:read "a")
    end
  end)

  it("says why it cannot, also when it comes out late", function()
    assert.equal("/nowhere/a: No such file or directory", write("/nowhere/a", ""))
    assert.equal("/dev/full: No space left on device", write("/dev/full", "x"))
    assert.equal("/dev/full: No space left on device", write("/dev/full", ("x"):rep(100000)))
  end)
end)
