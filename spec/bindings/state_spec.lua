-- The main state; a slot's: spec/bindings/slot_spec.lua.

local scratch = require "spec.support.scratch"

local modules = {
  "clock", "crc", "digest", "hex", "port", "proc", "session", "slot", "system", "task", "version",
}

describe("bindings/state", function()
  it("has jig's modules, Lua's libraries and the JSON library", function()
    for _, name in ipairs(modules) do assert.equal("table", type(require("jig." .. name))) end
    for _, name in ipairs { "coroutine", "debug", "io", "math", "os", "string", "table", "utf8" } do
      assert.equal(_G[name], require(name))
    end
    assert.equal('{"a":1}', require("cjson.safe").encode { a = 1 })
  end)

  it("finds its scripts in the program, whatever files lie about", function()
    local folder <close> = scratch.folder {
      ["jig/recipe.lua"] = "return 'a file'",
      ["jig/own.lua"] = "return 'a file'",
      ["try.lua"] = [[
        print(type(require "jig.recipe"), (require "jig.own"))
        print(pcall(require, "jig.nowhere"))
      ]],
    }
    local result = scratch.jig { folder.path .. "/try.lua", cwd = folder.path }
    assert.same({ 0, "" }, { result.exit, result.stderr })
    assert.matches("^table\ta file\n", result.stdout)
    assert.matches("no script 'jig.nowhere' in the program", result.stdout, 1, true)
  end)

  it("takes files of JIG_PATH instead", function()
    local folder <close> = scratch.folder {
      ["jig/recipe.lua"] = "return 'a file'",
      ["jig/many/init.lua"] = "return 'a folder'",
      ["try.lua"] = "print(require 'jig.recipe', require 'jig.many', type(require 'jig.fault'))",
    }
    local result = scratch.jig { folder.path .. "/try.lua", env = { JIG_PATH = folder.path } }
    assert.equal("a file\ta folder\ttable\n", result.stdout)
  end)

  it("keeps names and lines of its scripts for tracebacks", function()
    local folder <close> = scratch.folder { ["try.lua"] = "require('jig.fault').new(1)" }
    assert.matches("try.lua:1: a fault has a name", scratch.jig({ folder.path .. "/try.lua" }).stderr)
    local _, message = pcall(require("jig.unit").new, nil, nil, nil)
    assert.matches("jig/unit.lua:%d+: ", message)
  end)
end)
