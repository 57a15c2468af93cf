local junit = require "jig.output.junit"
local scratch = require "spec.support.scratch"
local parse = require "spec.support.xml"

local function passed(change)
  local event = {
    slot = "A", unit = 1, attempt = 1, seconds = 1.25, passed = true, fingerprint = "e603", session = "01",
  }
  for key, value in pairs(change or {}) do event[key] = value end
  return event
end

local function failed(fault, change)
  local event = passed(change)
  event.passed, event.fingerprint = false, nil
  event.fault = { name = "lamp.dark", code = 5, reason = "dark", phase = "factory_init" }
  for key, value in pairs(fault or {}) do event.fault[key] = value end
  return event
end

local function write(recipe, events)
  local folder <close> = scratch.folder()
  assert(junit.write(folder.path .. "/junit.xml", recipe, events))
  local suites = parse(folder:read "junit.xml")
  assert.equal("testsuites", suites.name)
  assert.equal(1, #suites.children)
  return suites.children[1]
end

describe("jig.output.junit", function()
  it("counts attempts, failures, errors and seconds", function()
    local suite = write("lamp", {
      passed(), failed(), failed({ name = "cli.token" }, { station = true, attempt = 2 }),
    })
    assert.same({ name = "lamp", tests = "3", failures = "1", errors = "1", time = "3.750" }, suite.attributes)
    assert.equal(3, #suite.children)
  end)

  it("is a test case per attempt, with what it was about", function()
    local case = write("lamp", { passed { serial = "S1", unit = 7, attempt = 2 } }).children[1]
    assert.same({ classname = "lamp", name = "slot A unit 7 attempt 2", time = "1.250" }, case.attributes)
    assert.equal(1, #case.children)
    assert.equal("serial S1, session 01, fingerprint e603", case.children[1].text)
  end)

  it("has a unit's fault as failure, a station's as error", function()
    local suite = write("lamp", { failed(), failed({ name = "cli.token", phase = false }, {
      station = true, unreported = true,
    }) })
    local failure, err = suite.children[1].children[1], suite.children[2].children[1]
    assert.equal("failure", failure.name)
    assert.same({ type = "lamp.dark", message = "dark" }, failure.attributes)
    assert.equal("phase factory_init, code 5", failure.text)
    assert.equal("error", err.name)
    assert.equal("phase ?, code 5, not reported", err.text)
  end)

  it("is well-formed whatever is in it", function()
    local nasty = "<&>\"']]> \0\27\n\xff°"
    for _, text in ipairs { nasty, "5 °C" } do
      local suite = write(text, { failed({ reason = text, name = text, phase = text }, {
        slot = text, serial = text, session = text,
      }) })
      local wanted = text == nasty and "<&>\"']]> ????" .. "??" or text
      assert.equal(wanted, suite.attributes.name)
      assert.equal(wanted, suite.children[1].children[1].attributes.message)
    end
  end)

  it("is written also when nothing was run", function()
    local suite = write("lamp", {})
    assert.same({ "0", 0 }, { suite.attributes.tests, #suite.children })
  end)

  it("says why it cannot be written", function()
    local ok, message = junit.write("/nowhere/junit.xml", "lamp", {})
    assert.is_nil(ok)
    assert.equal("/nowhere/junit.xml: No such file or directory", message)
    ok, message = junit.write("/dev/full", "lamp", {})
    assert.is_nil(ok)
    assert.equal("/dev/full: No space left on device", message)
  end)
end)
