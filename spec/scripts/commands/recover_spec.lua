-- The command line of jig recover; what it does is in spec/scripts/recovery_spec.lua.

local scratch = require "spec.support.scratch"

local function recover(...)
  local locks <close> = scratch.folder()
  return scratch.run { scratch.program, "recover", env = { XDG_RUNTIME_DIR = locks.path }, ... }
end

describe("jig recover", function()
  it("wants reason and name with --settle, and neither without", function()
    for _, words in ipairs {
      { "--settle", "f1" },
      { "--settle", "f1", "--reason", "x" },
      { "--settle", "f1", "--operator", "x" },
      { "--reason", "x", "--operator", "x" },
    } do
      local result = recover(table.unpack(words))
      assert.same({ 2, "" }, { result.exit, result.stdout })
      assert.matches("--settle SID, --reason TEXT and --operator NAME go together", result.stderr, 1, true)
    end
  end)

  it("refuses what it does not know, a station file that is none, and one without a journal", function()
    local folder <close> = scratch.folder { ["no.lua"] = "return 1", ["none.lua"] = "return { journal = false }" }
    assert.equal(2, recover("--unknown").exit)
    assert.equal(2, recover("--station", folder.path .. "/no.lua").exit)
    local result = recover("--station", folder.path .. "/none.lua")
    assert.equal(2, result.exit)
    assert.matches("journal = false", result.stderr, 1, true)
  end)

  it("ends with 4 where the journal or the CLI cannot be had, and says which", function()
    local folder <close> = scratch.folder { file = "not a journal" }
    local result = recover("--journal", folder.path .. "/file/journal", "--cli", "/bin/true")
    assert.equal(4, result.exit)
    assert.matches("the journal " .. folder.path .. "/file/journal: ", result.stderr, 1, true)
    result = recover("--journal", folder.path .. "/file", "--cli", "/bin/true")
    assert.equal(4, result.exit)
    assert.equal("not a journal", folder:read "file")
    result = recover("--journal", folder.path .. "/journal", "--cli", "/no/such/tool")
    assert.equal(4, result.exit)
    assert.matches("name it with --cli PATH", result.stderr, 1, true)
  end)

  it("ends with 0 when there is nothing, and prints nothing on stdout", function()
    local folder <close> = scratch.folder()
    local result = recover("--journal", folder.path .. "/journal", "--cli", "/bin/true", "--json")
    assert.same({ 0, "" }, { result.exit, result.stdout })
    assert.matches("0 found, 0 reported, 0 settled, 0 unreported; 0 belong to a jig that runs", result.stderr, 1, true)
  end)
end)
