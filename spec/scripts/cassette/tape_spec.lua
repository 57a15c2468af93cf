local format = require "jig.cassette.format"
local scratch = require "spec.support.scratch"
local tape = require "jig.cassette.tape"

-- A file whose write number `at` fails.
local function failing(at, closes)
  local count = 0
  return function()
    return {
      setvbuf = function() end,
      write = function()
        count = count + 1
        if count >= at then return nil, "No space left on device", 28 end
        return true
      end,
      close = function() return closes ~= false, "No space left on device" end,
    }
  end
end

describe("jig.cassette.tape", function()
  it("writes the version, the lines and the seal, each line at once", function()
    local folder <close> = scratch.folder()
    local made = tape.new(folder.path .. "/a")
    made:line("one")
    assert.equal("jig-cassette 1\none\n", folder:read("a")) -- what a jig leaves that is killed here
    made:line("two")
    made:finish()
    made:finish()
    assert.is_nil(made.trouble)
    local body = "jig-cassette 1\none\ntwo\n"
    assert.equal(body .. tape.seal(body), folder:read("a"))
    assert.equal("sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n", tape.seal(""))
  end)

  it("overwrites nothing", function()
    local folder <close> = scratch.folder { a = "kept" }
    for _, name in ipairs { "/a", "" } do
      local made = tape.new(folder.path .. name)
      made:line("one")
      made:finish()
      assert.truthy(made.trouble:find("exists already", 1, true))
    end
    assert.equal("kept", folder:read("a"))
  end)

  it("is for this user alone where it has messages, and never follows a link", function()
    local folder <close> = scratch.folder()
    for name, private in pairs { open = false, shut = true } do
      tape.new(folder.path .. "/" .. name, private):finish()
    end
    scratch.run { "ln", "-s", folder.path .. "/away", folder.path .. "/link" }
    assert.is_truthy(tape.new(folder.path .. "/link").trouble)
    local modes = scratch.run { "stat", "-c", "%a", folder.path .. "/open", folder.path .. "/shut" }.stdout
    assert.matches("^6%d%d\n600\n$", modes)
    assert.not_equal("600\n600\n", modes)
    assert.is_nil(io.open(folder.path .. "/away"))
  end)

  it("says where it cannot write, and goes on without", function()
    local made = tape.new("nowhere/at/all")
    made:line("one")
    made:finish()
    assert.truthy(made.trouble:find("nowhere/at/all", 1, true))
    for at = 1, 3 do
      made = tape.new("nowhere", false, failing(at))
      made:line("one")
      made:line("two")
      made:line("three")
      made:finish()
      assert.equal("nowhere: No space left on device", made.trouble)
    end
  end)

  it("has an end", function()
    local folder <close> = scratch.folder()
    local made = tape.new(folder.path .. "/a")
    local line = ("x"):rep(format.LINE)
    for _ = 1, format.SIZE // format.LINE + 1 do made:line(line) end
    made:finish()
    assert.truthy(made.trouble:find("is full", 1, true))
    assert.is_true(#folder:read("a") <= format.SIZE)
  end)
end)
