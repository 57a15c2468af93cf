local explorer = require "jig.prove.explorer"
local plan = require "jig.init.plan"
local report = require "jig.prove.report"
local scratch = require "spec.support.scratch"

-- Under a sanitizer all is ten times slower: there it is one product.
local SANITIZED <const> = (os.getenv("JIG_BUILD") or ""):find("san", 1, true) ~= nil

-- Every framing once, and so every transport.
local function products()
  local list = {}
  for i, framing in ipairs(SANITIZED and { plan.framings[1] } or plan.framings) do
    list[i] = { transport = plan.transports[(i - 1) % #plan.transports + 1], framing = framing }
  end
  return list
end

local function init(at, ...)
  return scratch.jig { "init", cwd = at.path, ... }
end

-- Paths with two faults that a new product may have: all of its `jig test` but half a second is to walk them. How long
-- that takes, make products says.
local PATHS <const> = 4000

local function names(at)
  return scratch.run({ "find", at.path, "-mindepth", "1" }).stdout
end

describe("jig init", function()
  it("makes a product over serial with framing length, and says what is next in three lines", function()
    local at <close> = scratch.folder()
    local result = init(at, "lamp")
    assert.same({ 0, "" }, { result.exit, result.stderr })
    local lines = {}
    for line in result.stdout:gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
    assert.equal(4, #lines)
    assert.matches("^lamp/: a recipe over serial with framing length, .* Next:$", lines[1])
    assert.matches("^  1%. jig test lamp: ", lines[2])
    assert.matches("lamp/recipe.lua", lines[3], 1, true)
    assert.matches("^  3%. jig run lamp %-%-port serial:/dev/ttyUSB0 %-%-cli PATH: ", lines[4])
    assert.matches('{ "serial", baud = 115200 }', at:read "lamp/recipe.lua", 1, true)
    assert.matches("framing = length {", at:read "lamp/recipe.lua", 1, true)
  end)

  for _, product in ipairs(products()) do
    it(("makes a product over %s with framing %s that is checked, tested and proven"):format(product.transport,
      product.framing), function()
      local at <close> = scratch.folder()
      local made = init(at, "lamp", "--transport", product.transport, "--framing", product.framing)
      assert.equal(0, made.exit, made.stderr)
      assert.equal(0, scratch.jig({ "check", "lamp", cwd = at.path }).exit)
      local tested = scratch.jig { "test", "--no-proof", "lamp", cwd = at.path }
      assert.equal(0, tested.exit, tested.stdout .. tested.stderr)
      assert.matches(product.framing == "raw" and "4 passed, 0 failed" or "9 passed, 0 failed", tested.stdout, 1, true)
      local subject <close> = explorer.subject(at.path .. "/lamp")
      local proof = explorer.prove(subject, { singles = true })
      assert.equal(0, proof.violations, report.text(proof, true))
      assert.is_true(#proof.singles > 100)
      assert.same({}, report.findings(proof).unreached)
      assert.same({}, report.findings(proof).shared)
    end)
  end

  it("can be tested from the folder itself", function()
    local at <close> = scratch.folder()
    init(at, "lamp")
    for _, path in ipairs { ".", "recipe_spec.lua" } do
      local result = scratch.jig { "test", "--no-proof", path, cwd = at.path .. "/lamp" }
      assert.equal(0, result.exit, result.stdout .. result.stderr)
    end
  end)

  it("is tested, checked, proven and run in the folder itself without naming it", function()
    local at <close> = scratch.folder()
    local path = scratch.program:match("^(.*)/") .. ":" .. os.getenv "PATH"
    local function sh(line, cwd) return scratch.run { "sh", "-c", line, cwd = cwd, env = { PATH = path } } end
    local tested = sh("jig init lamp && cd lamp && jig test", at.path)
    assert.same({ 0, "" }, { tested.exit, tested.stderr })
    local walked = tested.stdout:match("9 passed, 0 failed\nproof: lamp 0.1.0: .* (%d+) with two: no violation\n$")
    assert.is_true(math.tointeger(assert(walked, tested.stdout)) < PATHS, tested.stdout)
    local folder = at.path .. "/lamp"
    local checked, proven = sh("jig check", folder), sh("jig prove --singles --brief", folder)
    assert.same({ 0, "./recipe.lua: lamp 0.1.0: no mistakes found\n" }, { checked.exit, checked.stdout })
    assert.equal(0, proven.exit, proven.stderr)
    local typed = sh("echo recipe.name | jig shell --port exec:cat", folder)
    assert.matches('"lamp"\n$', typed.stdout)
    assert.matches("the Secure Factory CLI cannot be started", sh("jig run --cli /nowhere", folder).stderr, 1, true)
  end)

  it("notices in its spec what the recipe does not do any more", function()
    for change, with in pairs {
      ["unit%.serial = "] = "local _ = ",
      ["SN="] = "SERIAL=",
      ["  status = status,"] = "",
      ["exchange = 5"] = "exchange = 70", -- longer than the unit's limit
    } do
      local at <close> = scratch.folder()
      init(at, "lamp")
      local text, count = at:read("lamp/recipe.lua"):gsub(change, with)
      assert.equal(1, count, change)
      at:write("lamp/recipe.lua", text)
      assert.equal(1, scratch.jig({ "test", "--no-proof", "lamp", cwd = at.path }).exit, change)
    end
  end)

  it("takes a name as a shell completes it, with a / at its end, and ./ in front", function()
    for _, name in ipairs { "lamp/", "./lamp", "./lamp//" } do
      local at <close> = scratch.folder()
      local result = init(at, name)
      assert.same({ 0, "" }, { result.exit, result.stderr })
      assert.matches('name = "lamp"', at:read "lamp/recipe.lua", 1, true)
    end
  end)

  it("takes an empty folder, and refuses one with anything in it with 2", function()
    local at <close> = scratch.folder()
    scratch.run { "mkdir", at.path .. "/lamp" }
    assert.equal(0, init(at, "lamp").exit)
    at:write("lamp/recipe.lua", "mine")
    local before = names(at)
    local result = init(at, "lamp", "--framing", "raw")
    assert.same({ 2, "", "jig init: lamp is there already, and is no empty folder\n"
      .. "  nothing was changed: choose another name, or move it away\n" },
      { result.exit, result.stdout, result.stderr })
    assert.same({ before, "mine" }, { names(at), at:read "lamp/recipe.lua" })
  end)

  it("ends with 1 where no folder can be made", function()
    local result = scratch.jig { "init", "lamp", cwd = "/proc" }
    assert.same({ 1, "", "jig init: lamp cannot be made: No such file or directory\n  nothing was left behind\n" },
      { result.exit, result.stdout, result.stderr })
  end)

  it("ends with 2 for wrong usage, says what would be right, and makes nothing", function()
    for _, case in ipairs {
      { "missing argument 'name'" },
      { "a name is letters, digits", "a/b" },
      { "a name is letters, digits", ".." },
      { "a name is letters, digits", "" },
      { "at most 40 characters, this has 41", ("x"):rep(41) },
      { "too many arguments", "lamp", "ramp" },
      { "'%-%-transport' must be one of 'serial', 'tty', 'tcp', 'exec'", "lamp", "--transport", "usb" },
      { "must be one of 'length', 'ftcd', 'slip', 'hdlc', 'cobs', 'stx_etx', 'line', 'raw'", "lamp", "--framing", "x" },
      { "option '%-%-framing' requires an argument", "lamp", "--framing" },
    } do
      local at <close> = scratch.folder()
      local result = init(at, table.unpack(case, 2))
      assert.same({ 2, "" }, { result.exit, result.stdout })
      assert.matches(case[1], result.stderr)
      assert.equal("", names(at))
    end
  end)

  it("tells in its help what can be chosen", function()
    local result = scratch.jig { "init", "--help" }
    assert.equal(0, result.exit)
    assert.matches("{serial,tty,tcp,exec}", result.stdout, 1, true)
  end)
end)
