local scratch = require "spec.support.scratch"
local specs_junit = require "jig.output.specs_junit"
local xml = require "spec.support.xml"

local function suite_of(spec)
  local folder <close> = scratch.folder { ["lamp_spec.lua"] = spec }
  scratch.jig { "test", "--junit", "report.xml", "lamp_spec.lua", cwd = folder.path }
  local suites = xml(folder:read "report.xml")
  assert.equal("testsuites", suites.name)
  assert.same(suites.attributes, (function()
    local own = {}
    for key, value in pairs(suites.children[1].attributes) do own[key] = key ~= "name" and value or nil end
    return own
  end)())
  return suites.children[1]
end

describe("jig.output.specs_junit", function()
  it("counts what it lists", function()
    local suite = suite_of [[
      it("a", function() end) it("b", function() end) pending("c")
      it("d", function() error "x" end) it("e", function() assert.is_true(false) end)
      describe("f", function() setup(function() error "x" end) it("g", function() end) end)
    ]]
    local a = suite.attributes
    assert.same({ "6", "1", "2", "1" }, { a.tests, a.failures, a.errors, a.skipped })
    local tags = {}
    for i, case in ipairs(suite.children) do tags[i] = case.children[1] and case.children[1].name or "" end
    assert.same({ "", "", "skipped", "error", "failure", "error" }, tags)
  end)

  it("names the file, the test and what was wrong", function()
    local case = suite_of(
      'describe("lamp", function() it("is lit", function() assert(false, "it is\\n<dark>") end) end)')
      .children[1]
    assert.same({ "lamp_spec.lua", "lamp is lit" }, { case.attributes.classname, case.attributes.name })
    assert.equal("lamp_spec.lua:1: it is", case.children[1].attributes.message)
    assert.equal("lamp_spec.lua:1: it is\n<dark>", case.children[1].text)
  end)

  it("is well-formed whatever a test says", function()
    local case = suite_of [==[it("a & \"b\" <\0>\27[1m\255", function() error("]]>\0\1\xef\xbf\xbf\r&", 0) end)]==]
      .children[1]
    assert.equal('a & "b" <?>?[1m?', case.attributes.name)
    assert.equal("]]>????&", (case.children[1].text:gsub("^lamp_spec.lua:1: ", "")))
    assert.equal("error", suite_of 'it("a", function() error { code = 5 } end)'.children[1].children[1].name)
  end)

  it("is red when nothing was run", function()
    for _, spec in ipairs { "", 'pending("a")' } do
      local suite = suite_of(spec)
      assert.equal("1", suite.attributes.errors)
      assert.equal("no spec was run", suite.children[#suite.children].children[1].text)
    end
  end)

  it("begins red, and says why it cannot", function()
    local folder <close> = scratch.folder()
    assert.is_nil(specs_junit.begin(folder.path .. "/report.xml"))
    local suite = xml(folder:read "report.xml").children[1]
    assert.same({ "1", "1" }, { suite.attributes.tests, suite.attributes.errors })
    assert.matches("nowhere/x: No such file", specs_junit.begin "nowhere/x", 1, true)
    assert.matches("/dev/full: No space left", specs_junit.begin "/dev/full", 1, true)
  end)
end)
