local cjson = require "cjson.safe"
local explorer = require "jig.prove.explorer"
local proofs = require "spec.support.proofs"
local report = require "jig.prove.report"
local xml = require "spec.support.xml"

describe("jig.prove.report", function()
  local sound, broken

  setup(function()
    local subject <close> = proofs.subject()
    sound = explorer.prove(subject, { singles = true })
    local other <close> = proofs.subject { device = proofs.DEVICE:gsub("0x11", "0x11, 0x12") }
    broken = explorer.prove(other, { singles = true })
  end)

  it("begins and ends with what was found", function()
    local text = report.text(sound)
    local line = ("lamp 0: %d effects, %d paths with one fault, 0 with two: no violation"):format(#sound.effects,
      #sound.singles)
    assert.equal(line, text:match("^[^\n]*"))
    assert.equal(line, text:match("([^\n]*)\n$"))
    assert.equal(line .. "\n", report.text(sound, true))
  end)

  it("has a row for each kind of effect, and a line for each path", function()
    local text = report.text(sound)
    assert.truthy(text:find("  open      1  not_found 1, refused 1, never 1, interrupt 1, killed 1\n", 1, true))
    assert.truthy(text:find("  hook      1  interrupt 1, killed 1\n", 1, true))
    assert.truthy(text:find("%d+ +read frame +silence +FAIL connectivity.timeout %(104%) +2%.%d+ +%-\n"))
    assert.truthy(text:find("%d+ +call new_device +killed_after +killed, recovered "))
    local lines = select(2, text:gsub("\n  %d+ +%a+", ""))
    assert.equal(#sound.singles, lines)
  end)

  it("says what was not tried, and why", function()
    local subject <close> = proofs.subject { device = proofs.DEVICE:gsub("while true do",
      "device:write('booting\\n')\n while true do") }
    local text = report.text(explorer.prove(subject, { singles = true }))
    assert.truthy(text:find("not tried: read text: status: it is no frame (1)", 1, true), text:sub(-500))
  end)

  it("tells a violation of many paths once, and of a run that fails by itself nothing else", function()
    local subject <close> = proofs.subject {
      recipe = { ['unit.port:set("dtr", true)'] = "if unit.session_id then error('oh') end" } }
    local proof = explorer.prove(subject, { singles = true })
    local text = report.text(proof, true)
    assert.equal(1, select(2, text:gsub("VIOLATION ", "")))
    assert.matches(("  the same on %d more: "):format(proof.violations - 1), text)
    assert.matches("  the recipe's line: %S+/recipe.lua:%d+\n", text)
    local other <close> = proofs.subject { device = "return { firmware = {} }" }
    text = report.text(explorer.prove(other))
    assert.matches("^[^\n]+\nVIOLATION clean: law verdict\n  the run without any fault did not pass: [^\n]+\n", text)
    assert.is_nil(text:find("status 0x11", 1, true))
  end)

  it("says where a unit passes although something failed, and which status of the device fits no frame", function()
    local subject <close> = proofs.subject {
      recipe = { ["  reset = function"] = "  finish = function(unit)\n"
        .. "    pcall(unit.exchange, unit, { scp = 1, payload = 'lock' })\n  end,\n  reset = function" },
      device = proofs.DEVICE:gsub("0x11", "0x11, 300"),
    }
    local found = report.findings(explorer.prove(subject, { singles = true }))
    assert.same({ 300 }, found.unreached)
    assert.equal(3, #found.tolerated)
    assert.matches("^lost, blocked at effect %d+, write bytes$", found.tolerated[1])
    assert.matches("^limit at effect %d+, wait port:read_some$", found.tolerated[2])
    assert.matches("^lost, silence, .*status_0x11.* at effect %d+, read frame$", found.tolerated[3])
    for _, list in ipairs { report.findings(sound) } do assert.same({}, list.tolerated) end
  end)

  it("says which status no path reached, and which codes stand for more than one cause", function()
    local subject <close> = proofs.subject { recipe = {
      ["status = {"] = 'status = { [0x300] = { "lamp.far", code = 104, reason = "r" },',
    } }
    local proof = explorer.prove(subject, { singles = true })
    local found = report.findings(proof)
    assert.same({ 0x300 }, found.unreached)
    assert.same({ { code = 104, causes = { "connectivity.timeout", "status 0x300 lamp.far" } } }, found.shared)
    local text = report.text(proof)
    assert.truthy(text:find("status 0x300 was reached by no path", 1, true))
    assert.truthy(text:find("code 104 stands for more than one cause: connectivity.timeout; status 0x300", 1, true))
    local last = cjson.decode(report.json(proof):match("([^\n]*)\n$"))
    assert.same({ 0x300 }, last.unreached)
    assert.equal(104, last.shared_codes[1].code)
    assert.is_nil(proofs.laws(proof.clean):match("%S"))
  end)

  it("says what the attempt before ended with, where the unit was tried again", function()
    local text = report.text(sound)
    assert.truthy(text:find("status_0x11 +PASS, after factory_provisioning.memory %(311%) "), text)
    local path
    for line in report.json(sound):gmatch("[^\n]+") do
      local decoded = cjson.decode(line)
      if decoded.before then path = decoded end
    end
    assert.same({ "PASS", "factory_provisioning.memory" }, { path.verdict, path.before })
  end)

  it("shows each violation with the law, the recipe's line, and the path to go again", function()
    local text = report.text(broken, true)
    local id = text:match("VIOLATION (%d+:status_0x12): law the fault has a mapped code")
    assert.is_string(id)
    assert.truthy(text:find("the verdict is firmware.unknown_status; expected an entry of the status map", 1, true))
    assert.equal("2 with a violation", text:match("%d+ with a violation"))
  end)

  it("gives JSON: an object per path, and one for all", function()
    local paths, last = {}, nil
    for line in report.json(broken):gmatch("[^\n]+") do
      local object = assert(cjson.decode(line))
      if object.event == "path" then paths[object.id] = object else last = object end
    end
    local count = 0
    for _ in pairs(paths) do count = count + 1 end
    assert.equal(1 + #broken.singles, count)
    assert.same({ "proof", "lamp", #broken.singles, 0, 2 }, { last.event, last.recipe, last.paths, last.pairs,
      last.violations })
    assert.equal("PASS", paths.clean.verdict)
    local bad
    for id, path in pairs(paths) do
      if id:find "status_0x12$" then bad = path end
    end
    assert.equal("the fault has a mapped code", bad.violations[1].law)
    assert.same({ "FAIL", "firmware.unknown_status", 203, "read", "frame" },
      { bad.verdict, bad.fault, bad.code, bad.kind, bad.effect })
  end)

  it("gives a JUnit file with a case for each path", function()
    local text = report.junit(broken)
    local suite = xml(text).children[1]
    assert.equal(1 + #broken.singles, #suite.children)
    assert.equal(2, select(2, text:gsub("<failure ", "")))
    assert.truthy(text:find(('tests="%d" failures="2" errors="0"'):format(1 + #broken.singles), 1, true))
  end)
end)
