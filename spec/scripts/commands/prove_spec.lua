local cjson = require "cjson.safe"
local proc = require "jig.proc"
local proofs = require "spec.support.proofs"
local scratch = require "spec.support.scratch"

local function prove(folder, ...)
  return scratch.jig { "prove", folder.path, ... }
end

describe("jig prove", function()
  it("ends with 0 when no path broke a law", function()
    local folder <close> = proofs.folder()
    local told = prove(folder, "--brief")
    assert.same({ 0, "" }, { told.exit, told.stderr })
    assert.truthy(told.stdout:find("^lamp 0: %d+ effects, %d+ paths with one fault, %d+ with two: no violation\n$"))
  end)

  it("refuses a recipe that is a FIFO, as run, doctor, udev and test do", function()
    local folder <close> = proofs.folder()
    os.remove(folder.path .. "/recipe.lua")
    scratch.run { "mkfifo", folder.path .. "/recipe.lua" }
    folder:write("a_spec.lua", "it('is green', function() end)")
    local stdout <const>, stderr <const> = "stdout", "stderr"
    for verb, case in pairs { prove = { 2, stderr }, run = { 3, stderr }, doctor = { 1, stdout }, udev = { 1, stderr },
      test = { 1, stdout } } do
      local told = scratch.jig { verb, folder.path, verb == "run" and "--cli=/bin/true" or nil, limit = 20 }
      assert.equal(case[1], told.exit, verb .. told.stdout .. told.stderr)
      assert.matches("/recipe.lua: it is no regular file", told[case[2]], 1, true)
    end
  end)

  it("ends with 1 for a violation, names the recipe's line, and goes the path again, step by step", function()
    local folder <close> = proofs.folder { recipe = {
      ["reset = function(unit) unit.port:set(\"dtr\", true) end"] =
        "prepare = function(unit)\n    unit.port:write('hello')\n    unit.port:read(5, 1)\n    error('oh')\n  end",
    }, device = [[return function(device) device:write(device:read(5)) end]] }
    local told = prove(folder, "--singles")
    assert.equal(1, told.exit)
    assert.truthy(told.stdout:find("VIOLATION clean: law no plain Lua error\n", 1, true), told.stdout)
    assert.truthy(told.stdout:find("the recipe's line: " .. folder.path .. "/recipe.lua:15", 1, true), told.stdout)
    told = prove(folder, "--path", "clean", "--trace")
    assert.equal(1, told.exit)
    assert.truthy(told.stdout:find("write 5 bytes   [" .. folder.path .. "/recipe.lua:13]", 1, true), told.stdout)
    assert.truthy(told.stdout:find("the device sends 5 bytes, sha256 2cf24dba5fb0", 1, true), told.stdout)
  end)

  it("shows a path of two faults, with the start that recovers", function()
    local folder <close> = proofs.folder()
    local told = prove(folder, "--path", "10:silence+12:killed_after", "--trace")
    assert.equal(0, told.exit, told.stdout)
    assert.truthy(told.stdout:find("<- silence", 1, true))
    assert.truthy(told.stdout:find("factory_tool report_error 104 [^\n]*<%- killed_after"), told.stdout)
    assert.truthy(told.stdout:find("jig is started again", 1, true))
    assert.truthy(told.stdout:find('factory_tool report_error 904 "the station stopped in mid-session"', 1, true))
  end)

  it("prints the same bytes each time", function()
    local folder <close> = proofs.folder()
    for _, way in ipairs { "--brief", "--json" } do
      local first, again = prove(folder, "--singles", way), prove(folder, "--singles", way)
      assert.is_true(#first.stdout > 50)
      assert.equal(first.stdout, again.stdout)
    end
  end)

  it("writes JSON and a JUnit file", function()
    local folder <close> = proofs.folder()
    local told = prove(folder, "--singles", "--json", "--junit", folder.path .. "/proof.xml")
    assert.equal(0, told.exit)
    local last = cjson.decode(told.stdout:match("([^\n]*)\n$"))
    assert.equal("proof", last.event)
    local file <close> = assert(io.open(folder.path .. "/proof.xml"))
    assert.equal(1 + last.paths, select(2, file:read("a"):gsub("<testcase ", "")))
    told = prove(folder, "--singles", "--brief", "--junit", "nowhere/proof.xml")
    assert.equal(1, told.exit)
    assert.truthy(told.stderr:find("nowhere/proof.xml", 1, true))
  end)

  it("stops after so many violations", function()
    local folder <close> = proofs.folder { device = proofs.DEVICE:gsub("0x11", "0x11, 0x12, 0x13") }
    local told = prove(folder, "--stop", "1", "--singles", "--brief")
    assert.equal(1, told.exit)
    assert.truthy(told.stdout:find("1 with a violation; the rest was not tried", 1, true), told.stdout)
  end)

  it("leaves nothing behind", function()
    local folder <close> = proofs.folder()
    local child <close> = assert(proc.start { scratch.program, "prove", folder.path, "--singles", "--brief" })
    local process = child:pid()
    assert.equal(0, child:wait().exit)
    local left = ("ls -d /dev/shm/jig-%d-* ${TMPDIR:-/tmp}/jig-%d-* 2>/dev/null"):format(process, process)
    assert.equal("", scratch.run { "sh", "-c", left }.stdout)
  end)

  it("ends at Ctrl-C, and leaves nothing behind", function()
    local folder <close> = proofs.folder()
    local child <close> = assert(proc.start { scratch.program, "prove", folder.path })
    local process = child:pid()
    local made = ("ls -d /dev/shm/jig-%d-* ${TMPDIR:-/tmp}/jig-%d-* 2>/dev/null"):format(process, process)
    repeat local told = scratch.run { "sh", "-c", made } until told.stdout ~= ""
    child:kill(2)
    local ended = child:wait()
    assert.same({ 5, "" }, { ended.exit, ended.stdout })
    assert.equal("", scratch.run { "sh", "-c", made }.stdout)
  end)

  it("ends with 2 for wrong usage, and for a recipe or a device that is refused", function()
    local folder <close> = proofs.folder()
    local broken <close> = proofs.folder { device = "return 7" }
    local bare <close> = scratch.folder { ["recipe.lua"] = proofs.RECIPE }
    local wrong <close> = proofs.folder { recipe = { ['name = "lamp"'] = "name = 7" } }
    for _, case in ipairs {
      { { folder.path, "--trace" }, "--trace needs --path" },
      { { folder.path, "--path", "12" }, "'12' is no path" },
      { { folder.path, "--path", "3:odd_hex" }, "no fault 'odd_hex' fits effect 3" },
      { { folder.path, "--stop", "0" }, "whole number from 1" },
      { {}, "missing argument" },
      { { broken.path }, "must return a device" },
      { { bare.path }, bare.path .. "/device.lua: No such file or directory: a proof needs the device" },
      { { wrong.path }, "name: expected a string" },
      { { "nowhere" }, "nowhere" },
    } do
      local told = scratch.jig { "prove", table.unpack(case[1]) }
      assert.equal(2, told.exit, case[2])
      assert.truthy(told.stderr:find(case[2], 1, true), told.stderr)
      assert.is_nil(told.stderr:find("stack traceback", 1, true))
    end
  end)
end)
