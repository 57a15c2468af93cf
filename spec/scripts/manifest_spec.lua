local manifest = require "jig.manifest"

local HASH <const> = ("0123456789abcdef"):rep(4)

-- A manifest of files with these paths.
local function made(paths)
  local files = {}
  for i, path in ipairs(paths) do files[i] = { path = path, size = i, sha256 = HASH } end
  return { name = "lamp", version = "1.2", jig = "0.3", files = files }
end

local function text(lines) return table.concat(lines, "\n") .. "\n" end

local GOOD <const> = text { "jig manifest 1", "name lamp", "version 1.2", "jig 0.3", "files 2",
  HASH .. " 0 a/b c.lua", HASH .. " 4194304 b.lua" }

describe("jig.manifest", function()
  it("reads what it writes, byte for byte", function()
    local read = assert(manifest.parse(GOOD))
    assert.same({ name = "lamp", version = "1.2", jig = "0.3", files = {
      { path = "a/b c.lua", size = 0, sha256 = HASH }, { path = "b.lua", size = 4194304, sha256 = HASH },
    } }, read)
    assert.equal(GOOD, manifest.text(read))
    local none = made {}
    assert.same(none, manifest.parse(manifest.text(none)))
  end)

  it("refuses it cut off anywhere, and with anything behind it", function()
    for n = 0, #GOOD - 1 do assert.is_nil((manifest.parse(GOOD:sub(1, n)))) end
    for _, more in ipairs { "\n", "\0", "x\n", HASH .. " 1 c.lua\n", GOOD } do
      assert.is_nil((manifest.parse(GOOD .. more)))
    end
  end)

  it("has one text for what it says: whatever byte is another, it is refused or says something else", function()
    local rng = { 0, 9, 10, 13, 32, 43, 45, 46, 47, 48, 65, 127, 255 }
    for at = 1, #GOOD do
      for _, byte in ipairs(rng) do
        local changed = GOOD:sub(1, at - 1) .. string.char(byte) .. GOOD:sub(at + 1)
        local read = manifest.parse(changed)
        if read then assert.equal(changed, manifest.text(read)) end
      end
    end
  end)

  local function with(line, at)
    local lines = {}
    for one in GOOD:gmatch("([^\n]*)\n") do lines[#lines + 1] = one end
    lines[at] = line
    return text(lines)
  end

  local refused = {
    { "no text", "", "its last line does not end" },
    { "another format", with("jig manifest 2", 1), "line 1: expected 'jig manifest 1'" },
    { "no name", with("name ", 2), "line 2: expected 'name', and a name of 1 to 128 bytes" },
    { "a name that is too long", with("name " .. ("x"):rep(129), 2), "line 2: expected 'name'" },
    { "a name with a tab", with("name a\tb", 2), "line 2: expected 'name'" },
    { "a name that is not UTF-8", with("name \xFF", 2), "line 2: expected 'name'" },
    { "a version with letters", with("version 1.2-rc1", 3), "line 3: expected 'version', and 1 to 4 numbers" },
    { "an empty part of a version", with("version 1..2", 3), "line 3: " },
    { "a dot at the end", with("version 1.", 3), "line 3: " },
    { "zeros before", with("version 1.02", 3), "line 3: " },
    { "five numbers", with("version 1.2.3.4.5", 3), "line 3: " },
    { "a number of ten digits", with("version 1234567890", 3), "line 3: " },
    { "no least version", with("jig", 4), "line 4: expected 'jig'" },
    { "more files than may be", with("files 1025", 5), "line 5: expected 'files', and 0 to 1024" },
    { "a count that is no number", with("files 0x2", 5), "line 5: " },
    { "a count beyond all numbers", with("files " .. ("9"):rep(400), 5), "line 5: " },
    { "a count with a zero before", with("files 02", 5), "line 5: " },
    { "fewer files than it says", with("files 3", 5), "it ends before file 3 of 3" },
    { "more files than it says", with("files 1", 5), "there is more behind file 1" },
    { "a hash in capitals", with(HASH:upper() .. " 0 a", 6), "line 6: expected SHA-256, size and path" },
    { "a short hash", with(HASH:sub(2) .. " 0 a", 6), "line 6: expected SHA-256, size and path" },
    { "a size with a zero before", with(HASH .. " 00 a", 6), "line 6: a size is 0 to 4194304" },
    { "a size that is too large", with(HASH .. " 4194305 a", 6), "line 6: a size is 0 to 4194304" },
    { "a size beyond all numbers", with(HASH .. " " .. ("9"):rep(99) .. " a", 6), "line 6: a size" },
    { "a negative size", with(HASH .. " -1 a", 6), "line 6: expected SHA-256, size and path" },
    { "no path", with(HASH .. " 0 ", 6), "line 6: expected SHA-256, size and path" },
    { "the same file twice", with(HASH .. " 0 b.lua", 6), "line 7: files stand in the order of their paths, each" },
    { "files in another order", with(HASH .. " 0 c.lua", 6), "line 7: files stand in the order" },
    { "itself", with(HASH .. " 0 jig.manifest", 7), "line 7: it lists itself" },
    { "its signature", with(HASH .. " 0 jig.manifest.sig", 7), "line 7: it lists itself" },
    { "a path that is too long", with(HASH .. " 0 " .. ("x"):rep(256), 7), "line 7: a path has 1 to 255 bytes" },
    { "too many folders", with(HASH .. " 0 " .. ("x/"):rep(9) .. "x", 7), "line 7: a path has more than 8 folders" },
    { "a path with a NUL", with(HASH .. " 0 b\0", 7), "line 7: a path has control characters" },
  }
  for _, path in ipairs { "/etc/passwd", "../a", "a/../b", "a/..", "./a", "a/./b", "a//b", "a/", ".", "..", "/" } do
    refused[#refused + 1] = { "the path " .. path, with(HASH .. " 0 " .. path, 6),
      "line 6: a path leaves the folder, or can be written otherwise" }
  end
  for _, case in ipairs(refused) do
    it("refuses " .. case[1], function()
      local read, message = manifest.parse(case[2])
      assert.is_nil(read)
      assert.matches(case[3], message, 1, true)
    end)
  end

  it("holds its caps: as many files, bytes of one and of all, bytes of the text", function()
    local paths = {}
    for i = 1, manifest.FILES do paths[i] = ("%04d"):format(i) end
    assert.equal(1024, #assert(manifest.parse(manifest.text(made(paths)))).files)
    local large = made { "a", "b", "c", "d" }
    for _, file in ipairs(large.files) do file.size = manifest.FILE_BYTES end
    assert(manifest.parse(manifest.text(large)))
    large.files[5] = { path = "e", size = 1, sha256 = HASH }
    local read, message = manifest.parse(manifest.text(large))
    assert.same({ nil, "all files together may have 16777216 bytes" }, { read, message })
    read, message = manifest.parse(("x"):rep(manifest.BYTES) .. "\n")
    assert.same({ nil, "it has more than 524288 bytes" }, { read, message })
  end)

  it("compares versions by their numbers", function()
    local order = { "0", "0.0.1", "0.9", "0.10", "1", "1.0.0.1", "1.2.9", "1.2.10", "2", "10", "999999999.1" }
    for i, a in ipairs(order) do
      assert.is_true(manifest.is_version(a))
      for j, b in ipairs(order) do assert.equal(i < j, manifest.is_older(a, b), a .. " " .. b) end
    end
    assert.is_false(manifest.is_older("1", "1.0.0"))
    assert.is_false(manifest.is_older("1.0.0", "1"))
    for _, wrong in ipairs { "", ".", "1.", ".1", "v1", "1 ", 1, false } do
      assert.is_false(manifest.is_version(wrong))
    end
  end)

  it("tells each difference of a folder, in the order of paths", function()
    local hex = require "jig.hex"
    local self = made { "a", "b", "d", "e" }
    local function found(path, size, hash)
      return { path = path, text = ("x"):rep(size), sha256 = hex.decode(hash or HASH) }
    end
    assert.same({}, manifest.differences(self, { found("a", 1), found("b", 2), found("d", 3), found("e", 4) }))
    assert.same({ "0 is extra: it is not in the manifest", "a was changed", "b was changed",
      "c is extra: it is not in the manifest", "d is missing", "e is missing" },
      manifest.differences(self, { found("0", 1), found("a", 2), found("b", 2, HASH:reverse()), found("c", 1) }))
    assert.same({ "a is missing", "b is missing", "d is missing", "f is extra: it is not in the manifest" },
      manifest.differences(self, { found("e", 4), found("f", 1) }))
  end)
end)
