-- Lines are counted from the start of a program that has JIG_COVERAGE: so each case is one of its own.

local counters = require "spec.support.counters"
local scratch = require "spec.support.scratch"

-- Runs a script (and files beside it) with coverage; gives the runs of its lines, and what it printed.
local function run(script, files, more)
  files = files or {}
  files["try.lua"] = script
  local folder <close> = scratch.folder(files)
  local counts <close> = scratch.folder()
  local env = { JIG_COVERAGE = counts.path, JIG_PATH = more and folder.path }
  local result = scratch.run { scratch.program, "./try.lua", cwd = folder.path, env = env }
  local found = counters(counts.path)
  local by_name = {}
  for path, counted in pairs(found) do
    local name = path:match("^" .. folder.path:gsub("%p", "%%%0") .. "/(.*)$")
    if name then by_name[name] = counted end
  end
  return by_name["try.lua"] or {}, result, by_name
end

-- The lines, as { [line] = runs } without the rest.
local function only_lines(counted)
  local lines = {}
  for line, runs in pairs(counted) do
    if math.type(line) == "integer" then lines[line] = runs end
  end
  return lines
end

-- Runs a function's body, line 4 on, in a slot's state, with a budget; gives its lines and its messages.
local SLOT <const> = [[
local slot, task = require "jig.slot", require "jig.task"
local worker <close> = slot.new()
worker:start("worker", { slot = "A" })
local message = worker:next(100)
while message do print(message.ok, message.text, message.line) message = worker:next(100) end
]]
local WORKER <const> = [[
local budget, slot, clock = require "jig.budget", require "jig.slot", require "jig.clock"
local coroutine, here = require "jig.coroutines", debug.getinfo(1, "S").source:match("^@(.*/)")
local function body()
%s
end
return function()
  local ok, thrown, spent = budget.run(here, nil, body)
  slot.emit { ok = ok, text = tostring(spent and spent.reason or thrown), line = spent and spent.line:match("%%d+$") }
end
]]

local function run_in_slot(body)
  local _, result, found = run(SLOT, { ["worker.lua"] = WORKER:format(body) }, true)
  assert.equal(0, result.exit, result.stderr)
  return only_lines(found["worker.lua"]), result.stdout
end

