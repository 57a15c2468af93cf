local sandbox = require "jig.sandbox"
local scratch = require "spec.support.scratch"

-- Runs text as the file main.lua of a folder with further files; gives what pcall does.
local function run(text, files, api)
  local folder <close> = scratch.folder(files)
  local path = folder:write("main.lua", text)
  local store = sandbox.files()
  local env = sandbox.environment(folder.path .. "/", api or {}, store)
  local chunk = assert(store:load(path, env))
  local results = table.pack(pcall(chunk))
  if not results[1] then results[2] = tostring(results[2]):gsub(folder.path .. "/", "") end
  return table.unpack(results, 1, results.n)
end

describe("jig.sandbox", function()
  it("lists what is there, and no more", function()
    local _, names = run "local t = {} for k in pairs(_G) do t[#t + 1] = k end return t"
    table.sort(names)
    assert.same({
      "_G", "_VERSION", "assert", "coroutine", "error", "getmetatable", "ipairs", "math", "next", "os", "pairs",
      "pcall", "rawequal", "rawget", "rawlen", "rawset", "require", "select", "setmetatable", "string", "table",
      "tonumber", "tostring", "type", "utf8", "xpcall",
    }, names)
  end)

  for _, name in ipairs { "io", "debug", "load", "loadstring", "dofile", "loadfile", "package", "print", "arg",
    "collectgarbage" } do
    it("has no " .. name .. " and says so with the line", function()
      local ok, message = run("\nreturn " .. name)
      assert.is_false(ok)
      assert.equal(("main.lua:2: there is no global '%s' here"):format(name), message)
    end)
  end

  it("has no way out of the program, and none to bytecode", function()
    local _, execute, exit, dump = run "return os.execute, os.exit, string.dump"
    assert.same({}, { execute, exit, dump })
  end)

  it("refuses to assign an undeclared global, with the line", function()
    local ok, message = run "local x = 1\ncount = x"
    assert.is_false(ok)
    assert.equal("main.lua:2: assignment to the undeclared global 'count': write local", message)
  end)

  it("requires files of its folder, once each, with the name and path as arguments", function()
    local _, same, value, nested = run("local a, b = require 'helper', require 'helper'\n"
      .. "return a == b, a.name, require 'deep.er'", {
        ["helper.lua"] = "local name = ... return { name = name }",
        ["deep/er.lua"] = "return false",
      })
    assert.same({ true, "helper", false }, { same, value, nested })
  end)

  it("gives true for a file that returns nothing", function()
    assert.is_true(select(2, run("return require 'helper'", { ["helper.lua"] = "" })))
  end)

  it("gives the files that it requires the same environment", function()
    local ok, message = run("require 'helper'", { ["helper.lua"] = "x = 1" })
    assert.is_false(ok)
    assert.equal("helper.lua:1: assignment to the undeclared global 'x': write local", message)
  end)

  it("tells a file that requires itself, also in a ring, by the line that does", function()
    local ok, message = run("require 'a'", { ["a.lua"] = "\nrequire 'a'" })
    assert.same({ false, "a.lua:2: cannot require 'a': it requires itself (a, a)" }, { ok, message })
    ok, message = run("return\n require 'a'", { ["a.lua"] = "local b = require 'b'", ["b.lua"] = "\n\nrequire 'c'",
      ["c.lua"] = "return { require 'b' }" })
    assert.same({ false, "c.lua:1: cannot require 'b': it requires itself (b, c, b)" }, { ok, message })
    ok, message = run("local x =\n require 'main'", {})
    assert.same({ false, "main.lua:2: cannot require 'main': it requires itself (main, main)" }, { ok, message })
  end)

  it("tells one that returns what it requires by the line of the first", function()
    local ok, message = run("\nlocal a = require 'a'", { ["a.lua"] = "return require 'a'" })
    assert.same({ false, "main.lua:2: cannot require 'a': it requires itself (a, a)" }, { ok, message })
  end)

  it("requires a file again that failed, and one that two others require", function()
    local _, first, second = run("local _, a = pcall(require, 'a') local _, b = pcall(require, 'a') return a, b",
      { ["a.lua"] = "error('no', 0)" })
    assert.same({ "no", "no" }, { first, second })
    assert.equal(2, select(2, run("return require 'a' + require 'b'", { ["a.lua"] = "return require 'c'",
      ["b.lua"] = "return require 'c'", ["c.lua"] = "return 1" })))
  end)

  it("gives jig and jig's library", function()
    local api = { recipe = "r" }
    local _, jig, hex, slip = run("return require 'jig', require 'jig.hex'.encode '\\1\\2', require 'jig.framing.slip'",
      {}, api)
    assert.equal(api, jig)
    assert.equal("0102", hex)
    assert.is_table(slip {}.host)
  end)

  local refused = {
    "io", "os", "jig.port", "jig.session", "jig.system", "jig.unit", "jig.framing.../x", "../x", "/etc/passwd",
    "a/b", "", ".", "..", "a..b", "cjson.safe",
  }
  for _, name in ipairs(refused) do
    it(("does not require %q"):format(name), function()
      local ok, message = run(("local x = require %q return x"):format(name))
      assert.is_false(ok)
      assert.matches("^main%.lua:1: ", message)
    end)
  end

  it("names the line of a require of what is no string, and of a file with a mistake in it", function()
    assert.matches("^main.lua:2: cannot require '5'", select(2, run "\nlocal x = require(5) return x"))
    assert.matches("^main.lua:1: helper.lua:2: ", select(2, run("require 'helper'", { ["helper.lua"] = "\nx x" })))
    assert.matches("^helper.lua:2: boom", select(2, run("require 'helper'", { ["helper.lua"] = "\nerror 'boom'" })))
  end)

  it("keeps nothing from one environment to the next", function()
    local store = sandbox.files()
    local folder <close> = scratch.folder { ["helper.lua"] = "return {}" }
    local path = folder:write("main.lua", [[
      local seen = {}
      local hex, slip = require "jig.hex", require "jig.framing.slip"
      for name, place in pairs { string = string, table = table, math = math, os = os, utf8 = utf8,
        coroutine = coroutine, hex = hex, slip = slip, helper = require "helper", env = _G } do
        if rawget(place, "left") then seen[#seen + 1] = name end
        rawset(place, "left", true)
      end
      return seen
    ]])
    for _ = 1, 2 do
      local env = sandbox.environment(folder.path .. "/", {}, store)
      assert.same({}, assert(store:load(path, env))())
    end
  end)

  it("gives no metatable of jig's or of strings, and a script's own", function()
    local _, own, text, fault, protected = run([[
      local meta = { __name = "mine" }
      return getmetatable(setmetatable({}, meta)) == meta, getmetatable "x", getmetatable(require("jig").fault),
        getmetatable(setmetatable({}, { __metatable = 5 }))
    ]], {}, { fault = require("jig.fault").new "tool.limit" })
    assert.same({ true, false, false, 5 }, { own, text, fault, protected })
    assert.is_false((run "return getmetatable()"))
  end)

  it("has no finalizers, in the tool's own state either", function()
    local ok, message = run "\nsetmetatable({}, { __gc = error })"
    assert.is_false(ok)
    assert.equal("main.lua:2: __gc is not for recipes: use __close and local x <close>", message)
  end)

  it("calls message handlers as xpcall does", function()
    assert.same({ true, false, 5 }, { run [[
      return xpcall(function(...) error { ... } end, function(e) return e[1] end, 5)
    ]] })
    assert.same({ true, true, 1, 2 }, { run "return xpcall(function(...) return ... end, error, 1, 2)" })
    local ok, message = run "\nxpcall(error)"
    assert.is_false(ok)
    assert.equal("main.lua:2: bad argument #2 to 'xpcall' (function expected, got nil)", message)
  end)

  it("reads a file once and keeps its lines in messages", function()
    local store = sandbox.files()
    local folder <close> = scratch.folder()
    local path = folder:write("main.lua", "\nerror 'boom'")
    for _ = 1, 2 do
      local ok, message = pcall(store:load(path, sandbox.environment("x/", {}, store)))
      assert.is_false(ok)
      assert.equal(path .. ":2: boom", message)
      folder:write("main.lua", "return 1")
    end
  end)

  it("takes no bytecode and says which file it cannot read", function()
    local store = sandbox.files()
    local folder <close> = scratch.folder()
    local path = folder:write("main.lua", string.dump(function() end))
    local chunk, message = store:load(path, {})
    assert.is_nil(chunk)
    assert.matches("binary chunk", message)
    chunk, message = store:load(folder.path .. "/none.lua", {})
    assert.is_nil(chunk)
    assert.matches(folder.path .. "/none.lua", message, 1, true)
    chunk, message = store:load(folder.path, {})
    assert.is_nil(chunk)
    assert.equal(folder.path .. ": it is no regular file", message)
  end)

  it("tells the time, which goes with the clock of the limits where that is simulated", function()
    local _, now, cpu, year = run "return os.time(), os.clock(), os.date '%Y'"
    assert.is_true(math.abs(now - os.time()) <= 1)
    assert.is_true(math.abs(cpu - os.clock()) < 1)
    assert.equal(os.date "%Y", year)
    local ok, message = run "\nos.time 'soon'"
    assert.is_false(ok)
    assert.matches("main.lua:2: bad argument", message)
    local folder <close> = scratch.folder { ["try.lua"] = [[
      local clock = require "jig.clock"
      local sandbox = require "jig.sandbox"
      clock.simulate()
      local env = sandbox.environment("x/", {}, sandbox.files())
      local from, cpu = env.os.time(), env.os.clock()
      clock.sleep(3600)
      assert(env.os.time() == from + 3600, env.os.time() - from)
      assert(env.os.clock() - cpu > 3599)
      assert(env.os.date("!%Y") == os.date("!%Y", from), env.os.date "!%Y")
      local t, order = { 10, false, zebra = 1, apple = 2, [true] = 3, [2.5] = 4 }, {}
      for key, value in env.pairs(t) do
        order[#order + 1] = ("%s=%s"):format(key, value)
        t.zebra = nil
      end
      assert(table.concat(order, " ") == "1=10 2=false 2.5=4 apple=2 true=3", table.concat(order, " "))
      local own = setmetatable({}, { __pairs = function() return next, { only = 1 } end })
      for key in env.pairs(own) do assert(key == "only") end
      assert(not pcall(env.pairs))
      assert(env.os.time { year = 2020, month = 1, day = 1 } == os.time { year = 2020, month = 1, day = 1 })
    ]] }
    local result = scratch.jig { folder.path .. "/try.lua" }
    assert.same({ 0, "" }, { result.exit, result.stderr })
  end)
end)
