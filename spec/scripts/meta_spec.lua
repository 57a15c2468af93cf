-- The definition files of scripts/meta hold what there really is: no more, and no less.
--
-- Names are held against the modules at run time, options and limits against the rules by which they are checked.
-- That a type is right is held only where such a rule says it, and `---@async` against what the sources and bindings
-- say of themselves ("Yields") and, of a device's firmware, against the calls that lead to coroutine.yield. A comment
-- that is wrong is not noticed here; nor are parameters of functions that are written in C.

local api = require "jig.check.api"
local common = require "jig.framing.common"
local kinds = require "jig.check.kinds"
local meta = require "spec.support.meta"
local ports = require "jig.check.ports"
local recipe = require "jig.recipe"
local scratch = require "spec.support.scratch"
local syntax = require "jig.check.syntax"

local FOLDER <const> = "scripts/meta/"

local files, classes = {}, {}
for path in scratch.run({ "find", FOLDER, "-name", "*.lua" }).stdout:gmatch("[^\n]+") do
  files[path:sub(#FOLDER + 1)] = meta.read(path)
end
for _, file in pairs(files) do
  for name, class in pairs(file.classes) do
    assert(not classes[name], name .. " is defined twice")
    classes[name] = class
  end
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local function keys(map)
  local list = {}
  for key in pairs(map) do list[#list + 1] = tostring(key) end
  table.sort(list)
  return list
end

local function names_of(class)
  local names = {}
  for name in pairs(class.fields) do names[name] = true end
  for name in pairs(class.functions) do names[name] = true end
  return keys(names)
end

-- The @field lines of a class in a source.
local function fields_in(path, class)
  local text = read(path)
  local _, last = text:find("%-%-%-@class " .. class:gsub("%.", "%%.") .. "[^\n%w][^\n]*\n")
  if not last then _, last = text:find("---@class " .. class .. "\n", 1, true) end
  local names, at = {}, assert(last, class) + 1
  while true do
    local line, after = text:match("^(%-%-%-[^\n]*)\n()", at)
    if not line then return keys(names) end
    local name = line:match("^%-%-%-@field ([%w_]+)")
    if name then names[name] = true end
    at = after
  end
end

-- The keys that a recipe's table may have, as a wrong one is answered.
local function known(fields, path)
  for _, mistake in ipairs(recipe.mistakes(fields)) do
    if mistake.path == path then return mistake.keys end
  end
end

describe("the definition files", function()
  it("have an example each, which is Lua, and tell of every function", function()
    for name, file in pairs(files) do
      assert(file.example ~= "", name .. " has no example")
      assert(load(file.example, "=" .. name), name .. ": its example is no Lua")
      for class, made in pairs(file.classes) do
        for f, func in pairs(made.functions) do assert(func.told, ("%s: nothing is told of %s"):format(class, f)) end
      end
    end
  end)

  it("are one for each module that a recipe may require; else for specs and scripts alone", function()
    local found = {}
    for _, file in pairs(files) do
      if file.name then found[file.name] = true end
    end
    for _, name in ipairs { "jig.flow", "jig.testing", "jig.port", "jig.session" } do
      assert.is_true(found[name])
      found[name] = nil
    end
    assert.same(api.modules(), keys(found))
  end)

  it("name what modules and objects have, and nothing else", function()
    local of = { ["jig.Unit"] = "unit", ["jig.Wire"] = "port", ["jig.Crc"] = "crc", ["jig.Decoder"] = "decoder",
      ["jig.FramingEnd"] = "end", ["jig.Framing"] = "framing", ["jig"] = "module jig", ["jig.hex"] = "module jig.hex",
      ["jig.crc"] = "module jig.crc", ["jig.digest"] = "module jig.digest", ["jig.fault"] = "module jig.fault" }
    for _, name in ipairs(api.framings) do of["jig.framing." .. name] = "module jig.framing." .. name end
    for class, kind in pairs(of) do
      assert.same(keys(kinds.fields(kind)), names_of(classes[class]), class)
    end
    for _, module in ipairs { "jig.testing", "jig.port", "jig.session" } do
      assert.same(keys(require(module)), names_of(classes[module]))
    end
    local handle <close> = assert(require("jig.port").open("pair:meta"))
    assert.same(keys(getmetatable(handle).__index), names_of(classes["jig.PortHandle"]))
    local session = require "jig.session"
    local one <close> = assert(session.new(assert(session.service { cli = "/nowhere" }), "meta"))
    assert.same(keys(getmetatable(one).__index), names_of(classes["jig.Session"]))
  end)

  it("know `jig` as a recipe is given it", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = [[
      local jig = require "jig"
      local keys = {}
      for key in pairs(jig) do keys[#keys + 1] = key end
      table.sort(keys)
      local framing = require "jig.framing.raw" { gap = true }
      return jig.recipe { name = table.concat(keys, " "), port = "pair:x", framing = framing }
    ]] }
    local made = assert(require("jig.loader").load(folder.path .. "/recipe.lua", folder.path .. "/",
      require("jig.sandbox").files()))
    assert.equal(made.name, table.concat(names_of(classes.jig), " "))
  end)

  it("call with a colon what takes itself", function()
    for _, class in ipairs { "jig.Unit", "jig.Wire", "jig.Crc", "jig.Decoder", "jig.testing.Device", "jig.Fault" } do
      for name, func in pairs(classes[class].functions) do assert(func.method, class .. "." .. name) end
    end
    for _, class in ipairs { "jig", "jig.hex", "jig.crc", "jig.digest", "jig.fault", "jig.testing" } do
      for name, func in pairs(classes[class].functions) do assert(not func.method, class .. ":" .. name) end
    end
  end)

  it("have the parameters of functions that are written in Lua", function()
    local sources = { ["jig.Unit"] = require "jig.unit", ["jig.Wire"] = require "jig.wire" }
    for class, module in pairs(sources) do
      for name, func in pairs(classes[class].functions) do
        local real = debug.getinfo(module[name], "u")
        if not real.isvararg then assert.equal(real.nparams - 1, #func.params, class .. ":" .. name) end
      end
    end
    for _, class in ipairs { "jig.testing", "jig.fault" } do
      for name, func in pairs(classes[class].functions) do
        assert.equal(debug.getinfo(require(class)[name], "u").nparams, #func.params, class .. "." .. name)
      end
    end
  end)

  describe("of a recipe", function()
    it("have its keys, limits, entries, and the options of its port", function()
      assert.same(known({ x = 1 }, "x"), names_of(classes["jig.Recipe"]))
      local limits = names_of(classes["jig.Limits"])
      assert.same(known({ limits = { x = 1 } }, "limits.x"), limits)
      assert.same(known({ status = { { x = 1 } } }, "status[0x01].x"), names_of(classes["jig.StatusEntry"]))
      assert.same(known({ faults = { f = { x = 1 } } }, "faults[f].x"), names_of(classes["jig.FaultEntry"]))
      assert.same(known({ port = { "serial", match = { x = 1 } } }, "port.match.x"), names_of(classes["jig.PortMatch"]))
      local of_ports = { ["1"] = true, ["2"] = true, match = true, chunk = true, gap = true }
      for _, options in pairs(ports.options) do
        for name in pairs(options) do of_ports[name] = true end
      end
      assert.same(keys(of_ports), names_of(classes["jig.RecipePort"]))
    end)

    it("require what it requires", function()
      for name, field in pairs(classes["jig.Recipe"].fields) do
        local missing = false
        for _, mistake in ipairs(recipe.mistakes {}) do missing = missing or mistake.path == name end
        assert.equal(not missing, field.optional, name)
      end
    end)

    it("tell the defaults of its limits", function()
      local text = read(FOLDER .. "jig.lua")
      for name, seconds in pairs(recipe.limits) do
        local line = text:match("%-%-%-@field " .. name .. "%? number[^\n]*")
        assert.matches(("%d$"):format(seconds), line)
      end
    end)
  end)

  describe("of framings", function()
    -- A rule as a type: its words in their order, or what it says.
    local function type_of(rule)
      if not rule.among then return rule.type end
      local words = {}
      for i, word in ipairs(rule.among) do
        local text = tostring(word):gsub("\r", "\\r"):gsub("\n", "\\n")
        words[i] = type(word) == "string" and ('"%s"'):format(text) or text
      end
      return table.concat(words, "|")
    end

    for _, name in ipairs(api.framings) do
      it("have the options of " .. name, function()
        local expected, found, class = {}, {}, classes["jig.framing." .. name]
        for key, rule in pairs(common.rules(require("jig.framing." .. name))) do
          expected[key] = { type = type_of(rule), optional = not rule.required }
        end
        local options = class.overload:match("options%?: ([%w%._]+)%)")
        for key, field in pairs(classes[options].fields) do found[key] = field end
        assert.same(expected, found)
      end)
    end
  end)

  it("have the fields that sources tell of where nothing else does", function()
    for class, path in pairs {
      ["jig.Unit"] = "unit", ["jig.Fault"] = "fault", ["jig.FramingTraits"] = "framing/common",
      ["jig.Frame"] = "framing/common", ["jig.testing.Options"] = "testing", ["jig.FramingChecks"] = "testing",
      ["jig.testing.Result"] = "testing", ["jig.testing.ReplayOptions"] = "testing/replay",
      ["jig.testing.Replayed"] = "testing/replay",
    } do
      local found = class == "jig.testing.Result" and names_of(classes[class]) or keys(classes[class].fields)
      local told = {}
      for _, name in ipairs(found) do if name ~= "string" then told[#told + 1] = name end end
      assert.same(fields_in("scripts/jig/" .. path .. ".lua", class), told, class)
    end
  end)

  it("have the assertions that jig.testing registers", function()
    local found = {}
    local text = read "scripts/jig/testing/assertions.lua"
    for _, form in ipairs { '\nregister%("([%w_]+)"', '\nluassert:register%("assertion", "([%w_]+)"' } do
      for name in text:gmatch(form) do found[name] = true end
    end
    assert.same(keys(found), names_of(classes.luassert))
  end)

  describe("say async", function()
    -- name -> whether the comment over it says that it yields.
    local function told_by(path, pattern)
      local found, comment = {}, ""
      for line in io.lines(path) do
        local name = line:match(pattern)
        if name then found[name] = comment:find("Yields", 1, true) ~= nil end
        comment = line:match("^%-%-") and comment .. line or ""
      end
      return found
    end

    local function compare(class, told)
      for name, func in pairs(classes[class].functions) do
        assert(told[name] ~= nil, class .. ": " .. name)
        assert.equal(told[name], func.async, class .. ": " .. name)
      end
    end

    it("of the wire and the unit as their sources do", function()
      compare("jig.Wire", told_by("scripts/jig/wire.lua", "^function wire:([%w_]+)"))
      compare("jig.Unit", told_by("scripts/jig/unit.lua", "^f?u?n?c?t?i?o?n? ?unit[:%.]([%w_]+)"))
    end)

    it("of bindings where their comments say that it yields", function()
      for paths, of in pairs {
        ["bindings/port.c bindings/devices.c"] = { ["port:"] = "jig.PortHandle", ["port."] = "jig.port" },
        ["bindings/session.c"] = { ["session:"] = "jig.Session", ["session."] = "jig.session" },
      } do
        local told, text = {}, paths:gsub("%S+", read)
        for comment in text:gmatch("/%*\n? %*? ?(.-)%*/") do
          local receiver, name = comment:match("^(%l+[:.])([%w_]+)%(")
          if name then told[receiver .. name] = comment:gsub("\n %* ", " "):find("Yields", 1, true) ~= nil end
        end
        for receiver, class in pairs(of) do
          for name, func in pairs(classes[class].functions) do
            assert.equal(told[receiver .. name] or false, func.async, receiver .. name)
          end
        end
        assert.is_true(told["port:read"] or told["session:new_device"])
      end
    end)

    it("of nothing in bindings that say that nothing yields", function()
      for _, name in ipairs { "hex", "crc", "digest" } do
        assert.matches("Nothing here yields", read("bindings/" .. name .. ".c"), 1, true)
        for _, func in pairs(classes["jig." .. name].functions) do assert.is_false(func.async) end
      end
    end)

    it("of firmware where it leads to coroutine.yield", function()
      local tree, calls = syntax.read(read "scripts/jig/testing/device.lua"), {}
      local public = {}
      local function note(name, body)
        calls[name] = {}
        syntax.walk(body, function(node)
          if node.tag == "method" and node.of.name == "self" then calls[name][node.name] = true end
          if node.tag == "call" then calls[name][node.of.name or node.of.key.value or ""] = true end
        end)
      end
      for _, statement in ipairs(tree) do
        local target, body = (statement.targets or statement.vars or {})[1], (statement.values or {})[1]
        if body and body.tag == "function" then
          local name = target.name or target.key.value
          note(name, body.body)
          if target.of and target.of.name == "methods" then public[name] = true end
        end
      end
      local function yields(name, seen)
        if name == "yield" then return true end
        if seen[name] or not calls[name] then return false end
        seen[name] = true
        for callee in pairs(calls[name]) do
          if yields(callee, seen) then return true end
        end
        return false
      end
      -- for whoever plays the host
      for _, name in ipairs { "opened", "closed", "set", "take", "control" } do public[name] = nil end
      assert.same(keys(public), keys(classes["jig.testing.Device"].functions))
      for name, func in pairs(classes["jig.testing.Device"].functions) do
        assert.equal(yields(name, {}), func.async, name)
      end
    end)
  end)

  it("are refused where they are not understood", function()
    local folder <close> = scratch.folder()
    for text, message in pairs {
      ["---@meta\n---@clas x\n"] = ":2: unknown annotation @clas",
      ["local x = {}\n"] = ":1: a definition file begins",
      ["---@meta\n---@class a\nlocal a = {}\n---@param b string\nfunction a.f(c) end\n"] = ":5: its @param lines",
      ["---@meta\nprint(1)\n"] = ":2: neither annotation nor definition",
      ["---@meta\nlocal = 5\n"] = "<name> expected",
    } do
      local path = folder:write("x.lua", text)
      local ok, said = pcall(meta.read, path)
      assert.is_false(ok, text)
      assert.matches(message, tostring(said), 1, true)
    end
  end)
end)
