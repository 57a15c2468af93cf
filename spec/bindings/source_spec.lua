local scratch = require "spec.support.scratch"
local source = require "jig.source"

-- A folder with files and links, inside of another one with a secret.
local function place()
  local above = scratch.folder { ["secret.lua"] = "secret", ["here/a.lua"] = "text", ["here/deep/b.lua"] = "b" }
  assert(0 == scratch.run { "sh", "-c", [[cd "$0"/here
    ln -s ../secret.lua out.lua; ln -s a.lua in.lua; ln -s deep/.. round; ln -s .. up
    ln -s "$0"/here/a.lua absolute.lua; ln -s loop.lua loop.lua; ln -s nowhere dangling.lua; mkfifo fifo.lua
    ln -s /proc/self/root root; ln -s "$0"/here ../link; : >empty.lua]], above.path }.exit)
  return above, above.path .. "/here/"
end

describe("jig.source", function()
  it("reads a file whole, up to the most that it may have", function()
    local above <close>, here = place()
    assert.equal("text", source.read(here .. "a.lua", 4))
    assert.equal("text", source.read(here .. "a.lua", 1 << 20, here))
    assert.equal("", source.read(here .. "empty.lua", 0, here))
    local text, message, code = source.read(here .. "a.lua", 3)
    assert.same({ nil, "limit" }, { text, code })
    assert.equal(here .. "a.lua: it is larger than the 3 bytes that it may have", message)
    assert.is_string(above.path)
  end)

  it("says which file cannot be read, and why", function()
    local above <close>, here = place()
    local cases = {
      { here .. "none.lua", "not_found", "none.lua: No such file or directory" },
      { here .. "dangling.lua", "not_found", "dangling.lua: No such file or directory" },
      { here, "invalid", "it is no regular file" },
      { here .. "fifo.lua", "invalid", "it is no regular file" },
      { "/dev/null", "invalid", "it is no regular file" },
      { here .. "loop.lua", "system", "Too many levels of symbolic links" },
    }
    for _, case in ipairs(cases) do
      local text, message, code = source.read(case[1], 100)
      assert.same({ nil, case[2] }, { text, code }, case[1])
      assert.matches(case[3], message, 1, true)
    end
    assert.is_string(above.path)
  end)

  it("finds what is in the folder, by links that stay in it, too", function()
    local above <close>, here = place()
    for name, text in pairs { ["a.lua"] = "text", ["in.lua"] = "text", ["deep/b.lua"] = "b", ["round/a.lua"] = "text",
      ["deep//b.lua"] = "b", ["deep/../a.lua"] = "text" } do
      assert.equal(text, source.read(here .. name, 100, here), name)
    end
    -- the folder itself may be named by a link
    assert.equal("text", source.read(above.path .. "/link/a.lua", 100, above.path .. "/link/"))
  end)

  it("reads nothing that leads out of the folder", function()
    local above <close>, here = place()
    for _, name in ipairs { "out.lua", "up/secret.lua", "../secret.lua", "deep/../../secret.lua", "absolute.lua",
      "root/etc/passwd", "round/../secret.lua" } do
      local text, message, code = source.read(here .. name, 100, here)
      assert.same({ nil, "denied" }, { text, code }, name)
      assert.equal(("%s%s: it leads out of the folder %s"):format(here, name, here), message)
    end
    assert.is_string(above.path)
  end)

  it("takes its arguments in bounds alone", function()
    assert.has_error(function() source.read("a", -1) end)
    assert.has_error(function() source.read("a", 1 << 31) end)
    assert.has_error(function() source.read("a/b", 1, "c/") end)
    assert.has_error(function() source.read() end)
  end)
end)
