-- Every known way in which a recipe could get out of its sandbox, hold up the other slots, or leave something behind
-- for the next unit. Each is a slot of one world (jig.world), and fails with a message that says what is wrong, once
-- reported where its session was open; or it gets nothing, and its units pass, the second as the first. The honest
-- slots that run between them pass in any case.

local budget = require "jig.budget"
local played = require "spec.support.played"
local scratch = require "spec.support.scratch"

-- Seconds of the processor that an attempt may compute here: a whole one for each would be long.
local SHORT <const> = 0.2
local OVER <const> = "it computed for more than 0.2 s without waiting"

-- The recipe of a slot: `hooks` are its keys; `after` follows when the recipe was made, as `out`.
local function recipe_text(hooks, after)
  return ([[
local jig = require "jig"
local framing = require "jig.framing.length" {
  header = ">I2 scp I2 length", reply = ">I2 scp I2 length B status", crc = "CRC-16/IBM-3740", max = 4096 }
local out
out = jig.recipe { name = "lamp", port = "pair:lamp", framing = framing,
%s }
%s
return out
]]):format(hooks or "", after or "")
end

-- In an open session; before one.
local function in_session(code)
  return ("run = function(unit) unit:new_device(); %s end"):format(code)
end
local function before(code)
  return ("prepare = function(unit) %s end"):format(code)
end

-- What computes for ever, or fills what is finite. Name, the recipe's hooks, what its message says.
local ENDLESS <const> = {
  { "a loop in pcall", in_session "while true do pcall(function() while true do end end) end",
    "computed for more than" },
  { "a loop of goto", in_session "::again:: goto again", "computed for more than" },
  { "waits that are swallowed", "limits = { unit = 3 }, " .. in_session "while true do pcall(jig.sleep, 1) end",
    "computed for more than" },
  { "a handler without end", in_session "xpcall(error, function() while true do end end)", "cannot be suspended" },
  { "__close without end", in_session [[
      local x <close> = setmetatable({}, { __close = function() while true do end end })
      error(x)]], "computed for more than" },
  { "__tostring of what is thrown", in_session [[
      error(setmetatable({}, { __tostring = function() while true do end end }))]], "cannot be suspended" },
  { "a comparison without end", in_session "table.sort({ 1, 2, 3 }, function() while true do end end)",
    "cannot be suspended" },
  { "a coroutine without end", in_session "coroutine.wrap(function() while true do end end)()",
    "computed for more than" },
  { "an object that is called and calls itself", in_session "local t = {} setmetatable(t, { __call = t }) t()",
    "cannot be suspended" },
  { "the same in pcall", in_session "local t = {} setmetatable(t, { __call = t }) while true do pcall(t) end",
    "computed for more than" },
}

