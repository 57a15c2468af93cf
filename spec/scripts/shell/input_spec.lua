local scratch = require "spec.support.scratch"

-- Reads all lines, and shows each.
local READER <const> = [[
local input = require("jig.shell.input").new()
assert(not input.interactive)
repeat
  local kind, text = input:next("prompt> ")
  if text then input:say(kind .. " <" .. text .. ">") end
until kind == "end"
input:say(input:next("prompt> "))
input:complain("over")
input:insert("x") input:remember("x") input:interrupt("x")
input:close()
]]

-- What the reader says of input that comes by a shell's redirection.
local function read(how, text)
  local folder <close> = scratch.folder { ["reader.lua"] = READER, input = text or "" }
  local command = how:gsub("READ", scratch.program .. " " .. folder.path .. "/reader.lua")
  command = command:gsub("FILE", folder.path .. "/input")
  local result = scratch.run { "sh", "-c", command }
  assert.equal("jig shell: over\n", result.stderr)
  return result.stdout
end

describe("jig.shell.input", function()
  it("gives the lines of a pipe, without their ends, the last one too", function()
    assert.equal("line <a>\nline <>\nline <b>\nline <c>\nend\n", read("cat FILE | READ", "a\n\nb\r\nc"))
    assert.equal("end\n", read("true | READ"))
  end)

  it("gives those of a file, which cannot be waited for", function()
    assert.equal("line <a>\nline <b>\nend\n", read("READ <FILE", "a\nb"))
    assert.equal("end\n", read("READ </dev/null"))
  end)

  it("ends where a line is too long", function()
    local folder <close> = scratch.folder { ["reader.lua"] = READER, input = ("x"):rep(65536 * 2) .. "\n" }
    local result = scratch.run { "sh", "-c", ("cat %s/input | %s %s/reader.lua"):format(folder.path, scratch.program,
      folder.path) }
    assert.equal("end\n", result.stdout:match("end\n$"))
    assert.is_nil(result.stdout:find("line", 1, true))
    assert.matches("no delimiter in the first 65536 bytes", result.stderr)
  end)

  it("ends at such a line of a file, too, and takes one of 64 KiB", function()
    local folder <close> = scratch.folder { ["reader.lua"] = READER }
    for size, found in pairs { [65535] = true, [65536] = false } do
      folder:write("input", ("x"):rep(size) .. "\nafter\n")
      local result = scratch.run { "sh", "-c", ("%s %s/reader.lua <%s/input"):format(scratch.program, folder.path,
        folder.path) }
      assert.equal(found, result.stdout:find("line <after>", 1, true) ~= nil)
      assert.equal(not found, result.stderr:find("a line of a script has at most 65535 bytes", 1, true) ~= nil)
    end
  end)
end)
