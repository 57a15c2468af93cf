-- Each planted mistake is told of on its line, and alone; a recipe without any is left in peace.

local check = require "jig.check"
local mistakes = require "spec.scripts.check.mistakes"
local scratch = require "spec.support.scratch"

local function replaced(text, from, to)
  local first, last = text:find(from, 1, true)
  assert(first, "not in the recipe: " .. from)
  assert(not text:find(from, last + 1, true), "twice in the recipe: " .. from)
  return text:sub(1, first - 1) .. to .. text:sub(last + 1)
end

-- What is found in a text, luacheck left out: it is not everywhere.
local function findings_in(folder, text)
  folder:write("recipe.lua", text)
  return check.recipe(folder.path, { luacheck = false }).findings
end

local function all(findings)
  local lines = {}
  for i, finding in ipairs(findings) do lines[i] = check.text(finding) end
  return table.concat(lines, "\n")
end

describe("jig check", function()
  local folder
  setup(function() folder = scratch.folder() end)
  teardown(function() folder:__close() end)

  it("finds nothing in the recipe without mistakes", function()
    assert.equal("", all(findings_in(folder, mistakes.recipe)))
  end)

  it("finds nothing in a recipe with a framing, exchanges and helpers of its own", function()
    local own <close> = scratch.folder(require "spec.scripts.check.unusual")
    assert.equal("", all(check.recipe(own.path, { luacheck = false }).findings))
  end)

  it("takes no parameter for a port or a unit to which something else is handed", function()
    for _, text in ipairs {
      "local function label(port) return port:upper() end\nlabel 'x'",
      "local function name_of(port) return port.name end\nname_of { name = 'x' }",
      "local function show(unit) return unit:rep(2) end\nshow(('m'):upper())",
    } do
      assert.equal("", all(findings_in(folder, text .. "\n" .. mistakes.recipe)))
    end
  end)

  it("says nothing of a dot before an argument that it does not know", function()
    local text = "local function first(unit, port_of) return unit.port.expect(port_of(unit), 'x\\n', 1) end\n"
      .. "local function second(unit, o) return unit.port.discard(o.unit.port), unit.port.drain(o.port) end\n"
    assert.equal("", all(findings_in(folder, text .. mistakes.recipe)))
    assert.matches("called without its port", all(findings_in(folder,
      "local function first(unit) unit.port.discard() end\n" .. mistakes.recipe)), 1, true)
  end)

  it("says of a parameter that is used outside of its function what it is, and names a file where there is no line",
    function()
      local said = all(findings_in(folder, "local function f(unit) return unit end\nreturn f(unit)"))
      assert.matches("no global 'unit' here; a local or parameter of this name is elsewhere", said, 1, true)
      assert.matches("mend this file: a run refuses the recipe", all(findings_in(folder, "")), 1, true)
    end)

  for text, what in pairs {
    ["unit.port:expect('SN=(%w+')"] = "port:expect: \"SN=(%w+\" is no pattern: it misses )",
    ["return string.pack('>I2 Q', 1)"] = "string.pack: \">I2 Q\" is no format: it has an invalid format option 'Q'",
    ["unit.port:read('4')"] = "port:read: expected a number of bytes, got a string",
    ["unit:log('a', 5)"] = "unit:log takes one text",
    ["unit:open { interfac = 1 }"] = "unit:open: no transport has an option 'interfac'",
    ["unit:reopen { pdi = 0x5742 }"] = "unit:reopen: no transport has an option 'pdi'",
    ["local e = unit:open { interface = 1 } e:raed(4)"] = "port has no 'raed'",
    ["unit:open { interface = 1 }.read(4)"] = "port.read(…) is called without its port",
  } do
    it("finds what is written down wrongly: " .. text, function()
      local said = all(findings_in(folder, ("local function f(unit) %s end\n"):format(text) .. mistakes.recipe))
      assert.matches("recipe.lua:1: " .. what, said, 1, true)
    end)
  end

  it("knows at least forty mistakes", function() assert.is_true(#mistakes.list >= 40) end)

  for i, mistake in ipairs(mistakes.list) do
    local from, to, line, what, instead = table.unpack(mistake, 1, 5)
    it(("finds mistake %d: %s"):format(i, to ~= "" and to:sub(1, 40) or "no " .. from:sub(1, 40)), function()
      local text = replaced(mistakes.recipe, from, to)
      if mistake.without then text = replaced(text, mistake.without, "") end
      local findings = findings_in(folder, text)
      for _, finding in ipairs(findings) do
        if finding.what:find(what, 1, true) and finding.instead:find(instead, 1, true) then
          assert.equal(line, finding.line)
          assert.equal(folder.path .. "/recipe.lua", finding.file)
          return
        end
      end
      error("not found: " .. what .. "; " .. instead .. "\n" .. all(findings), 0)
    end)
  end

  it("tells of all mistakes of a file", function()
    local text = mistakes.recipe
    for _, pair in ipairs(mistakes.several.replace) do text = replaced(text, pair[1], pair[2]) end
    local findings, lines = findings_in(folder, text), {}
    for i, finding in ipairs(findings) do lines[i] = finding.line end
    assert.same(mistakes.several.lines, lines, all(findings))
  end)

  it("ends with a hundred globals of a file", function()
    local text = {}
    for i = 1, 150 do text[i] = "u" .. i .. "()" end
    assert.equal(100, #findings_in(folder, table.concat(text, "\n")))
  end)

  it("finds mistakes in files that the recipe requires, on their lines", function()
    folder:write("map.lua", 'local y = foo\nreturn {\n  [1] = { "lamp.dark", code = 5, reson = "x" },\n}\n')
    local findings = findings_in(folder, replaced(mistakes.recipe, "status = STATUS", 'status = require "map"'))
    local found = {}
    for i, finding in ipairs(findings) do found[i] = finding.file:match("[^/]+$") .. ":" .. finding.line end
    assert.same({ "map.lua:1", "map.lua:3", "map.lua:3" }, found, all(findings))
  end)

  it("finds nothing in the shipped examples, device and all", function()
    for _, path in ipairs { "examples/thermostat", "examples/meter", "examples/gateway", "examples/line" } do
      for _, result in ipairs(check.all(path, { luacheck = false, run = path ~= "examples/line" })) do
        assert.equal("", all(result.findings))
        assert.is_truthy(result.recipe or result.station)
      end
    end
  end)
end)
