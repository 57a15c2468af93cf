local check = require "jig.check"
local scratch = require "spec.support.scratch"

describe("jig.check", function()
  it("gives what was found in the order of files and lines, each once", function()
    local folder <close> = scratch.folder {
      ["recipe.lua"] = scratch.recipe "  run = function(unit) a() a() b.c() end,\n  status = require 'a',",
      ["a.lua"] = "local x = z\nreturn { x }",
    }
    local list = {}
    for i, finding in ipairs(check.recipe(folder.path, { luacheck = false }).findings) do
      list[i] = ("%s:%d"):format(finding.file:match("[^/]+$"), finding.line)
    end
    assert.same({ "a.lua:1", "recipe.lua:14", "recipe.lua:14" }, list)
  end)

  it("never finds nothing where a run refuses", function()
    for _, text in ipairs { "error {}", "return 5", "", "return require('jig').recipe", "error()" } do
      local folder <close> = scratch.folder { ["recipe.lua"] = text }
      local result = check.recipe(folder.path, { luacheck = false })
      assert.is_nil(result.recipe)
      assert.is_true(#result.findings > 0, text)
    end
  end)

  it("writes a finding as place, what, and what to write instead", function()
    assert.equal("a.lua:3: b; c", check.text { file = "a.lua", line = 3, what = "b", instead = "c" })
    assert.equal("a.lua: b; c", check.text { file = "a.lua", what = "b", instead = "c" })
  end)

  it("reads files that require each other", function()
    local folder <close> = scratch.folder {
      ["recipe.lua"] = "local a = function() return require 'a' end\n" .. scratch.recipe(),
      ["a.lua"] = "return function() return require 'recipe', require 'a', nothing end",
    }
    assert.equal(1, #check.recipe(folder.path, { luacheck = false }).findings)
  end)

  it("leaves every framing and transport in peace", function()
    local framings = {
      'require "jig.framing.length" { header = ">I2 length", reply = ">I2 length B status" }',
      'require "jig.framing.ftcd" {}', 'require "jig.framing.slip" { reply = "B status" }',
      'require "jig.framing.cobs" { crc = "CRC-8/SMBUS", reply = "B status" }',
      'require "jig.framing.hdlc" { fcs = 32, reply = "B status" }',
      'require "jig.framing.stx_etx" { bcc = true, reply = "B status" }',
      'require "jig.framing.line" { reply = { ok = "OK ", error = "ERR " } }',
    }
    local places = { '{ "serial", baud = 9600 }', '{ "tty", "/dev/ttyS0" }', '{ "tcp", "10.0.0.1:80" }',
      '{ "exec", pty = 1 }', '{ "serial", match = { vid = 1, pid = 2 }, chunk = 8, gap = 0.1 }' }
    local text = 'local jig = require "jig"\nreturn jig.recipe { name = "a", port = %s, framing = %s,\n'
      .. '  status = { [1] = { "a.b", code = 5, reason = "c" } } }\n'
    local folder <close> = scratch.folder()
    for _, framing in ipairs(framings) do
      for _, place in ipairs(places) do
        folder:write("recipe.lua", text:format(place, framing))
        assert.same({}, check.recipe(folder.path, { luacheck = false }).findings)
      end
    end
    folder:write("recipe.lua", 'return require("jig").recipe { name = "a", port = "tcp:a:1", '
      .. 'framing = require "jig.framing.raw" { gap = true } }')
    assert.same({}, check.recipe(folder.path, { luacheck = false }).findings)
  end)
end)
