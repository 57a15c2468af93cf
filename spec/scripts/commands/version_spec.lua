local scratch = require "spec.support.scratch"

describe("jig version", function()
  it("shows jig's version first, then that of each library", function()
    local result = scratch.jig { "version" }
    assert.same({ 0, "" }, { result.exit, result.stderr })
    local names = {}
    for line in result.stdout:gmatch("[^\n]+") do
      local name, version = line:match("^(%S.-)%s+(%S.*)$")
      assert.is_truthy(version, line)
      names[#names + 1] = name:lower()
    end
    assert.equal("jig", names[1])
    local all = table.concat(names, " ")
    for _, library in ipairs { "lua", "libuv", "libserialport", "openssl" } do
      assert.matches(library, all, 1, true)
    end
  end)

  it("is what --version shows", function()
    assert.equal(scratch.jig { "version" }.stdout, scratch.jig { "--version" }.stdout)
  end)
end)
