local scratch = require "spec.support.scratch"
local syntax = require "jig.check.syntax"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

-- How often each global is used, as the tree has it.
local function globals_of(tree)
  local found = {}
  syntax.walk(tree, function(node)
    if node.tag == "name" and not node.var then found[node.name] = (found[node.name] or 0) + 1 end
  end)
  return found
end

-- The same, as Lua's own compiler has it.
local function compiled(path)
  local found = {}
  for line in scratch.run({ "luac5.4", "-l", "-l", "-p", path }).stdout:gmatch("[^\n]+") do
    local name = line:match('[GS]ETTABUP.*; _ENV "([^"]+)"')
    if name then found[name] = (found[name] or 0) + 1 end
  end
  return found
end

local function first(text, tag)
  local found
  syntax.walk(syntax.read(text), function(node)
    if node.tag == tag then found = node end
  end)
  return found
end

describe("jig.check.syntax", function()
  it("has the globals that Lua's compiler has, in jig's own files", function()
    for _, path in ipairs { "examples/thermostat/recipe.lua", "examples/meter/device.lua", "examples/demo.lua",
      "scripts/jig/check/syntax.lua", "scripts/jig/unit.lua", "scripts/jig/framing/line.lua", "spec/helper.lua",
      "scripts/jig/sandbox.lua", "spec/layers_spec.lua", "scripts/jig/main.lua" } do
      assert.same(compiled(path), globals_of(syntax.read(read(path))), path)
    end
  end)

  it("reads every statement, and resolves its names as Lua does", function()
    local text = [[
      local a <const>, b <close> = 1, nil
      local function f(x, ...) return x, ..., f end
      function g.h:i(y) self = y end
      for i = 1, 2, 3 do i = a end
      for k, v in pairs(t) do goto done ::done:: break end
      repeat local z = 1 until z
      while a do do local w end end
      if a then elseif b then c = 1 else ; end
      x, y.z[1] = function() end, { 1, [2] = 3; q = 4 }
      f"s" f{ 1 } f[=[s]=] (f)(-a ^ 2 .. not b)
      return a
    ]]
    local file <close> = scratch.folder { ["x.lua"] = text }
    assert.same(compiled(file.path .. "/x.lua"), globals_of(syntax.read(text)))
  end)

  it("knows where a variable begins, and whether it changes", function()
    local node = first("local x = 5\nlocal y\nx = 6\nreturn x", "return").values[1]
    assert.same({ "x", 1, 1, 5 }, { node.var.name, node.var.line, node.var.written, node.var.value.value })
    node = first("return function(a, b) return b end", "function")
    assert.same({ 2, "b" }, { node.params[2].place, node.params[2].name })
    assert.equal("close", first("local x <close> = f()", "local").vars[1].attribute)
  end)

  it("tells lines of calls and keys", function()
    local call = first("f(\n{\n  a = 1,\n  [2] = 3,\n  4,\n})", "call")
    assert.same({ 1, 6 }, { call.line, call.last })
    local items = call.args[1].items
    assert.same({ 3, 4, 5 }, { items[1].line, items[2].line, items[3].line })
    assert.is_nil(items[3].key)
  end)

  it("binds operators as Lua does", function()
    local node = first("return a or b and c .. d .. e", "return").values[1]
    assert.same({ "or", "and", ".." }, { node.op, node.right.op, node.right.right.op })
    assert.equal("..", node.right.right.right.op)
    node = first("return -a ^ b", "return").values[1]
    assert.same({ "unary", "^" }, { node.tag, node.operand.op })
  end)

  it("goes into what is as deep as Lua takes, and as long", function()
    local count = 0
    syntax.walk(syntax.read("return a" .. (".b"):rep(50000)), function() count = count + 1 end)
    assert.equal(1 + 1 + 1 + 2 * 50000, count)
  end)
end)