describe("jig.coverage", function()
  it("counts how often each line ran", function()
    local counted, result = run [[
local x = 0
for i = 1, 3 do
  x = x + i
end
if x > 100 then
  x = 0
end
]]
    assert.equal(0, result.exit)
    assert.same({ [1] = 1, [2] = 4, [3] = 3, [5] = 1, [7] = 1 }, only_lines(counted))
  end)

  -- Each: a script, and the lines of it that ran, with how often.
  local cases = {
    { "a function that nobody calls", "local function f()\n  return 1\nend\nreturn f", { [3] = 1, [4] = 1 } },
    { "what waits in the midst of a line",
      'local sleep = require "jig.clock".sleep\nlocal x = { sleep(0.001),\n  sleep(0.001) } local y = x\nreturn y',
      { [1] = 1, [2] = 1, [3] = 1, [4] = 1 } },
    { "coroutines of its own, which yield and wait", [[
local f = coroutine.wrap(function()
  coroutine.yield(1)
  require "jig.clock".sleep(0.001)
  return 2
end)
f()
f()]], { [1] = 1, [2] = 1, [3] = 1, [4] = 1, [5] = 1, [6] = 1, [7] = 1 } },
    { "tasks", 'local task = require "jig.task"\nlocal t = task.spawn(function()\n  return 1\nend)\nt:join()',
      { [1] = 1, [2] = 1, [3] = 1, [4] = 1, [5] = 1 } },
    { "the line that raises, and none behind it", [[
local function f()
  error("x")
  return 1
end
pcall(f)]], { [2] = 1, [4] = 1, [5] = 1 } },
    { "lines behind a caught error", "local ok = pcall(error)\nreturn ok", { [1] = 1, [2] = 1 } },
    { "what <close> runs, also when it raises", [[
local function f()
  local x <close> = setmetatable({}, { __close = function()
    f = nil
  end })
  error("x")
end
pcall(f)]], { [2] = 2, [3] = 1, [4] = 2, [5] = 1, [6] = 1, [7] = 1 } },
    { "what coroutine.close runs", [[
local c = coroutine.create(function()
  local x <close> = setmetatable({}, { __close = function()
    return 1
  end })
  coroutine.yield()
end)
coroutine.resume(c)
coroutine.close(c)]], { [1] = 1, [2] = 2, [3] = 1, [4] = 2, [5] = 1, [6] = 1, [7] = 1, [8] = 1 } },
    { "a message handler", "xpcall(error, function()\n  return 1\nend)", { [1] = 1, [2] = 1, [3] = 1 } },
    { "a comparison of table.sort", "table.sort({ 1, 2 }, function(a, b)\n  return a < b\nend)",
      { [1] = 1, [2] = 1, [3] = 1 } },
    { "a file that begins with #!", "#!/usr/bin/env jig\nlocal x = 1\nreturn x", { [2] = 1, [3] = 1 } },
    { "a line without an end", "return 1", { 1 } },
  }
  for _, case in ipairs(cases) do
    it("counts " .. case[1], function()
      local counted, result = run(case[2])
      assert.equal("", result.stderr)
      for line, runs in pairs(case[3]) do
        assert(counted[line] and counted[line] >= runs,
          ("line %d ran %s times, not %d"):format(line, counted[line], runs))
      end
      for line in pairs(only_lines(counted)) do assert(case[3][line], ("line %d ran"):format(line)) end
    end)
  end

  it("counts what a program's end cuts short", function()
    local counted = run "local x = 1\nos.exit(x)\nreturn x"
    assert.same({ [1] = 1, [2] = 1 }, only_lines(counted))
    counted = run "local x = 1\nrequire 'jig.proc'.start({ 'sh', '-c', 'kill -KILL $PPID' }):wait()\nreturn x"
    assert.same({ [1] = 1, [2] = 1 }, only_lines(counted))
  end)

  it("counts in files that are loaded, by their real path, and in no text", function()
    local _, _, found = run([[
load("local x\nx = 1", "=try.lua")()
load("local x\nx = 1", "@nowhere.lua")()
dofile "a/../b.lua"
dofile "./b.lua"
]], { ["b.lua"] = "return 1\n", ["a/c.lua"] = "" })
    assert.same({ 1, 1, 1, 1 }, table.move(found["try.lua"], 1, 4, 1, {}))
    assert.equal(2, found["b.lua"][1])
    assert.is_nil(found["nowhere.lua"])
  end)

  it("counts children and what runs beside them into one", function()
    local script = [[
local proc, children = require "jig.proc", {}
if arg[1] then for i = 1, 1000 do
  local x = i
end return end
for i = 1, 4 do children[i] = proc.start { %q, "./try.lua", "child" } end
for i = 1, 4 do children[i]:wait() end
]]
    local counted = run(script:format(scratch.program))
    assert.same({ 5, 4000, 4 }, { counted[1], counted[3], counted[5] })
  end)

  it("counts lines that a file has when it is first seen", function()
    local counted, result = run [[
local file = io.open("b.lua", "w")
file:write("return 1\n"):close()
dofile "b.lua"
file = io.open("b.lua", "w")
file:write(("\n"):rep(5000), "return 1\n"):close()
dofile "b.lua"
os.remove "b.lua"
]]
    assert.equal(0, result.exit)
    assert.equal(1, counted[7])
  end)

  it("does without a folder that is not there, or cannot be written", function()
    for _, place in ipairs { "/nowhere", "/dev/null", "", ("x"):rep(5000) } do
      local folder <close> = scratch.folder { ["try.lua"] = "print(1)" }
      local result = scratch.run { scratch.program, "./try.lua", cwd = folder.path, env = { JIG_COVERAGE = place } }
      assert.same({ 0, "1\n", "" }, { result.exit, result.stdout, result.stderr })
    end
  end)

  it("sets no hook without", function()
    local folder <close> = scratch.folder { ["try.lua"] = "print(debug.gethook())" }
    local result = scratch.run { scratch.program, "./try.lua", cwd = folder.path, env = { JIG_COVERAGE = false } }
    assert.matches("^nil", result.stdout)
  end)

  describe("in a slot's state", function()
    it("counts while the budget suspends it again and again", function()
      local lines, said = run_in_slot [[
local x = 0
for i = 1, 500000 do
  x = x + i
end
clock.sleep(0.001)
x = nil
]]
      assert.equal("true\tnil\tnil\n", said)
      assert.same({ 1, 500001, 500000, nil, 1, 1 }, table.move(lines, 4, 9, 1, {}))
    end)

    it("counts in coroutines that are made while the budget's hook is set", function()
      local lines, said = run_in_slot [[
local n = 0
for _ = 1, 30000 do
  coroutine.wrap(function()
    n = n + 1
  end)()
end
]]
      assert.equal("true\tnil\tnil\n", said)
      assert.equal(30000, lines[7])
    end)

    for _, loop in ipairs { "while true do end", "while true do pcall(error) end",
      "coroutine.wrap(function() while true do end end)()" } do
      it("lets the budget end " .. loop, function()
        local lines, said = run_in_slot("local x = 1\n" .. loop .. "\nx = 2")
        assert.equal("false\tit computed for more than 1 s without waiting\t5\n", said)
        assert.equal(1, lines[4])
        assert(lines[5] > 1000)
        assert.is_nil(lines[6])
      end)
    end

    it("counts on when the budget was spent", function()
      local lines = run_in_slot "while true do end"
      assert.equal(1, lines[8])
    end)

    it("takes nothing of the slot's memory", function()
      local lines = run_in_slot [[
local before = collectgarbage "count"
for _ = 1, 100000 do
  lines = nil
end
assert(collectgarbage "count" - before < 4)]]
      assert.equal(1, lines[8])
    end)
  end)

  describe("start", function()
    it("makes a folder that goes with the program, and counts from there", function()
      local folder <close> = scratch.folder { ["try.lua"] = [[
local coverage = require "jig.coverage"
local function f()
  return os.getenv "JIG_COVERAGE"
end
f()
local folder = coverage.start()
coroutine.wrap(f)()
print(folder, f() == folder)
os.execute("find " .. folder .. " -type f -size +0 | wc -l; stat -c %a " .. folder)
]] }
      local result = scratch.run { scratch.program, "./try.lua", cwd = folder.path, env = { TMPDIR = folder.path } }
      local made = result.stdout:match("^(%S+)\ttrue\n[1-9]%d*\n700\n$")
      assert.equal(folder.path, made and made:match("^(.*)/[^/]*$"), result.stdout .. result.stderr)
      assert.equal(2, scratch.run({ "stat", made }).exit + 1)
    end)

    it("says why it cannot", function()
      local folder <close> = scratch.folder { ["try.lua"] = 'print(require "jig.coverage".start())' }
      local result = scratch.run { scratch.program, "./try.lua", cwd = folder.path, env = { TMPDIR = "/nowhere" } }
      assert.matches("^nil\t/nowhere/jig%-coverage%-.*: No such file or directory\tnot_found\n$", result.stdout)
    end)
  end)

  it("notes what is run as a recipe", function()
    local counted, _, found = run('require "jig.coverage".recipe("b.lua")\nrequire "jig.coverage".recipe("no.lua")',
      { ["b.lua"] = "" })
    assert.same({ 0, 1 }, { counted.recipe, found["b.lua"].recipe })
    assert.has_error(function() require "jig.coverage".recipe() end)
  end)
end)