local FAILING <const> = {
  -- the outside
  { "io", before "return io", "there is no global 'io' here" },
  { "os.execute", before "os.execute 'true'", "nil value (field 'execute')" },
  { "os.exit", in_session "os.exit(0)", "nil value (field 'exit')" },
  { "os.getenv", before "os.getenv 'HOME'", "nil value (field 'getenv')" },
  { "os.remove", before "os.remove '/x'", "nil value (field 'remove')" },
  { "os.setlocale", before "os.setlocale ''", "nil value (field 'setlocale')" },
  { "debug", before "debug.getregistry()", "there is no global 'debug' here" },
  { "dofile", before "dofile '/etc/passwd'", "there is no global 'dofile' here" },
  { "load of bytecode", before "load(string.dump(function() end), '', 'b')", "there is no global 'load' here" },
  { "string.dump by a string", before "return (''):dump()", "nil value (method 'dump')" },
  { "collectgarbage", before "collectgarbage 'stop'", "there is no global 'collectgarbage' here" },
  { "package", before "package.loadlib('x', 'y')", "there is no global 'package' here" },
  { "a wire of its own", before "unit:open('exec:true')", "unit:open takes a table" },
  { "a wire of its own, by an option", before "unit:open { [1] = 'exec:true' }", "an option of the address is" },
  { "another program for a wire, by an option",
    before "unit:open { ['x:exec'] = 'true' }", "an option must be key=value" },
  { "a wire that is closed", before "unit.port:close()", "nil value (method 'close')" },
  { "a wire by the port", before "unit.port.open('exec:true', 'x', {})", "nil value (field 'open')" },
  -- secrets
  { "a secret in a text", before "local s = require('jig.secret').new 'x' return 'it is ' .. s",
    "a secret is not shown" },
  { "a secret in a log", before "unit:log(require('jig.secret').new 'x')", "a secret is not shown" },
  { "a secret that is thrown", before "error(require('jig.secret').new 'x')", "a secret is not shown" },
  { "a secret on the wire", before "unit.port:write(require('jig.secret').new 'x')",
    "expected a string, got userdata" },
  { "a secret that stands everywhere", in_session [[
      require("jig.secret").new(("x"):rep(4096)):expose()
      unit:fail("lamp.dark", { code = 1, reason = ("x"):rep(3 << 20) })]], "****" },
  { "secrets in texts that fill the memory", in_session [[
      local f, secret = jig.fault "connectivity.lost", require "jig.secret"
      for i = 1, 64 do secret.new(("ab%03d"):format(i)):expose() end
      local text = ("ab"):rep(3 << 20)
      f.traceback, f.line, f.advice, f.phase, f.slot, f.session, f.limit = text, text, text, text, text, text, text
      error(f)]], "the connection to the device was lost" },
  { "secrets of others", before "return require('jig.secret').exposed()", "nil value (field 'exposed')" },
  { "forgotten secrets", before "return require('jig.secret').forget()", "nil value (field 'forget')" },
  { "secrets without end", before [[local t, secret = {}, require "jig.secret"
      while true do t[#t + 1] = secret.new(("x"):rep(4096)) end]], "not enough memory" },
  { "the PIN", before "return require 'jig.pin'", "no module for recipes" },
  -- require
  { "a module of jig's inside", before "require 'jig.session'", "no module for recipes" },
  { "what framings are made of", before "require 'jig.framing.contract'", "no module for recipes" },
  { "a file of the working directory", before "require 'spec.helper'", "No such file" },
  { "an absolute path", before "require '/etc/passwd'", "a recipe requires jig's library" },
  { "the folder above", before "require '..secret'", "a recipe requires jig's library" },
  { "the folder above, by slashes", before "require '../secret'", "a recipe requires jig's library" },
  { "a link that leads out", before "require 'link'", "it leads out of the folder" },
  { "a folder that is a link", before "require 'links.secret'", "it leads out of the folder" },
  -- where openat2 is not known, as by valgrind, only what is there is told to be outside
  { "a link to the root", before "require 'root.etc.passwd'",
    scratch.valgrind and "No such file" or "leads out of the folder" },
  { "a FIFO", before "require 'fifo'", "it is no regular file" },
  { "a large file", before "require 'large'", "it is larger than" },
  { "bytecode in a file", before "require 'binary'", "attempt to load a binary chunk" },
  { "a name that is made when it is read", before [[
      require(setmetatable({}, { __tostring = function() return "jig.session" end }))]],
    "cannot require 'jig.session'" },
  { "a C module", before "require 'module'", "No such file" },
  -- the environment and metatables
  { "an undeclared global", before "count = 1", "assignment to the undeclared global 'count'" },
  { "setmetatable(_G)", before "setmetatable(_G, nil)", "cannot change a protected metatable" },
  { "setmetatable(_ENV)", before "setmetatable(_ENV, { __index = 5 })", "cannot change a protected metatable" },
  { "setmetatable(string)", before "setmetatable(string, nil)", "cannot change a protected metatable" },
  { "the metatable of strings", before "getmetatable('').__index.rep = 5", "index a boolean value" },
  { "the metatable of the unit", before "getmetatable(unit).__index = 5", "index a boolean value" },
  { "a fault as the engine makes them", before "require('jig.fault').engine('cli.pin')", "nil value (field 'engine')" },
  { "the CLI's fault", before "require('jig.fault').throw_cli('x', 'pin', 'call')", "nil value (field 'throw_cli')" },
  { "a port's fault", before "require('jig.fault').throw_io('x', 'interrupted')", "nil value (field 'throw_io')" },
  { "another metatable for the unit", before "setmetatable(unit, {})", "cannot change a protected metatable" },
  { "another metatable for its port", before "setmetatable(unit.port, {})", "cannot change a protected metatable" },
  { "another metatable for a decoder", before "setmetatable(framing.host.decoder(), {})",
    "cannot change a protected metatable" },
  { "__gc", before "setmetatable({}, { __gc = function() end })", "__gc is not for recipes" },
  { "the engine's view of the unit", before "unit:truth().fingerprint = '00'", "nil value (method 'truth')" },
  { "a report of its own", in_session "unit:report(1, 'mine')", "nil value (method 'report')" },
  { "the session", in_session "unit.session:close()", "index a nil value (field 'session')" },
  { "a method of no unit", before "unit.exchange({}, {})", "it is unit:…(…), with a colon" },
  { "a yield to the scheduler", before "coroutine.yield(1)", "coroutine.yield outside of any coroutine" },
  { "the task's own coroutine", before "assert(coroutine.resume((coroutine.running())))",
    "cannot resume non-suspended" },
  -- the session would take what comes later for the end of its own call
  { "a wait in a coroutine of a comparison", in_session [[
      table.sort({ 1, 2 }, function() coroutine.wrap(function() jig.sleep(0.01) end)() end)]],
    "clock.sleep cannot wait here" },
  { "the same with a call of the service", in_session [[
      table.sort({ 1, 2 }, function()
        coroutine.wrap(function() unit:get_device_configuration "x" end)()
      end)]], "session:get_device_configuration cannot wait here" },
  { "closing the task's coroutine", before "coroutine.close((coroutine.running()))",
    "cannot close a running coroutine" },
  -- what is handed to jig
  { "a serial number with a text of its own making", before [[
      unit.serial = setmetatable({}, { __tostring = function() while true do end end })]], "it is a table" },
  { "__name of a fault", in_session "error(setmetatable({}, { __name = 'jig.fault' }))", "jig.fault: 0x" },
  { "an error that cannot be told", in_session [[
      error(setmetatable({}, { __tostring = function() error(setmetatable({},
    { __tostring = function() end })) end }))]],
    "'__tostring' must return a string" },
  { "a fault whose fields are objects", in_session [[
      local f, bad = jig.fault "cli.refused", setmetatable({}, { __concat = function() while true do end end })
      f.name, f.code, f.reason, f.phase, f.line, f.traceback = bad, bad, bad, bad, bad, bad
      error(f)]], "the recipe has a bug" },
  { "a reason of a third of a megabyte", in_session
    "unit:fail('lamp.dark', { code = 1, reason = ('x'):rep(300000) })", "xxxxxx" },
  { "a phase of a megabyte", in_session "unit:exchange({ scp = 1, payload = 'x' }, ('x'):rep(1000000))",
    "a phase has a name: a string of 64 bytes at most" },
  { "a message that is made anew at each look", in_session [[
      local looks = 0
      local first = setmetatable({ scp = 1 }, { __index = function(_, key)
        if key ~= "payload" then return nil end
        looks = looks + 1
        return looks == 1 and "x" or "y"
      end })
      unit:exchange(first)
      assert(looks == 1, looks)
      error "one look"]], "one look" },
  { "a response that is made by what fails", in_session [[
      unit:get_device_configuration(setmetatable({}, { __index = function()
        pcall(unit.exchange, unit, { scp = 1 })
        return "x"
      end }))]], "payload: expected string, got nil" },
  { "phases that are filled to the brim", in_session [[
      local n = 1
      while pcall(rawset, unit.phases, -n, true) do n = n + 1 end
      for i = 1, 128 do unit.data[i] = ("x"):rep(1 << 16) end
      error "full"]], "full" },
  { "lines without end", before "while true do unit:log 'x' end", "unit:log takes 1000 lines of a unit at most" },
  { "bytes put back without end", before "for i = 1, 1000 do unit.port:unread(('x'):rep(100000)) end",
    "the input buffer is full" },
  { "a read of exabytes", before "unit.port:read(1 << 62)", "bytes must be 0 to 1048576" },
  { "__pairs of a control request", before [[
      unit.port:control(setmetatable({}, { __pairs = function() error "mine" end }))]], "mine" },
  -- bombs
  { "deep recursion", in_session "local function f() return 1 + f() end f()", "not enough memory" },
  { "deep recursion in a handler", in_session "local function f() xpcall(error, f) end f()",
    "run ended without handle_device_response" },
  { "coroutines in coroutines", in_session "local function f() coroutine.wrap(f)() end f()", "C stack overflow" },
  { "replacements in replacements", in_session "local function f() return (('x'):gsub('x', f)) end f()",
    "C stack overflow" },
  { "__concat in __concat", in_session [[
      local m = {}
      m.__concat = function(a, b) return a .. b end
      return setmetatable({}, m) .. ""]], "C stack overflow" },
  { "a chain of __index", in_session [[
      local t = {}
      for _ = 1, 5000 do t = setmetatable({}, { __index = t }) end
      return t.x]], "'__index' chain too long" },
  { "a pattern bomb", in_session "(('a'):rep(100)):find(('a-'):rep(30) .. 'b')", "pattern matching took more than" },
  { "a pattern that is too deep", in_session "('x'):find(('('):rep(300))", "too many captures" },
  { "string.rep of gigabytes", in_session "('x'):rep(1 << 40)", "not enough memory" },
  { "string.rep over all bounds", in_session "('xx'):rep(1 << 62, 'yy')", "resulting string too large" },
  { "table.concat of gigabytes", in_session [[
      local s, t = ('x'):rep(1000000), {}
      for i = 1, 100 do t[i] = s end
      table.concat(t)]], "not enough memory" },
  { "table.concat without an end", in_session
    "table.concat(setmetatable({}, { __len = function() return 1 << 60 end, __index = function() return 'x' end }))",
    "elements at most" },
  { "string.format of gigabytes", in_session [[
      local s = ('x'):rep(1000000)
      string.format(('%s'):rep(50), table.unpack(setmetatable({}, { __index = function() return s end }), 1, 50))]],
    "not enough memory" },
  { "string.format of what has no text", in_session "('%s'):format(setmetatable({}, { __tostring = function() end }))",
    "'__tostring' must return a string" },
  { "string.pack of gigabytes", in_session "string.pack('c2147483647', '')", "not enough memory" },
  { "table.move of exabytes", in_session "table.move({}, 1, 1 << 60, 2)", "elements at most" },
  { "table.insert by a length that is told", in_session
    "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 1)", "elements at most" },
  { "table.unpack of all", in_session "table.unpack({}, 1, 1 << 24)", "too many results to unpack" },
  { "a comparison that contradicts itself", in_session [[
      local t = {}
      for i = 1, 1000 do t[i] = i % 7 end
      table.sort(t, function() return true end)]], "invalid order function" },
  { "utf8 of what is none", in_session "for _ in utf8.codes('\\xff') do end", "invalid UTF-8 code" },
  { "os.date of a megabyte", in_session "os.date(('%c'):rep(1000000))", "a format of 1024 characters at most" },
  { "the unit's own data, filled to the brim", in_session "local d = unit.data while true do d.l = { d.l } end",
    "not enough memory" },
  { "a table of a gigabyte", in_session "local t = {} for i = 1, 1 << 27 do t[i] = i end", "not enough memory" },
}

-- Attempts of which the second unit would see something: they write, and fail when it is there already.
local LEAKS <const> = {
  { "the class of a decoder", before [[
      local d = framing.host.decoder()
      assert(not d.__index and not getmetatable(d) and not rawget(d, "feed"))]] },
  { "the module of a framing", before [[
      local module = require "jig.framing.slip"
      assert(not module.left and not getmetatable(module))
      module.left = true]] },
  { "a table in a module", before [[
      local fault = require "jig.fault"
      assert(not fault.catalogue.left)
      fault.catalogue.left = { 1, "x" }
      fault.catalogue["cli.refused"] = nil
      assert(jig.fault("cli.refused").code == 402)]] },
  { "what own framings are made with", before [[
      local common = require "jig.framing.common"
      assert(not common.max_rule.left)
      common.max_rule.left = true]] },
  { "the defaults of limits", before [[
      local meta = getmetatable(out.limits)
      assert(not meta, meta)
      out.limits.left = 1]] },
  { "the library of strings", before [[
      assert(not string.left and not rawget(string, "rep"))
      rawset(string, "left", true)
      rawset(string, "rep", error)
      assert((""):rep(1) == "")]] },
  { "globals by rawset", before [[
      assert(not rawget(_G, "left"))
      rawset(_G, "left", true)]] },
  { "jig itself", before [[
      assert(not jig.left)
      jig.left, jig.sleep = true, nil]] },
  { "what is random", before [[
      local now = math.random(1 << 50)
      math.randomseed(42)
      local left = math.random(1 << 50)
      math.randomseed(42)
      assert(now ~= left)]] },
  { "the hooks of a recipe that runs", [[finish = function() out.finish, out.name = error, {} end]] },
  { "fields of the unit and of the port", before [[
      unit.slot, unit.number, unit.attempt, unit.lot, unit.data = {}, {}, {}, {}, {}
      rawset(unit.port, "handle", {})
      rawset(unit.port, "limits", 5)
      unit.phases, unit.device_log = nil, {}]] },
}

-- What is refused before any unit.
local REFUSED <const> = {
  { "a name that became a table", "", "out.name = {}", "name: expected a string, got table" },
  { "a recipe with a metatable", "", "setmetatable(out, { __index = function() while true do end end })",
    "recipe: expected a plain table, got one with a metatable" },
  { "limits with a metatable", "", "setmetatable(out.limits, { __index = error })",
    "recipe.limits: expected a plain table, got one with a metatable" },
  { "tables without end", "", "out.status[5] = { 'cli.refused', {{{{{}}}}} }", "tables are nested too deeply" },
  { "a limit that became a text", "", "out.limits.unit = 'long'", "limits.unit: expected seconds" },
  { "a program as its wire", "", "out.port = 'exec:true'", "port: expected no program: the station names" },
  { "a program as its wire, in a table", "", "out.port = { 'exec', 'true' }", "port: expected no program" },
  { "a program behind a wire that is made bad", "", "out.port = 'fault::exec:true'", "port: expected no program" },
  { "a chunk that sleeps", "", "jig.sleep(1e7)", "nothing waits while a recipe is loaded" },
  { "a chunk that loops", "", "while true do end", "computed for more than" },
  { "a chunk that throws what has no text", "", "error(setmetatable({}, { __tostring = function() return 5 end }))",
    "" },
}

-- What a recipe could require by mistake of jig's.
local function files(run, name)
  local folder = run.folder.path .. "/" .. name
  run.folder:write(name .. "/binary.lua", string.dump(function() end))
  run.folder:write(name .. "/large.lua", "return 1 --" .. ("x"):rep(1 << 20))
  run.folder:write("secret.lua", "return 'secret'")
  assert(0 == scratch.run { "sh", "-c", [[
    ln -s ../secret.lua "$0/link.lua"; ln -s .. "$0/links"; ln -s / "$0/root"; mkfifo "$0/fifo.lua"]], folder }.exit)
end

-- One world for these attempts; between them, every tenth, a slot that is honest.
local function world_of(lists)
  local run = played.new { idle = true, options = { seed = 1 } }
  local cases = {}
  local function add(case, text, units)
    local name = ("r%d"):format(#cases + 1)
    cases[#cases + 1] = { case = case, slot = name }
    run.folder:write(name .. "/recipe.lua", text)
    if case and case[2]:find "require '" then files(run, name) end
    run:work { slot = name, file = ("%s/%s/recipe.lua"):format(run.folder.path, name),
      folder = ("%s/%s/"):format(run.folder.path, name), count = units }
  end
  for _, list in ipairs(lists) do
    for i, case in ipairs(list) do
      if i % 10 == 1 then add(nil, recipe_text(), 2) end
      add(case, recipe_text(case[2], case[4] and case[3]), list == LEAKS and 2 or 1)
    end
  end
  return run, cases
end

-- Events of a slot, of one kind.
local function of_slot(messages, slot, event)
  local found = {}
  for _, message in ipairs(messages) do
    if message.slot == slot and message.event == event then found[#found + 1] = message end
  end
  return found
end

describe("a recipe that tries to escape", function()
  local run, cases, outcome

  setup(function()
    budget.limit(SHORT)
    run, cases = world_of { FAILING, LEAKS, REFUSED, ENDLESS }
    outcome = run.world:run()
    run:read()
  end)

  teardown(function()
    run:__close()
    budget.limit(1)
  end)

  local function slot_of(case)
    for _, made in ipairs(cases) do
      if made.case == case then return made.slot end
    end
  end

  it("ends nothing but its own unit", function()
    assert.equal("ended", outcome)
    for _, message in ipairs(run.messages) do assert.not_equal("crashed", message.event, message.message) end
    for _, made in ipairs(cases) do
      local ended = of_slot(run.messages, made.slot, "ended")
      if not made.case then
        assert.same({ 2, true, true }, { #ended, ended[1].passed, ended[2].passed })
      end
      for _, one in ipairs(ended) do assert.is_false(one.unreported) end
    end
  end)

  it("is reported once for each session that was open", function()
    local opened, reported, made = 0, 0, 0
    for _, command in ipairs(run.calls) do
      if command == "new_device" then opened = opened + 1 end
      if command == "report_error" then reported = reported + 1 end
      if command == "handle_device_response" then made = made + 1 end
    end
    assert.is_true(reported > 0)
    assert.equal(opened, reported + made)
  end)

  for _, list in ipairs { FAILING, ENDLESS } do
    for _, case in ipairs(list) do
      it("fails: " .. case[1], function()
        local ended = of_slot(run.messages, slot_of(case), "ended")
        assert.same({ 1, false }, { #ended, ended[1].passed })
        -- where the machine is slow the budget may be over first
        local reason = ended[1].fault.reason
        if reason ~= OVER then assert.matches(case[3], reason, 1, true) end
        assert.equal(case[2]:find "new_device" and true or nil, ended[1].reported)
      end)
    end
  end

  for _, case in ipairs(LEAKS) do
    it("leaves nothing behind: " .. case[1], function()
      local ended = of_slot(run.messages, slot_of(case), "ended")
      assert.equal(2, #ended)
      for _, one in ipairs(ended) do assert.is_true(one.passed, one.fault and one.fault.reason) end
    end)
  end

  for _, case in ipairs(REFUSED) do
    it("is refused: " .. case[1], function()
      local refused = of_slot(run.messages, slot_of(case), "refused")
      assert.equal(1, #refused)
      assert.matches(case[4], refused[1].message, 1, true)
      assert.same({}, of_slot(run.messages, slot_of(case), "ended"))
    end)
  end
end)
