local version = require "jig.version"

describe("jig.version", function()
  it("names jig first, then every library, each with a version", function()
    local names = {}
    for i, entry in ipairs(version) do
      names[i] = entry.name
      assert.matches("^%S+$", entry.version)
    end
    assert.same({ "jig", "lua", "libuv", "libserialport", "openssl", "sqlite", "libc" }, names)
  end)

  it("tells what runs, not what was built with, where the library can tell", function()
    assert.matches("^5%.4%.%d+$", version[2].version)
    assert.equal(_VERSION, "Lua " .. version[2].version:match("^%d+%.%d+"))
    assert.matches("^1%.%d+%.%d+", version[3].version)
    assert.matches("^3%.%d+%.%d+", version[5].version)
  end)
end)
