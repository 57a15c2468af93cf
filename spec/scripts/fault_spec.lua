local fault = require "jig.fault"

local function thrown_by(f, ...)
  local ok, thrown = pcall(f, ...)
  assert.is_false(ok)
  return thrown
end

describe("jig.fault", function()
  it("gives each name of the catalogue a code of its own and a reason", function()
    local codes = {}
    for name in pairs(fault.catalogue) do
      local made = fault.new(name)
      assert.equal(name, made.name)
      assert.equal("integer", math.type(made.code))
      assert.is_nil(codes[made.code], name)
      codes[made.code] = name
      assert.matches("^%S", made.reason)
      assert.matches("^%l[%l_]*%.%l[%l_]*$", name)
    end
  end)

  it("lets fields go before the catalogue and keeps what else is given", function()
    local made = fault.new("connectivity.lost", { code = 7, reason = "cut", retry = true, advice = "look" })
    assert.same({ "connectivity.lost", 7, "cut", true, "look" },
      { made.name, made.code, made.reason, made.retry, made.advice })
  end)

  it("leaves the fields that it was given as they were", function()
    local fields = { reason = "cut" }
    fault.new("connectivity.lost", fields)
    assert.same({ reason = "cut" }, fields)
  end)

  it("takes codes of 32 bits", function()
    for _, code in ipairs { -0x80000000, -1, 0, 0x7fffffff } do
      assert.equal(code, fault.new("lamp.dark", { code = code, reason = "dark" }).code)
    end
  end)

  local misuse = {
    { "a name that is not in the catalogue", "lamp.dark", nil, "'lamp.dark' is not in the catalogue" },
    { "such a name without a reason", "lamp.dark", { code = 1 }, "'lamp.dark' is not in the catalogue" },
    { "a name that is too long", ("n"):rep(65), { code = 1, reason = "x" }, "a string of 64 bytes at most" },
    { "a name that is no text", "lamp.\xff", { code = 1, reason = "x" }, "a name that is text" },
    { "no name", nil, { code = 1, reason = "x" }, "a fault has a name" },
    { "a code over 32 bits", "cli.refused", { code = 0x80000000 }, "a whole number of 32 bits" },
    { "a code under 32 bits", "cli.refused", { code = -0x80000001 }, "a whole number of 32 bits" },
    { "a code with a fraction", "cli.refused", { code = 1.5 }, "a whole number of 32 bits" },
    { "a code as text", "cli.refused", { code = "5" }, "a whole number of 32 bits" },
    { "a reason that is no string", "cli.refused", { reason = 5 }, "the reason a string" },
  }
  for _, case in ipairs(misuse) do
    it("refuses " .. case[1] .. ", with the caller's line", function()
      local message = thrown_by(function() fault.new(case[2], case[3]) end)
      assert.matches("^spec/scripts/fault_spec%.lua:%d+: ", message)
      assert.matches(case[4], message, 1, true)
    end)
  end

  it("cuts its reason, also one that was thrown as text", function()
    local long = ("n"):rep(3000000)
    assert.equal(64, #fault.new(("n"):rep(64), { code = 1, reason = "x" }).name)
    assert.equal(("n"):rep(1000), fault.new("cli.refused", { reason = ("n"):rep(1000) }).reason)
    local given = fault.new("cli.refused", { reason = long })
    for _, made in ipairs { given, fault.from(long), fault.from(long .. ":1: x") } do
      assert.equal(("n"):rep(997) .. "…", made.reason)
      assert.is_nil(made.line)
    end
  end)

  it("has no text without end where a recipe wrote into it", function()
    local made, long = fault.new("lamp.dark", { code = 5, reason = "dark", retry = true }), ("n"):rep(3000000)
    for _, key in ipairs { "name", "reason", "phase", "slot", "session", "line", "traceback", "limit", "advice" } do
      made[key] = long
    end
    local copy = fault.checked(made)
    assert.same({ "tool.recipe", 5, true }, { copy.name, copy.code, copy.retry })
    for key, value in pairs(copy:plain()) do
      if type(value) == "string" then assert.is_true(#value <= 16000, key) end
    end
    assert.equal(1000, #copy.reason)
  end)

  it("holds no bytes that are no text, whoever put them there", function()
    local bytes <const> = "\x81\0key"
    local told <const> = "bytes that are no text: 5 bytes sha256:49f91f86"
    assert.equal(told, fault.new("cli.refused", { reason = bytes }).reason)
    assert.equal(told, fault.from(bytes).reason)
    local thrown = fault.from("a/recipe.lua:12: " .. bytes .. "\n")
    assert.equal("a/recipe.lua:12", thrown.line)
    assert.matches("^a/recipe.lua:12: bytes that are no text: 6 bytes sha256:%x+$", thrown.reason)
    local made = fault.new("lamp.dark", { code = 5, reason = "dark" })
    for _, key in ipairs { "reason", "phase", "slot", "session", "line", "traceback", "limit", "advice" } do
      made[key] = bytes
    end
    for key, value in pairs(fault.checked(made):plain()) do
      assert.equal(({ name = "lamp.dark", code = 5 })[key] or told, value, key)
    end
    made.name = bytes
    assert.equal("tool.recipe", fault.checked(made).name)
  end)

  it("knows faults from other values", function()
    assert.is_true(fault.is(fault.new("cli.refused")))
    for _, other in ipairs { "cli.refused", { name = "cli.refused" }, 5, true } do
      assert.is_false(fault.is(other))
    end
    assert.is_false(fault.is(nil))
  end)

  it("reads as one line: name, code, reason, and where", function()
    assert.equal("cli.refused (402): no", tostring(fault.new("cli.refused", { reason = "no" })))
    assert.equal("cli.refused (402): no [phase report, slot B, session 01, r.lua:7]",
      tostring(fault.new("cli.refused", {
        reason = "no", phase = "report", slot = "B", session = "01", line = "r.lua:7",
      })))
  end)

  it("gives plain fields only, whatever a recipe put into it", function()
    local made = fault.new("connectivity.lost", {
      reason = "no", retry = true, by_recipe = true, advice = function() end, line = {}, secret = "bytes",
    })
    assert.same({ name = "connectivity.lost", code = 103, reason = "no", retry = true }, made:plain())
  end)

  describe("with a name that says something of the station", function()
    for _, name in ipairs { "cli.pin", "cli.token_busy", "cli.refused", "tool.journal", "tool.interrupted" } do
      it(name .. " is told from a recipe's of that name", function()
        local its, engines = fault.new(name, { by_recipe = false }), fault.engine(name)
        assert.same({ true, false }, { fault.by_recipe(its), fault.by_recipe(engines) })
        assert.same({ true, nil }, { its:plain().by_recipe, engines:plain().by_recipe })
        assert.same({ true, false }, { fault.by_recipe(fault.checked(its)), fault.by_recipe(fault.checked(engines)) })
      end)
    end

    it("is a recipe's when that renamed what the engine made", function()
      local made = fault.engine("connectivity.lost", { reason = "cut" })
      made.name = "cli.pin"
      assert.is_true(fault.by_recipe(made))
      assert.is_true(fault.checked(made):plain().by_recipe)
      made.name = setmetatable({}, { __eq = error })
      assert.is_false(fault.by_recipe(made))
    end)

    it("is the engine's where a call of the CLI or of a port failed", function()
      assert.is_false(fault.by_recipe(thrown_by(fault.throw_cli, "why", "pin", "call")))
      assert.is_false(fault.by_recipe(thrown_by(fault.throw_cli, "why", "record", "start")))
      assert.is_false(fault.by_recipe(thrown_by(fault.throw_io, "why", "interrupted")))
    end)

    it("is nobody's with other names", function()
      for _, name in ipairs { "tool.recipe", "tool.limit", "connectivity.lost" } do
        assert.is_false(fault.by_recipe(fault.new(name)))
      end
    end)
  end)

  local io_cases = {
    { "timeout", "read", "connectivity.timeout" },
    { "timeout", "unit", "tool.limit" },
    { "timeout", nil, "connectivity.timeout" },
    { "lost", nil, "connectivity.lost" },
    { "closed", nil, "connectivity.lost" },
    { "not_found", nil, "connectivity.not_found" },
    { "interrupted", nil, "tool.interrupted" },
    { "limit", nil, "connectivity.corrupt" },
    { "system", nil, "connectivity.lost" },
  }
  for _, case in ipairs(io_cases) do
    it(("throws %s for a port's %s%s"):format(case[3], case[1], case[2] and " of " .. case[2] or ""), function()
      local made = thrown_by(fault.throw_io, "why", case[1], case[2])
      assert.same({ case[3], "why", case[2] }, { made.name, made.reason, made.limit })
    end)
  end

  local cli_cases = {
    { "refused", "call", "cli.refused" },
    { "killed", "call", "cli.killed" },
    { "timeout", "call", "cli.timeout" },
    { "interrupted", "call", "tool.interrupted" },
    { "invalid", "call", "cli.output" },
    { "limit", "call", "cli.output" },
    { "not_found", "start", "cli.missing" },
    { "denied", "start", "cli.missing" },
    { "invalid", "start", "firmware.response" },
    { "limit", "start", "firmware.response" },
    { "interrupted", "start", "tool.interrupted" },
  }
  for _, case in ipairs(cli_cases) do
    it(("throws %s for %s at the CLI's %s"):format(case[3], case[1], case[2]), function()
      local made = thrown_by(fault.throw_cli, "why", case[1], case[2])
      assert.same({ case[3], "why" }, { made.name, made.reason })
    end)
  end

  it("leaves a fault as it is and makes tool.recipe of all else, with the line that a message names", function()
    local made = fault.new("cli.refused")
    assert.equal(made, fault.from(made))
    local bug = fault.from("shop/recipe.lua:12: attempt to index nil\nstack traceback:\n\tx")
    assert.same({ "tool.recipe", "shop/recipe.lua:12: attempt to index nil", "shop/recipe.lua:12" },
      { bug.name, bug.reason, bug.line })
    for _, odd in ipairs { 5, true, {} } do
      local other = fault.from(odd)
      assert.same({ "tool.recipe", tostring(odd) }, { other.name, other.reason })
      assert.is_nil(other.line)
    end
    assert.equal("nil", fault.from(nil).reason)
  end)

  describe("catcher", function()
    local here = "spec/scripts/"

    local function caught(folder, f)
      local ok, made = xpcall(f, fault.catcher(folder))
      assert.is_false(ok)
      return made
    end

    it("adds the innermost line of the recipe's folder and the traceback", function()
      local function deep() error(fault.new("cli.refused")) end
      local line = debug.getinfo(deep, "S").linedefined
      local made = caught(here, function() deep() end)
      assert.equal(("%sfault_spec.lua:%d"):format(here, line), made.line)
      assert.matches("^the Secure Factory CLI refused\nstack traceback:", made.traceback)
      assert.matches("fault_spec.lua:" .. line, made.traceback, 1, true)
    end)

    it("keeps the line of a message when it is the recipe's", function()
      assert.equal(here .. "x.lua:3", caught(here, function() error(here .. "x.lua:3: bad", 0) end).line)
    end)

    it("goes by the stack when the message names a line elsewhere", function()
      local made = caught(here, function() error("jig/unit.lua:3: bad", 0) end)
      assert.matches("^spec/scripts/fault_spec%.lua:%d+$", made.line)
    end)

    it("says nothing of a line when no file of the recipe is involved", function()
      local made = caught("elsewhere/", function() error("bad", 0) end)
      assert.is_nil(made.line)
      assert.is_string(made.traceback)
    end)

    it("tells no function of jig's own, nor of C that these call", function()
      local own = load("local f = ... ; pcall(f) error('bad', 0)", "@scripts/jig/own.lua")
      local function f() end
      local made = caught(here, function()
        local sorted = { 2, 1 }
        table.sort(sorted, function(a, b) own(f) return a < b end)
      end)
      assert.is_nil(made.traceback:find("scripts/jig/", 1, true))
      local lines = {}
      for line in made.traceback:gmatch("[^\n]+") do lines[#lines + 1] = line end
      assert.same({ "bad", "stack traceback:" }, { lines[1], lines[2] })
      assert.matches("^\tspec/scripts/fault_spec.lua:%d+: ", lines[3]) -- and not error, which jig called
      assert.matches("^\t%[C%]: in .*sort", lines[4])
      assert.matches("^\tspec/scripts/fault_spec.lua:%d+: ", lines[5])
    end)

    it("tells the innermost 20 functions", function()
      local function deep(n) if n == 0 then error("bad", 0) end return (deep(n - 1)) end
      local made = caught(here, function() deep(50) end)
      assert.equal(2 + 20 + 1, select(2, made.traceback:gsub("[^\n]+", "")))
      assert.matches("\n\t%.%.%.$", made.traceback)
    end)

    it("leaves a fault alone that was caught before", function()
      local first = caught(here, function() error("bad") end)
      local line, traceback = first.line, first.traceback
      assert.equal(first, caught(here, function() error(first, 0) end))
      assert.same({ line, traceback }, { first.line, first.traceback })
    end)
  end)
end)
